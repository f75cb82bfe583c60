"""Shown: values of events as a page shows them, harmless and of bounded length."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from urllib.parse import quote

from counterfoil.search.language import format_terms, value_of
from counterfoil.search.terms import FieldTerm
from counterfoil.wording.sentence import actor, deed, sentence
from counterfoil.wording.visible import safe_json, visible

MAX_TEXT: Final = 300
#: Characters of one JSON text on a page; the whole is offered beside it.
MAX_JSON: Final = 60_000


def harmless(value: Any, length: int = MAX_TEXT) -> str:
    """A value as one line: control and direction characters visible, cut where it is long."""
    text = value if isinstance(value, str) else safe_json(value)
    # Cut first: making a megabyte visible would take long.
    cut = text[: length + 1]
    shown = visible(cut)
    if len(text) > length:
        return f"{shown[:length]}… ({len(text):,} characters)"
    return shown


def json_text(value: Any) -> str:
    """A value as indented JSON, cut where it is long."""
    text = safe_json(value, indent=True)
    if len(text) <= MAX_JSON:
        return text
    return f"{text[:MAX_JSON]}\n… ({len(text):,} characters)"


def iso(moment: datetime) -> str:
    """For a ``datetime`` attribute."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock(moment: datetime, zone: tzinfo) -> str:
    """The time of the day: ``12:03:11``."""
    return f"{moment.astimezone(zone):%H:%M:%S}"


def day(moment: datetime, zone: tzinfo) -> str:
    """The day: ``Mon 2 Nov 2026``."""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y}"


def when(moment: datetime, zone: tzinfo) -> str:
    """Day and minute, for a table: ``2 Nov 2026, 12:03``."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def short_day(moment: datetime, zone: tzinfo) -> str:
    """The day without its year: ``2 Nov``."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b}"


def full_time(moment: datetime, zone: tzinfo) -> str:
    """Day, time to the millisecond, and zone."""
    local = moment.astimezone(zone)
    ahead = f"{local:%z}"
    offset = "UTC" if zone is UTC else f"UTC{ahead[:3]}:{ahead[3:5]}"
    return f"{day(moment, zone)}, {local:%H:%M:%S}.{local.microsecond // 1000:03} {offset}"


def counted(number: int) -> str:
    """``1,234``."""
    return f"{number:,}"


def path_part(value: str) -> str:
    """A value as one part of an address's path."""
    return quote(value, safe="")


def search_for(field: str, value: str) -> str:
    """The address of the list of the events whose field has a value."""
    return "/?q=" + quote(format_terms([FieldTerm(field, (value_of(value),))]), safe=":")


#: What templates can do with a value.
FILTERS: Final[dict[str, Callable[..., str]]] = {
    function.__name__: function
    for function in (
        actor, clock, counted, day, deed, full_time, harmless, iso, json_text, path_part,
        search_for, sentence, short_day, when,
    )
}  # fmt: skip
