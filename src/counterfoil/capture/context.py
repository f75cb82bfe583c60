"""The ambient context: who is acting, said once for everything that happens inside.

It lives in a context variable. Tasks and ``asyncio.to_thread`` start with a copy of it by
themselves; plain threads and executors do not, and take :func:`carry`.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

from counterfoil.ambient import AMBIENT
from counterfoil.base import AuditContext
from counterfoil.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")

_CONTEXT_FIELDS = frozenset(AuditContext.model_fields)
#: What an ambient context may hold besides the fields of ``AuditContext``.
_FURTHER_FIELDS = frozenset({"actor_kind", "on_behalf_of", "impersonator", "claims", "body"})


@contextmanager
def audit_context(context: AuditContext | None = None, /, **fields: Any) -> Iterator[None]:
    """Set context for all events that are recorded inside the block.

    Blocks nest: an inner one adds to the outer one and wins over it field by field;
    ``metadata`` is joined member by member; a field given as None is taken back. What a call
    of ``log_event`` says itself wins over all of it.

    Args:
        context: fields in the contract's form; those that are None say nothing.
        fields: the fields of ``AuditContext``, and ``actor_kind`` (user, service, system,
            agent, anonymous), ``on_behalf_of`` (whom the actor acts for), ``impersonator``
            (who is really at the keyboard), ``claims`` (what a client said and nobody
            checked) and ``body`` (the request's body, redacted).

    Raises:
        InputError: a field that there is not.
    """
    unknown = set(fields) - _CONTEXT_FIELDS - _FURTHER_FIELDS
    if unknown:
        raise InputError(
            f"The audit context has no field {', '.join(sorted(unknown))}.",
            remedy=f"Its fields are {', '.join(sorted(_CONTEXT_FIELDS | _FURTHER_FIELDS))}.",
        )
    given = {
        name: value
        for name, value in (context.__dict__ if context is not None else {}).items()
        if name in _CONTEXT_FIELDS and value is not None
    }
    token = AMBIENT.set(_merged({**given, **fields}))
    try:
        yield
    finally:
        AMBIENT.reset(token)


def current_context() -> AuditContext:
    """The ambient context in the contract's form; empty outside of any block.

    A copy: changing it changes nothing.
    """
    ambient = AMBIENT.get() or {}
    return AuditContext.model_construct(
        **{name: value for name, value in ambient.items() if name in _CONTEXT_FIELDS}
    )


def carry(function: Callable[P, R]) -> Callable[P, R]:
    """A function that runs in the context of now, whatever thread calls it later.

    For ``threading.Thread(target=carry(work))`` and ``executor.submit(carry(work))``. It may
    be called any number of times, also at once.
    """
    context = contextvars.copy_context()

    def carried(*args: P.args, **kwargs: P.kwargs) -> R:
        # A context can be entered once at a time, so each call runs in a copy of its own.
        return context.run(contextvars.copy_context).run(function, *args, **kwargs)

    return carried


def _merged(fields: dict[str, Any]) -> MappingProxyType[str, Any]:
    merged = dict(AMBIENT.get() or {})
    metadata, outer = fields.get("metadata"), merged.get("metadata")
    if isinstance(metadata, dict) and isinstance(outer, dict):
        fields["metadata"] = {**outer, **metadata}
    merged.update(fields)
    return MappingProxyType({name: value for name, value in merged.items() if value is not None})
