"""Every error that Counterfoil raises.

    CounterfoilError
    ├── ConfigurationError       the log cannot be opened as asked
    │   ├── MissingExtraError    a feature whose optional packages are not installed
    │   └── KeyFileError         the signing key's file is missing, unreadable or another log's
    ├── InputError               an argument that cannot be used
    │   ├── EventIdError         an event id that is not a UUIDv7, or is too old
    │   ├── QueryError           a filter or range that makes no sense
    │   │   └── SearchError      a search that cannot be read
    │   └── CursorError          a cursor that this log did not give
    ├── NotFoundError            no such event, log or checkpoint
    ├── AccessError              who asks may not have what is asked for
    │   ├── AuthenticationError  no access key, or none that is valid
    │   ├── ThrottledError       too many tries from one place, or too many requests
    │   └── ForbiddenError       the access key does not reach that far
    ├── WriteError               an event was not, or is not known to be, recorded
    │   ├── QueueFullError       too many events wait already
    │   ├── WriteTimeoutError    the store did not answer within the time limit
    │   ├── ConflictError        the same event id with other content
    │   ├── KeyRefusedError      the server takes no events with this access key
    │   ├── OutboxError          the caller's connection does not take the event
    │   └── RefusedError         the log refuses to write (rolled back, sealed, read-only)
    │       ├── RollbackError    the database is older than its own published checkpoint
    │       └── SealedError      the log was sealed, or has moved to another database
    ├── StoreError               the database failed; the driver's error is the cause
    │   ├── StoreUnavailableError  it does not answer, or another process holds it
    │   │   ├── StoreLoginError      it refuses the user or the password
    │   │   ├── StoreTLSError        the connection cannot be encrypted as asked
    │   │   ├── StoreMissingError    there is no such database
    │   │   ├── StoreRightsError     the user may not do what the log has to
    │   │   ├── StoreReadOnlyError   it takes no writes (a standby)
    │   │   └── StoreBusyError       it has too many connections
    │   ├── StoreUnsafeError     it does not sync what it commits
    │   ├── StoreFullError       no room on the disk
    │   ├── StoreCorruptError    what it returned cannot be right
    │   └── SchemaError          its schema is newer, or its migrations were changed
    ├── SpoolError               the local spool failed
    │   ├── SpoolFullError       its size limit is reached, or there is no room on the disk
    │   └── SpoolCorruptError    what it holds cannot be read
    ├── ClosedError              the log was closed
    │   └── ForkedError          the log was opened in the parent process
    └── ProofError               a proof, note or checkpoint is refused
        ├── FormatError          its bytes are not of the standard's form
        └── SignatureError       it is not signed by a wanted key, or a signature is false

A class's docstring is its message where none is given. The message says what was
wrong, the remedy what to do. No message ever carries a value that came from an event.
"""

from __future__ import annotations

import inspect


class CounterfoilError(Exception):
    """Counterfoil failed."""

    remedy: str = ""

    def __init__(self, message: str | None = None, *, remedy: str | None = None) -> None:
        self.message = message or (inspect.getdoc(type(self)) or "").partition("\n")[0]
        if remedy is not None:
            self.remedy = remedy
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class ConfigurationError(CounterfoilError):
    """The log cannot be opened with these settings."""


class MissingExtraError(ConfigurationError):
    """This feature needs packages that are not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs packages that are not installed.",
            remedy=f"Run: pip install 'counterfoil[{extra}]'",
        )


class KeyFileError(ConfigurationError):
    """The key file cannot be used."""


class InputError(CounterfoilError, ValueError):
    """An argument cannot be used."""


class EventIdError(InputError):
    """The event id is not a UUIDv7."""

    remedy = "Leave event_id out, or give a fresh UUIDv7 in its usual text form."


class QueryError(InputError):
    """The query cannot be answered."""


class SearchError(QueryError):
    """The search cannot be read.

    Attributes:
        start, end: where in the search, in characters; ``end`` lies behind it.
        suggestion: the whole search as it was probably meant, where that can be told.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        remedy: str | None = None,
        start: int = 0,
        end: int = 0,
        suggestion: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.start = start
        self.end = end
        self.suggestion = suggestion


class CursorError(QueryError):
    """The cursor is not one of this log's."""

    remedy = "Pass back Page.next_cursor unchanged, with the same filters and order."


class NotFoundError(CounterfoilError, LookupError):
    """There is no such event."""


class AccessError(CounterfoilError):
    """Access is refused."""


class AuthenticationError(AccessError):
    """There is no valid access key with this request."""

    remedy = "Present a key: `Authorization: Bearer cf_...`."


class ThrottledError(AccessError):
    """There were too many requests.

    Attributes:
        retry_after: seconds after which the next one is taken.
    """

    remedy = "Wait, and ask more slowly."
    retry_after: int = 60


