"""Bound loggers: whose context counts, and from which thread."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import sqlite3

import pytest

from counterfoil import AuditLog, AuditLogger
from counterfoil.capture import audit_context
from counterfoil.capture.bound import BlockingAuditLog, BoundAuditLog
from counterfoil.errors import ConfigurationError, InputError
from counterfoil.outbox import adapter_of


async def test_bound_fields_stand_between_the_call_and_the_context(audit: AuditLog) -> None:
    with audit_context(user_id="u-ambient", company_id="c-ambient", request_id="r-ambient"):
        bound: AuditLogger = BoundAuditLog(audit).bind(user_id="u-bound", company_id="c-bound")
        event = await audit.get(await bound.log_event("order.seen", user_id="u-call"))  # type: ignore[arg-type]
    assert (event.user_id, event.company_id, event.request_id) == (
        "u-call",
        "c-bound",
        "r-ambient",
    )


async def test_binding_gives_a_further_logger(audit: AuditLog) -> None:
    first = BoundAuditLog(audit)
    second = first.bind(user_id="u-1").bind(resource_type="order")
    plain = await audit.get(await first.log_event("order.seen"))
    bound = await audit.get(await second.log_event("order.seen", resource_id="o-1"))
    assert (plain.user_id, plain.resource_type) == (None, None)
    assert (bound.user_id, bound.resource_type, bound.resource_id) == ("u-1", "order", "o-1")
    with pytest.raises(InputError):
        first.bind(usr_id="u-1")


async def test_outside_of_any_context_the_one_it_was_bound_in_counts(audit: AuditLog) -> None:
    with audit_context(user_id="u-1", company_id="c-1"):
        bound = BoundAuditLog(audit).bind(request_id="r-1")
    alone = await audit.get(await bound.log_event("order.seen"))
    assert (alone.user_id, alone.company_id, alone.request_id) == ("u-1", "c-1", "r-1")
    with audit_context(user_id="u-2"):
        other = await audit.get(await bound.log_event("order.seen"))
    # Nothing of the first person's company leaks into what the second one does.
    assert (other.user_id, other.company_id, other.request_id) == ("u-2", None, "r-1")


async def test_a_thread_records_with_its_own_context_or_the_bound_one(audit: AuditLog) -> None:
    with audit_context(user_id="u-1"):
        blocking = BlockingAuditLog(BoundAuditLog(audit), asyncio.get_running_loop())
        inside = await asyncio.to_thread(blocking.log_event, "order.seen")

    def from_nowhere() -> str:
        return contextvars.Context().run(blocking.bind(company_id="c-1").log_event, "order.seen")

    outside = await asyncio.to_thread(from_nowhere)
    assert (await audit.get(inside)).user_id == "u-1"
    event = await audit.get(outside)
    assert (event.user_id, event.company_id) == ("u-1", "c-1")


async def test_a_blocking_logger_writes_to_a_connection_in_the_thread_that_calls(
    audit: AuditLog,
) -> None:
    blocking = BlockingAuditLog(BoundAuditLog(audit), asyncio.get_running_loop())

    def handle() -> tuple[str, int]:
        # A connection of the standard library may be used in its own thread only.
        shop = sqlite3.connect(":memory:")
        adapter_of(shop).create(shop)
        with shop:
            event_id = blocking.log_event("order.seen", connection=shop)
        (count,) = shop.execute("SELECT count(*) FROM counterfoil_outbox").fetchone()
        shop.close()
        return event_id, count

    event_id, count = await asyncio.to_thread(handle)
    assert (bool(event_id), count) == (True, 1)
    assert await audit.count() == 0


async def test_a_blocking_logger_refuses_to_wait_for_its_own_loop(audit: AuditLog) -> None:
    blocking = BlockingAuditLog(BoundAuditLog(audit), asyncio.get_running_loop())
    with pytest.raises(ConfigurationError):
        blocking.log_event("order.seen")


def test_a_bound_logger_takes_what_the_log_takes() -> None:
    wanted = list(inspect.signature(AuditLog.log_event).parameters)
    for kind in (BoundAuditLog, BlockingAuditLog):
        assert list(inspect.signature(kind.log_event).parameters) == wanted
