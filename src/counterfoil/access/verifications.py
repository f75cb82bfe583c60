"""Verifications: what the last one found, for all servers of a database to tell."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

import orjson

from counterfoil.clock import Clock
from counterfoil.errors import StoreError
from counterfoil.log.verification.report import Report
from counterfoil.record.instant import rfc3339
from counterfoil.store.registry import Registry, RegistryRow

KIND: Final = "verification"
_ALL: Final = "*"

logger = logging.getLogger("counterfoil")


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification that is over.

    Attributes:
        ended_at: microseconds since the Unix epoch.
        ok: whether everything was as it must be.
        events: how many were checked; ``findings``: how many things are wrong.
        seconds: how long it took.
    """

    ended_at: int
    ok: bool
    events: int
    findings: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The verification as JSON values."""
        return {
            "ended_at": rfc3339(self.ended_at),
            "ok": self.ok,
            "events": self.events,
            "findings": self.findings,
            "seconds": round(self.seconds, 3),
        }


class Verifications:
    """What the last verification of each log found.

    Args:
        registry: where it is kept.
        clock: gives times.
    """

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._now = clock.now

    async def remember(self, log: str | None, report: Report) -> None:
        """A verification has ended. Whoever asked is told what it found, also where this fails.

        Args:
            log: the log; None where all were verified.
        """
        members = {
            "ended_at": self._now(),
            "ok": report.ok,
            "events": report.events,
            "findings": len(report.findings) + report.omitted,
            "seconds": report.seconds,
        }
        row = RegistryRow(KIND, log or _ALL, orjson.dumps(members))
        try:
            held = await self._registry.register(row)
            if held != row:
                # Of two that end at once, either may be the last.
                await self._registry.reregister(row, held.value)
        except StoreError as error:
            logger.error("What a verification found was not kept. %s", error)

    async def last(self, log: str | None) -> Verification | None:
        """The last one of a log, or of all (None); None where there was none."""
        row = await self._registry.registered(KIND, log or _ALL)
        return None if row is None else Verification(**orjson.loads(row.value))
