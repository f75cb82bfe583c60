"""Intake: from the arguments of one call to an entry that only lacks its index and time.

Everything here runs before the first await of ``log_event``, so that what the caller does to
its own objects afterwards changes nothing.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils

from counterfoil.base import AuditContext, AuditOptions
from counterfoil.clock import Clock
from counterfoil.errors import EventIdError, InputError
from counterfoil.log.company_logs import DEFAULT_LOG
from counterfoil.policy.catalogue import INVALID_TYPE, LOG_RULES, Catalogue, type_text
from counterfoil.policy.chain import run
from counterfoil.policy.context import MAX_ID_BYTES, as_text, context_members, cut
from counterfoil.policy.link import Chain
from counterfoil.policy.redaction import LIMIT, holds_secret, noting_older
from counterfoil.policy.truncate import truncate
from counterfoil.record import Draft
from counterfoil.record.draft import COMPANY_LOG
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.instant import DAY, to_micros

logger = logging.getLogger("counterfoil")

_LOG_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}").fullmatch
_UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
#: A given id may be from a clock that is a little ahead of ours.
_AHEAD = DAY


class Intake:
    """Turns calls into entries.

    Args:
        catalogue: the rules by event type.
        chain: the policy chain.
        clock: gives times and ids.
        replay_days: the oldest event id that a caller may give.
        log_per_company: whether events go to their company's own log where no other is named.
        part_bytes: bytes of JSON that each part of an event may have, 64 or more.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        chain: Chain,
        clock: Clock,
        replay_days: int,
        *,
        log_per_company: bool = False,
        part_bytes: int = LIMIT,
    ) -> None:
        self.catalogue = catalogue
        self._chain = chain
        self._now = clock.now
        self._new_id = clock.event_id
        self._replay_days = replay_days
        self._log = COMPANY_LOG if log_per_company else DEFAULT_LOG
        self._part_bytes = part_bytes

    def take(
        self,
        event_type: Any,
        user_id: Any,
        ip_address: Any,
        resource_id: Any,
        resource_type: Any,
        details: Any,
        context: Any,
        level: Any,
        options: Any,
        event_id: Any = None,
        occurred_at: Any = None,
        outcome: Any = None,
        subjects: Iterable[Any] = (),
        log: str | None = None,
        on_behalf_of: Any = None,
        impersonator: Any = None,
        actor_kind: str | None = None,
    ) -> UntimedEntry:
        """One call's entry.

        Raises:
            EventIdError: ``event_id`` is not a UUIDv7, or too old.
            InputError: ``log`` is not a log's name.
        """
        now = self._now()
        rule = self.catalogue.rule(event_type)
        draft = Draft(
            rule.event_type,
            self._new_id() if event_id is None else self._check_id(event_id, now),
            now,
        )
        draft.rule = rule
        draft.user_id = user_id
        draft.ip_address = ip_address
        draft.resource_id = resource_id
        draft.resource_type = resource_type
        draft.details = details
        draft.context = context
        draft.level = level
        draft.options = options
        draft.outcome = outcome
        draft.subjects = subjects  # type: ignore[assignment]
        draft.on_behalf_of = on_behalf_of
        draft.impersonator = impersonator
        draft.actor_kind = actor_kind
        draft.log = self._log if log is None else check_log_name(log)
        if occurred_at is not None:
            _set_time(draft, occurred_at)
        if rule.event_type == INVALID_TYPE:
            draft.note("event_type", type_text(event_type))
        if event_id is not None:
            draft.named = _named(draft, occurred_at, log)
            with noting_older() as older:
                entry = self.seal(draft)
            if entry.draft is not None:
                entry.draft.older_tokens = older or None
            return entry
        return self.seal(draft)

    def own(
        self,
        event_type: str,
        *,
        log: str = DEFAULT_LOG,
        audit: dict[str, Any] | None = None,
        details: dict[str, Any] | None = None,
        user_id: str | None = None,
        company_id: str | None = None,
        event_id: str | None = None,
    ) -> UntimedEntry:
        """One of the log's own events, ``audit.…``.

        Args:
            event_type: a type of ``LOG_RULES``.
            log: the log that it is about, and stands in.
            audit: the facts that must outlive every disclosure; nothing about a person.
            details: what else there is to say.
            user_id: who made it happen, as a token where it is about a person.
            company_id: the company that it is about.
            event_id: of a report that may be made again after a crash; recorded once.
        """
        draft = Draft(event_type, event_id or self._new_id(), self._now(), log)
        if event_id is not None:
            draft.named = frozenset({"event_id"})
        draft.rule = self.catalogue.log_rule(event_type)
        draft.audit = audit
        draft.details = details
        draft.user_id = user_id
        draft.company_id = company_id
        draft.actor_kind = "system" if user_id is None else "user"
        return self.seal(draft)

    def readmit(self, draft: Draft) -> UntimedEntry:
        """A draft that another process's policy chain has finished, through this one's too.

        Redacting again changes nothing that was redacted, and takes out what that process's
        older rules left in. Periods are this log's, but for those that its caller had set,
        which are the same for both.

        Raises:
            InputError: its id, its log's name or its type cannot be used.
        """
        if _UUID_TEXT.fullmatch(draft.event_id) is None:
            raise EventIdError
        if draft.log == COMPANY_LOG:
            # No log was named there: which one is meant is this log's to say.
            draft.log = self._log
        else:
            check_log_name(draft.log)
        if draft.event_type in LOG_RULES and draft.audit is not None:
            draft.rule = self.catalogue.log_rule(draft.event_type)
        else:
            if draft.audit is not None:
                raise InputError("Only the log's own events have lasting facts.")
            draft.rule = self.catalogue.rule(draft.event_type)
            draft.event_type = draft.rule.event_type
        draft.subjects = tuple(draft.subjects)
        days = draft.decays_days
        if days is not None and days == draft.expires_days:
            draft.options = AuditOptions(retention_period=days)
        return self.seal(draft)

    def seal(self, draft: Draft) -> UntimedEntry:
        """Run the policy chain and build the disclosures.

        The event is kept in every case. Where the chain fails, it is run again with who did
        what to what alone; where it fails even then, what is kept is that something of this
        type happened. Nothing is recorded that the whole chain has not seen.
        """
        try:
            return self._entry(draft)
        except Exception as error:  # noqa: BLE001 - a fault in a value must not lose the event
            failure = type(error).__name__
        logger.error(
            "An event of type %s was recorded without its values: the policy chain failed "
            "with %s. Please report this.",
            draft.event_type,
            failure,
        )
        bare = _bare(draft, failure)
        try:
            return self._entry(_with_ids(bare, draft))
        except Exception:  # noqa: BLE001 - said above; less is kept
            return UntimedEntry(_bare(draft, failure))

    def _entry(self, draft: Draft) -> UntimedEntry:
        draft = run(self._chain, draft)
        entry = UntimedEntry(draft)
        # No part is larger than all of them together, which is known by now.
        if entry.size > self._part_bytes and truncate(draft, self._part_bytes):
            entry = UntimedEntry(draft)
        return entry

    def _check_id(self, event_id: Any, now: int) -> str:
        text = _id_text(event_id)
        if text is None or _UUID_TEXT.fullmatch(text) is None:
            raise EventIdError
        made = int(text[:8] + text[9:13], 16) * 1000
        if made < now - self._replay_days * DAY:
            raise EventIdError(
                f"The event id is more than {self._replay_days} days old.",
                remedy="A retry this late is refused, since the event may have been purged.",
            )
        if made > now + _AHEAD:
            raise EventIdError("The event id is from the future.")
        return text


