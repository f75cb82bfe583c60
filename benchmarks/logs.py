"""Many logs: recording over one log, 64 and 5,000, a company's events each in its own.

The same callers record the same number of events, spread evenly and at random over the
companies; what differs is the number of heads, trees and counts that a batch touches. All logs
are there before the clock starts.
"""

from __future__ import annotations

import asyncio
import time
from random import Random
from statistics import median

from counterfoil.base import AuditEventType
from counterfoil.log import AuditLog

from .event import CONTEXT, DETAILS
from .figure import Figure, share, told
from .ingest import Cost, database

ROUNDS = 3
CALLERS = 1_000
EVENTS = 20_000
LOGS = (1, 64, 5_000)
#: Shares of the rate on one log.
GOALS = {1: 1.0, 64: 0.8, 5_000: 0.2}


async def run() -> list[Figure]:
    """The figures of recording over many logs."""
    costs: dict[int, list[Cost]] = {logs: [] for logs in LOGS}
    firsts: list[Cost] = []
    for _ in range(ROUNDS):
        for logs, found in costs.items():
            with database() as path:
                first, later = await _record(f"sqlite:///{path}", logs)
            found.append(later)
        firsts.append(first)
    figures = []
    one = [cost.wall for cost in costs[1]]
    for logs, found in costs.items():
        name = f"1,000 callers, {logs:,} log{'s' if logs > 1 else ''}"
        ours = [cost.wall for cost in found]
        ratio = median(alone / many for alone, many in zip(one, ours, strict=True))
        figures.append(share(f"{name}, us an event", median(ours), median(one), ratio, GOALS[logs]))
        processor = median(cost.processor for cost in found)
        figures.append(told(f"{name}, us of processor an event", processor))
    wall = median(cost.wall for cost in firsts)
    figures.append(told(f"the first event of each of {LOGS[-1]:,} companies, us", wall))
    return figures


async def _record(url: str, logs: int) -> tuple[Cost, Cost]:
    """The cost of a log's first event, and of one of many later events."""
    random = Random(7)
    contexts = [CONTEXT.model_copy(update={"company_id": f"c-{n}"}) for n in range(logs)]
    async with AuditLog.open(url, log_per_company=True, checkpoint_interval=None) as log:

        async def caller(companies: list[int]) -> None:
            for company in companies:
                await log.log_event(
                    AuditEventType.PRICE_CHANGED, details=DETAILS, context=contexts[company]
                )

        async def timed(companies: list[int]) -> Cost:
            wall, processor = time.perf_counter(), time.process_time()
            await asyncio.gather(*[caller(companies[n::CALLERS]) for n in range(CALLERS)])
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            return Cost(wall / len(companies) * 1e6, processor / len(companies) * 1e6)

        first = await timed(list(range(logs)))
        later = await timed([random.randrange(logs) for _ in range(EVENTS)])
    return first, later
