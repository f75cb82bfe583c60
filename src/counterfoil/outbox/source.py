"""Sources: an outbox as a relay reads it, through a connection of the relay's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple, Protocol

#: Drafts that are read at once take about so many bytes at most, or there is only one.
MOST_BYTES: Final = 16 * 1024 * 1024


class Row(NamedTuple):
    """A draft that waits.

    Attributes:
        sequence: its place; rising within one business transaction.
        draft: its bytes.
        made_at: when it was put there, milliseconds since the Unix epoch.
    """

    sequence: int
    draft: bytes
    made_at: int


class Backlog(NamedTuple):
    """What stands in an outbox.

    Attributes:
        waiting: drafts to be moved.
        oldest: seconds since the first of them was put there; None where none waits.
        refused: drafts that are kept because no log takes them.
    """

    waiting: int
    oldest: float | None
    refused: int


class Claim(Protocol):
    """Drafts that the relay has in hand. Where the engine can, no other relay has them."""

    @property
    def rows(self) -> Sequence[Row]:
        """The drafts, by sequence."""
        ...

    @property
    def end(self) -> int | None:
        """The last sequence that was looked at, or None where nothing waits beyond."""
        ...

    async def settle(self, done: Collection[int], refused: Mapping[int, str]) -> None:
        """Remove what the log has, and mark what no log takes, with the reason.

        The others stay as they are.
        """
        ...


class Source(Protocol):
    """An outbox that is open. Belongs to the event loop that opened it.

    Any number of relays may read one outbox, in any number of processes. Each draft is given
    out with all that waits before it in its business transaction, or while no other relay has
    those: whoever moves what is given in its order keeps the order of each transaction. A
    draft may be given to two relays, and again after a crash.

    Every method but ``close`` raises StoreError where the database fails, with the driver's
    error as its cause. After that the source is to be closed.
    """

    @property
    def name(self) -> str:
        """Which database it is, without secrets."""
        ...

    def claim(self, after: int, limit: int) -> AbstractAsyncContextManager[Claim]:
        """Take the next drafts in hand, for as long as the context is entered.

        Args:
            after: the sequence to go on after: a claim's ``end``, or 0 to begin again.
            limit: the most drafts.
        """
        ...

    async def backlog(self) -> Backlog:
        """What stands there."""
        ...

    async def create(self) -> None:
        """Make the table, where there is none yet."""
        ...

    async def retry(self) -> int:
        """Let the refused drafts wait again; how many they were."""
        ...

    async def close(self) -> None:
        """Let go of the connection. Idempotent; raises nothing."""
        ...
