"""Entries: the leaf data of the tree, as canonical JSON (RFC 8785 by construction).

The members stand in the order of their keys, without white space, floats or keys outside
ASCII. The index and the time ``recorded_at`` are given under the head's lock, so that an
entry is prepared without them and completed by the writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import add
from typing import Any

import orjson

from .disclosure import MAX_SUBJECTS, NAMES, SLOTS, digests, dump, new_salts
from .draft import Draft
from .instant import DAY, LAST, rfc3339

FORMAT_VERSION = 1
MAX_ENTRY_BYTES = 65_535

LEVELS = ("info", "warning", "error", "critical")
OUTCOMES = ("success", "failure", "unknown")
LEVEL_NUMBERS = {name: number for number, name in enumerate(LEVELS)}
OUTCOME_NUMBERS = {name: number for number, name in enumerate(OUTCOMES)}

#: An entry's bytes that no disclosure accounts for, about.
_USUAL_ENTRY_BYTES = 600


class UntimedEntry:
    """An event with all but its salts, its index and its time of recording.

    Owned by one caller until it is queued, then by the writer. It holds no reference to
    anything of the caller's: only text, numbers and bytes.

    Attributes:
        copies: the columns for searching, from ``type`` to ``mentions`` (``record.row``).
        slots: which disclosure each of ``values`` is (``disclosure.SLOTS``).
        people: the further persons named, beside the last of ``values``.
        stored: the disclosures as the event's row keeps them, once committed.
        mentions: name, person and stored disclosure of each further person, once committed.
        draft: kept only where a repeat of this id must be compared with what is stored.
        size: bytes that the event takes while it waits, about.
    """

    __slots__ = (
        "copies",
        "decays_days",
        "draft",
        "event_id",
        "expires_days",
        "front",
        "log",
        "mentions",
        "occurred_at",
        "people",
        "sd",
        "size",
        "slots",
        "stored",
        "values",
    )

    def __init__(self, draft: Draft) -> None:
        self.event_id = draft.event_id
        self.log = draft.log
        self.occurred_at = draft.occurred_at
        self.expires_days = draft.expires_days
        self.decays_days = draft.decays_days
        self.draft = draft if "event_id" in draft.named else None
        self.stored: Sequence[bytes | None] | None = None
        self.mentions: Sequence[tuple[str, str, bytes]] = ()
        self.sd = ""

        self.people: Sequence[str] = ()
        self.slots, self.values = _disclose(draft)
        if draft.on_behalf_of is not None or draft.impersonator is not None or draft.subjects:
            self._name_people(draft)
        self.size = _USUAL_ENTRY_BYTES + sum(map(len, self.values))

        company = draft.company_id
        self.front = "" if company is None else _company(company)
        if draft.audit is not None:
            audit = orjson.dumps(draft.audit, option=orjson.OPT_SORT_KEYS).decode()
            self.front = f',"audit":{audit}{self.front}'
        self.copies = (
            draft.event_type,
            LEVEL_NUMBERS[draft.level or "info"],
            OUTCOME_NUMBERS[draft.outcome or "unknown"],
            company,
            draft.resource_type,
            draft.resource_id,
            draft.user_id,
            draft.ip_address,
            draft.session_id,
            draft.request_id,
            len(self.people) or None,
        )

    @property
    def id(self) -> bytes:
        """The id's sixteen bytes."""
        return bytes.fromhex(self.event_id.replace("-", ""))

    def _name_people(self, draft: Draft) -> None:
        named = [draft.on_behalf_of, draft.impersonator, *draft.subjects[:MAX_SUBJECTS]]
        found = [
            (slot, person) for slot, person in enumerate(named, len(NAMES)) if person is not None
        ]
        self.people = [person for _, person in found]
        self.slots = (*self.slots, *(slot for slot, _ in found))
        self.values = (*self.values, *map(orjson.dumps, self.people))


#: An entry's bytes, and when the event expires and its disclosures decay.
Completed = tuple[bytes, int | None, int | None]


def commit(entries: Sequence[UntimedEntry]) -> None:
    """Salt and hash the disclosures of many entries.

    Needs no lock: this is the costly part, and the index and time play no role in it.
    Entries that were committed before, in a batch that had to be split, stay as they are.
    """
    entries = [entry for entry in entries if entry.stored is None]
    values = [value for entry in entries for value in entry.values]
    slots = [slot for entry in entries for slot in entry.slots]
    salts, texts = new_salts(len(values))
    found = digests(slots, texts, values)
    stored = list(map(add, salts, values))
    start = 0
    for entry in entries:
        end = start + len(entry.values)
        entry.sd = '","'.join(sorted(found[start:end]))
        columns: list[bytes | None] = [None] * len(NAMES)
        own = end - len(entry.people)
        for slot, value in zip(slots[start:own], stored[start:own], strict=True):
            columns[slot] = value
        entry.stored = columns
        if entry.people:
            names = [SLOTS[slot] for slot in slots[own:end]]
            entry.mentions = list(zip(names, entry.people, stored[own:end], strict=True))
        entry.values = ()
        start = end


