"""Entries: the leaf data of the tree, as canonical JSON (RFC 8785 by construction).

The members stand in the order of their keys, without white space, floats or keys outside
ASCII. The index and the time ``recorded_at`` are given under the head's lock, so that an
entry is prepared without them and completed by the writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, compress, count, cycle
from operator import add, attrgetter
from threading import Lock
from typing import Any

import orjson

from counterfoil.errors import InputError

from .disclosure import MAX_SUBJECTS, NAMES, SLOTS, digests, dump, dump_plain, new_salts
from .draft import Draft
from .instant import DAY, LAST, rfc3339

FORMAT_VERSION = 1
MAX_ENTRY_BYTES = 65_535
#: With these, 1,000 subjects and all else at its limit, an entry is within its own.
MAX_AUDIT_BYTES = 16 * 1024

LEVELS = ("info", "warning", "error", "critical")
OUTCOMES = ("success", "failure", "unknown")
LEVEL_NUMBERS = {name: number for number, name in enumerate(LEVELS)}
OUTCOME_NUMBERS = {name: number for number, name in enumerate(OUTCOMES)}

#: An entry's bytes that no disclosure accounts for, about.
_USUAL_ENTRY_BYTES = 600


class UntimedEntry:
    """An event with all but its salts, its index and its time of recording.

    Owned by one caller until it is queued, then by the writer. It holds no reference to
    anything of the caller's: only text, numbers and bytes, and as few containers as can be,
    since thousands of entries that wait are so many things for the garbage collector to visit.

    Attributes:
        actor, client, resource, state, details, body: the disclosures' JSON bytes, or None;
            once committed, as the event's row keeps them, salt in front.
        people: name, person and JSON bytes of those that name a further person, likewise.
        sd: the digests as they stand in the entry, once committed.
        draft: kept only where a repeat of this id must be compared with what is stored.
        size: bytes that the event takes while it waits, about.

    Raises:
        InputError: the draft's ``audit`` facts are longer than 16 KiB.
    """

    __slots__ = (
        "actor",
        "body",
        "client",
        "company_id",
        "decays_days",
        "details",
        "draft",
        "event_id",
        "event_type",
        "expires_days",
        "front",
        "ip_address",
        "level",
        "log",
        "occurred_at",
        "outcome",
        "people",
        "request_id",
        "resource",
        "resource_id",
        "resource_type",
        "sd",
        "session_id",
        "size",
        "state",
        "user_id",
    )

    def __init__(self, draft: Draft) -> None:
        self.event_id = draft.event_id
        self.log = draft.log
        self.event_type = draft.event_type
        self.level = LEVEL_NUMBERS[draft.level or "info"]
        self.outcome = OUTCOME_NUMBERS[draft.outcome or "unknown"]
        self.occurred_at = draft.occurred_at
        self.expires_days = draft.expires_days
        self.decays_days = draft.decays_days
        self.company_id = draft.company_id
        self.resource_type = draft.resource_type
        self.resource_id = draft.resource_id
        self.user_id = draft.user_id
        self.ip_address = draft.ip_address
        self.session_id = draft.session_id
        self.request_id = draft.request_id
        self.draft = draft if "event_id" in draft.named else None

        self.sd = ""
        self.actor: bytes | None = _actor(draft)
        self.client = _client(draft)
        self.resource = (
            None if draft.resource_id is None else dump_plain({"resource_id": draft.resource_id})
        )
        self.state = _state(draft)
        self.details = _details(draft)
        self.body = None if draft.body is None else dump(draft.body)
        self.people: Sequence[tuple[str, str, bytes]] = _people(draft)
        values = self.actor, self.client, self.resource, self.state, self.details, self.body
        self.size = _USUAL_ENTRY_BYTES + sum(map(len, filter(None, values)))

        self.front = "" if draft.company_id is None else _company(draft.company_id)
        if draft.audit is not None:
            self.front = f',"audit":{_facts(draft.audit)}{self.front}'

    @property
    def id(self) -> bytes:
        """The id's sixteen bytes."""
        return bytes.fromhex(self.event_id.replace("-", ""))

    def settle_log(self, log: str) -> None:
        """Say in which log it will stand, where the call left that open."""
        self.log = log
        if self.draft is not None:
            self.draft.log = log

    def complete(self, recorded_at: int) -> tuple[bytes, int | None, int | None]:
        """The entry's bytes, and when the event expires and its disclosures decay.

        Args:
            recorded_at: microseconds since the Unix epoch, given under the head's lock;
                ``commit`` must have been called before.
        """
        recorded, dates, expires_at, decays_at = _dates(
            recorded_at, self.expires_days, self.decays_days
        )
        kind = self.resource_type
        resource = "" if kind is None else f',"resource_type":"{kind}"'
        text = (
            f'{{"_sd":["{self.sd}"],"_sd_alg":"sha-256"{self.front}{dates}'
            f',"id":"{self.event_id}","level":"{LEVELS[self.level]}","log":"{self.log}"'
            f',"occurred_at":"{rfc3339(self.occurred_at)}","outcome":"{OUTCOMES[self.outcome]}"'
            f',"recorded_at":"{recorded}"{resource},"type":"{self.event_type}"'
            f',"v":{FORMAT_VERSION}}}'
        )
        return text.encode(), expires_at, decays_at


