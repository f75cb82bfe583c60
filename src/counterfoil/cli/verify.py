"""``counterfoil verify``: recompute everything, and say what is not as it must be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.wording.visible import counted, visible

from . import options
from .reading import reading
from .terminal import console, progress, say, write_json

if TYPE_CHECKING:
    from counterfoil.log.verification.report import Finding, LogReport, Report

#: Findings shown to a person; --json has all of them.
_SHOWN = 20


def verify(
    since_last: Annotated[
        bool,
        typer.Option(
            "--since-last", help="Only what came after the last verification without findings."
        ),
    ] = False,
    url: options.Url = None,
    log: options.Log = None,
    key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Verify the database: every event, value, column, count, tile and checkpoint.

    Without --log every log is verified.

    Exit code 1 means that something was altered, is missing or cannot be read.
    """
    settings = options.settings(url, log, key_file)

    async def check() -> Report:
        async with reading(settings) as audit:
            with progress() as shown:
                task = shown.add_task("Verifying", total=None)

                def advance(checked: int, total: int) -> None:
                    shown.update(task, completed=checked, total=total)

                return await audit.verify(
                    log, since="last" if since_last else None, progress=advance
                )

    report = asyncio.run(check())
    if as_json:
        write_json(as_dict(report))
    else:
        show(report)
    if not report.ok:
        raise typer.Exit(1)


def as_dict(report: Report) -> dict[str, Any]:
    """A report as plain JSON values."""
    return {
        "ok": report.ok,
        "events": report.events,
        "seconds": round(report.seconds, 3),
        "logs": [
            {
                "log": log.log,
                "origin": log.origin,
                "size": log.size,
                "root": None if log.root is None else log.root.hex(),
                "covered": log.covered,
                "uncovered": log.tail,
                "present": log.entries.present,
                "purged": log.entries.purged,
            }
            for log in report.logs
        ],
        "findings": [_finding(finding) for finding in report.findings],
        "omitted": report.omitted,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    fields = ("log", "index", "last_index", "event_id", "field", "expected", "found", "since")
    found: dict[str, Any] = {"fault": finding.fault.value, "place": finding.place.value}
    for name in fields:
        value = getattr(finding, name)
        if value not in (None, ""):
            found[name] = value
    return {**found, "text": str(finding)}


def show(report: Report) -> None:
    """Say what was verified, and what is wrong so that a person can act on it."""
    if report.ok:
        events = counted(report.events, "event")
        say(f"Verified {events} in {report.seconds:.1f} s: all as recorded.", "green")
    else:
        count = len(report.findings) + report.omitted
        say(f"NOT as recorded: {counted(count, 'finding')}.", "bold red")
        for finding in report.findings[:_SHOWN]:
            console().print(f"  {visible(str(finding))}", style="red", soft_wrap=True)
        if count > _SHOWN:
            say(f"  ... and {count - _SHOWN:,} more; --json lists up to 1,000.")
        say("Keep a copy of the files as they are, stop writing, and compare with a backup.")
    for log in report.logs[:_SHOWN]:
        say(_coverage(log, ok=report.ok), "dim")
    if len(report.logs) > _SHOWN:
        say(f"... and {len(report.logs) - _SHOWN:,} more logs; --json lists all.", "dim")


def _coverage(log: LogReport, *, ok: bool) -> str:
    events = counted(log.size, "event")
    if ok:
        text = f"log {visible(log.log)}: {events}, {log.covered:,} under a signed checkpoint"
        if log.tail:
            text += f", the newest {log.tail:,} under none yet"
    else:
        text = f"log {visible(log.log)}: {events}; the last checkpoint that holds covers"
        text += f" {log.covered:,}"
    if log.entries.purged:
        text += f"; {log.entries.purged:,} purged, whose time was up by the log's own word"
    return f"{text}."
