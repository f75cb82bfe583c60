"""Checking checkpoints: the recorded ones and the published one, against the rebuilt tree."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from operator import attrgetter

from counterfoil.errors import FormatError, ProofError, SignatureError
from counterfoil.log.proving.identity import Identity
from counterfoil.log.proving.published import Chain, Published
from counterfoil.proof import Checkpoint, Note
from counterfoil.store import CheckpointRow, Store
from counterfoil.store.interface import LARGEST, SMALLEST

from .report import Fault, Finding, Findings, Place
from .segment import read_readable

_PAGE = 500


class CheckpointCheck:
    """Checks the checkpoints of one log while its tree is being rebuilt.

    Args:
        store: an open store.
        identity: whose key must have signed.
        log, number: the log's name and number.
        published: what was published outside the database, if anything is known of it.
        first: checkpoints of smaller sizes are passed over.
        findings: takes what is wrong.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        log: str,
        number: int,
        published: Published | None,
        first: int,
        findings: Findings,
    ) -> None:
        self._store = store
        self._identity = identity
        self._log = log
        self._number = number
        self._published = published
        self._findings = findings
        self._chain: Chain | None = Chain() if first == 0 else None
        self._signed_at = 0
        self._next = SMALLEST if first == 0 else first
        self._sound = True
        #: Origin -> how many good checkpoints bear it.
        self.origins: Counter[str] = Counter()
        #: The sizes of the good checkpoints, in order.
        self.good: list[int] = []

    async def upto(self, size: int) -> list[CheckpointRow]:
        """The next recorded checkpoints, up to and with this size, the smallest first."""
        rows: list[CheckpointRow] = []
        last = size
        while last >= self._next:

            async def read(first: int, last: int) -> list[CheckpointRow]:
                return await self._store.checkpoints(
                    self._number, limit=_PAGE, first=first, last=last
                )

            page, bad = await read_readable(read, self._next, last)
            for unreadable in bad:
                self._find(Fault.UNREADABLE, Place.CHECKPOINT, unreadable)
            rows += page
            if len(page) < _PAGE:
                break
            last = min(row.size for row in page) - 1
        self._next = size + 1
        rows.sort(key=attrgetter("size"))
        return rows

    def check(self, row: CheckpointRow, root: bytes | None) -> None:
        """Check one recorded checkpoint.

        Args:
            root: the rebuilt tree's root at the row's size; None where it is not known.
        """
        published = self._published
        covered = published is not None and row.size <= published.checkpoint.size
        if self._chain is not None and covered:
            self._chain = self._chain.extend([row])
        if row.signed_at < self._signed_at:
            self._find(Fault.ORDER, Place.CHECKPOINT, row.size, "signed_at")
        self._signed_at = max(self._signed_at, row.signed_at)
        checkpoint = self._open_row(row)
        if checkpoint is not None and self._compare(checkpoint, root, Place.CHECKPOINT):
            self.origins[checkpoint.origin] += 1
            if root is not None:
                self.good.append(row.size)

    async def finish(
        self, size_now: Callable[[], Awaitable[int]], roots: dict[int, bytes | None]
    ) -> None:
        """Check what lies beyond the log's end, and the published checkpoint.

        Args:
            size_now: the log's size, asked for after the checkpoints have been read: it may
                have grown since the tree was rebuilt.
            roots: the rebuilt roots at the sizes of :meth:`wanted`.
        """
        rows = await self.upto(LARGEST)
        size = await size_now()
        for row in rows:
            if row.size <= size:
                # Signed while the log was being checked, or where events are missing at the
                # end: the tree was not rebuilt that far, and the chain goes on all the same.
                self.check(row, roots.get(row.size))
                continue
            checkpoint = self._open_row(row)
            if checkpoint is not None:
                self._find_cut(Place.CHECKPOINT, checkpoint.size, size)
        published = self._published
        if published is None:
            return
        checkpoint = self._open(published.note, Place.PUBLISHED, published.checkpoint.size)
        if checkpoint is None:
            return
        if checkpoint.size > size:
            self._find_cut(Place.PUBLISHED, checkpoint.size, size)
        elif self._compare(checkpoint, roots.get(checkpoint.size), Place.PUBLISHED):
            await self._check_recorded(published, checkpoint.size)

    def wanted(self) -> Iterable[int]:
        """Sizes at which the root is needed besides those of the recorded checkpoints."""
        return () if self._published is None else (self._published.checkpoint.size,)

    def last_good(self, index: int | None) -> int | None:
        """The largest good checkpoint that an event is not covered by; None for none."""
        place = len(self.good) if index is None else bisect_right(self.good, index)
        return self.good[place - 1] if place else None

    async def _check_recorded(self, published: Published, size: int) -> None:
        if not self._sound:
            return
        rows, _ = await read_readable(
            lambda first, last: self._store.checkpoints(self._number, first=first, last=last),
            size,
            size,
        )
        if not rows or rows[0].note != published.note:
            fault = Fault.ALTERED if rows else Fault.MISSING
            self._find(fault, Place.CHECKPOINT, size, "as it was published")
        elif self._chain is not None and self._chain != published.chain:
            self._findings.add(
                Finding(
                    fault=Fault.ALTERED,
                    place=Place.CHECKPOINT,
                    log=self._log,
                    field=f"up to {size}: one was removed, or its time changed",
                    expected=f"{published.chain.count} as published",
                    found=f"{self._chain.count}",
                )
            )

    def _open_row(self, row: CheckpointRow) -> Checkpoint | None:
        checkpoint = self._open(row.note, Place.CHECKPOINT, row.size)
        if checkpoint is not None and checkpoint.size != row.size:
            stated = f"{checkpoint.size} in the signed text"
            self._find(Fault.ALTERED, Place.CHECKPOINT, row.size, "size", stated)
            return None
        return checkpoint

    def _open(self, note: bytes, place: Place, size: int) -> Checkpoint | None:
        try:
            checkpoint = Checkpoint.parse(Note.parse(note).text)
            key = self._identity.verifier_key(checkpoint.origin)
            if key is None:
                raise SignatureError
            return Checkpoint.open(note, key)
        except SignatureError:
            self._find(Fault.UNSIGNED, place, size)
        except (FormatError, ProofError, TypeError):
            self._find(Fault.UNREADABLE, place, size)
        return None

    def _compare(self, checkpoint: Checkpoint, root: bytes | None, place: Place) -> bool:
        if root is None or root == checkpoint.root:
            return True
        self._find(
            Fault.ALTERED,
            place,
            checkpoint.size,
            "the log is another one than was signed",
            checkpoint.root.hex(),
            root.hex(),
        )
        return False

    def _find_cut(self, place: Place, stated: int, size: int) -> None:
        self._sound = False
        self._findings.add(
            Finding(
                fault=Fault.CUT,
                place=Place.EVENT,
                log=self._log,
                index=size,
                last_index=stated - 1,
                expected=f"{stated} events, which the {place.value} covers",
                found=f"{size}",
            )
        )

    def _find(
        self,
        fault: Fault,
        place: Place,
        size: int,
        name: str | None = None,
        expected: str | None = None,
        found: str | None = None,
    ) -> None:
        self._sound = False
        self._findings.add(
            Finding(
                fault=fault,
                place=place,
                log=self._log,
                field=f"of {size} events{f': {name}' if name else ''}",
                expected=expected,
                found=found,
            )
        )
