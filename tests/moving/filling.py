"""A database with all that can be copied, and what an auditor took from it before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from counterfoil import AuditContext, AuditEventType, AuditLog
from counterfoil.log.proving.evidence import EventProof, SignedCheckpoint

T = AuditEventType.ORDER_CREATED
#: Two full tiles and a part in the default log.
EVENTS = 540


@dataclass
class Before:
    """What was there before a move.

    Attributes:
        contents: log -> its events, the oldest first.
        checkpoint: of the default log, from the middle of its life.
        proof: of an event that the checkpoint covers.
        companies: company -> the name of its log.
    """

    contents: dict[str, list[Any]]
    checkpoint: SignedCheckpoint
    proof: EventProof
    companies: dict[str, str | None]


async def fill(url: str, **options: Any) -> Before:
    """Fill a database through the log itself."""
    async with AuditLog.open(url, log_per_company=True, **options) as audit:
        first = [await _record(audit, number) for number in range(12)]
        checkpoint = await audit.checkpoint()
        proof = await audit.prove(first[0])
        await audit.log_event(T, log="billing", on_behalf_of="u-7")
        for _ in range(2):
            await _many(audit, EVENTS // 2)
        companies = {name: await audit.company_log(name) for name in ("c-1", "c-2")}
        return Before(await contents(audit), checkpoint, proof, companies)


async def _many(audit: AuditLog, events: int) -> None:
    import asyncio

    await asyncio.gather(*(_record(audit, number) for number in range(events)))


async def _record(audit: AuditLog, number: int) -> str:
    company = {5: "c-1", 7: "c-2"}.get(number % 20)
    return await audit.log_event(
        T,
        user_id=f"u-{number % 9}",
        details={"number": number},
        subjects=["u-1", "u-2"] if number % 10 == 0 else (),
        context=AuditContext(company_id=company, before_state={"a": 1}, after_state={"a": 2}),
    )


async def contents(audit: AuditLog) -> dict[str, list[Any]]:
    """All events of all logs, with entries and disclosures as they are stored."""
    found: dict[str, list[Any]] = {}
    for log in (await audit.stats()).logs:
        found[log.name] = [
            (event.index, event.entry, event.disclosures)
            async for event in audit.events(log=log.name)
        ]
    return found
