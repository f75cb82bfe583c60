"""A draft: what one call of ``log_event`` says, while the policy chain works on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

#: The log of a draft whose call named none, where companies have logs of their own: it is
#: settled when the event is recorded.
COMPANY_LOG = ""


@dataclass(slots=True)
class Draft:
    """An event before it is hashed. The policy chain changes it in place.

    Times are microseconds since the Unix epoch, UTC; periods are days. ``None`` means
    that nobody said anything. What the chain leaves in the values must be plain JSON.

    Attributes:
        log: the log's name, or :data:`COMPANY_LOG`.
        named: the parameters that this call itself gave (not the ambient context): what a
            repeated event id is compared by.
        notes: what the log has to say about the call, such as a time without a zone.
        claims: what a client claimed and nobody checked, such as a spoofed address.
        audit: facts of the log's own events, which outlive every disclosure.
        options: the caller's ``AuditOptions``, read by the chain.
        context: the caller's ``AuditContext``, read by the chain.
        older_tokens: for tokens in the draft, what they were under older keys; only in a call
            that names its id, and where there are older keys.
    """

    event_type: str
    event_id: str
    occurred_at: int
    log: str = "default"
    level: str | None = None
    outcome: str | None = None
    user_id: Any = None
    actor_kind: str | None = None
    ip_address: Any = None
    user_agent: Any = None
    session_id: Any = None
    request_id: Any = None
    company_id: Any = None
    on_behalf_of: Any = None
    impersonator: Any = None
    resource_id: Any = None
    resource_type: Any = None
    subjects: Sequence[Any] = ()
    before_state: Any = None
    after_state: Any = None
    changes: Any = None
    details: Any = None
    metadata: Any = None
    body: Any = None
    claims: Any = None
    notes: dict[str, Any] | None = None
    audit: dict[str, Any] | None = None
    expires_days: int | None = None
    decays_days: int | None = None
    named: frozenset[str] = frozenset()
    context: Any = None
    options: Any = None
    rule: Any = field(default=None, repr=False)
    older_tokens: dict[str, list[str]] | None = None

    def note(self, name: str, remark: Any) -> None:
        """Keep a remark of the log's own beside the details."""
        if self.notes is None:
            self.notes = {}
        self.notes[name] = remark
