"""``counterfoil stats``: how much there is, and how far it is covered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from counterfoil.errors import AccessError, StoreError
from counterfoil.wording.moment import short_time
from counterfoil.wording.visible import counted, visible

from . import options
from .outbox import connect_to
from .reading import reading
from .terminal import print_table, say, write_json

if TYPE_CHECKING:
    from datetime import datetime

    from counterfoil.log.stats import LogStats, OutboxStats, SpoolStats, Stats


def stats(
    url: options.Url = None,
    utc: options.Utc = False,
    as_json: options.AsJson = False,
) -> None:
    """Show how many events there are, their size on disk, and what no checkpoint covers yet.

    With the setting outbox, also what waits in the application's database.
    """
    settings = options.settings(url)
    connect = connect_to(None, settings) if settings.outbox else None

    async def read() -> Stats:
        from counterfoil.log.setup import spool_folder
        from counterfoil.log.stats import take_spool_stats

        folder = spool_folder(settings.spool, settings.url, plain_http=settings.plain_http)
        spool = None
        if folder is not None:
            spool = await take_spool_stats(folder, settings.limits.write_timeout)
        try:
            async with reading(settings) as audit:
                if connect is not None:
                    audit.relay(connect)
                return replace(await audit.stats(), spool=spool)
        except (StoreError, AccessError):
            # What waits is asked for when the log is away, or lets nobody in.
            if spool is not None and not as_json:
                _show_spool(spool, utc=utc)
            raise

    found = asyncio.run(read())
    if as_json:
        write_json(
            {
                "store": found.store,
                "events": found.size,
                "waiting": found.waiting,
                "spool": None if found.spool is None else _spool_as_dict(found.spool),
                "bytes": dict(found.usage),
                "logs": [_as_dict(log) for log in found.logs],
                "outboxes": [_outbox(one) for one in found.outboxes],
            }
        )
    else:
        _show(found, utc=utc)


def _spool_as_dict(spool: SpoolStats) -> dict[str, Any]:
    return {
        "events": spool.events,
        "bytes": spool.bytes,
        "since": _iso(spool.since),
        "lost": spool.lost,
        "quarantined": spool.quarantined,
    }


def _as_dict(log: LogStats) -> dict[str, Any]:
    return {
        "log": log.name,
        "origin": log.origin,
        "events": log.size,
        "recorded_at": _iso(log.recorded_at),
        "checkpoint_size": log.checkpoint_size,
        "checkpoint_at": _iso(log.checkpoint_at),
        "uncovered": log.uncovered,
    }


def _outbox(one: OutboxStats) -> dict[str, Any]:
    return {
        "outbox": one.outbox,
        "waiting": one.waiting,
        "oldest_seconds": one.oldest,
        "refused": one.refused,
        "trouble": one.trouble or None,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _show(found: Stats, *, utc: bool) -> None:
    from rich.table import Table

    total = sum(found.usage.values())
    say(f"{visible(found.store)}: {counted(found.size, 'event')}, {_bytes(total)} on disk")
    if found.usage:
        say("  " + ", ".join(f"{part} {_bytes(size)}" for part, size in found.usage.items()), "dim")
    if found.waiting:
        say(f"To be written yet: {counted(found.waiting, 'event')}.")
    for one in found.outboxes:
        say(f"In the outbox {visible(one.outbox)}: {_backlog(one)}.")
    if found.spool is not None:
        _show_spool(found.spool, utc=utc)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("log", "events", "last event", "last checkpoint", "covers", "uncovered"):
        right = name in ("events", "covers", "uncovered")
        table.add_column(name, justify="right" if right else "left")
    for log in found.logs:
        table.add_row(
            visible(log.name),
            f"{log.size:,}",
            _time(log.recorded_at, utc=utc),
            _time(log.checkpoint_at, utc=utc),
            f"{log.checkpoint_size:,}",
            f"{log.uncovered:,}",
        )
    print_table(table)


def _backlog(one: OutboxStats) -> str:
    if one.waiting is None:
        return one.trouble.rstrip(".")
    parts = [f"{counted(one.waiting, 'event')} to be moved"]
    if one.oldest is not None:
        parts.append(f"the oldest for {one.oldest:,.0f} s")
    if one.refused:
        parts.append(f"{one.refused:,} that no log takes")
    return ", ".join(parts)


def _show_spool(spool: SpoolStats, *, utc: bool) -> None:
    if spool.events:
        since = "" if spool.since is None else f", the oldest of {_time(spool.since, utc=utc)}"
        waiting = counted(spool.events, "event")
        say(f"Waiting in the spool: {waiting}{since}, {_bytes(spool.bytes)}.")
    if spool.lost:
        say(f"Kept nowhere, and not reported yet: {counted(spool.lost, 'event')}.")
    if spool.quarantined:
        say(f"Set aside in the spool, to be looked at: {counted(spool.quarantined, 'file')}.")


def _time(moment: datetime | None, *, utc: bool) -> str:
    return "none" if moment is None else short_time(moment, utc=utc)


def _bytes(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"
