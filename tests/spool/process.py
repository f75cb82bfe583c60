"""Children of the test's process: what they say before they end, and how they ended."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from counterfoil.spool import files

#: Everything by which the spool changes its disk, one effect each.
EFFECTS = (
    "make_folder", "create", "write", "cut", "sync", "sync_folder", "replace", "remove",
    "remove_folder",
)  # fmt: skip

Say = Callable[..., None]


class Ended(NamedTuple):
    """What a child said, and its exit code (negative: the signal that killed it)."""

    said: list[Any]
    code: int

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL


class Child:
    """A forked child that runs ``work``, which is given a way to say things."""

    def __init__(self, work: Callable[[Say], None]) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            code = 1

            def say(*said: Any) -> None:
                os.write(writing, json.dumps(said).encode() + b"\n")

            try:
                work(say)
                code = 0
            except BaseException:  # noqa: BLE001 - the child must end here in any case
                traceback.print_exc(file=sys.__stderr__)
            finally:
                os._exit(code)
        os.close(writing)
        self._said = os.fdopen(reading)

    def hear(self) -> Any:
        """The next thing that it says; waits for it."""
        return json.loads(self._said.readline())

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def end(self, *, listen: bool = True) -> Ended:
        """Wait for its end.

        Args:
            listen: False where a child of its own may go on holding the pipe.
        """
        with self._said:
            said = [json.loads(line) for line in self._said] if listen else []
        _, status = os.waitpid(self.pid, 0)
        return Ended(said, os.waitstatus_to_exitcode(status))


def die_before(number: int) -> None:
    """In a child: kill -9 before the effect of this number, from 0 on.

    A write counts twice: the first time, half of it is written before.
    """
    left = number

    def step() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    def wrap(name: str) -> None:
        real = getattr(files, name)

        def effect(*args: Any) -> Any:
            if step():
                os.kill(os.getpid(), signal.SIGKILL)
            if name == "write" and step():
                fd, data = args
                os.write(fd, data[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args)

        setattr(files, name, effect)

    for name in EFFECTS:
        wrap(name)
