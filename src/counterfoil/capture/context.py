"""The ambient context: who is acting, said once for everything that happens inside.

It lives in a context variable. Tasks and ``asyncio.to_thread`` start with a copy of it by
themselves; plain threads and executors do not, and take :func:`carry`.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, overload

from counterfoil.ambient import AMBIENT
from counterfoil.base import AuditContext
from counterfoil.errors import ConfigurationError, InputError

from .containers import copied

P = ParamSpec("P")
R = TypeVar("R")

_CONTEXT_FIELDS = frozenset(AuditContext.model_fields)
#: What an ambient context may hold besides the fields of ``AuditContext``.
_FURTHER_FIELDS = frozenset({"actor_kind", "on_behalf_of", "impersonator", "claims", "body"})
_FIELDS = _CONTEXT_FIELDS | _FURTHER_FIELDS
#: Fields whose members are joined with those of the block around.
_JOINED = frozenset({"metadata", "claims"})


def audit_context(
    context: AuditContext | None = None, /, **fields: Any
) -> AbstractContextManager[None]:
    """Set context for all events that are recorded inside the ``with`` block.

    Blocks nest: an inner one adds to the outer one and wins over it field by field;
    ``metadata`` and ``claims`` are joined member by member; a field given as None is taken
    back. What a call of ``log_event`` says itself wins over all of it. Each block is entered
    once.

    Args:
        context: fields in the contract's form; those that are None say nothing.
        fields: the fields of ``AuditContext``, and ``actor_kind`` (user, service, system,
            agent, anonymous), ``on_behalf_of`` (whom the actor acts for), ``impersonator``
            (who is really at the keyboard), ``claims`` (what a client said and nobody
            checked) and ``body`` (the request's body, redacted).

    Raises:
        InputError: a field that there is not, or a block that is entered again.
    """
    return _Block(given_fields(context, fields))


def bind_context(context: AuditContext | None = None, /, **fields: Any) -> None:
    """Say more about the innermost block, for the rest of it.

    For what is only known on the way, such as the user that a route's dependency has
    authenticated. It holds for everything that runs in the block, whatever task or thread
    says it; use :func:`audit_context` for a part of it.

    Args:
        context, fields: as for :func:`audit_context`.

    Raises:
        InputError: a field that there is not.
        ConfigurationError: there is no block; to set context without an end would let it
            leak into whatever the thread or task does next.
    """
    given = given_fields(context, fields)
    ambient = AMBIENT.get()
    if not isinstance(ambient, Surroundings):
        raise ConfigurationError(
            "There is no audit context to add to.",
            remedy="Call bind_context inside audit_context or behind the middleware.",
        )
    ambient.add(given)


def current_context() -> AuditContext:
    """The ambient context in the contract's form; empty outside of any block.

    A copy: changing it changes nothing.
    """
    ambient = AMBIENT.get() or {}
    return AuditContext.model_construct(
        **{name: copied(value) for name, value in ambient.items() if name in _CONTEXT_FIELDS}
    )


def carry(function: Callable[P, R]) -> Callable[P, R]:
    """A function that runs in the context of now, whatever thread calls it later.

    For ``threading.Thread(target=carry(work))`` and ``executor.submit(carry(work))``. It may
    be called any number of times, also at once.
    """
    context = contextvars.copy_context()

    def carried(*args: P.args, **kwargs: P.kwargs) -> R:
        # A context can be entered once at a time, so each call runs in a copy of its own.
        return context.copy().run(function, *args, **kwargs)

    return carried


class Surroundings(Mapping[str, Any]):
    """What is known inside one block: read-only for all but :func:`bind_context`.

    Tasks and threads that were started inside the block share it. A change replaces the dict
    as a whole, so that a reader in another thread sees all of it or nothing.

    Args:
        fields: by their names in ``record.Draft``; those that are None say nothing.
        around: the surroundings of the block around this one.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, Any], around: Mapping[str, Any] | None = None) -> None:
        self._fields: dict[str, Any] = {} if around is None else dict(around)
        self.add(fields)

    def add(self, fields: Mapping[str, Any]) -> None:
        """Join further fields to what is known; one that is None is taken back."""
        merged = {**self._fields, **fields}
        for name in _JOINED & fields.keys():
            added, known = fields[name], self._fields.get(name)
            if isinstance(added, dict) and isinstance(known, dict):
                merged[name] = {**known, **added}
        self._fields = {name: value for name, value in merged.items() if value is not None}

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    @overload
    def get(self, name: str, /) -> Any: ...
    @overload
    def get(self, name: str, /, default: Any) -> Any: ...
    def get(self, name: str, /, default: Any = None) -> Any:
        # The log asks for twenty names an event, most of them absent: the inherited method
        # would raise and catch an error for each.
        return self._fields.get(name, default)


class entered(AbstractContextManager[None]):  # noqa: N801 - reads as the statement that it is
    """Make surroundings the ambient ones inside the ``with`` block."""

    __slots__ = ("_around", "_surroundings", "_token")

    def __init__(self, surroundings: Mapping[str, Any]) -> None:
        self._surroundings = surroundings

    def __enter__(self) -> None:
        self._around = AMBIENT.get()
        self._token = AMBIENT.set(self._surroundings)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            AMBIENT.reset(self._token)
        except ValueError:
            # A framework that runs both ends of a generator in threads of a pool leaves the
            # block in another context than it entered it: a copy that may hold our value.
            if AMBIENT.get() is self._surroundings:
                AMBIENT.set(self._around)


class _Block(AbstractContextManager[None]):
    """A block of :func:`audit_context`, which joins the one around it when it is entered."""

    __slots__ = ("_entered", "_fields")

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields
        self._entered: entered | None = None

    def __enter__(self) -> None:
        if self._entered is not None:
            raise InputError(
                "This audit context was entered before.",
                remedy="Call audit_context anew for each block.",
            )
        self._entered = entered(Surroundings(self._fields, AMBIENT.get()))
        self._entered.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._entered is not None:
            self._entered.__exit__(kind, error, trace)


def given_fields(context: AuditContext | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a call of :func:`audit_context` says, checked and copied.

    Raises:
        InputError: a field that there is not.
    """
    unknown = fields.keys() - _FIELDS
    if unknown:
        raise InputError(
            f"The audit context has no field {', '.join(sorted(unknown))}.",
            remedy=f"Its fields are {', '.join(sorted(_FIELDS))}.",
        )
    said = {} if context is None else context.__dict__
    given = {
        name: copied(value)
        for name, value in said.items()
        if name in _CONTEXT_FIELDS and value is not None
    }
    given.update((name, copied(value)) for name, value in fields.items())
    return given
