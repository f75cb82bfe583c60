"""Redaction as a link of the chain: every value of the draft in one pass."""

from __future__ import annotations

from typing import Any

from counterfoil.record import Draft

from .link import Link
from .redaction import Anonymiser, Redactor, Tokeniser

#: The context's texts, and everything that the caller or a client filled.
PARTS = (
    "user_id",
    "ip_address",
    "user_agent",
    "session_id",
    "request_id",
    "company_id",
    "resource_id",
    "on_behalf_of",
    "impersonator",
    "before_state",
    "after_state",
    "changes",
    "details",
    "metadata",
    "body",
    "claims",
    "notes",
)


def redaction(redactor: Redactor, tokens: Tokeniser | None) -> Link:
    """A link that takes out what must never be stored, and leaves plain JSON.

    The session's id becomes a token, so that one session's events can still be found.

    Args:
        redactor: the rules.
        tokens: makes the session's token; without it the id is dropped.
    """
    session_token = Anonymiser(tokens).token

    def redact(draft: Draft) -> Draft:
        parts: dict[str, Any] = {}
        for name in PARTS:
            value = getattr(draft, name)
            if value is not None:
                parts[name] = value
        if draft.subjects:
            parts["subjects"] = draft.subjects
        options = draft.options
        company = draft.company_id
        clean = redactor.clean_all(
            parts,
            sensitive_fields=() if options is None else options.sensitive_fields,
            company_id=company if isinstance(company, str) else None,
        )
        for name, value in clean.items():
            setattr(draft, name, value)
        if draft.session_id is not None:
            draft.session_id = session_token("session_id", str(draft.session_id), company_of(draft))
        return draft

    return redact


def company_of(draft: Draft) -> str | None:
    """Whose tokens a draft's are."""
    return draft.company_id if isinstance(draft.company_id, str) else None
