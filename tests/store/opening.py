"""Opens each file that it is told of, as soon as it is told: run as ``python -m``.

Answers each line of the standard input, a path, with a line: what became of it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from counterfoil.errors import StoreError
from counterfoil.store.sqlite import SQLiteStore

from .writing import put


async def opened(path: Path) -> str:
    store = SQLiteStore(path)
    try:
        await store.open()
        await put(store, {})
        await store.close()
    except StoreError as error:
        return f"{type(error).__name__}: {error}"
    return "opened"


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        print(asyncio.run(opened(Path(line.strip()))), flush=True)


if __name__ == "__main__":
    main()
