"""A served log to look at: its events, its keys, and the process that serves it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from counterfoil import AuditContext, AuditLog
from counterfoil.access import Services
from counterfoil.cli.demo.shop_clock import ShopClock

#: Markup, a direction override, a terminal's colour, and a spreadsheet's formula.
HOSTILE = '<img src=x onerror=alert(1)>\u202e\x1b[31m=HYPERLINK("http://example.com")'
DAYS = 30


@dataclass
class Site:
    """The served log.

    Attributes:
        address: where it is; ``name``: the same under a name that browsers do not trust.
        database: its file.
        keys: secret by role; ``tenant`` is a reader of company c-1.
        ids: events by what they are for.
    """

    database: Path
    port: int = 0
    keys: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def name(self) -> str:
        return f"http://log.example:{self.port}"

    def record(self, event_type: str, **fields: Any) -> str:
        """Record an event through the server, as an application does."""
        request = urllib.request.Request(
            f"{self.address}/v1/events",
            json.dumps({"event_type": event_type, **fields}).encode(),
            {
                "content-type": "application/json",
                "authorization": f"Bearer {self.keys['writer']}",
            },
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return str(json.load(answer)["id"])


def prepare(folder: Path) -> Site:
    """A database of a month's events, and keys for it."""
    site = Site(folder / "audit.db")
    asyncio.run(_fill(site))
    return site


def start(site: Site, log: Path) -> subprocess.Popen[str]:
    """Serve it with the real command, on a port that is free."""
    url = f"sqlite:///{site.database}"
    command = [sys.executable, "-m", "counterfoil", "serve", "--url", url, "--port", "0"]
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, cwd=site.database.parent, text=True
        )
    assert process.stdout is not None
    # From the moment that it names its address, who connects is answered once it has begun.
    with process.stdout as out:
        said = out.readline()
    if not said:
        process.wait()
        raise AssertionError(f"The server did not start:\n{log.read_text(encoding='utf-8')}")
    site.port = int(said.split()[2].rpartition(":")[2])
    return process


async def _fill(site: Site) -> None:
    first = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0)
    first -= timedelta(days=DAYS)
    clock = ShopClock(first)
    url = f"sqlite:///{site.database}"
    async with AuditLog.open(url, clock=clock, checkpoint_interval=None) as audit:
        for number in range(DAYS * 4):
            clock.put_forward(first + timedelta(hours=6 * number))
            await audit.log_event(**_event(number))
        for purpose, call in _SPECIAL.items():
            site.ids[purpose] = await audit.log_event(**call)
        await audit.checkpoint()
        services = Services.of(audit)
        for name, role, company in (
            ("admin", "admin", None),
            ("tenant", "reader", "c-1"),
            ("writer", "writer", None),
        ):
            _, site.keys[name] = await services.keyring.create(role, name=name, company=company)


def _event(number: int) -> dict[str, Any]:
    kinds = ("user_login", "order_created", "price_changed", "access_denied")
    return {
        "event_type": kinds[number % 4],
        "user_id": f"u-{number % 5}",
        "resource_type": "product",
        "resource_id": f"p-{number % 7}",
        "details": {"reason": ("campaign", "supplier")[number % 2]},
        "context": AuditContext(company_id=f"c-{number % 2 + 1}", session_id=f"s-{number // 8}"),
    }


_SPECIAL: dict[str, dict[str, Any]] = {
    "changed": {
        "event_type": "price_changed",
        "user_id": "u-42",
        "ip_address": "192.0.2.7",
        "resource_type": "product",
        "resource_id": "p-9",
        "details": {"reason": "new supplier"},
        "context": AuditContext(
            company_id="c-1",
            session_id="s-42",
            request_id="r-42",
            user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
            before_state={"price": "12.50", "stock": 3, "tags": ["a", "b"], "name": "Lamp"},
            after_state={"price": "13.00", "stock": 3, "tags": ["a", "c"], "name": "Lamp"},
        ),
    },
    "foreign": {
        "event_type": "order_created",
        "user_id": "u-foreign",
        "context": AuditContext(company_id="c-2"),
    },
    "tampered": {
        "event_type": "role_assigned",
        "user_id": "u-1",
        "resource_type": "user",
        "resource_id": "u-3",
        "details": {"role": "viewer"},
        "context": AuditContext(company_id="c-1"),
    },
    "forged": {
        "event_type": "role_revoked",
        "user_id": "u-1",
        "resource_type": "user",
        "resource_id": "u-3",
        "context": AuditContext(company_id="c-1"),
    },
    "hostile": {
        "event_type": "file_uploaded",
        "user_id": HOSTILE,
        "resource_type": "file",
        "resource_id": HOSTILE,
        "details": {HOSTILE: HOSTILE, "long": "=1+1" + "A" * 1_000_000},
        "context": AuditContext(
            company_id="c-1",
            user_agent=HOSTILE,
            before_state={HOSTILE: HOSTILE},
            after_state={HOSTILE: [HOSTILE]},
        ),
    },
}
