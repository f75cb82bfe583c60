"""Checking the way from ids to events: a store may keep it elsewhere than in the events.

An event whose id leads nowhere is not found by it, and could be recorded a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from counterfoil.errors import SchemaError
from counterfoil.record.row import LOG_SPAN, EventRow
from counterfoil.store import Head, Store
from counterfoil.store.interface import LARGEST, SMALLEST

from .damage import DAMAGE
from .events import event_id_of
from .report import Fault, Finding, Findings, Place

_FEW = 100
#: What a report says where they were not looked for.
STRAY_IDS = "ids that lead to no event"


async def check_ids(
    store: Store, log: str, first: int, last: int, rows: Sequence[EventRow], findings: Findings
) -> None:
    """Find the events at these positions of a log that their ids do not lead to.

    Args:
        first, last: both inclusive.
        rows: what could be read of them.
    """
    events = {row.position: event_id_of(row) for row in rows}
    try:
        misplaced = await store.misplaced_ids(first, last)
    except DAMAGE as error:
        findings.add(
            Finding(
                fault=Fault.UNREADABLE,
                place=Place.ID,
                log=log,
                index=first % LOG_SPAN,
                last_index=last % LOG_SPAN,
                found=_gone(error),
            )
        )
        return
    for position, leads in misplaced:
        findings.add(
            Finding(
                fault=Fault.MISSING if leads is None else Fault.ALTERED,
                place=Place.ID,
                log=log,
                index=position % LOG_SPAN,
                event_id=events.get(position),
                found=None if leads is None else _place(leads),
            )
        )


async def check_stray_ids(
    store: Store, heads: Sequence[Head], findings: Findings, log: str | None = None
) -> None:
    """Find ids that lead to no event of theirs.

    Args:
        heads: of the logs that are verified.
        log: the only one that is, if so: then those that lead into it.
    """
    logs = {head.number: head.log for head in heads}
    bounds = (SMALLEST, LARGEST)
    if log is not None:
        if not heads:
            return
        first = heads[0].number * LOG_SPAN
        bounds = (first, first + LOG_SPAN - 1)
    try:
        strays = await store.stray_ids(_FEW, *bounds)
    except DAMAGE as error:
        # Of one log it is said already by whoever looked for its events' ids.
        if log is None or not heads[0].size:
            findings.add(
                Finding(fault=Fault.UNREADABLE, place=Place.ID, log=log or "", found=_gone(error))
            )
        return
    for position, event_id in strays:
        number, index = divmod(position, LOG_SPAN)
        findings.add(
            Finding(
                fault=Fault.EXTRA,
                place=Place.ID,
                log=logs.get(number, ""),
                index=index,
                event_id=str(UUID(bytes=event_id)) if len(event_id) == 16 else None,
                field=None if number in logs else f"of log number {number}, which there is not",
            )
        )


def _gone(error: Exception) -> str | None:
    return "no table to read it from" if isinstance(error, SchemaError) else None


def _place(position: int) -> str:
    number, index = divmod(position, LOG_SPAN)
    return f"index {index} of log number {number}"
