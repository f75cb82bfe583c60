"""Redaction: what cleaning an everyday event takes, beside serialising it.

`python -m benchmarks.redaction` prints its figures alone.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable
from typing import Any

import orjson

from counterfoil.policy.diff import changes
from counterfoil.policy.redaction import Anonymiser, Redactor, Tokeniser

from .figure import Figure, below, times, told

ROUNDS, CALLS = 15, 2_000

CONTEXT: dict[str, Any] = {
    "user_id": "0190a5f2-7b7c-7cc3-98c4-dc0c0c07398f",
    "ip_address": "192.0.2.10",
    "user_agent": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/120.0.0.0 Safari/537.36"
    ),
    "session_id": "b1946ac92492d2347c6235b4d2611184",
    "request_id": "0190a5f2-7b7d-7000-8000-0123456789ab",
    "company_id": "acme",
    "resource_id": "18237",
    "resource_type": "order",
}
BEFORE: dict[str, Any] = {
    "id": 18237,
    "status": "pending_review",
    "email": "jane.smith@example.com",
    "name": "Jane Smith",
    "plan": "premium",
    "updated_at": "2024-05-17T09:30:00Z",
    "price": 49.9,
    "active": True,
}
AFTER = {**BEFORE, "status": "approved", "updated_at": "2024-05-17T09:31:02Z"}
DETAILS = {"reason": "manual approval by support", "ticket": "SUP-4821", "items": 3}
EVENT = {**CONTEXT, "details": DETAILS, "before_state": BEFORE, "after_state": AFTER}
WITH_SECRETS = {
    **EVENT,
    "details": {
        "callback": "https://bob:swordfish@example.com/cb?token=abc&page=2",
        "body": '{"password": "swordfish", "card": "4111 1111 1111 1111"}',
        "api_key": "swordfish",
    },
}


def run() -> list[Figure]:
    """The figures of cleaning one event, its differences, and 64 KiB of hostile text."""
    redactor = Redactor(tokens=Tokeniser([("k1", b"k" * 32)]))
    anonymiser = Anonymiser(Tokeniser([("k1", b"k" * 32)]))
    clean = redactor.clean_all(EVENT)
    dumps = microseconds(lambda: orjson.dumps(EVENT))
    changed = {**EVENT, "changes": changes(BEFORE, AFTER)}
    hostile = "https://a:b@c/" * (65_536 // 14)
    whole = microseconds(lambda: redactor.text(hostile), 1)
    quarter = microseconds(lambda: redactor.text(hostile[: len(hostile) // 4]), 1)
    return [
        below("clean an event (µs, by dumps)", best(redactor, EVENT), 12, dumps),
        told("clean it with its changes (µs, by dumps)", best(redactor, changed), dumps),
        told("clean one with secrets (µs, by dumps)", best(redactor, WITH_SECRETS), dumps),
        told("anonymise it (µs, by dumps)", microseconds(lambda: anonymiser.parts(clean)), dumps),
        told("compare its states (µs)", microseconds(lambda: changes(BEFORE, AFTER))),
        # Four times is linear, sixteen times quadratic.
        times("clean 64 KiB of hostile text (µs, by a quarter)", whole, quarter, 6),
    ]


def best(redactor: Redactor, parts: dict[str, Any]) -> float:
    """Microseconds that cleaning takes in the best round: what else runs here does not count."""
    return microseconds(lambda: redactor.clean_all(parts))


def microseconds(work: Callable[[], object], calls: int = CALLS) -> float:
    """Microseconds a call takes in the best of some rounds."""
    return min(timeit.repeat(work, number=calls, repeat=ROUNDS)) / calls * 1e6


if __name__ == "__main__":
    for figure in run():
        yardstick = "" if figure.yardstick is None else f"  beside {figure.yardstick:.2f}"
        print(f"{figure.name:45} {figure.ours:10.2f}{yardstick}")
