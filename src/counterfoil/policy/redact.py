"""Redaction as a link of the chain: every value of the draft in one pass."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from counterfoil.record import Draft

from .context import as_text, company_text
from .link import Link
from .redaction import Anonymiser, Redactor, Tokens
from .redaction.marker import dropped
from .redaction.plain import free_name

DROPPED_SESSION = dropped("session_id")
#: Sessions whose tokens are kept in memory, each log its own.
KEPT_SESSIONS = 1024

#: The context's texts, and everything that the caller or a client filled.
PARTS = (
    "user_id",
    "ip_address",
    "user_agent",
    "session_id",
    "request_id",
    "company_id",
    "resource_id",
    "resource_type",
    "actor_kind",
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


class _NoTokenError(Exception):
    """There is no key to make a token with."""


def redaction(redactor: Redactor, tokens: Tokens | None) -> Link:
    """A link that takes out what must never be stored, and leaves plain JSON.

    The context's ids and texts come out as texts, of unknown objects as their types' names. The
    session's id becomes a token, so that one session's events can still be found. Changes,
    metadata and claims come out as dicts: what is none stands under ``value``.

    Args:
        redactor: the rules.
        tokens: makes the session's token; without it the id is dropped.
    """
    token = Anonymiser(tokens).token

    # A session has many events, and a keyed hash takes as long as three other links.
    @lru_cache(maxsize=KEPT_SESSIONS)
    def made(session: str, company: str | None) -> str:
        found = token("session_id", session, company)
        if found == DROPPED_SESSION:
            # The company's key may come yet: nothing is kept of this.
            raise _NoTokenError
        return found

    def session_token(session: str, company: str | None) -> str:
        try:
            return made(session, company)
        except _NoTokenError:
            return DROPPED_SESSION

    def redact(draft: Draft) -> Draft:
        company = company_of(draft)
        session = draft.session_id
        if session is not None:
            session = draft.session_id = as_text(session)
            if not session.startswith("[redacted:"):
                # A keyed hash shows nothing of it, and what is hashed must be what was given:
                # of an id that looks like a card number the rules would leave four digits.
                draft.session_id = None
        options = draft.options
        fields = () if options is None else options.sensitive_fields
        parts = _parts(draft)
        clean = redactor.changed(parts, sensitive_fields=fields, company_id=company)
        for name, value in clean.items():
            setattr(draft, name, value)
        if session is not None:
            made = draft.session_id or session
            # A call that names its id notes what the token was under older keys.
            known = token("session_id", made, company) if draft.named else None
            draft.session_id = known or session_token(made, company)
        if draft.changes is not None:
            draft.changes = _named(draft.changes)
            if "//" in "".join(draft.changes):
                draft.changes = whole_keys(draft.changes, company)
        if draft.metadata is not None:
            draft.metadata = _named(draft.metadata)
        if draft.claims is not None:
            draft.claims = _named(draft.claims)
        return draft

    def whole_keys(changes: dict[str, Any], company: str | None) -> dict[str, Any]:
        """Keys that are URLs and not pointers, which show what they hold only as a whole."""
        held: dict[str, Any] = {}
        for pointer, change in changes.items():
            held[free_name(redactor.text(pointer, company_id=company), held)] = change
        return held

    return redact


def company_of(draft: Draft) -> str | None:
    """Whose tokens a draft's are: the company that the event is recorded under."""
    company = draft.company_id
    return None if company is None else company_text(company)


def _parts(draft: Draft) -> dict[str, Any]:
    """Everything that there is, by name; ids and the context's texts as texts."""
    # Written out: this runs for every event, and attributes looked up by a name in a variable
    # take several times as long.
    parts: dict[str, Any] = {}
    given = draft.user_id
    if given is not None:
        if type(given) is not str:
            given = draft.user_id = as_text(given)
        parts["user_id"] = given
    given = draft.ip_address
    if given is not None:
        if type(given) is not str:
            given = draft.ip_address = as_text(given)
        parts["ip_address"] = given
    given = draft.user_agent
    if given is not None:
        if type(given) is not str:
            given = draft.user_agent = as_text(given)
        parts["user_agent"] = given
    if draft.session_id is not None:
        parts["session_id"] = draft.session_id
    given = draft.request_id
    if given is not None:
        if type(given) is not str:
            given = draft.request_id = as_text(given)
        parts["request_id"] = given
    given = draft.company_id
    if given is not None:
        if type(given) is not str:
            given = draft.company_id = as_text(given)
        parts["company_id"] = given
    given = draft.resource_id
    if given is not None:
        if type(given) is not str:
            given = draft.resource_id = as_text(given)
        parts["resource_id"] = given
    given = draft.resource_type
    if given is not None:
        if type(given) is not str:
            given = draft.resource_type = as_text(given)
        parts["resource_type"] = given
    given = draft.actor_kind
    if given is not None:
        if type(given) is not str:
            given = draft.actor_kind = as_text(given)
        parts["actor_kind"] = given
    given = draft.on_behalf_of
    if given is not None:
        if type(given) is not str:
            given = draft.on_behalf_of = as_text(given)
        parts["on_behalf_of"] = given
    given = draft.impersonator
    if given is not None:
        if type(given) is not str:
            given = draft.impersonator = as_text(given)
        parts["impersonator"] = given
    if draft.subjects:
        parts["subjects"] = draft.subjects
    if draft.before_state is not None:
        parts["before_state"] = draft.before_state
    if draft.after_state is not None:
        parts["after_state"] = draft.after_state
    if draft.changes is not None:
        parts["changes"] = draft.changes
    if draft.details is not None:
        parts["details"] = draft.details
    if draft.metadata is not None:
        parts["metadata"] = draft.metadata
    if draft.body is not None:
        parts["body"] = draft.body
    if draft.claims is not None:
        parts["claims"] = draft.claims
    if draft.notes is not None:
        parts["notes"] = draft.notes
    return parts


def _named(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {"value": value}