class ForbiddenError(AccessError):
    """The access key does not allow this."""


class WriteError(CounterfoilError):
    """The event is not known to be recorded.

    Attributes:
        event_id: the id that the event has or would have had; a retry with it is safe.
        outcome_known: True where the event is certainly not recorded, False where the
            store may still have committed it.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        remedy: str | None = None,
        event_id: str | None = None,
        outcome_known: bool = True,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.event_id = event_id
        self.outcome_known = outcome_known


class QueueFullError(WriteError):
    """Too many events wait to be written, and none left the queue within the time limit."""

    remedy = "Slow the callers down, raise the queue limits, or look at why the store is slow."


class WriteTimeoutError(WriteError):
    """The store did not answer within the time limit."""

    remedy = "Retry with the same event_id: it is recorded once, whatever became of the first try."


class ConflictError(WriteError):
    """This event id is already recorded with other content; nothing was overwritten."""

    remedy = "Give each event an id of its own."


class KeyRefusedError(WriteError):
    """The server takes no events with this access key: it is revoked, expired, or may not write."""

    remedy = "Give a valid key of the role writer; what is spooled is delivered with it."


class OutboxError(WriteError):
    """The event was not written into the caller's transaction."""

    remedy = "Roll the transaction back, and look at the error's cause."


class RefusedError(WriteError):
    """The log refuses to write."""


class RollbackError(RefusedError):
    """The database is older than the checkpoint that it published."""


class SealedError(RefusedError):
    """The log is sealed."""

    remedy = "Open it where it went; the message says where."


class StoreError(CounterfoilError):
    """The database failed.

    Attributes:
        outcome_known: False where a write that failed may still turn out committed.
    """

    outcome_known: bool = True


class StoreUnavailableError(StoreError):
    """The database cannot be reached, or another process holds it for too long.

    Attributes:
        retry_after: seconds after which a server wants to be asked again, if it said so.
    """

    retry_after: float | None = None


class StoreLoginError(StoreUnavailableError):
    """The database refuses the user or the password."""

    remedy = "Check both, and the server's pg_hba.conf; a password may stand in PGPASSWORD."


class StoreTLSError(StoreUnavailableError):
    """The connection to the database cannot be encrypted as the address asks for."""

    remedy = "Look at the server's log, and at the versions of TLS that both sides allow."


class StoreMissingError(StoreUnavailableError):
    """There is no such database on the server."""

    remedy = "Create it, or correct the name in the address; the log makes its tables by itself."


class StoreRightsError(StoreUnavailableError):
    """The user of the database may not do what the log has to."""

    remedy = "Run `counterfoil postgres migrate` as the owner, with --grant and this user's name."


class StoreReadOnlyError(StoreUnavailableError):
    """The database takes no writes: it is a standby, or was set to read-only."""

    remedy = "Promote it, or name the primary or all servers in the address."


class StoreBusyError(StoreUnavailableError):
    """The database has too many connections already."""

    remedy = "Raise its max_connections, or let fewer processes open the log."


class StoreUnsafeError(StoreError):
    """The database does not sync what it commits: a crash would lose acknowledged events."""

    remedy = (
        "Set fsync, full_page_writes and synchronous_commit to on: in its configuration, and for "
        "this database and user (ALTER DATABASE and ALTER ROLE, RESET)."
    )


class StoreFullError(StoreError):
    """There is no room to write to the database."""

    remedy = "Make room on its disk; the log goes on by itself."


class StoreCorruptError(StoreError):
    """The database returned what cannot be right."""

    remedy = "Stop writing, keep a copy of the files, and run `counterfoil verify`."


class SchemaError(StoreError):
    """The database's schema does not fit this version of Counterfoil."""


class SpoolError(CounterfoilError):
    """The local spool failed.

    Attributes:
        outcome_known: False where records whose spooling failed may still be kept.
    """

    outcome_known: bool = True


class SpoolFullError(SpoolError):
    """There is no room in the local spool."""

    remedy = "Bring the store back, make room on the spool's disk, or raise its size limit."


class SpoolCorruptError(SpoolError):
    """What the local spool holds cannot be read."""

    remedy = "Keep a copy of the spool's folder, and read it with the version that wrote it."


class ClosedError(CounterfoilError):
    """The log is closed."""

    remedy = "Open it again with AuditLog.open()."


class ForkedError(ClosedError):
    """The log was opened before fork(), in the parent process."""

    remedy = "Open it in the child: AuditLog.open() after the fork."


class ProofError(CounterfoilError):
    """The proof does not hold."""


class FormatError(ProofError):
    """The bytes are not of the standard's form."""


class SignatureError(ProofError):
    """There is no good signature of a wanted key."""
