"""Authentication: from a request to the log as its sender may use it.

Every route of the API names what it needs with :class:`Needs`; a test refuses routes that do
not. Which part of the log a key reaches is decided in ``counterfoil.access`` alone.
"""

from __future__ import annotations

from fastapi import Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase

from counterfoil.access import Permission, ScopedLog, Services
from counterfoil.access.role import VIEWER_GRANTS
from counterfoil.errors import AuthenticationError, ForbiddenError

from .cross_origin import shared_with
from .rates import Rates


class Needs(SecurityBase):
    """A dependency that gives the log as whoever sent the request may use it.

    Args:
        permission: what their role must grant; None takes any valid key.
    """

    def __init__(self, permission: Permission | None = None) -> None:
        self.permission = permission
        self.model = HTTPBearerModel(
            bearerFormat="cf_...",
            description="An access key: `counterfoil key create`. Where events are read, also a "
            "viewer token: `POST /v1/viewer-tokens`.",
        )
        self.scheme_name = "access key"

    async def __call__(self, request: Request) -> ScopedLog:
        return await authenticate(request, self.permission)


def takes_viewers(route: APIRoute) -> bool:
    """Whether a route is for holders of viewer tokens too."""
    needs = [one.call for one in route.dependant.dependencies if isinstance(one.call, Needs)]
    return any(one.permission is None or one.permission in VIEWER_GRANTS for one in needs)


async def authenticate(request: Request, permission: Permission | None) -> ScopedLog:
    """The log as the sender of a request may use it.

    Raises:
        AuthenticationError: there is no valid key. ForbiddenError: its role does not grant it.
        ThrottledError, ProblemError: there were too many requests.
    """
    services = services_of(request)
    origin = request.headers.get("origin")
    shared = await shared_with(services, origin)
    request.state.headers = shared
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise AuthenticationError
    address = request.state.client_address()
    principal = await services.authenticate(text.strip(" "), address=address)
    request.state.principal = principal
    viewing = principal.viewing
    if viewing is None:
        # Keys are for backends: no page elsewhere reads what they open.
        shared = {}
    elif origin is not None and origin not in viewing.origins:
        request.state.headers = {}
        raise ForbiddenError(
            "The viewer token is not for pages of this origin.",
            remedy="Name the page's origin when the token is made.",
        )
    rates: Rates = request.app.state.rates
    request.state.headers = shared
    request.state.headers = shared | rates.count(principal, permission)
    if permission is not None:
        principal.demand(permission)
    return services.scoped(principal)


def services_of(request: Request) -> Services:
    """The services of the application that a request came to."""
    services: Services = request.app.state.services
    return services