def complete(entries: Sequence[UntimedEntry], recorded_at: int) -> list[Completed]:
    """The bytes of entries that were committed and are recorded at one moment.

    Args:
        recorded_at: microseconds since the Unix epoch, given under the head's lock.
    """
    recorded = rfc3339(recorded_at)
    completed = []
    for entry in entries:
        dates, expires_at, decays_at = _dates(recorded_at, entry.expires_days, entry.decays_days)
        kind, level, outcome, _, resource_type, *_ = entry.copies
        resource = "" if resource_type is None else f',"resource_type":"{resource_type}"'
        text = (
            f'{{"_sd":["{entry.sd}"],"_sd_alg":"sha-256"{entry.front}{dates}'
            f',"id":"{entry.event_id}","level":"{LEVELS[level]}","log":"{entry.log}"'
            f',"occurred_at":"{rfc3339(entry.occurred_at)}","outcome":"{OUTCOMES[outcome]}"'
            f',"recorded_at":"{recorded}"{resource},"type":"{kind}","v":{FORMAT_VERSION}}}'
        )
        completed.append((text.encode(), expires_at, decays_at))
    return completed


def parse(entry: bytes) -> dict[str, Any]:
    """An entry's members.

    Raises:
        ValueError: the bytes are not a JSON object.
    """
    members = orjson.loads(entry)
    if not isinstance(members, dict):
        raise ValueError("The entry is not a JSON object.")
    return members


def _disclose(draft: Draft) -> tuple[tuple[int, ...], tuple[bytes, ...]]:
    """The slots and values of a draft's disclosures, but for those that name further people."""
    user_id = draft.user_id
    kind = draft.actor_kind or ("anonymous" if user_id is None else "user")
    actor = {"kind": kind} if user_id is None else {"kind": kind, "user_id": user_id}
    slots, values = [0], [orjson.dumps(actor)]

    client: dict[str, Any] = {}
    if draft.ip_address is not None:
        client["ip_address"] = draft.ip_address
    if draft.user_agent is not None:
        client["user_agent"] = draft.user_agent
    if draft.session_id is not None:
        client["session_id"] = draft.session_id
    if draft.request_id is not None:
        client["request_id"] = draft.request_id
    if draft.claims is not None:
        client["claims"] = draft.claims
    if client:
        slots.append(1)
        # Only claims can have keys that the caller chose.
        values.append(orjson.dumps(client) if draft.claims is None else dump(client))

    if draft.resource_id is not None:
        slots.append(2)
        values.append(orjson.dumps({"resource_id": draft.resource_id}))

    state: dict[str, Any] = {}
    if draft.before_state is not None:
        state["before_state"] = draft.before_state
    if draft.after_state is not None:
        state["after_state"] = draft.after_state
    if draft.changes is not None:
        state["changes"] = draft.changes
    if state:
        slots.append(3)
        values.append(dump(state))

    details: dict[str, Any] = {}
    if draft.details is not None:
        details["details"] = draft.details
    if draft.metadata is not None:
        details["metadata"] = draft.metadata
    if draft.notes is not None:
        details["notes"] = draft.notes
    if details:
        slots.append(4)
        values.append(dump(details))

    if draft.body is not None:
        slots.append(5)
        values.append(dump(draft.body))
    return tuple(slots), tuple(values)


@lru_cache(maxsize=1024)
def _company(company_id: str) -> str:
    return f',"company_id":{orjson.dumps(company_id).decode()}'


@lru_cache(maxsize=256)
def _dates(
    recorded_at: int, expires_days: int | None, decays_days: int | None
) -> tuple[str, int | None, int | None]:
    # A batch has one time and few pairs of periods.
    text = ""
    expires_at = decays_at = None
    if decays_days is not None:
        decays_at = min(recorded_at + decays_days * DAY, LAST)
        text = f',"decays_at":"{rfc3339(decays_at)}"'
    if expires_days is not None:
        expires_at = min(recorded_at + expires_days * DAY, LAST)
        text += f',"expires_at":"{rfc3339(expires_at)}"'
    return text, expires_at, decays_at