_columns = attrgetter(*NAMES)
#: Held while disclosures get their salts: an entry whose caller gave up may be read meanwhile.
salting = Lock()


def commit(entries: Sequence[UntimedEntry]) -> None:
    """Salt and hash the disclosures of many entries.

    Needs no lock: this is the costly part, and the index and time play no role in it.
    Entries that were committed before, in a batch that had to be split, stay as they are.
    """
    entries = [entry for entry in entries if not entry.sd]
    if not entries:
        return
    width = len(NAMES)
    columns: list[bytes | None] = list(chain.from_iterable(map(_columns, entries)))
    # A value's JSON is never empty, so that those which there are count as true.
    values = list(filter(None, columns))
    salts, texts = new_salts(len(values))
    found = digests(compress(cycle(range(width)), columns), texts, values)
    for place, stored in zip(compress(count(), columns), map(add, salts, values), strict=True):
        columns[place] = stored
    start = taken = 0
    with salting:
        for entry in entries:
            own = columns[start : start + width]
            start += width
            end = taken + width - own.count(None)
            entry.actor, entry.client, entry.resource, entry.state, entry.details, entry.body = own
            mine = found[taken:end]
            taken = end
            if entry.people:
                mine += _commit_people(entry)
            mine.sort()
            entry.sd = '","'.join(mine)


def _commit_people(entry: UntimedEntry) -> list[str]:
    salts, texts = new_salts(len(entry.people))
    found = digests(
        [SLOTS.index(name) for name, _, _ in entry.people],
        texts,
        [value for _, _, value in entry.people],
    )
    entry.people = [
        (name, person, salt + value)
        for salt, (name, person, value) in zip(salts, entry.people, strict=True)
    ]
    return found


def parse(entry: bytes) -> dict[str, Any]:
    """An entry's members.

    Raises:
        ValueError: the bytes are not a JSON object.
    """
    members = orjson.loads(entry)
    if not isinstance(members, dict):
        raise ValueError("The entry is not a JSON object.")
    return members


def _actor(draft: Draft) -> bytes:
    user_id = draft.user_id
    kind = draft.actor_kind or ("anonymous" if user_id is None else "user")
    return dump_plain({"kind": kind} if user_id is None else {"kind": kind, "user_id": user_id})


def _client(draft: Draft) -> bytes | None:
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
        return dump(client)
    # Only claims have keys that the log did not choose.
    return dump_plain(client) if client else None


def _state(draft: Draft) -> bytes | None:
    state: dict[str, Any] = {}
    if draft.before_state is not None:
        state["before_state"] = draft.before_state
    if draft.after_state is not None:
        state["after_state"] = draft.after_state
    if draft.changes is not None:
        state["changes"] = draft.changes
    return dump(state) if state else None


def _details(draft: Draft) -> bytes | None:
    details: dict[str, Any] = {}
    if draft.details is not None:
        details["details"] = draft.details
    if draft.metadata is not None:
        details["metadata"] = draft.metadata
    if draft.notes is not None:
        details["notes"] = draft.notes
    return dump(details) if details else None


def _people(draft: Draft) -> Sequence[tuple[str, str, bytes]]:
    if draft.on_behalf_of is None and draft.impersonator is None and not draft.subjects:
        return ()
    named = [("on_behalf_of", draft.on_behalf_of), ("impersonator", draft.impersonator)]
    named += [(f"subject_{n}", one) for n, one in enumerate(draft.subjects[:MAX_SUBJECTS])]
    return [(name, one, dump_plain(one)) for name, one in named if one is not None]


def _facts(audit: dict[str, Any]) -> str:
    data = orjson.dumps(audit, option=orjson.OPT_SORT_KEYS)
    if len(data) > MAX_AUDIT_BYTES:
        raise InputError(
            f"The facts of an entry are at most {MAX_AUDIT_BYTES:,} bytes.",
            remedy="Spread them over several entries.",
        )
    return data.decode()


@lru_cache(maxsize=1024)
def _company(company_id: str) -> str:
    return f',"company_id":{orjson.dumps(company_id).decode()}'


@lru_cache(maxsize=256)
def _dates(
    recorded_at: int, expires_days: int | None, decays_days: int | None
) -> tuple[str, str, int | None, int | None]:
    # A batch has one time and few pairs of periods.
    dates = ""
    expires_at = decays_at = None
    if decays_days is not None:
        decays_at = min(recorded_at + decays_days * DAY, LAST)
        dates = f',"decays_at":"{rfc3339(decays_at)}"'
    if expires_days is not None:
        expires_at = min(recorded_at + expires_days * DAY, LAST)
        dates += f',"expires_at":"{rfc3339(expires_at)}"'
    return rfc3339(recorded_at), dates, expires_at, decays_at
