"""Checking what belongs to no log alone: whose logs are whose, and whether they are sealed."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.log.company_logs import is_company_log
from counterfoil.log.seal import MOVED, seal_of
from counterfoil.record.row import LOG_SPAN
from counterfoil.store import Head, Selection, Store

from .damage import DAMAGE
from .report import Fault, Finding, Findings, Place

_PAGE = 500
#: Events of a log among which one of its company must be, if there are any.
_FEW = 64


async def check_company_logs(store: Store, heads: Mapping[str, Head], findings: Findings) -> None:
    """Compare the table of companies' logs with the companies that the logs' entries name.

    Args:
        heads: all logs, by name.
    """
    owners: dict[str, str] = {}
    after = ""
    try:
        while page := await store.company_log_page(after, _PAGE):
            after = page[-1][0]
            owners.update((log, company) for company, log in page)
    except DAMAGE:
        _find(findings, Fault.UNREADABLE, "", "the table of companies' logs")
        return
    for log, head in heads.items():
        if log not in owners:
            if is_company_log(log) and head.size:
                _find(findings, Fault.MISSING, log, "whose log it is")
            continue
        first = head.number * LOG_SPAN
        try:
            rows = await store.select(
                Selection(first, first + head.size - 1, newest_first=False, limit=_FEW)
            )
        except DAMAGE:
            continue  # found where the events are checked
        companies = {row.company_id for row in rows} - {None}
        if companies and owners[log] not in companies:
            _find(findings, Fault.ALTERED, log, "whose log it is")


async def check_seals(store: Store, heads: Mapping[str, Head], findings: Findings) -> None:
    """Compare the logs' seals with the database's.

    Args:
        heads: all logs, by name.
    """
    try:
        seal = await seal_of(store)
    except DAMAGE:
        _find(findings, Fault.UNREADABLE, "", "the database's seal")
        return
    for log, head in heads.items():
        opened = head.sealed is None and seal is not None and seal.state == MOVED
        # While a database is sealed or opened, the logs follow one after the other.
        if opened or (head.sealed is not None and seal is None):
            _find(findings, Fault.ALTERED, log, "sealed")


def _find(findings: Findings, fault: Fault, log: str, field: str) -> None:
    place = Place.HEAD if field == "sealed" else Place.META
    findings.add(Finding(fault=fault, place=place, log=log, field=field))
