"""Entries: the leaf data of the tree, as canonical JSON (RFC 8785 by construction).

The members stand in the order of their keys, without white space, floats or keys outside
ASCII. The index and the time ``recorded_at`` are given under the head's lock, so that an
entry is prepared without them and completed by the writer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from .disclosure import NAMES, digests, dump, salts
from .draft import Draft
from .instant import DAY, LAST, rfc3339

FORMAT_VERSION = 1
MAX_ENTRY_BYTES = 65_535
MAX_SUBJECTS = 1_000

LEVELS = ("info", "warning", "error", "critical")
OUTCOMES = ("success", "failure", "unknown")
LEVEL_NUMBERS = {name: number for number, name in enumerate(LEVELS)}
OUTCOME_NUMBERS = {name: number for number, name in enumerate(OUTCOMES)}

#: The disclosures' JSON by the place of their column: salt and value to be filled in.
_FRAMES = [b'["%b","' + name.encode() + b'",%b]' for name in NAMES]


class UntimedEntry:
    """An event with all but its salts, its index and its time of recording.

    Owned by one caller until it is queued, then by the writer. It holds no reference to
    anything of the caller's: only text, numbers and bytes.
    """

    __slots__ = (
        "company_id",
        "decays_days",
        "draft",
        "expires_days",
        "head",
        "id",
        "ip_address",
        "level",
        "log",
        "mentions",
        "middle",
        "occurred_at",
        "outcome",
        "request_id",
        "resource_id",
        "resource_type",
        "session_id",
        "size",
        "slots",
        "stored",
        "tail",
        "type",
        "user_id",
        "values",
    )

    def __init__(self, draft: Draft) -> None:
        self.log = draft.log
        self.id = bytes.fromhex(draft.event_id.replace("-", ""))
        self.type = draft.event_type
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
        # Kept only where a repeat of this id must be compared with what is stored.
        self.draft = draft if "event_id" in draft.named else None

        #: The values' bytes, and which frame each has: the number of a column, or a name.
        self.values: list[bytes] = []
        self.slots: list[int | bytes] = []
        self.stored: Sequence[bytes | None] = ()
        self.mentions: list[tuple[str, str, bytes]] | None = None
        self._disclose(draft)
        self.size = 600 + sum(map(len, self.values))

        company = b"" if draft.company_id is None else b',"company_id":' + dump(draft.company_id)
        if draft.audit is not None:
            audit = orjson.dumps(draft.audit, option=orjson.OPT_SORT_KEYS)
            company = b',"audit":' + audit + company
        self.head = company
        self.middle = b',"id":"%b","level":"%b","log":"%b","occurred_at":"%b","outcome":"%b"' % (
            draft.event_id.encode(),
            LEVELS[self.level].encode(),
            draft.log.encode(),
            rfc3339(draft.occurred_at),
            OUTCOMES[self.outcome].encode(),
        )
        kind = (
            b""
            if draft.resource_type is None
            else b',"resource_type":"%b"' % draft.resource_type.encode()
        )
        self.tail = b'%b,"type":"%b","v":1}' % (kind, draft.event_type.encode())

    def _disclose(self, draft: Draft) -> None:
        values, slots = self.values, self.slots

        user_id = draft.user_id
        kind = draft.actor_kind or ("anonymous" if user_id is None else "user")
        values.append(
            orjson.dumps({"kind": kind} if user_id is None else {"kind": kind, "user_id": user_id})
        )
        slots.append(0)

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
            values.append(dump(client))
            slots.append(1)

        if draft.resource_id is not None:
            values.append(orjson.dumps({"resource_id": draft.resource_id}))
            slots.append(2)

        state: dict[str, Any] = {}
        if draft.before_state is not None:
            state["before_state"] = draft.before_state
        if draft.after_state is not None:
            state["after_state"] = draft.after_state
        if draft.changes is not None:
            state["changes"] = draft.changes
        if state:
            values.append(dump(state))
            slots.append(3)

        details: dict[str, Any] = {}
        if draft.details is not None:
            details["details"] = draft.details
        if draft.metadata is not None:
            details["metadata"] = draft.metadata
        if draft.notes is not None:
            details["notes"] = draft.notes
        if details:
            values.append(dump(details))
            slots.append(4)

        if draft.body is not None:
            values.append(dump(draft.body))
            slots.append(5)

        if draft.on_behalf_of is not None or draft.impersonator is not None or draft.subjects:
            self.mentions = []
            for name, person in _people(draft):
                values.append(orjson.dumps(person))
                slots.append(b'["%b","' + name.encode() + b'",%b]')
                self.mentions.append((name, person, b""))

    @property
    def event_id(self) -> str:
        """The id in its usual text form."""
        return id_text(self.id)

    def complete(self, recorded_at: int) -> tuple[bytes, int | None, int | None]:
        """The entry's bytes, and when the event expires and its disclosures decay.

        ``commit`` must have been called before.

        Args:
            recorded_at: microseconds since the Unix epoch, given under the head's lock.
        """
        expires = decays = None
        dates = b""
        if self.decays_days is not None:
            decays = min(recorded_at + self.decays_days * DAY, LAST)
            dates = b',"decays_at":"%b"' % rfc3339(decays)
        if self.expires_days is not None:
            expires = min(recorded_at + self.expires_days * DAY, LAST)
            dates += b',"expires_at":"%b"' % rfc3339(expires)
        entry = b'%b%b%b,"recorded_at":"%b"%b' % (
            self.head,
            dates,
            self.middle,
            rfc3339(recorded_at),
            self.tail,
        )
        return entry, expires, decays


def commit(entries: Sequence[UntimedEntry]) -> None:
    """Salt and hash the disclosures of many entries, and put their digests in front.

    Needs no lock: this is the costly part, and the index and time play no role in it.
    Entries that were committed before, in a batch that had to be split, stay as they are.
    """
    entries = [entry for entry in entries if entry.values]
    values = [value for entry in entries for value in entry.values]
    raw, texts = salts(len(values))
    slots = [slot for entry in entries for slot in entry.slots]
    frames = _FRAMES
    found = digests(
        [
            (frames[slot] if type(slot) is int else slot) % (text, value)
            for slot, text, value in zip(slots, texts, values, strict=True)
        ]
    )
    start = 0
    for entry in entries:
        end = start + len(entry.values)
        entry.head = b'{"_sd":["%b"],"_sd_alg":"sha-256"%b' % (
            b'","'.join(sorted(found[start:end])),
            entry.head,
        )
        stored: list[bytes | None] = [None] * len(frames)
        people = 0
        for at in range(start, end):
            slot = slots[at]
            if type(slot) is int:
                stored[slot] = raw[at] + values[at]
            else:
                name, person, _ = entry.mentions[people]
                entry.mentions[people] = (name, person, raw[at] + values[at])
                people += 1
        entry.stored = stored
        entry.values = []
        start = end


def parse(entry: bytes) -> dict[str, Any]:
    """An entry's members.

    Raises:
        ValueError: the bytes are not a JSON object.
    """
    members = orjson.loads(entry)
    if not isinstance(members, dict):
        raise ValueError("The entry is not a JSON object.")
    return members


def id_text(raw: bytes) -> str:
    """A UUID's sixteen bytes in its usual text form."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _people(draft: Draft) -> Iterable[tuple[str, str]]:
    if draft.on_behalf_of is not None:
        yield "on_behalf_of", draft.on_behalf_of
    if draft.impersonator is not None:
        yield "impersonator", draft.impersonator
    for number, person in enumerate(draft.subjects[:MAX_SUBJECTS]):
        yield f"subject_{number}", person
