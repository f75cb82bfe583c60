"""Checking events: every column and digest against the entry.

An entry is canonical, so that it can be written anew from the columns and from the digests
of the stored disclosures: where the bytes are the same, all of them are right at once. Only
where they differ is the entry taken apart, to say what is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from counterfoil.record import entry as entries
from counterfoil.record.disclosure import (
    NAMES,
    SALT_BYTES,
    SLOTS,
    Disclosure,
    base64url_texts,
    digests,
)
from counterfoil.record.entry import LEVEL_NUMBERS, LEVELS, OUTCOME_NUMBERS, OUTCOMES
from counterfoil.record.instant import HOUR, from_rfc3339, rfc3339
from counterfoil.record.row import LOG_SPAN, EventRow, MentionRow

from .report import Fault, Finding, Place

#: The place of the first disclosure in a row.
_FIRST_DISCLOSURE = len(EventRow._fields) - len(NAMES)
#: A name that is none takes the first slot: its digest is then in no entry.
_SLOT_OF = {name: slot for slot, name in enumerate(SLOTS)}
#: The columns that are copies of a disclosure's members.
_COPIED = {
    "user_id": "actor",
    "ip_address": "client",
    "session_id": "client",
    "request_id": "client",
    "resource_id": "resource",
}

#: Events by (UTC hour, company, type, level, outcome), as the store's roll-ups have them.
Kind = tuple[int, str, str, int, int]


@dataclass(slots=True)
class Checked:
    """What a stretch of rows is found to be.

    Attributes:
        leaves: the leaf hash of each row's entry.
        suspects: place in the stretch -> what is wrong with the row, where its entry is right.
        tally: how many events there are of each kind, but for those taken apart.
        times: each event's time of recording; None where it cannot be read.
        kinds: place -> the kind of an event that was taken apart, as its entry says.
        verified, missing: digests whose disclosure is there, and those without.
        restored: origins that ``audit.restored`` entries name.
    """

    leaves: list[bytes] = field(default_factory=list)
    suspects: dict[int, list[Finding]] = field(default_factory=dict)
    tally: Counter[Kind] = field(default_factory=Counter)
    times: list[int | None] = field(default_factory=list)
    kinds: dict[int, Kind] = field(default_factory=dict)
    verified: int = 0
    missing: int = 0
    restored: list[str] = field(default_factory=list)


def check_events(
    log: str, rows: Sequence[EventRow], mentions: Mapping[int, Sequence[MentionRow]]
) -> Checked:
    """Check a stretch of one log's rows. Raises nothing, whatever is stored.

    Args:
        log: the log's name.
        mentions: position -> its rows of further people.
    """
    checked = Checked()
    try:
        found, ends = _digests(rows, mentions)
    except (TypeError, AttributeError):
        # A value that is no bytes: each row is taken apart by itself.
        found, ends = [], [0] * len(rows)
    # Events of one batch share their time of recording, and often their periods.
    moments = _Moments()
    tally, times, leaves = checked.tally, checked.times, checked.leaves
    start = 0
    for place, row in enumerate(rows):
        end = ends[place]
        try:
            leaves.append(sha256(b"\x00" + row[18]).digest())
            good = (
                _written(log, row, found[start:end], moments) == row[18]
                and _copies_are_right(row)
                and (row[17] is None or _people_are_right(row, mentions.get(row[0], ())))
                and (row[17] is not None or row[0] not in mentions)
            )
        except (TypeError, ValueError, AttributeError, IndexError, OverflowError):
            good = False
            if len(leaves) == place:
                leaves.append(b"")
        if good:
            recorded_at = row[3]
            tally[recorded_at // HOUR, row[10] or "", row[7], row[8], row[9]] += 1
            times.append(recorded_at)
            checked.verified += end - start
        else:
            times.append(None)
            findings = _take_apart(log, place, row, mentions.get(row[0], ()), checked)
            if findings:
                checked.suspects[place] = findings
        start = end
    return checked


def kind_of(row: EventRow) -> Kind | None:
    """An event's kind as its columns say, where they can be right."""
    kind = (row.company_id or "", row.type, row.level, row.outcome)
    return (row.recorded_at // HOUR, *kind) if type(row.recorded_at) is int else None


def event_id_of(row: EventRow) -> str | None:
    """The id in the row's column, where it has the form of one."""
    stored = row.id
    return str(UUID(bytes=stored)) if isinstance(stored, bytes) and len(stored) == 16 else None


def _digests(
    rows: Sequence[EventRow], mentions: Mapping[int, Sequence[MentionRow]]
) -> tuple[list[str], list[int]]:
    """All digests of the stored disclosures in one pass, and where each row's end."""
    slots: list[int] = []
    salts: list[bytes] = []
    values: list[bytes] = []
    ends: list[int] = []
    for row in rows:
        own: tuple[Any, ...] = row[_FIRST_DISCLOSURE:]
        for slot, stored in enumerate(own):
            if stored is not None:
                slots.append(slot)
                salts.append(stored[:SALT_BYTES])
                values.append(stored[SALT_BYTES:])
        if row[0] in mentions:
            for one in mentions[row[0]]:
                slots.append(_SLOT_OF.get(one.name, 0))
                salts.append(one.stored[:SALT_BYTES])
                values.append(one.stored[SALT_BYTES:])
        ends.append(len(slots))
    return digests(slots, base64url_texts(salts), values), ends


class _Moments(dict[int, str]):
    """RFC 3339 texts of times that come again and again."""

    def __missing__(self, micros: int) -> str:
        text = self[micros] = rfc3339(micros)
        return text


def _written(log: str, row: EventRow, found: list[str], moments: _Moments) -> bytes:
    """The entry as the columns and the digests say it must be (the record's own form)."""
    (
        _, event_id, _, recorded_at, occurred_at, expires_at, decays_at, kind, level, outcome,
        company_id, resource_type, *_,
    ) = row  # fmt: skip
    found.sort()
    hexed = event_id.hex()
    company = "" if company_id is None else f',"company_id":{orjson.dumps(company_id).decode()}'
    decays = "" if decays_at is None else f',"decays_at":"{moments[decays_at]}"'
    expires = "" if expires_at is None else f',"expires_at":"{moments[expires_at]}"'
    resource = "" if resource_type is None else f',"resource_type":"{resource_type}"'
    digests_text = '","'.join(found)
    return (
        f'{{"_sd":["{digests_text}"],"_sd_alg":"sha-256"{company}{decays}{expires}'
        f',"id":"{hexed[:8]}-{hexed[8:12]}-{hexed[12:16]}-{hexed[16:20]}-{hexed[20:]}"'
        f',"level":"{LEVELS[level]}","log":"{log}","occurred_at":"{rfc3339(occurred_at)}"'
        f',"outcome":"{OUTCOMES[outcome]}","recorded_at":"{moments[recorded_at]}"{resource}'
        f',"type":"{kind}","v":1}}'
    ).encode()


def _copies_are_right(row: EventRow) -> bool:
    """Whether the columns that are copied from disclosures hold what those do."""
    actor, client, resource = row[19], row[20], row[21]
    if actor is None:
        if row[13] is not None:
            return False
    elif orjson.loads(actor[SALT_BYTES:]).get("user_id") != row[13]:
        return False
    if client is None:
        if row[14] is not None or row[15] is not None or row[16] is not None:
            return False
    else:
        get = orjson.loads(client[SALT_BYTES:]).get
        if (get("ip_address"), get("session_id"), get("request_id")) != row[14:17]:
            return False
    if resource is None:
        return row[12] is None
    return bool(orjson.loads(resource[SALT_BYTES:]).get("resource_id") == row[12])


def _people_are_right(row: EventRow, people: Sequence[MentionRow]) -> bool:
    return row[17] == len(people) and all(
        orjson.loads(one.stored[SALT_BYTES:]) == one.person for one in people
    )


# Taking an entry apart


def _take_apart(
    log: str, place: int, row: EventRow, people: Sequence[MentionRow], checked: Checked
) -> list[Finding]:
    """What is wrong with a row whose entry is not as written anew; maybe nothing.

    An entry of the log's own has a member that no column copies, so that it comes here too.
    """
    about = _About(log, row)
    try:
        members = entries.parse(row.entry)
        committed = [digest.encode() for digest in members["_sd"]]
        recorded_at = from_rfc3339(members["recorded_at"])
        expected = _entry_columns(members, recorded_at)
    except (ValueError, KeyError, TypeError, AttributeError):
        return [about.finding(Fault.UNREADABLE, Place.ENTRY)]
    kind = (expected["company_id"] or "", expected["type"], expected["level"], expected["outcome"])
    checked.kinds[place] = (recorded_at // HOUR, *kind)
    checked.times[place] = recorded_at
    _note_restored(members.get("audit"), checked)
    if (members.get("log"), members.get("v"), members.get("_sd_alg")) != (log, 1, "sha-256"):
        about.add(Fault.ALTERED, Place.ENTRY, "of another log or format")

    held, missing = _match(about, committed, row, people)
    checked.verified += len(committed) - missing
    checked.missing += missing
    values = {name: item for name, item in held.items() if item is not None}
    if missing == 0:
        number = sum(name not in NAMES for name in values)
        if row.mentions is not None or number:
            expected["mentions"] = number
    _compare_copies(about, row, values, whole=missing == 0)
    for one in people:
        item = values.get(one.name)
        if item is not None and _loaded(item) != one.person:
            about.add(Fault.ALTERED, Place.MENTION, f"{one.name}: person")
    for column, value in expected.items():
        stored = getattr(row, column)
        if stored != value or type(stored) is not type(value):
            about.add(Fault.ALTERED, Place.COLUMN, column)
    return about.findings


class _About:
    """Collects findings about one row."""

    def __init__(self, log: str, row: EventRow) -> None:
        self.findings: list[Finding] = []
        self._log = log
        self._index = row.position % LOG_SPAN
        self._id = event_id_of(row)

    def add(
        self,
        fault: Fault,
        place: Place,
        name: str | None = None,
        expected: str | None = None,
    ) -> None:
        self.findings.append(self.finding(fault, place, name, expected))

    def finding(
        self,
        fault: Fault,
        place: Place,
        name: str | None = None,
        expected: str | None = None,
    ) -> Finding:
        return Finding(
            fault=fault,
            place=place,
            log=self._log,
            index=self._index,
            event_id=self._id,
            field=name,
            expected=expected,
        )


def _entry_columns(members: dict[str, Any], recorded_at: int) -> dict[str, Any]:
    expires, decays = members.get("expires_at"), members.get("decays_at")
    return {
        "id": bytes.fromhex(members["id"].replace("-", "")),
        "recorded_at": recorded_at,
        "occurred_at": from_rfc3339(members["occurred_at"]),
        "expires_at": None if expires is None else from_rfc3339(expires),
        "decays_at": None if decays is None else from_rfc3339(decays),
        "type": members["type"],
        "level": LEVEL_NUMBERS[members["level"]],
        "outcome": OUTCOME_NUMBERS[members["outcome"]],
        "company_id": members.get("company_id"),
        "resource_type": members.get("resource_type"),
    }


def _note_restored(audit: Any, checked: Checked) -> None:
    if isinstance(audit, dict) and audit.get("kind") == "restored":
        checked.restored += [
            origin
            for name in ("origin", "old_origin")
            if isinstance(origin := audit.get(name), str)
        ]


def _match(
    about: _About, committed: list[bytes], row: EventRow, people: Sequence[MentionRow]
) -> tuple[dict[str, Disclosure | None], int]:
    """Match stored disclosures with the entry's digests.

    Returns:
        Name -> the disclosure, or None where it is not one that the entry commits to; and
        how many digests have no disclosure.
    """
    stored: list[tuple[Place, str, Any]] = [
        (Place.DISCLOSURE, name, value)
        for name, value in zip(NAMES, row[_FIRST_DISCLOSURE:], strict=True)
        if value is not None
    ]
    stored += [(Place.MENTION, one.name, one.stored) for one in people]
    open_digests = set(committed)
    held: dict[str, Disclosure | None] = {}
    strangers: list[tuple[Place, str]] = []
    for place, name, value in stored:
        item = Disclosure.unpack(name, value) if isinstance(value, bytes) else None
        digest = b"" if item is None else item.digest()
        if digest in open_digests:
            open_digests.remove(digest)
            held[name] = item
        else:
            held[name] = None
            strangers.append((place, name))
    for number, (place, name) in enumerate(strangers):
        fault = Fault.ALTERED if number < len(open_digests) else Fault.EXTRA
        about.add(fault, place, name)
    for digest in sorted(open_digests)[len(strangers) :]:
        about.add(Fault.MISSING, Place.DISCLOSURE, None, f"one with the digest {digest.decode()}")
    return held, len(open_digests)


def _compare_copies(
    about: _About, row: EventRow, values: Mapping[str, Disclosure], *, whole: bool
) -> None:
    for column, name in _COPIED.items():
        if name not in values and not whole:
            continue  # what it was copied from is not there to compare
        value = _loaded(values[name]) if name in values else None
        expected = value.get(column) if isinstance(value, dict) else None
        if getattr(row, column) != expected:
            about.add(Fault.ALTERED, Place.COLUMN, column)


def _loaded(item: Disclosure) -> Any:
    try:
        return orjson.loads(item.value)
    except orjson.JSONDecodeError:
        return None