def check_log_name(log: Any) -> str:
    """A log's name, as it is.

    Raises:
        InputError: it is not of the form ``[a-z0-9][a-z0-9._-]{0,62}``, or holds what looks
            like a secret: names are published.
    """
    # Not isinstance, which asks an object for its class, and so runs its code.
    if not issubclass(type(log), str) or _LOG_NAME(log) is None:
        raise InputError(
            "The log's name is malformed.",
            remedy="Use a-z, 0-9, dots, dashes and underscores, a letter or digit first, "
            "at most 63 characters.",
        )
    name = str.__str__(log)
    if holds_secret(name, identifier=True):
        raise InputError(
            "The log's name looks like a secret, and names are published.",
            remedy="Name the log by something that everybody may see.",
        )
    return name


def _id_text(event_id: Any) -> str | None:
    """An event id as text; None of what can be none."""
    kind = type(event_id)
    if issubclass(kind, str):
        return str.__str__(event_id)
    if kind is UUID or kind is uuid_utils.UUID:
        return str(event_id)
    return None


def _set_time(draft: Draft, occurred_at: Any) -> None:
    if not issubclass(type(occurred_at), datetime):
        draft.note("occurred_at", "what was given is not a datetime")
        return
    try:
        if occurred_at.tzinfo is None:
            draft.note("occurred_at", "a time without a zone, taken as UTC")
        draft.occurred_at = to_micros(occurred_at)
    except (OverflowError, ValueError):
        draft.note("occurred_at", "a time out of range")
    except Exception as error:  # noqa: BLE001 - a zone is anybody's code, and the event is kept
        draft.note("occurred_at", f"its zone failed: {type(error).__name__}")


def _bare(draft: Draft, failure: str) -> Draft:
    """That something of this type happened."""
    rule = draft.rule
    bare = Draft(draft.event_type, draft.event_id, draft.occurred_at, draft.log)
    bare.rule = rule
    bare.level = rule.level.value
    bare.outcome = "unknown"
    bare.expires_days, bare.decays_days = rule.event_days, rule.disclosure_days
    bare.audit = draft.audit
    bare.named = draft.named
    bare.note("policy_failed", failure)
    return bare


def _with_ids(bare: Draft, draft: Draft) -> Draft:
    """With who did it, to what and for which company, as short texts; not yet redacted."""
    bare.options = draft.options
    bare.actor_kind = draft.actor_kind if type(draft.actor_kind) is str else None
    members = context_members(draft.context) or {}
    for name in ("user_id", "on_behalf_of", "impersonator", "company_id", "resource_id",
                 "resource_type"):  # fmt: skip
        given = getattr(draft, name)
        if given is None:
            given = members.get(name)
        if given is not None:
            setattr(bare, name, cut(as_text(given), MAX_ID_BYTES))
    return bare


#: Parameters of a call by which a repeat of its id is compared.
_CALL_FIELDS = (
    "user_id",
    "ip_address",
    "resource_id",
    "resource_type",
    "details",
    "level",
    "outcome",
    "on_behalf_of",
    "impersonator",
)
_CONTEXT_FIELDS = tuple(AuditContext.model_fields)
_KNOWN_SUBJECTS = (str, list, tuple, set, frozenset, type(None))


def _named(draft: Draft, occurred_at: Any, log: str | None) -> frozenset[str]:
    named = {"event_id", "event_type"}
    named.update(name for name in _CALL_FIELDS if getattr(draft, name) is not None)
    context = context_members(draft.context) or {}
    named.update(name for name in _CONTEXT_FIELDS if context.get(name) is not None)
    # An unknown object counts; it is not asked whether it is empty.
    if type(draft.subjects) not in _KNOWN_SUBJECTS or draft.subjects:
        named.add("subjects")
    if occurred_at is not None:
        named.add("occurred_at")
    if log is not None:
        named.add("log")
    return frozenset(named)
