"""Methods that belong to a part of the log and are offered on the log itself.

So a question's arguments, types and documentation stand in one place only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


def offered_by(
    part: str | None, method: Callable[Concatenate[Any, P], R], offered: str | None = None
) -> Callable[Concatenate[Any, P], R]:
    """A method that calls the one of ``method``'s name on a part of the backend.

    Args:
        part: the attribute that holds the part; None asks the backend itself.
        method: whose arguments, types and documentation count.
        offered: the name that it has on the log, where that is another.
    """
    name = method.__name__

    def call(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        whole = self._backend
        asked = whole if part is None else getattr(whole, part)
        return cast(R, getattr(asked, name)(*args, **kwargs))

    call.__name__ = offered or name
    call.__qualname__ = f"AuditLog.{call.__name__}"
    call.__doc__ = method.__doc__
    # What help() and inspect.signature() show.
    vars(call)["__wrapped__"] = method
    return call
