"""The demo: a whole year, the same each time, and every attempt is caught."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from counterfoil.base import AuditEventType
from counterfoil.cli.demo.shop import DAYS, Shop

from .conftest import Run

START = datetime(2025, 1, 1, tzinfo=UTC)
DOCUMENTATION = [ip_network(f"{net}.0/24") for net in ("192.0.2", "198.51.100", "203.0.113")]


def test_a_year_has_every_type_and_a_few_thousand_events() -> None:
    calls = Shop(START).year()
    types = Counter(call.arguments["event_type"] for call in calls)
    assert set(types) == set(AuditEventType)
    assert 2_000 < len(calls) < 6_000


def test_a_year_is_in_order_and_the_same_each_time() -> None:
    calls = Shop(START).year()
    moments = [call.moment for call in calls]
    assert moments == sorted(moments)
    assert moments[0] >= START
    assert moments[-1] < START + timedelta(days=DAYS + 2)
    assert calls == Shop(START).year()
    assert calls != Shop(START, seed=2).year()


def test_a_year_names_nobody_real() -> None:
    for call in Shop(START).year():
        address = ip_address(call.arguments["context"].ip_address)
        assert any(address in network for network in DOCUMENTATION)
        assert "@" not in repr(call.arguments).replace("@example.com", "")


def test_the_demo_catches_every_attempt(run: Run, own_place: Path) -> None:
    ran = run("demo", "--json", "--keep", "kept")
    found = ran.json
    assert ran.err == ""
    assert found["ok"] is True
    assert (found["tampered"], found["caught"]) == (5, 5)
    assert found["served"] is True
    assert (own_place / "kept" / "shop.db").is_file()
    counting = ("query", "--count", "--url", "sqlite:///kept/shop.db")
    # The server's start, the key that was made for looking at them, and the looking.
    own = [f"--type=audit.{kind}" for kind in ("config", "key", "read")]
    assert int(run(*counting).out) - int(run(*counting, *own).out) == found["events"]
    assert "there already" in run("demo", "--keep", "kept", fails=2).err
