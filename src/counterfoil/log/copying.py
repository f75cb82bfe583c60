"""Copying: a database's logs into another database, which takes over or goes on by itself.

Two databases must never sign one origin. So either the source is sealed first, and the target
takes over origin and key; or the target gets a new origin, which continues the same tree, and
the source stays as it is.

What survives a crash at each step of a move, and where the next call goes on:

1. the target is marked as a copy: nobody writes to it; events are copied while the source is
   written to, each batch from the size that the target has;
2. the source is sealed, and signs its last checkpoints; the rest is copied;
3. the target is verified: what is rebuilt from it must be what the source has signed;
4. the source is marked as moved: from here on it cannot be opened again;
5. the target gets key and published checkpoints, and its logs are opened one after the other.

A call that finds the source moved does only what is left of the last step.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterfoil.clock import SYSTEM_CLOCK, Clock
from counterfoil.errors import ConfigurationError, InputError, KeyFileError, NotFoundError
from counterfoil.record.entry import UntimedEntry
from counterfoil.store import Head, open_store
from counterfoil.store.address import sqlite_path

from .continuation import Continuation
from .copy_ends import CopyEnds, Progress
from .proving.identity import DATABASE
from .seal import COPYING, MOVED, Seal, put_seal, seal_of, sealed_error
from .setup import Setup, key_file_of
from .store_backend import StoreBackend
from .takeover import Takeover


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What was copied.

    Attributes:
        source, target: the addresses, without secrets.
        logs: the copied logs' names, and how many events each has.
        origins: log -> the origin that its checkpoints bear from now on.
        moved: whether the target has taken over, so that the source is sealed for good.
        seconds: how long it took.
    """

    source: str
    target: str
    logs: Mapping[str, int]
    origins: Mapping[str, str]
    moved: bool
    seconds: float

    @property
    def events(self) -> int:
        """Events of all logs."""
        return sum(self.logs.values())


async def copy(
    source: str,
    target: str,
    *,
    log: str | None = None,
    new_origin: bool = False,
    key_file: str | Path | None = None,
    target_key_file: str | Path | None = None,
    progress: Progress | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> CopyReport:
    """Copy a database's logs to another database, of any engine.

    Every byte is copied as it is stored, and the copy is verified before it is used: same
    size, same root. Killed at any moment and called again, it goes on where it was.

    Args:
        source: the address of the database to copy.
        target: the address of one that is empty, or that an earlier call has begun to fill.
        log: only this log; needs ``new_origin`` where the source has others.
        new_origin: False seals the source, and the target takes over its origins and its key;
            True leaves the source as it is, and the target goes on with the same trees under
            origins and a key of its own, with an ``audit.restored`` entry first.
        key_file: the source's key file; by default beside its database.
        target_key_file: the target's; by default beside its database.
        progress: called again and again with (what is being done, done, of how many).

    Raises:
        InputError: the target holds something else, or an argument does not fit.
        NotFoundError: there is no such log.
        SealedError: the source is being moved to another target, or has moved.
        KeyFileError: the source's key cannot be used: without it nothing is taken over.
        StoreError: a database cannot be used, or the copy is not what the source has signed.
        ConfigurationError: there is no source, or an address cannot be used.
    """
    if source.startswith("sqlite:") and not (path := sqlite_path(source)).is_file():
        # Opening would make it, and an empty log would be moved in place of the one meant.
        raise ConfigurationError(
            f"There is no database {path}.", remedy="Name the one that is to be copied."
        )
    setup = Setup(url=source, key_file=key_file, checkpoint_interval=None, spool=False, clock=clock)
    began = time.monotonic()
    parts = await setup.open()
    try:
        backend = parts.backend
        if not isinstance(backend, StoreBackend):
            raise InputError("A server's logs are copied from its database.")

        def make(kind: str, name: str, facts: dict[str, Any]) -> UntimedEntry:
            return parts.intake.own(kind, log=name, audit=facts)

        store = open_store(target)
        await store.open()
        try:
            ends = CopyEnds(
                backend,
                store,
                key_file_of(target_key_file, store),
                make,
                clock,
                progress or (lambda *_: None),
                new_origin,
            )
            return await _copy(ends, log, began)
        finally:
            await store.close()
    finally:
        await parts.path.close()
        await parts.backend.close()


async def _copy(ends: CopyEnds, log: str | None, began: float) -> CopyReport:
    heads = await _heads(ends, log)
    seal = await _mark_target(ends)
    if seal is not None:
        if ends.new_origin:
            await Continuation(ends, seal).run(log)
        else:
            await Takeover(ends, seal).run(heads)
    found = {head.log: head for head in await ends.target.heads()}
    return CopyReport(
        source=ends.source.name,
        target=ends.target.name,
        logs={name: head.size for name, head in found.items()},
        origins={name: head.origin for name, head in found.items()},
        moved=not ends.new_origin,
        seconds=time.monotonic() - began,
    )


async def _heads(ends: CopyEnds, log: str | None) -> list[Head]:
    """The heads of what is copied, once it is clear that it can be."""
    heads = await ends.source.heads()
    if not heads:
        raise InputError("The source holds no log.", remedy="Name the one that is to be copied.")
    if log is not None and not any(head.log == log for head in heads):
        raise NotFoundError("There is no such log in the source.")
    if log is not None and len(heads) > 1 and not ends.new_origin:
        raise InputError(
            "One log of several cannot take its origin and key along.",
            remedy="Copy all logs, or give the copy a new origin (new_origin, --new-origin).",
        )
    if not ends.identity.may_sign:
        raise KeyFileError(
            "This process does not hold the source's signing key.",
            remedy="Copy in a process that may read the key file, or name it.",
        )
    if ends.key_file is None and not ends.new_origin:
        raise ConfigurationError(
            "The target has no place for its key.", remedy="Name its key file."
        )
    return heads if log is None else [head for head in heads if head.log == log]


async def _mark_target(ends: CopyEnds) -> Seal | None:
    """The seal of the copy; None where it has taken over already."""
    target, source = ends.target, ends.identity.database
    kind = f"{source}/{'alone' if ends.new_origin else 'move'}/"
    seal = await seal_of(target)
    gone = None if ends.new_origin else await seal_of(ends.source)
    if seal is None:
        facts = await target.meta()
        if gone is not None:
            if facts.get(DATABASE) == source and gone.state == MOVED:
                return None
            raise sealed_error(gone)
        if await target.heads() or (facts and not ends.new_origin):
            raise InputError(
                "The target holds something else.", remedy="Name a database that is empty."
            )
        fresh = Seal(COPYING, ends.source.name, f"{kind}{secrets.token_hex(8)}")
        seal = await put_seal(target, fresh)
    if seal.state != COPYING or not seal.copy.startswith(kind):
        raise InputError(
            "The target is sealed, or another copy of something.",
            remedy="Name a database that is empty, or go on as the copy was begun.",
        )
    if gone is not None and gone.copy != seal.copy:
        raise sealed_error(gone)
    if not ends.new_origin:
        # Whoever opens the copy too early finds who it will be, and that it is sealed.
        await target.put_meta(await ends.source.meta())
    return seal
