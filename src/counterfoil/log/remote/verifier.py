"""The verifier: the server checks whole logs, and this client what it can without trusting it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from counterfoil.errors import ForbiddenError, InputError
from counterfoil.log.verification.report import (
    DigestStates,
    EntryStates,
    Fault,
    Finding,
    LogReport,
    Place,
    Report,
)
from counterfoil.log.verification.verifier import Progress, Since
from counterfoil.wire.connection import not_ours

from .link import Link
from .prover import ServerProver
from .trust import Trust

#: Seconds that a verification may take.
LONGEST = 3600.0


class ServerVerifier:
    """Has a server verify its logs.

    The result is the server's word. What this client checks by itself is that the log continues
    the last checkpoint that it saw; proofs of single events are checked whole by ``prove``.

    Args:
        link: to the server.
        prover: fetches checkpoints.
        trust: knows which were seen.
    """

    def __init__(self, link: Link, prover: ServerProver, trust: Trust) -> None:
        self._link = link
        self._prover = prover
        self._trust = trust

    async def verify(
        self,
        log: str | None = None,
        *,
        since: Since = None,
        processes: int | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """What is wrong with what the server stores, as it says.

        Raises:
            RollbackError: the server shows another past than before.
            ForbiddenError: the access key may not have logs verified.
        """
        if isinstance(since, int) and since < 0:
            raise InputError("The size to verify from is negative.")
        body = orjson.dumps({"log": log, "since": since, "processes": processes})
        answer = await self._link.ask(
            "POST",
            "/v1/verify",
            body=body,
            headers={"Content-Type": "application/json"},
            timeout=LONGEST,
        )
        report = _report(answer.json())
        if progress is not None:
            progress(report.events, report.events)
        await self._look_back([log] if log is not None else await self._trust.logs())
        return report

    async def _look_back(self, logs: list[str]) -> None:
        try:
            await asyncio.gather(*[self._prover.checkpoint(log) for log in logs])
        except ForbiddenError:
            # Another key saw that log.
            return


def _report(answer: dict[str, Any]) -> Report:
    try:
        return Report(
            logs=tuple(_log(one) for one in answer["logs"]),
            findings=tuple(_finding(one) for one in answer["findings"]),
            omitted=int(answer["omitted"]),
            processes=int(answer.get("processes", 0)),
            seconds=float(answer["seconds"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise not_ours() from error


def _log(given: dict[str, Any]) -> LogReport:
    root = given["root"]
    return LogReport(
        log=str(given["log"]),
        origin=str(given["origin"]),
        size=int(given["size"]),
        root=None if root is None else bytes.fromhex(root),
        first=int(given.get("first", 0)),
        entries=EntryStates(**given.get("entries", {})),
        digests=DigestStates(**given.get("digests", {})),
        covered=int(given["covered"]),
        not_looked_at=tuple(map(str, given.get("not_looked_at", ()))),
    )


def _finding(given: dict[str, Any]) -> Finding:
    known = {name: given[name] for name in Finding.__dataclass_fields__ if name in given}
    return Finding(**{**known, "fault": Fault(given["fault"]), "place": Place(given["place"])})
