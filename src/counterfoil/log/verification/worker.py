"""A worker process of a verification: ``python -m counterfoil.log.verification.worker``.

It reads messages from its standard input and answers each on its standard output: first the
store's address, then segments, until the input ends. Its parent kills it to interrupt it.
"""

from __future__ import annotations

import asyncio
import pickle
import signal
import sys
from typing import Any, BinaryIO

from counterfoil.errors import StoreError
from counterfoil.store import open_store

from .segment import check_segment

#: The bytes of a message's length, which stand before it.
LENGTH_BYTES = 4


def encode(message: Any) -> bytes:
    """A message with its length before it."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def _read(stream: BinaryIO) -> Any:
    header = stream.read(LENGTH_BYTES)
    if len(header) < LENGTH_BYTES:
        return None
    # Parent and child are one program: what comes in is what it has written.
    return pickle.loads(stream.read(int.from_bytes(header, "big")))  # noqa: S301


def _write(message: Any) -> None:
    sys.stdout.buffer.write(encode(message))
    sys.stdout.buffer.flush()


async def _main() -> None:
    stdin = sys.stdin.buffer
    store = open_store(await asyncio.to_thread(_read, stdin))
    await store.open()
    try:
        while (segment := await asyncio.to_thread(_read, stdin)) is not None:
            try:
                _write(await check_segment(store, segment))
            except StoreError as error:
                _write(error.message)
    finally:
        await store.close()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_main())
