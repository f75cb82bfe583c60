"""The demo's story: record, search, prove, verify, tamper; with the real commands."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import sys
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from counterfoil.cli.terminal import console, say
from counterfoil.cli.verify import show as show_report
from counterfoil.wording.visible import visible

from . import serving
from .recording import record_year, verifier_key
from .tampering import TAMPERINGS, Tampering, copy_database, tamper

if TYPE_CHECKING:
    from counterfoil.log.verification.report import Report


_DATABASE = "shop.db"
#: The verifier key, as the shop would hand it out.
_KEY = "shop.pub"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the story went.

    Attributes:
        events: events recorded.
        proof_holds: whether the event's proof holds, and a forged one does not.
        intact: whether the untouched database was found to be as recorded.
        caught: for each attempt whether it was found.
        served: whether the server answered; None where its packages are not installed.
    """

    events: int
    proof_holds: bool
    intact: bool
    caught: tuple[bool, ...]
    served: bool | None

    @property
    def ok(self) -> bool:
        """Whether everything went as it must."""
        return self.proof_holds and self.intact and all(self.caught) and self.served is not False


def tell(folder: Path, *, stay: bool = False) -> Outcome:
    """Tell all of it, with the files in a folder of its own.

    Args:
        stay: leave the server running at the end, until Ctrl-C.
    """
    began = time.monotonic()
    database = folder / _DATABASE
    url = f"sqlite:///{_DATABASE}"
    # There the commands find what they need under short names, and nobody's settings.
    with chdir(folder), _only_setting("COUNTERFOIL_URL", url):
        _chapter("Record a small shop's year, one commit after the other")
        recorded = asyncio.run(record_year(url))
        seconds = time.monotonic() - began
        say(f"{recorded.events:,} events of {recorded.types} types in {seconds:.1f} s.")

        _chapter("Search it")
        _run("timeline --unit month --by level")
        _run("query --resource product/p-7 --type price_changed -n 4")
        _run("query --type data_exported --type mfa_disabled --type access_denied")
        _run(f"show {recorded.event_id}")

        _chapter("Prove that event to somebody who has no access to the database")
        proof_holds = _prove(url, recorded.event_id)

        _chapter("Verify the database")
        report = _verify(url)
        show_report(report)

        _chapter("Tamper with it: five copies, five ways, by somebody with all rights on them")
        caught = tuple(
            _attempt(number, tampering, database, folder)
            for number, tampering in enumerate(TAMPERINGS, 1)
        )
        say()
        say(
            f"{sum(caught)} of {len(caught)} attempts were caught, "
            f"in {time.monotonic() - began:.0f} s.",
            "bold",
        )

        _chapter("Open the shop's events in a browser")
        served = _serve(url, stay=stay)
    return Outcome(recorded.events, proof_holds, report.ok, caught, served)


def _serve(url: str, *, stay: bool) -> bool | None:
    if not serving.can_serve():
        say("The server and its pages need: pip install 'counterfoil[server]'")
        return None
    return serving.show(url, stay=stay)


def _prove(url: str, event_id: str) -> bool:
    Path(_KEY).write_text(asyncio.run(verifier_key(url)) + "\n", encoding="utf-8")
    _run(f"prove {event_id}")
    check = f"verify-proof {event_id}.tlog-proof --key {_KEY}"
    holds = _run(check) == 0
    say("\nNow with another price written into the disclosed values:")
    disclosures = Path(f"{event_id}.disclosures")
    disclosures.write_bytes(_forged(disclosures.read_bytes()))
    return holds and _run(check) == 1


def _forged(disclosures: bytes) -> bytes:
    """The disclosures with the state's values changed, in the right form."""
    lines = []
    for line in disclosures.splitlines():
        plain = urlsafe_b64decode(line + b"=" * (-len(line) % 4))
        forged = plain.replace(b'"price":"', b'"price":"9')
        lines.append(urlsafe_b64encode(forged).rstrip(b"=") + b"\n")
    return b"".join(lines)


def _attempt(number: int, tampering: Tampering, database: Path, folder: Path) -> bool:
    copy = copy_database(database, folder / f"tampered-{number}")
    tamper(copy, tampering)
    with _silenced():
        report = _verify(f"sqlite:///{copy}")
    say(f"\n{number}. {tampering.title}")
    if report.ok:
        say("   NOT caught", "bold red")
        return False
    for finding in report.findings[:2]:
        say(f"   caught: {visible(str(finding))}", "green")
    more = len(report.findings) + report.omitted - 2
    if more > 0:
        say(f"   and {more:,} more {'finding' if more == 1 else 'findings'}", "dim")
    return True


def _verify(url: str) -> Report:
    from counterfoil import AuditLog

    async def check() -> Report:
        async with AuditLog.open(url, checkpoint_interval=None) as audit:
            return await audit.verify()

    return asyncio.run(check())


def _run(command: str) -> int:
    """Run one of our commands as it is typed."""
    from counterfoil.cli.app import app

    say(f"\n$ counterfoil {command}", "bold cyan", fold=False)
    sys.stdout.flush()
    return app(shlex.split(command), standalone_mode=False) or 0


def _chapter(title: str) -> None:
    console().print()
    console().rule(title, align="left", style="dim")


@contextmanager
def _only_setting(name: str, value: str) -> Iterator[None]:
    """One setting in the environment, and none of those that are there."""
    before = {name: os.environ[name] for name in os.environ if name.startswith("COUNTERFOIL_")}
    for known in before:
        del os.environ[known]
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        os.environ.update(before)


@contextmanager
def _silenced() -> Iterator[None]:
    """Opening a rolled-back log complains; the report says the same in its place."""
    logger = logging.getLogger("counterfoil")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
