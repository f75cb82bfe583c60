"""Methods that belong to a part of the log and are offered on the log itself.

So a question's arguments, types and documentation stand in one place only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


def offered_by(
    part: str, method: Callable[Concatenate[Any, P], R]
) -> Callable[Concatenate[Any, P], R]:
    """A method that calls the one of ``method``'s name on the backend's part ``part``."""
    name = method.__name__

    def call(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return cast(R, getattr(getattr(self._backend, part), name)(*args, **kwargs))

    call.__name__ = name
    call.__qualname__ = f"AuditLog.{name}"
    call.__doc__ = method.__doc__
    # What help() and inspect.signature() show.
    vars(call)["__wrapped__"] = method
    return call
