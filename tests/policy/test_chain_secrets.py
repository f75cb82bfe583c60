"""No secret of a known kind is in any byte that the log keeps, says or shows."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote_plus

import apsw
import orjson
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from counterfoil import AuditEventType, AuditLog, AuditOptions, CounterfoilError, Limits
from counterfoil.ambient import AMBIENT, REQUEST_BODY
from counterfoil.cli.app import app
from counterfoil.record import RequestBody
from tests.policy.planting import CARDS, NAMED, OWN_FIELD, TEXTS, Planted, planter, seed

Call = dict[str, Any]
OPTIONS = AuditOptions(sensitive_fields=[OWN_FIELD], include_request_body=True)
#: What an outage costs the test, and long enough for its hundreds of events.
LIMITS = Limits(write_timeout=1.0)


class Source:
    """A request's body, as a middleware offers it."""

    def __init__(self, content_type: str, data: bytes) -> None:
        self._body = RequestBody(content_type, data, len(data), True)

    def snapshot(self) -> RequestBody:
        return self._body


def _body(content_type: str, data: str) -> Call:
    return {"ambient": {REQUEST_BODY: Source(content_type, data.encode())}}


def _json_body(value: Any) -> Call:
    try:
        return _body("application/json", orjson.dumps(value).decode())
    except TypeError:
        return {"details": value}


def _multipart(text: str) -> Call:
    part = f'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n{text}'
    return _body("multipart/form-data; boundary=xx", f"--xx\r\n{part}\r\n--xx--\r\n")


#: Where any value may stand.
PLACES: dict[str, Callable[[Any], Call]] = {
    "details": lambda value: {"details": value},
    "details in a dict": lambda value: {"details": {"held": value}},
    "state": lambda value: {"context": {"before_state": {"held": value}}},
    "states": lambda value: {
        "context": {"before_state": {"held": 1, "x": value}, "after_state": {"held": value}}
    },
    "changes": lambda value: {
        "context": {"changes": {"/held": {"op": "replace", "old": None, "new": value}}}
    },
    "any changes": lambda value: {"context": {"changes": value}},
    "metadata": lambda value: {"context": {"metadata": value}},
    "the context": lambda value: {"context": value},
    "options": lambda value: {"options": value},
    "user agent": lambda value: {"context": {"user_agent": value}},
    "address": lambda value: {"ip_address": value},
    "session": lambda value: {"context": {"session_id": value}},
    "time": lambda value: {"occurred_at": value},
    "level": lambda value: {"level": value, "outcome": value},
    "claims": lambda value: {"ambient": {"claims": {"forwarded_for": value}}},
    "json body": _json_body,
}

#: Where a text may stand.
TEXT_PLACES: dict[str, Callable[[str], Call]] = {
    "type": lambda text: {"event_type": text},
    "resource type": lambda text: {"resource_type": text},
    "actor kind": lambda text: {"ambient": {"actor_kind": text}},
    "text body": lambda text: _body("text/plain", text),
    "form body": lambda text: _body("application/x-www-form-urlencoded", f"f={quote_plus(text)}"),
    "multipart body": _multipart,
    "unknown body": lambda text: _body("application/octet-stream", text),
    "log": lambda text: {"log": text},
    "event id": lambda text: {"event_id": text},
}

#: Ids, in which cards' numbers and encodings are not looked for: an id may look like either.
IDS: dict[str, Callable[[str], Call]] = {
    "user": lambda text: {"user_id": text},
    "resource": lambda text: {"resource_id": text},
    "company": lambda text: {"context": {"company_id": text}},
    "request": lambda text: {"context": {"request_id": text}},
    "subjects": lambda text: {"subjects": [text, "u-1"]},
    "on behalf of": lambda text: {"on_behalf_of": text, "impersonator": text},
}
NOT_IN_IDS = {"base64", "percent"}

Made = tuple[Call, str]
_Maker = Callable[[int], Made]


def _maker(places: dict[str, Callable[[Any], Call]], kinds: Any) -> Any:
    """A strategy of functions from a number to a call and the secret in it."""

    def build(place: str, plant: Callable[[int], Planted]) -> _Maker:
        def make(number: int) -> Made:
            held = plant(number)
            return places[place](held.value), held.secret

        return make

    return st.builds(build, st.sampled_from(sorted(places)), kinds)


makers = st.one_of(
    _maker(PLACES, planter({**NAMED, **TEXTS, **CARDS})),
    _maker(TEXT_PLACES, planter(TEXTS, deep=False)),
    _maker(IDS, planter({kind: TEXTS[kind] for kind in TEXTS.keys() - NOT_IN_IDS}, deep=False)),
)


