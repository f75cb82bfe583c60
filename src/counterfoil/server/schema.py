"""The shapes of answers, for the API's description; what is answered is not made from them.

A test has the described shapes compared with real answers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from counterfoil.access import Role

Level = Literal["info", "warning", "error", "critical"]
Outcome = Literal["success", "failure", "unknown"]


class Shape(BaseModel):
    """An object that has these members and no others."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """What went wrong (RFC 9457). `code` is a stable word for programs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:counterfoil:problem:forbidden",
                    "title": "The key is bound to another company.",
                    "status": 403,
                    "code": "forbidden",
                    "detail": "Leave company_id out: the key's own is meant then.",
                    "request_id": "01a21092-5da6-777c-97fb-a1c66cdbdd35",
                }
            ]
        }
    )

    type: str = Field(description="A name for the kind of problem.")
    title: str = Field(description="What was wrong.")
    status: int
    code: str
    detail: str | None = Field(None, description="What to do.")
    request_id: str | None = None
    event_id: str | None = Field(None, description="The event, with which a retry is safe.")
    outcome_known: bool | None = Field(
        None, description="False where the event may yet have been recorded."
    )


class SaidChange(Shape):
    """A field that changed, as short texts; one that is left out was not there."""

    field: str
    before: str | None = None
    after: str | None = None


class Wording(Shape):
    """An event in words, harmless whatever the event holds."""

    sentence: str
    changes: list[SaidChange] = Field(description="The first 100.")


class ShownEvent(Shape):
    """An event as it is recorded. What was never there, has decayed or was erased is left out."""

    id: str
    log: str
    index: int = Field(description="Its place in the log.")
    type: str
    level: Level
    outcome: Outcome
    occurred_at: datetime
    recorded_at: datetime
    expires_at: datetime | None = None
    decays_at: datetime | None = None
    company_id: str | None = None
    actor_kind: str | None = None
    user_id: str | None = None
    on_behalf_of: str | None = None
    impersonator: str | None = None
    subjects: list[str] | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    session_id: str | None = Field(None, description="A token.")
    request_id: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    before_state: Any = None
    after_state: Any = None
    changes: Any = Field(None, description="JSON pointer to `op`, `old` and `new`.")
    details: Any = None
    metadata: Any = None
    claims: Any = Field(None, description="What the client said and nobody checked.")
    notes: Any = Field(None, description="The log's own remarks about the call.")
    audit: Any = Field(None, description="The lasting facts of the log's own events.")
    entry: str | None = Field(None, description="With `include=evidence`: what is hashed.")
    disclosures: list[str] | None = Field(
        None, description="With `include=evidence`: RFC 9901 disclosures."
    )
    wording: Wording | None = Field(None, description="With `include=wording`: for people.")


class EventPage(Shape):
    """Some of the events that match."""

    events: list[ShownEvent]
    next_cursor: str | None = Field(description="Where the next page begins, if there is more.")
    end_cursor: str = Field(description="Where `order=oldest` or the live stream goes on.")


class Appended(Shape):
    """An event that was recorded."""

    id: str


class ItemResult(Shape):
    """What became of one event of several."""

    status: int = Field(description="As the answer's, had it come alone.")
    id: str | None
    problem: Problem | None = None


class Results(Shape):
    """What became of each event, in their order."""

    results: list[ItemResult]


class Count(Shape):
    """How many events match."""

    count: int = Field(ge=0)


class Group(Shape):
    """The events of a bucket that have the same values of `by`."""

    group: list[str | None]
    count: int


class Bucket(Shape):
    """One hour or UTC day."""

    start: datetime
    end: datetime
    total: int
    groups: list[Group]


class TimelineShape(Shape):
    """Counts by the hour or the day."""

    unit: Literal["hour", "day"]
    by: list[str]
    total: int
    buckets: list[Bucket]


