"""A visit: one person or service, at one place, doing several things one after the other."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from counterfoil.base import AuditContext, AuditEventType

_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile",
)
#: RFC 5737: networks for documentation, which belong to nobody.
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")


class Call(NamedTuple):
    """One call of ``log_event``: when it is made, and its arguments."""

    moment: datetime
    arguments: dict[str, Any]


class Visit:
    """Collects the calls that an application would make while somebody uses it.

    Args:
        calls: where they go.
        random: gives addresses, sessions and pauses.
        user_id: who it is.
        moment: when it begins; every step takes a little time.
    """

    def __init__(self, calls: list[Call], random: Random, user_id: str, moment: datetime) -> None:
        self._calls = calls
        self._random = random
        self.user_id = user_id
        self.moment = moment
        self._service = user_id.startswith("svc-")
        self._ip = f"{random.choice(_NETWORKS)}.{random.randint(1, 254)}"
        self._agent = "shop-worker/3.2" if self._service else random.choice(_AGENTS)
        self._session = None if self._service else f"s-{random.getrandbits(48):012x}"

    def wait(self, low: float, high: float) -> None:
        """Let some seconds pass."""
        self.moment += timedelta(seconds=self._random.uniform(low, high))

    def do(
        self,
        event_type: AuditEventType,
        resource: str | None = None,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        details: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Do something: one call.

        Args:
            resource: ``type/id``.
            more: further arguments of ``log_event``.
        """
        kind, _, name = (resource or "").partition("/")
        context = AuditContext(
            user_id=self.user_id,
            ip_address=self._ip,
            user_agent=self._agent,
            session_id=self._session,
            request_id=f"req-{self._random.getrandbits(40):010x}",
            before_state=before,
            after_state=after,
        )
        arguments: dict[str, Any] = {"event_type": event_type, "context": context, **more}
        if resource:
            arguments |= {"resource_type": kind, "resource_id": name}
        if details:
            arguments["details"] = details
        self._calls.append(Call(self.moment, arguments))
        if self._service:
            self.wait(0.05, 0.4)
        else:
            self.wait(4, 70)