class Said:
    """All that the program was told: log records, errors, reports."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def error(self, error: BaseException) -> None:
        self.lines += ("".join(traceback.format_exception(error)), repr(error), str(error))

    @contextmanager
    def listening(self) -> Iterator[None]:
        handler = logging.Handler()
        handler.setFormatter(logging.Formatter())
        handler.emit = lambda record: self.lines.append(  # type: ignore[method-assign]
            f"{handler.format(record)} {record.args!r}"
        )
        logging.getLogger().addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(handler)


async def make(audit: AuditLog, call: Call, said: Said) -> str | None:
    """Make one call; only a documented error may come of it, and says nothing of a value."""
    arguments = {"event_type": AuditEventType.ORDER_UPDATED, "options": OPTIONS, **call}
    token = AMBIENT.set(arguments.pop("ambient", None))
    try:
        return await audit.log_event(**arguments)
    except CounterfoilError as error:
        said.error(error)
        return None
    finally:
        AMBIENT.reset(token)


async def record(url: str, made: list[Call], said: Said) -> list[str | None]:
    """Record the calls, and ask for everything that the log can say of it."""
    async with AuditLog.open(url, limits=LIMITS) as audit:
        ids = await asyncio.gather(*(make(audit, call, said) for call in made))
        await make(audit, {"event_id": ids[0], "details": {"other": 1}}, said)
        said.lines.append(str(await audit.verify()))
        said.lines += [repr(event) for event in await audit.query()]
    return ids


async def spool(url: str, path: Path, made: list[Call], said: Said) -> list[str | None]:
    """Record the calls while another process holds the database."""
    async with AuditLog.open(url, limits=LIMITS) as audit:
        holder = apsw.Connection(str(path))
        holder.execute("BEGIN IMMEDIATE")
        try:
            ids = await asyncio.gather(*(make(audit, call, said) for call in made))
            assert b'"fine":"not a secret"' in kept(path.with_name(f"{path.name}.spool"))
        finally:
            holder.execute("ROLLBACK")
            holder.close()
    return ids


def kept(folder: Path) -> bytes:
    """Every byte of every file."""
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def shown(url: str) -> str:
    """What the command line prints of it."""
    run = CliRunner()
    told = []
    for command in (["query", "--all", "--json"], ["query", "--all"], ["stats"], ["verify"]):
        ran = run.invoke(app, [*command, "--url", url])
        assert ran.exit_code == 0, ran.output
        told.append(ran.output)
    return "".join(told)


FINE: Made = ({"details": {"fine": "not a secret"}}, "no such secret")


def hunt(made: list[Made], *, away: bool = False) -> None:
    """Record the calls in a new log, and look for their secrets everywhere."""
    made = [FINE, *made]
    wanted = [call for call, _ in made]
    said = Said()
    with TemporaryDirectory() as folder, said.listening():
        path = Path(folder, "audit.db")
        url = f"sqlite:///{path}"
        ids = asyncio.run(record(url, wanted, said))
        if away:
            spooled = asyncio.run(spool(url, path, wanted, said))
            assert [one is None for one in spooled] == [one is None for one in ids]
            said.lines.append(shown(url))
        everything = kept(Path(folder)) + "\n".join(said.lines).encode()
    # The hunt would find what came through.
    assert b'"fine":"not a secret"' in everything
    assert [call for call, secret in made if secret.encode() in everything] == []
    assert b"policy_failed" not in everything
    refused = [call for call, event_id in zip(wanted, ids, strict=True) if event_id is None]
    assert refused == [call for call in wanted if {"log", "event_id"} & call.keys()]


# Without shrinking: the assertion names the calls whose secret came through.
@settings(max_examples=40, deadline=None, phases=[Phase.reuse, Phase.generate])
@given(st.lists(makers, min_size=12, max_size=24))
def test_no_secret_is_kept_or_said(chosen: list[_Maker]) -> None:
    hunt([maker(number) for number, maker in enumerate(chosen)])


def test_no_kind_of_secret_passes_at_any_place() -> None:
    made: list[Made] = []
    for kind, plant in TEXTS.items():
        places = [*PLACES.values(), *TEXT_PLACES.values()]
        if kind not in NOT_IN_IDS:
            places += IDS.values()
        for place in places:
            held = plant(seed(len(made)))
            made.append((place(held.value), held.secret))
    hunt(made, away=True)
