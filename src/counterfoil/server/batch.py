"""Batches: what one request brings, item by item, and what becomes of each.

This is the hot path: bytes become entries without a model in between, all entries of a request
are queued together, and the answer is given once the last of them is committed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from counterfoil.access import Principal
from counterfoil.errors import CounterfoilError, ForbiddenError, InputError, SpoolCorruptError
from counterfoil.log.host import Host
from counterfoil.record.draft import COMPANY_LOG
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.spooled import decode

from .event_call import claim, claim_report, read_call
from .metrics import Metrics
from .problem import ProblemError, describe, own

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
DRAFTS: Final = "application/vnd.counterfoil.drafts+ndjson"
MEDIA_TYPES: Final = (JSON, NDJSON, DRAFTS)

#: The only event of the log's own that a client may report: what it could not keep.
_GAP: Final = "audit.gap"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch

#: What a request brings of one event: its entry, or why there is none.
Item = UntimedEntry | dict[str, Any]
#: Gives the id of the item at a place; None leaves it to the item.
GiveId = Callable[[int], str] | None


class Batch:
    """The events of one request.

    Args:
        host: the log.
        principal: who sends them.
        give_id: ids for those that bring none, so that the request may be repeated.
        metrics: where they are counted.
    """

    def __init__(self, host: Host, principal: Principal, give_id: GiveId, metrics: Metrics) -> None:
        self._host = host
        self._principal = principal
        self._give_id = give_id
        self._metrics = metrics

    def of_json(self, given: Sequence[Any]) -> list[Item]:
        """The items of an array."""
        return [self._call(place, one) for place, one in enumerate(given)]

    def of_ndjson(self, lines: Sequence[bytes]) -> list[Item]:
        """The items of lines."""
        items: list[Item] = []
        for place, line in enumerate(lines):
            try:
                given = orjson.loads(line)
            except orjson.JSONDecodeError:
                items.append(own("bad_json", "Each line is one JSON object.", event_id=None))
            else:
                items.append(self._call(place, given))
        return items

    def of_drafts(self, lines: Sequence[bytes]) -> list[Item]:
        """The items of lines that hold finished drafts."""
        return [self._draft(line) for line in lines]

    async def write(self, items: Sequence[Item]) -> list[dict[str, Any]]:
        """Record the items; each one's result, in their order."""
        entries = [item for item in items if isinstance(item, UntimedEntry)]
        began = time.perf_counter()
        outcomes = await self._host.append(entries)
        self._metrics.commit.observe(time.perf_counter() - began)
        recorded = sum(isinstance(outcome, str) for outcome in outcomes)
        self._metrics.events.labels("recorded").inc(recorded)
        self._metrics.events.labels("failed").inc(len(entries) - recorded)
        self._metrics.events.labels("refused").inc(len(items) - len(entries))
        each = iter(outcomes)
        return [
            result_of(next(each)) if isinstance(item, UntimedEntry) else _refused(item)
            for item in items
        ]

    def _call(self, place: int, given: Any) -> Item:
        try:
            call = read_call(given, self._principal)
            if self._give_id is not None and "event_id" not in call:
                call["event_id"] = self._give_id(place)
            return self._host.take(call)
        except CounterfoilError as error:
            return describe(error) | {"event_id": _id_of(given)}

    def _draft(self, line: bytes) -> Item:
        event_id = None
        try:
            draft = decode(line)
            event_id = draft.event_id
            if draft.audit is not None and draft.event_type != _GAP:
                raise ForbiddenError(
                    "The event is one that only the log itself records.",
                    remedy="Send events of your own.",
                )
            claimed = {"log": draft.log or None, "company_id": draft.company_id}
            if draft.audit is None:
                log, draft.company_id = claim(claimed, self._principal)
            else:
                log, draft.company_id, own = claim_report(claimed, self._principal)
                draft.note("reported_by", self._principal.key_id)
                if not own:
                    draft.note("log", "what was lost was meant for where the key does not reach")
            draft.log = log or COMPANY_LOG
            return self._host.readmit(draft)
        except SpoolCorruptError:
            error = InputError(
                "A line is not a finished draft.",
                remedy="Send what counterfoil.record.spooled.encode gives.",
            )
            return describe(error) | {"event_id": None}
        except CounterfoilError as error:
            return describe(error) | {"event_id": event_id}


def lines_of(body: bytes, limit: int) -> list[bytes]:
    """The lines of a body that are not blank.

    Raises:
        ProblemError: there are more than the limit, or none.
    """
    return demand_count([line for line in body.split(b"\n") if line.strip()], limit)


def demand_count(items: list[Any], limit: int) -> list[Any]:
    """The items, where a request may bring so many.

    Raises:
        ProblemError: there are more than the limit, or none.
    """
    if len(items) > limit:
        raise ProblemError(
            "too_many_events", f"Send at most {limit:,} events in one request.", limit=limit
        )
    if not items:
        raise ProblemError("bad_request", "The request brings no event.")
    return items


def result_of(outcome: str | CounterfoilError) -> dict[str, Any]:
    """What is answered of an entry that was to be written."""
    if isinstance(outcome, str):
        return {"status": 201, "id": outcome}
    return _refused(describe(outcome))


def _refused(problem: dict[str, Any]) -> dict[str, Any]:
    return {"status": problem["status"], "id": problem.get("event_id"), "problem": problem}


def _id_of(given: Any) -> str | None:
    found = given.get("event_id") if type(given) is dict else None
    return found if type(found) is str and _UUID(found) else None
