"""A small shop on FastAPI whose every order is audited.

    pip install 'counterfoil[fastapi]' uvicorn
    uvicorn --no-proxy-headers --factory examples.fastapi_shop:create_app

    curl -i -X POST localhost:8000/orders -H 'X-Api-Key: demo-ana' \\
         -H 'Content-Type: application/json' -d '{"item": "kettle", "quantity": 2}'
    curl -X POST localhost:8000/orders/o-1/ship -H 'X-Api-Key: demo-ben'
    curl localhost:8000/orders/o-1/history -H 'X-Api-Key: demo-ben'
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, NamedTuple

from fastapi import BackgroundTasks, Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel

from counterfoil import AuditEventType, AuditLog, AuditOptions
from counterfoil.capture import audited, bind_context
from counterfoil.capture.asgi import AuditMiddleware
from counterfoil.capture.fastapi import Audit, BlockingAudit
from counterfoil.capture.request_rule import RequestRule


class User(NamedTuple):
    """Who a key belongs to, and whose account they may be working in."""

    id: str
    company_id: str
    acts_as: str | None = None


USERS = {
    "demo-ana": User("u-ana", "c-1"),
    "demo-ben": User("u-ben", "c-1"),
    # Support, signed in as Ana: both stand in the events.
    "demo-sam": User("u-sam", "c-1", acts_as="u-ana"),
}

#: Requests that become events without a line in their endpoints.
RULES = [
    RequestRule(
        "POST",
        "/orders",
        AuditEventType.ORDER_CREATED,
        resource_type="order",
        options=AuditOptions(include_request_body=True),
    ),
    RequestRule(
        "DELETE",
        "/orders/{order_id}",
        AuditEventType.ORDER_CANCELED,
        resource_type="order",
        resource_id="order_id",
    ),
]


class NewOrder(BaseModel):
    item: str
    quantity: int = 1


def current_user(x_api_key: Annotated[str | None, Header()] = None) -> User:
    """Authenticate, and tell the audit log for the rest of the request."""
    user = USERS.get(x_api_key or "")
    if user is None:
        raise HTTPException(401)
    if user.acts_as is None:
        bind_context(user_id=user.id, company_id=user.company_id)
    else:
        bind_context(user_id=user.acts_as, impersonator=user.id, company_id=user.company_id)
    return user


CurrentUser = Annotated[User, Depends(current_user)]


def create_app(url: str = "sqlite:///shop-audit.db") -> FastAPI:
    """The application, with its audit log at ``url``."""
    orders: dict[str, dict[str, Any]] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AuditLog.open(url) as audit:
            app.state.audit = audit
            yield

    def audit_log() -> AuditLog:
        audit: AuditLog = app.state.audit
        return audit

    app = FastAPI(title="Shop", lifespan=lifespan)
    app.add_middleware(
        AuditMiddleware,
        audit=audit_log,
        rules=RULES,
        trusted_proxies=["127.0.0.1"],
        session_cookie="session",
    )

    def order_state(order_id: str) -> dict[str, Any] | None:
        return orders.get(order_id)

    @audited(
        audit_log,
        AuditEventType.ORDER_SHIPPED,
        resource_type="order",
        resource_id="order_id",
        state=order_state,
    )
    async def ship_order(order_id: str) -> dict[str, Any]:
        order = orders[order_id]
        order["status"] = "shipped"
        return order

    @app.post("/orders", status_code=201)
    async def create(new: NewOrder, user: CurrentUser) -> dict[str, Any]:
        order_id = f"o-{len(orders) + 1}"
        bind_context(resource_id=order_id)
        orders[order_id] = {"item": new.item, "quantity": new.quantity, "status": "new"}
        return {"id": order_id, **orders[order_id]}

    @app.delete("/orders/{order_id}", status_code=204)
    async def cancel(order_id: str, user: CurrentUser) -> None:
        if orders.pop(order_id, None) is None:
            raise HTTPException(404)

    @app.post("/orders/{order_id}/ship")
    async def ship(
        order_id: str, user: CurrentUser, audit: Audit, background: BackgroundTasks
    ) -> dict[str, Any]:
        if order_id not in orders:
            raise HTTPException(404)

        async def tell_customer() -> None:
            await audit.log_event(AuditEventType.EMAIL_SENT, details={"template": "shipped"})

        background.add_task(tell_customer)
        return await ship_order(order_id)

    @app.get("/orders/export")
    def export(user: CurrentUser, audit: BlockingAudit) -> dict[str, Any]:
        # An endpoint without async runs in a thread; its logger waits for the event.
        audit.log_event(AuditEventType.DATA_EXPORTED, details={"orders": len(orders)})
        return orders

    @app.get("/orders/{order_id}/history")
    async def history(order_id: str, user: CurrentUser, request: Request) -> list[dict[str, Any]]:
        page = await audit_log().query(resource_id=order_id, company_id=user.company_id)
        return [event.as_dict() for event in page.events]

    return app
