"""Drafts as the policy chain leaves them, and what becomes of one once it is recorded."""

from __future__ import annotations

from typing import Any

import uuid_utils
from hypothesis import strategies as st

from counterfoil.proof.hashing import leaf_hash
from counterfoil.record import Draft, Event, EventRow
from counterfoil.record.entry import LEVELS, OUTCOMES, UntimedEntry, commit
from counterfoil.record.row import LOG_SPAN, MentionRow, make_row

#: 2026-01-01T00:00:00Z in microseconds.
NEW_YEAR = 1_767_225_600_000_000

#: What can be encoded: lone surrogates become escapes in the chain.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
#: Keys of which many have a meaning to RFC 9901, or look as if they had been escaped.
KEYS = TEXTS | st.sampled_from(["_sd", "_sd_alg", "...", "~", "~_sd", "~~...", "~x", "_sdx", ".."])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)
_MAYBE_TEXT = st.none() | TEXTS
_MAYBE_OBJECT = st.none() | OBJECTS


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Any draft that the chain may leave."""
    draft = Draft(
        draw(st.from_regex(r"[a-z][a-z0-9_.]{0,63}", fullmatch=True)),
        str(uuid_utils.uuid7()),
        draw(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)),
        draw(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True)),
    )
    draft.level = draw(st.sampled_from(LEVELS))
    draft.outcome = draw(st.sampled_from(OUTCOMES))
    draft.resource_type = draw(st.none() | st.from_regex(r"[A-Za-z0-9_.:-]{1,64}", fullmatch=True))
    for name in ("user_id", "ip_address", "user_agent", "session_id", "request_id"):
        setattr(draft, name, draw(_MAYBE_TEXT))
    for name in ("company_id", "resource_id", "on_behalf_of", "impersonator"):
        setattr(draft, name, draw(_MAYBE_TEXT))
    for name in ("before_state", "after_state", "changes", "details", "metadata", "claims"):
        setattr(draft, name, draw(_MAYBE_OBJECT))
    draft.body = draw(st.none() | VALUES)
    draft.subjects = draw(st.lists(TEXTS, max_size=13, unique=True))
    draft.expires_days = draw(st.none() | st.integers(1, 3_652_058))
    draft.decays_days = draw(st.none() | st.integers(1, 3_652_058))
    return draft


def recorded(
    draft: Draft, *, at: int = NEW_YEAR, index: int = 0
) -> tuple[EventRow, list[MentionRow]]:
    """A draft's row, and the rows of its further people in the order that a store gives them."""
    return recorded_together([draft], at=at, index=index)[0]


def recorded_together(
    several: list[Draft], *, at: int = NEW_YEAR, index: int = 0
) -> list[tuple[EventRow, list[MentionRow]]]:
    """The same of drafts that are salted and hashed in one batch."""
    events = [UntimedEntry(draft) for draft in several]
    commit(events)
    found = []
    for position, event in enumerate(events, LOG_SPAN + index):
        entry, expires_at, decays_at = event.complete(at)
        row = make_row(event, position, leaf_hash(entry), at, entry, expires_at, decays_at)
        people = sorted(MentionRow(position, *person) for person in event.people)
        found.append((EventRow._make(row), people))
    return found


def read(draft: Draft, **options: Any) -> Event:
    """A draft as it is read back once recorded."""
    return Event.decode(*recorded(draft, **options))
