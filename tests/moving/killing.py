"""Copies a database in a process that kills itself at a step: run as ``python -m``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from counterfoil.log.copying import copy


def main(source: str, target: str, steps: int) -> None:
    left = steps

    def step(*_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(copy(source, target, progress=step))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
