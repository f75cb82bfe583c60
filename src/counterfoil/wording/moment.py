"""Times: what a person types, and how they are shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from counterfoil.errors import InputError

_AGO = re.compile(r"(\d{1,6})\s*([smhdw])", re.ASCII).fullmatch
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_moment(text: str, now: datetime, *, utc: bool) -> datetime:
    """A moment from ``2h``, ``today``, ``yesterday``, ``2026-11-01`` or an ISO 8601 time.

    Args:
        text: what was typed; a number and s, m, h, d or w means so long ago.
        now: an aware time.
        utc: whether a time without a zone is UTC's; else it is the local one's.

    Raises:
        InputError: it is none of these.
    """
    text = text.strip()
    midnight = _zoned(now, utc=utc).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if ago := _AGO(text):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        match text.lower():
            case "now":
                return now
            case "today":
                return midnight
            case "yesterday":
                return midnight - timedelta(days=1)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC) if utc else moment.astimezone()
    except (ValueError, OverflowError):
        raise InputError(
            "The time cannot be read.",
            remedy="Write for example 2h, 7d, today, 2026-11-01 or 2026-11-01T12:30:00Z.",
        ) from None
    return moment


def day(moment: datetime, *, utc: bool) -> str:
    """The day, as a heading: ``Mon 2 Nov 2026``."""
    local = _zoned(moment, utc=utc)
    return f"{local:%a} {local.day} {local:%b %Y}"


def clock_time(moment: datetime, *, utc: bool) -> str:
    """The time of the day: ``12:03:11``."""
    return f"{_zoned(moment, utc=utc):%H:%M:%S}"


def short_time(moment: datetime, *, utc: bool) -> str:
    """Date and time to the second, for a table: ``2026-11-02 12:03:11``."""
    return f"{_zoned(moment, utc=utc):%Y-%m-%d %H:%M:%S}"


def full_time(moment: datetime, *, utc: bool) -> str:
    """Date, time and zone to the second: ``2026-11-02T12:03:11+01:00``."""
    text = _zoned(moment, utc=utc).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


def _zoned(moment: datetime, *, utc: bool) -> datetime:
    return moment.astimezone(UTC) if utc else moment.astimezone()