class CheckpointShape(Shape):
    """A log's signed size and root (C2SP tlog-checkpoint)."""

    log: str
    origin: str
    size: int
    root: str = Field(description="64 hexadecimal digits.")
    note: str = Field(description="The signed note, verbatim.")
    verifier_key: str = Field(description="What it is checked by; get it from a trusted place.")
    signed_at: datetime


class ProofShape(Shape):
    """The proof that one event is in the log."""

    event_id: str
    index: int
    checkpoint: CheckpointShape
    tlog_proof: str = Field(description="The proof file (C2SP tlog-proof), verbatim.")
    disclosures: list[str] = Field(description="RFC 9901 disclosures; any may be held back.")


class ConsistencyShape(Shape):
    """The proof that the log of one size is the beginning of that of another."""

    old: int
    new: int
    hashes: list[str] = Field(description="Base64, 32 bytes each (RFC 6962).")


class VerificationShape(Shape):
    """A verification that is over."""

    ended_at: datetime
    ok: bool
    events: int
    findings: int
    seconds: float


class VerificationStatus(Shape):
    """The last verification; null before the first one."""

    last: VerificationShape | None


class FindingShape(Shape):
    """One thing that is not as it must be."""

    fault: str
    place: str
    log: str
    index: int | None
    last_index: int | None
    event_id: str | None
    field: str | None
    expected: str | None
    found: str | None
    since: int | None


class ReportShape(BaseModel):
    """The result of a verification."""

    ok: bool
    events: int
    logs: list[dict[str, Any]]
    findings: list[FindingShape]
    omitted: int
    processes: int
    seconds: float


class LogStatsShape(BaseModel):
    """One log."""

    name: str
    origin: str
    size: int
    recorded_at: datetime | None
    checkpoint_size: int
    checkpoint_at: datetime | None


class StatsShape(BaseModel):
    """How much there is, and what waits."""

    store: str
    logs: list[LogStatsShape]
    waiting: int
    usage: dict[str, int] = Field(description="Bytes by part of the database.")


class KeyShape(Shape):
    """An access key, without its secret."""

    id: str
    name: str
    role: Role
    company: str | None
    logs: list[str] | None
    state: Literal["active", "expired", "revoked"]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To within five minutes.")
    successor: str | None


class NewKey(KeyShape):
    """A new access key, with its secret: shown this once."""

    key: str = Field(pattern="^cf_")


class KeyList(Shape):
    """Access keys."""

    keys: list[KeyShape]


class SessionKey(Shape):
    """Who the key is."""

    id: str
    name: str
    role: Role
    company: str | None
    logs: list[str] | None


class SessionLimits(Shape):
    """What one request may bring."""

    body_bytes: int
    events: int


class CatalogueSettings(Shape):
    """The retention profile, and the settings of types."""

    profile: str
    types: dict[str, Any]


class NewViewerToken(Shape):
    """A viewer token that was just made."""

    token: str = Field(description="Shown this once.")
    expires_at: datetime
    company: str


class SessionShape(Shape):
    """Who the key is, and what the server works by."""

    server: str
    database: str
    public_key: str | None = Field(description="Base64 of the Ed25519 public key.")
    key: SessionKey
    limits: SessionLimits
    encodings: list[str]
    catalogue: CatalogueSettings
    redaction: dict[str, Any]
    expires_at: datetime | None = Field(description="When the key or token ends.")


class TokenKey(Shape):
    """A derived key, by which one company's tokens are made."""

    id: str
    key: str = Field(description="Base64.")


class TokenKeys(Shape):
    """A company's token keys, the newest first."""

    keys: list[TokenKey]


class RuleShape(BaseModel):
    """How one event type is recorded."""

    level: Level
    outcome: Outcome
    disclosure_days: int | None
    event_days: int | None
    personal_data: str
    on_failure: Literal["block", "spool"]
    drop: list[str]
    tokenise: list[str]
    anonymize: bool
    actor_details: bool


class CatalogueShape(Shape):
    """The event catalogue."""

    profile: str
    types: dict[str, RuleShape]
    default: RuleShape


class Health(Shape):
    """That all is well."""

    status: Literal["ok"]
