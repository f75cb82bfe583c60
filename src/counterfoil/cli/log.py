"""``counterfoil log``: write an event."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from counterfoil.errors import AccessError, InputError, NotFoundError, StoreError

from . import options
from .terminal import progress, say, write_json, write_json_line

if TYPE_CHECKING:
    from counterfoil import AuditLog
    from counterfoil.settings import Settings

#: Events of standard input that are under way at once, so that they share transactions.
_AT_ONCE = 256

Members = Annotated[list[str] | None, typer.Option(help="key=value; the value may be JSON.")]


def log(
    event_type: Annotated[
        str, typer.Argument(help="Event type, such as price_changed; - reads JSON lines.")
    ],
    user: Annotated[str | None, typer.Option("--user", "-u", help="Who did it.")] = None,
    resource: Annotated[
        str | None, typer.Option("--resource", "-r", help="To what: type/id, such as product/p-9.")
    ] = None,
    detail: Annotated[
        list[str] | None, typer.Option("--detail", "-d", help="key=value; the value may be JSON.")
    ] = None,
    metadata: Members = None,
    before: Members = None,
    after: Members = None,
    level: Annotated[
        str | None, typer.Option(help="info, warning, error or critical; else the type's.")
    ] = None,
    outcome: Annotated[str | None, typer.Option(help="success, failure or unknown.")] = None,
    ip: Annotated[str | None, typer.Option(help="The client's address.")] = None,
    session: Annotated[str | None, typer.Option(help="The session's id.")] = None,
    request: Annotated[str | None, typer.Option(help="The request's id.")] = None,
    company: Annotated[str | None, typer.Option(help="The company's id.")] = None,
    subject: Annotated[
        list[str] | None, typer.Option(help="A further person that it is about.")
    ] = None,
    occurred_at: Annotated[
        str | None, typer.Option("--occurred-at", help="When it happened; now by default.")
    ] = None,
    event_id: Annotated[
        str | None, typer.Option("--event-id", help="A UUIDv7, so that a retry is safe.")
    ] = None,
    url: options.Url = None,
    log: options.Log = None,
    key_file: options.KeyFile = None,
    utc: options.Utc = False,
    as_json: options.AsJson = False,
) -> None:
    """Write an event, and print its id once it is on disk.

    counterfoil log price_changed -u u-42 -r product/p-9 -d reason=supplier

    With - as type, events are read from standard input, one JSON object a line:

    {"event_type": "user_login", "user_id": "u-42"}
    """
    settings = options.settings(url, log, key_file)
    if event_type == "-":
        asyncio.run(_write_lines(settings, sys.stdin.buffer, as_json=as_json))
        return
    kind, name = options.split_resource(resource) if resource else (None, None)
    given = {
        "event_type": event_type,
        "user_id": user,
        "ip_address": ip,
        "resource_type": kind,
        "resource_id": name,
        "details": _members(detail),
        "level": level,
        "outcome": outcome,
        "occurred_at": occurred_at,
        "event_id": event_id,
        "subjects": subject,
        "context": {
            "session_id": session,
            "request_id": request,
            "company_id": company,
            "metadata": _members(metadata),
            "before_state": _members(before),
            "after_state": _members(after),
        },
    }
    asyncio.run(_write_one(settings, given, utc=utc, as_json=as_json))


def _members(given: list[str] | None) -> dict[str, Any] | None:
    return dict(options.parse_member(text) for text in given) if given else None


async def _write_one(
    settings: Settings, given: dict[str, Any], *, utc: bool, as_json: bool
) -> None:
    from counterfoil.assembly import open_log

    call = _call(given, utc=utc)
    async with open_log(settings) as audit:
        event_id = await audit.log_event(log=settings.named_log, **call)
        shown = await _shown(audit, event_id) if as_json else None
    if shown is not None:
        write_json(shown)
    else:
        say(event_id)


async def _shown(audit: AuditLog, event_id: str) -> dict[str, Any]:
    """The event as it was recorded; its id alone where it cannot be read back yet, or not here."""
    try:
        return (await audit.get(event_id)).as_dict()
    except (AccessError, NotFoundError, StoreError):
        return {"id": event_id}


async def _write_lines(settings: Settings, lines: Iterable[bytes], *, as_json: bool) -> None:
    from counterfoil.assembly import open_log

    async with open_log(settings) as audit:
        with progress() as shown:
            task = shown.add_task("Writing", total=None)
            for number, batch in _batches(lines):
                calls = [
                    _call(_object(line, number + offset), utc=True, line=number + offset)
                    for offset, line in enumerate(batch)
                    if line.strip()
                ]
                for event_id in await _write_batch(audit, settings.named_log, calls):
                    write_json_line({"id": event_id}) if as_json else print(event_id)  # noqa: T201
                shown.advance(task, len(calls))


async def _write_batch(audit: AuditLog, log: str | None, calls: list[dict[str, Any]]) -> list[str]:
    tasks = [audit.log_event(**{"log": log, **call}) for call in calls]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            # Those that were written are told before the failure is.
            for written in results:
                if isinstance(written, str):
                    print(written)  # noqa: T201
            raise result
    return [result for result in results if isinstance(result, str)]


def _batches(lines: Iterable[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    batch: list[bytes] = []
    start = 1
    for number, line in enumerate(lines, 1):
        batch.append(line)
        if len(batch) == _AT_ONCE:
            yield start, batch
            batch, start = [], number + 1
    if batch:
        yield start, batch


def _object(line: bytes, number: int) -> dict[str, Any]:
    try:
        given = orjson.loads(line)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict) or not isinstance(given.get("event_type"), str):
        raise InputError(
            f"Line {number} is not a JSON object with an event_type.",
            remedy="Lines before its block of 256 are written; mend it, and go on from there.",
        )
    return given


_CALL = frozenset(
    {
        "event_type",
        "user_id",
        "ip_address",
        "resource_id",
        "resource_type",
        "details",
        "level",
        "event_id",
        "outcome",
        "subjects",
        "log",
        "on_behalf_of",
        "impersonator",
    }
)


def _call(given: dict[str, Any], *, utc: bool, line: int | None = None) -> dict[str, Any]:
    """The arguments of one ``log_event``; fields of the context may stand beside the others."""
    from counterfoil import AuditContext
    from counterfoil.wording.moment import parse_moment

    where = "" if line is None else f" in line {line}"
    fields = AuditContext.model_fields
    context = dict(given.get("context") or {})
    call: dict[str, Any] = {}
    for name, value in given.items():
        if value is None or name == "context":
            continue
        if name in _CALL:
            call[name] = value
        elif name == "occurred_at":
            call[name] = parse_moment(str(value), datetime.now(UTC), utc=utc)
        elif name in fields:
            context[name] = value
        else:
            raise InputError(
                f"There is an unknown field{where}.",
                remedy=f"Known fields: {', '.join(sorted(_CALL | {'occurred_at', *fields}))}.",
            )
    if call.get("level") not in (None, "info", "warning", "error", "critical"):
        raise InputError(
            f"There is no such level{where}.", remedy="Use info, warning, error or critical."
        )
    if call.get("outcome") not in (None, "success", "failure", "unknown"):
        raise InputError(
            f"There is no such outcome{where}.", remedy="Use success, failure or unknown."
        )
    try:
        call["context"] = AuditContext(**context)
    except ValueError:
        raise InputError(
            f"A field of the context is not of its type{where}.",
            remedy="Ids are texts; states, changes and metadata are objects.",
        ) from None
    return call
