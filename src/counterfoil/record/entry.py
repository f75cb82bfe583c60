"""Entries: the leaf data of the tree, as canonical JSON (RFC 8785 by construction).

The members stand in the order of their keys, without white space, floats or keys outside
ASCII. The index and the time ``recorded_at`` are given under the head's lock, so that an
entry is prepared without them and completed by the writer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from .disclosure import SaltPool, digests, dump
from .draft import Draft
from .instant import DAY, LAST, rfc3339

FORMAT_VERSION = 1
MAX_ENTRY_BYTES = 65_535
MAX_SUBJECTS = 1_000

LEVELS = ("info", "warning", "error", "critical")
OUTCOMES = ("success", "failure", "unknown")
LEVEL_NUMBERS = {name: number for number, name in enumerate(LEVELS)}
OUTCOME_NUMBERS = {name: number for number, name in enumerate(OUTCOMES)}

_FRAMES = {
    name: b'["%b","' + name.encode() + b'",%b]'
    for name in ("actor", "client", "resource", "state", "details", "body")
}


class UntimedEntry:
    """An event with all but its index and its time of recording.

    Owned by one caller until it is queued, then by the writer. It holds no reference to
    anything of the caller's: only text, numbers and bytes.
    """

    __slots__ = (
        "company_id",
        "decays_days",
        "draft",
        "expires_days",
        "frames",
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
        "stored",
        "tail",
        "type",
        "user_id",
    )

    def __init__(self, draft: Draft, salts: SaltPool) -> None:
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

        frames: list[bytes] = []
        size = 600
        stored: list[bytes | None] = []
        for name, value in _values(draft):
            if value is None:
                stored.append(None)
                continue
            data = dump(value)
            raw, text = salts.take()
            frames.append(_FRAMES[name] % (text, data))
            stored.append(raw + data)
            size += len(data)
        mentions: list[tuple[str, str, bytes]] | None = None
        if draft.on_behalf_of is not None or draft.impersonator is not None or draft.subjects:
            mentions = []
            for name, person in _people(draft):
                data = dump(person)
                raw, text = salts.take()
                frames.append(b'["%b","%b",%b]' % (text, name.encode(), data))
                mentions.append((name, person, raw + data))
                size += len(data)
        self.frames = frames
        self.stored = stored
        self.mentions = mentions
        self.size = size

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
    """Hash the disclosures of many entries and put their digests in front.

    Needs no lock: this is the costly part, and the index and time play no role in it.
    Entries that were committed before, in a batch that had to be split, stay as they are.
    """
    entries = [entry for entry in entries if entry.frames]
    found = digests([frame for entry in entries for frame in entry.frames])
    start = 0
    for entry in entries:
        end = start + len(entry.frames)
        entry.head = b'{"_sd":["%b"],"_sd_alg":"sha-256"%b' % (
            b'","'.join(sorted(found[start:end])),
            entry.head,
        )
        entry.frames = []
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


def _values(draft: Draft) -> Iterable[tuple[str, Any]]:
    user_id = draft.user_id
    kind = draft.actor_kind or ("anonymous" if user_id is None else "user")
    actor = {"kind": kind} if user_id is None else {"kind": kind, "user_id": user_id}

    client: dict[str, Any] | None = {}
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

    state: dict[str, Any] = {}
    if draft.before_state is not None:
        state["before_state"] = draft.before_state
    if draft.after_state is not None:
        state["after_state"] = draft.after_state
    if draft.changes is not None:
        state["changes"] = draft.changes

    details: dict[str, Any] = {}
    if draft.details is not None:
        details["details"] = draft.details
    if draft.metadata is not None:
        details["metadata"] = draft.metadata
    if draft.notes is not None:
        details["notes"] = draft.notes

    return (
        ("actor", actor),
        ("client", client or None),
        ("resource", None if draft.resource_id is None else {"resource_id": draft.resource_id}),
        ("state", state or None),
        ("details", details or None),
        ("body", draft.body),
    )


def _people(draft: Draft) -> Iterable[tuple[str, str]]:
    if draft.on_behalf_of is not None:
        yield "on_behalf_of", draft.on_behalf_of
    if draft.impersonator is not None:
        yield "impersonator", draft.impersonator
    for number, person in enumerate(draft.subjects[:MAX_SUBJECTS]):
        yield f"subject_{number}", person
