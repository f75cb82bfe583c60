"""Methods that belong to a part of the log and are offered on the log itself.

So a question's arguments, types and documentation stand in one place only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def offered_by(
    part: str, method: Callable[Concatenate[Any, P], R]
) -> Callable[Concatenate[Any, P], R]:
    """A method that calls ``method`` on the attribute ``part`` of its object."""

    def call(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return method(getattr(self, part), *args, **kwargs)

    call.__name__ = method.__name__
    call.__qualname__ = f"AuditLog.{method.__name__}"
    call.__doc__ = method.__doc__
    # What help() and inspect.signature() show.
    vars(call)["__wrapped__"] = method
    return call
