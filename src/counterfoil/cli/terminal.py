"""The terminal: where output goes, and how events look there."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from counterfoil.wording.moment import clock_time, day, full_time
from counterfoil.wording.sentence import sentence
from counterfoil.wording.visible import safe_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from counterfoil.record import Event

#: Level: its mark, so that it can be told without colours, and its style.
LEVELS = {
    "info": (" ", "dim"),
    "warning": ("!", "yellow"),
    "error": ("E", "red"),
    "critical": ("C", "bold red"),
}
#: From this width on, an event's id has room beside its sentence.
_WIDE = 120
_ID_WIDTH = 36
_UNBOUNDED = 10_000


@cache
def console(*, stderr: bool = False) -> Console:
    """The console; nothing that is printed is read as markup."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    if hasattr(stream, "reconfigure"):
        # A terminal that lacks a character gets an escape, not an error.
        stream.reconfigure(errors="backslashreplace")
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def say(text: str = "", style: str | None = None, *, fold: bool = True) -> None:
    """A line of our own words.

    Args:
        fold: whether a long one is folded at words on a terminal: not where it is a command,
            which must be whole when it is copied.
    """
    out = console()
    out.print(text, style=style, soft_wrap=not (fold and out.is_terminal))


def write_json(value: Any) -> None:
    """One JSON value: indented on a terminal, one line for a program."""
    sys.stdout.write(safe_json(value, indent=console().is_terminal) + "\n")


def write_json_line(value: Any) -> None:
    """One JSON value a line, at once (NDJSON)."""
    sys.stdout.write(safe_json(value) + "\n")
    sys.stdout.flush()


def progress() -> Progress:
    """Progress on standard error, there only for a person, and gone when it ends."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    err = console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def print_table(table: Table) -> None:
    """A table: as wide as the terminal at most, whole where there is none."""
    from rich.console import Console

    out = console()
    if out.is_terminal:
        out.print(table)
        return
    wide = Console(width=_UNBOUNDED, no_color=True, force_terminal=False)
    with wide.capture() as captured:
        wide.print(table)
    for line in captured.get().splitlines():
        sys.stdout.write(f"{line.rstrip()}\n")


def print_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Names and values side by side; values may have several lines and are safe already."""
    from rich.table import Table
    from rich.text import Text

    rows = list(fields)
    out = console()
    if out.is_terminal:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(name, Text(value))
        out.print(table)
        return
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        folded = value.replace("\n", "\n" + " " * (width + 2))
        sys.stdout.write(f"{name:{width}}  {folded}\n")


class EventPrinter:
    """Prints events as sentences.

    On a terminal days are headings and a line is cut at the width; elsewhere each line has its
    full time and is whole.

    Args:
        utc: whether times are shown in UTC.
        ids: whether every line ends with the event's id.
    """

    def __init__(self, *, utc: bool, ids: bool = False) -> None:
        self._utc = utc
        self._ids = ids
        self._day: str | None = None

    def print(self, events: Iterable[Event]) -> None:
        """Print events in the order given."""
        for event in events:
            self._print(event)

    def _print(self, event: Event) -> None:
        from rich.text import Text

        out = console()
        mark, style = LEVELS[event.level.value]
        if not out.is_terminal:
            moment = full_time(event.recorded_at, utc=self._utc)
            ending = f"  {event.id}" if self._ids else ""
            sys.stdout.write(f"{moment} {mark} {sentence(event)}{ending}\n")
            sys.stdout.flush()
            return
        heading = day(event.recorded_at, utc=self._utc)
        if heading != self._day:
            self._day = heading
            out.print(Text(heading, "bold"))
        clock = clock_time(event.recorded_at, utc=self._utc)
        line = Text.assemble((f"{clock} {mark} ", style), sentence(event))
        if out.width >= _WIDE:
            line.truncate(out.width - _ID_WIDTH - 2, overflow="ellipsis", pad=True)
            line.append(f"  {event.id}", "dim")
        out.print(line, no_wrap=True, overflow="ellipsis")
        if self._ids and out.width < _WIDE:
            out.print(Text(f"{'':{len(clock)}}   {event.id}", "dim"))
