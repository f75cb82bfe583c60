"""``counterfoil timeline``: how many events there were, over time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.wording.visible import short

from . import options
from .reading import reading
from .terminal import LEVELS, console, say, write_json

if TYPE_CHECKING:
    from counterfoil.log.read.timeline import Bucket, Group, Timeline

_MAX_SERIES = 6
_BLOCKS = " ▏▎▍▌▋▊▉█"
_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red", "dim")


class Unit(StrEnum):
    """What is counted together."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class By(StrEnum):
    """What is told apart."""

    TYPE = "type"
    LEVEL = "level"
    OUTCOME = "outcome"
    COMPANY = "company"


@options.with_filters(*options.COUNTED)
def timeline(
    filters: dict[str, Any],
    unit: Annotated[Unit, typer.Option("--unit", help="How long one line is.")] = Unit.DAY,
    by: Annotated[By | None, typer.Option("--by", help="What to tell apart.")] = None,
    url: options.Url = None,
    log: options.Log = None,
    utc: options.Utc = False,
    as_json: options.AsJson = False,
) -> None:
    """Count events by the hour, day, week or month of their recording (all in UTC)."""
    del utc  # The counts are UTC's anyway; the option is there so that it may be given always.
    settings = options.settings(url, log)
    filters["log"] = settings.named_log
    dimension = {By.COMPANY: "company_id"}.get(by, by.value) if by else None

    async def read() -> Timeline:
        async with reading(settings) as audit:
            return await audit.timeline(
                "hour" if unit is Unit.HOUR else "day",
                by=[dimension] if dimension else [],  # type: ignore[list-item]
                **filters,
            )

    found = asyncio.run(read())
    rows = list(_rows(found.buckets, unit))
    if as_json:
        write_json([_as_dict(row, by) for row in rows])
    elif not found.total:
        say("No event matches.")
    else:
        draw(rows, unit, by)


Row = tuple[datetime, Counter["Group"]]


def _rows(buckets: tuple[Bucket, ...], unit: Unit) -> Iterator[Row]:
    """The buckets, those of one week or month added up."""
    row: Row | None = None
    for bucket in buckets:
        start = _start(bucket.start, unit)
        if row is None or row[0] != start:
            if row is not None:
                yield row
            row = start, Counter()
        row[1].update(bucket.groups)
    if row is not None:
        yield row


def _start(moment: datetime, unit: Unit) -> datetime:
    match unit:
        case Unit.WEEK:
            return moment - timedelta(days=moment.weekday())
        case Unit.MONTH:
            return moment.replace(day=1)
    return moment


def _as_dict(row: Row, by: By | None) -> dict[str, Any]:
    start, groups = row
    found: dict[str, Any] = {
        "start": start.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "events": groups.total(),
    }
    if by is not None:
        found["by"] = {_name(group): count for group, count in sorted(groups.items(), key=str)}
    return found


def _name(group: Group) -> str:
    return "none" if not group or group[0] is None else group[0]


def draw(rows: list[Row], unit: Unit, by: By | None) -> None:
    """Draw bars; the widest fills the width that the terminal leaves."""
    from rich.text import Text

    out = console()
    totals: Counter[Group] = Counter()
    for _, groups in rows:
        totals.update(groups)
    series = [group for group, _ in totals.most_common(_MAX_SERIES)]
    styles: dict[Group | None, str] = dict(zip(series, _COLOURS, strict=False))
    if by is By.LEVEL:
        styles = {group: LEVELS[_name(group)][1] for group in series}
    labels = [_label(start, unit) for start, _ in rows]
    count_width = len(f"{max(groups.total() for _, groups in rows):,}")
    room = max(10, min(out.width, 120) - len(labels[0]) - count_width - 4)
    most = max(1, *(groups.total() for _, groups in rows))
    for label, (_, groups) in zip(labels, rows, strict=True):
        line = Text.assemble((label, "dim"), f"  {groups.total():>{count_width},}  ")
        drawn = 0.0
        if by is None:
            line.append(_bar(groups.total() * room / most), _COLOURS[0])
        for group in (*series, None) if by else ():
            count = groups.total() - sum(groups[known] for known in series)
            if group is not None:
                count = groups[group]
            end = drawn + count * room / most
            line.append(_BLOCKS[-1] * (round(end) - round(drawn)), styles.get(group, "dim"))
            drawn = end
        out.print(line, no_wrap=True, overflow="crop")
    if by is not None:
        legend = Text()
        for group in series:
            legend.append("■\u00a0", styles[group])
            legend.append(f"{short(_name(group), 24)}\u00a0{totals[group]:,}   ")
        others = totals.total() - sum(totals[group] for group in series)
        if others:
            legend.append("■\u00a0", "dim")
            legend.append(f"others\u00a0{others:,}")
        out.print(legend)


def _bar(length: float) -> str:
    """A bar to an eighth of a cell; what is there at all is seen."""
    whole = int(length)
    rest = int((length - whole) * (len(_BLOCKS) - 1))
    bar = _BLOCKS[-1] * whole + (_BLOCKS[rest] if rest else "")
    return bar or (_BLOCKS[1] if length else "")


def _label(start: datetime, unit: Unit) -> str:
    match unit:
        case Unit.HOUR:
            return f"{start:%Y-%m-%d %H}h"
        case Unit.MONTH:
            return f"{start:%b %Y}"
        case Unit.WEEK:
            return f"week of {start:%Y-%m-%d}"
    return f"{start:%a %Y-%m-%d}"
