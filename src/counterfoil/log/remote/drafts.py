"""Drafts: finished, redacted events on their way to a server, and what it answers of each."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from counterfoil.errors import (
    ConflictError,
    CounterfoilError,
    InputError,
    StoreError,
    StoreUnavailableError,
)
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.spooled import draft_of, encode
from counterfoil.wire import TooLargeError
from counterfoil.wire.connection import not_ours
from counterfoil.wire.problem import error_of

from .link import Link
from .session import Session

MEDIA_TYPE: Final = "application/vnd.counterfoil.drafts+ndjson"
#: Bytes that are sent in one request where more wait: it is to be answered soon.
BODY_BYTES: Final = 1 << 20
#: A body of fewer bytes is not worth packing; a longer one is packed in a thread.
_PACKED, _PACKED_ELSEWHERE = 1 << 10, 1 << 16


@dataclass(slots=True)
class Sent:
    """What became of events that were sent.

    Attributes:
        errors: one a draft, in order; None where it is recorded.
        failure: why the rest of them was not tried, where the server is away.
    """

    errors: list[CounterfoilError | None]
    failure: CounterfoilError | None = None


class Drafts:
    """Sends events to a server, in their order, and reads its answers.

    Every event has its id, and the server records an id once: sending again is safe.

    Args:
        link: to the server.
        timeout: seconds that one answer may take.
    """

    def __init__(self, link: Link, timeout: float) -> None:
        self._link = link
        self._timeout = timeout

    async def send(self, entries: Sequence[UntimedEntry]) -> Sent:
        """Send events. Of those behind one that failed for the server's sake, none is tried."""
        sent = Sent([])
        try:
            session = await self._link.session()
            for group in _groups([_encoded(entry) for entry in entries], session):
                await self._send_group(group, session, sent)
        except CounterfoilError as error:
            sent.failure = error
        missing = len(entries) - len(sent.errors)
        if missing and sent.failure is not None:
            sent.errors += [sent.failure] * missing
        return sent

    async def _send_group(
        self, group: Sequence[bytes | CounterfoilError], session: Session, sent: Sent
    ) -> None:
        records = [one for one in group if isinstance(one, bytes)]
        answers = iter(await self._post(records, session) if records else ())
        for one in group:
            error = next(answers) if isinstance(one, bytes) else one
            sent.errors.append(error)
            if is_failure(error):
                sent.failure = sent.failure or error
        if sent.failure is not None:
            raise sent.failure

    async def _post(
        self, records: Sequence[bytes], session: Session
    ) -> list[CounterfoilError | None]:
        body = b"\n".join(records) + b"\n"
        headers = {"Content-Type": MEDIA_TYPE}
        if len(body) >= _PACKED and "gzip" in session.encodings:
            headers["Content-Encoding"] = "gzip"
            body = await _packed(body)
        try:
            answer = await self._link.send(
                "POST", "/v1/events", body=body, headers=headers, timeout=self._timeout
            )
        except TooLargeError as error:
            if len(records) == 1:
                return [error]
            middle = len(records) // 2
            first = await self._post(records[:middle], session)
            failure = next((one for one in first if is_failure(one)), None)
            if failure is not None:
                return first + [failure] * (len(records) - middle)
            return first + await self._post(records[middle:], session)
        except InputError as error:
            # No word on any one event: another version, or something on the way.
            raise StoreError(
                f"The server does not take what is sent. {error.message}", remedy=error.remedy
            ) from error
        results = answer.json().get("results")
        if not isinstance(results, list) or len(results) != len(records):
            raise _no_word()
        return [_result(one) for one in results]


def is_failure(error: CounterfoilError | None) -> bool:
    """Whether it is the server that failed, so that the event may be sent again as it is."""
    return error is not None and not isinstance(
        error, (ConflictError, InputError, DraftRefusedError)
    )


class DraftRefusedError(CounterfoilError):
    """The server takes no such event with this access key."""


def _encoded(entry: UntimedEntry) -> bytes | CounterfoilError:
    try:
        return encode(draft_of(entry))
    except InputError as error:
        return error
    except Exception as error:  # noqa: BLE001 - one event's fault is not the others'
        return InputError(f"The event is of no form that can be sent ({type(error).__name__}).")


def _groups(
    records: Sequence[bytes | CounterfoilError], session: Session
) -> Iterator[list[bytes | CounterfoilError]]:
    most = min(BODY_BYTES, session.max_body)
    group: list[bytes | CounterfoilError] = []
    size = 0
    for record in records:
        length = len(record) + 1 if isinstance(record, bytes) else 0
        if group and (size + length > most or len(group) >= session.max_events):
            yield group
            group, size = [], 0
        group.append(record)
        size += length
    if group:
        yield group


async def _packed(body: bytes) -> bytes:
    if len(body) < _PACKED_ELSEWHERE:
        return gzip.compress(body, 1)
    return await asyncio.to_thread(gzip.compress, body, 1)


def _result(given: Any) -> CounterfoilError | None:
    status = given.get("status") if isinstance(given, dict) else None
    if not isinstance(status, int):
        return _no_word()
    if 200 <= status < 300:
        return None
    problem = given.get("problem")
    found = error_of(status, problem if isinstance(problem, dict) else {})
    if isinstance(found, (ConflictError, InputError, StoreError)):
        return found
    if status < 500:
        refusal = DraftRefusedError(found.message, remedy=found.remedy)
        refusal.__cause__ = found
        return refusal
    return found


def _no_word() -> StoreUnavailableError:
    """The error where the answer does not say what became of an event."""
    error = not_ours()
    error.outcome_known = False
    return error
