"""The options that commands share, each defined once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from counterfoil.errors import InputError

if TYPE_CHECKING:
    from counterfoil.settings import Settings

_WHERE = "Where the log is"
_OUT = "Output"
_FILTERS = "Which events"

Url = Annotated[
    str | None, typer.Option("--url", help="The log's address.", rich_help_panel=_WHERE)
]
Log = Annotated[str | None, typer.Option("--log", help="The log's name.", rich_help_panel=_WHERE)]
KeyFile = Annotated[
    Path | None, typer.Option("--key-file", help="The signing key's file.", rich_help_panel=_WHERE)
]
AsJson = Annotated[
    bool, typer.Option("--json", help="JSON for programs, times in UTC.", rich_help_panel=_OUT)
]
Utc = Annotated[
    bool, typer.Option("--utc", help="Times in UTC, not in the local zone.", rich_help_panel=_OUT)
]


def settings(url: str | None, log: str | None = None, key_file: Path | None = None) -> Settings:
    """The settings, with what the command line says on top."""
    from counterfoil.settings import load_settings

    return load_settings(url=url, log=log, key_file=key_file)


def split_resource(text: str) -> tuple[str | None, str]:
    """``product/p-9`` as type and id; an id alone has no type. Ids may hold slashes."""
    kind, slash, name = text.partition("/")
    return (kind, name) if slash else (None, text)


def parse_member(text: str) -> tuple[str, Any]:
    """``key=value``, the value read as JSON where it is JSON, else as text.

    Raises:
        InputError: there is no key, or no equals sign.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InputError("A member cannot be read.", remedy="Write it as key=value.")
    try:
        return key, orjson.loads(value)
    except orjson.JSONDecodeError:
        return key, value


def _option(*names: str, help: str) -> Any:  # noqa: A002 - typer's own name for it
    return typer.Option(*names, help=help, rich_help_panel=_FILTERS)


_Texts = list[str] | None
_FILTER_OPTIONS: dict[str, Any] = {
    "event_type": Annotated[_Texts, _option("--type", "-t", help="Event type; may be repeated.")],
    "user": Annotated[_Texts, _option("--user", "-u", help="Who did it; may be repeated.")],
    "resource": Annotated[
        str | None, _option("--resource", "-r", help="To what: type/id, type/ or id.")
    ],
    "since": Annotated[
        str | None, _option("--since", help="From then on: 2h, 7d, today, 2026-11-01, ISO 8601.")
    ],
    "until": Annotated[str | None, _option("--until", help="Before then.")],
    "min_level": Annotated[
        str | None, _option("--min-level", help="info, warning, error or critical, and graver.")
    ],
    "level": Annotated[_Texts, _option("--level", help="Exactly this level.")],
    "outcome": Annotated[_Texts, _option("--outcome", help="success, failure or unknown.")],
    "company": Annotated[_Texts, _option("--company", help="The company's id.")],
    "ip": Annotated[_Texts, _option("--ip", help="The client's address.")],
    "session": Annotated[
        _Texts, _option("--session", help="The session's id; give its --company too, if any.")
    ],
    "request": Annotated[_Texts, _option("--request", help="The request's id.")],
    "actor_kind": Annotated[
        _Texts, _option("--actor-kind", help="user, service, system, agent or anonymous.")
    ],
    "on_behalf_of": Annotated[_Texts, _option("--on-behalf-of", help="For whom it was done.")],
    "impersonator": Annotated[_Texts, _option("--impersonator", help="Who was really there.")],
    "subject": Annotated[_Texts, _option("--subject", help="A further person it is about.")],
    "text": Annotated[
        _Texts,
        _option("--text", help="Words anywhere in the event, side by side; all of several."),
    ],
    "where": Annotated[
        _Texts,
        _option("--where", help="A member, as details.reason=supplier; metadata, changes, "
                "before_state and after_state too."),
    ],
}  # fmt: skip
_FLAT = {
    "event_type": "event_type",
    "user": "user_id",
    "level": "level",
    "outcome": "outcome",
    "company": "company_id",
    "ip": "ip_address",
    "session": "session_id",
    "request": "request_id",
    "actor_kind": "actor_kind",
    "on_behalf_of": "on_behalf_of",
    "impersonator": "impersonator",
    "subject": "subject",
    "text": "text",
}
_OBJECTS = ("details", "metadata", "before_state", "after_state", "changes")
#: What the counts by hour and day can be filtered by.
COUNTED = ("event_type", "since", "until", "min_level", "level", "outcome", "company")


def with_filters(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the filter options; it gets them as one argument, ``filters``.

    Args:
        names: the options to give; all of them where none are named.
    """
    chosen = names or tuple(_FILTER_OPTIONS)

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)

        @functools.wraps(command)
        def call(**given: Any) -> None:
            options = {name: given.pop(name) for name in chosen}
            command(filters=_filters(options, utc=given.get("utc", False)), **given)

        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint)
            for name, hint in _FILTER_OPTIONS.items()
            if name in chosen
        ]
        kept = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name, parameter in own.parameters.items()
            if name != "filters"
        ]
        parameters = added + kept
        vars(call)["__signature__"] = inspect.Signature(parameters)
        call.__annotations__ = {item.name: item.annotation for item in parameters}
        return call

    return decorate


def _filters(options: dict[str, Any], *, utc: bool) -> dict[str, Any]:
    from counterfoil.wording.moment import parse_moment

    found = {_FLAT[name]: value for name, value in options.items() if name in _FLAT and value}
    now = datetime.now(UTC)
    for name in ("since", "until"):
        if options.get(name):
            found[name] = parse_moment(options[name], now, utc=utc)
    if options.get("min_level"):
        found["min_level"] = options["min_level"]
    if options.get("resource"):
        kind, name = split_resource(options["resource"])
        found |= {"resource_type": kind} if kind else {}
        found |= {"resource_id": name} if name else {}
    for text in options.get("where") or ():
        path, value = parse_member(text)
        _nest(found, path.split("."), value)
    return found


def _nest(found: dict[str, Any], path: list[str], value: Any) -> None:
    if path[0] not in _OBJECTS or len(path) < 2:
        raise InputError(
            "--where names no member that can be searched.",
            remedy=f"Begin with one of {', '.join(_OBJECTS)}, then a dot and the member's name.",
        )
    *around, last = path
    for name in around:
        found = found.setdefault(name, {})
    found[last] = value
