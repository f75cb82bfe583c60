"""``@audited``: an event for every call of a function."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar, cast

from counterfoil.base import AuditContext, AuditEventType, AuditLogLevel, AuditOptions
from counterfoil.errors import ConfigurationError, CounterfoilError

from .containers import copied
from .recording import EventLog, LogSource, is_async, record, record_failure, resolve, unrecorded

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("counterfoil")

#: Begins a path that leads into what the function returned; no parameter can have this name.
_RESULT = "return"


def audited(
    audit: LogSource,
    event_type: AuditEventType | str,
    *,
    user_id: str | None = None,
    resource_type: str | None = None,
    resource_id: str | None = None,
    details: Sequence[str] = (),
    state: Callable[..., Any] | None = None,
    level: AuditLogLevel | None = None,
    options: AuditOptions | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Record an event for every call of the decorated function, sync or async.

    The outcome is ``success`` when it returns and ``failure`` when it raises; then the error's
    class is in the details as ``error``, never its text. The exception goes on unchanged.

    A path names a parameter and, after dots, attributes or members of mappings: ``order.id``.
    It is read when the call begins. One that begins with ``return`` leads into what the
    function returned, and is left out where it raised.

    Args:
        audit: the log, or a function that gives it when a call is made, before the decorated
            function runs. A sync function needs a ``SyncAuditLog``; an async one takes either.
        event_type: the events' type.
        user_id, resource_id: the path of the argument that holds it.
        resource_type: the resource's type, as it is.
        details: paths of what to record; each is a member of the event's details.
        state: gives the resource's state; called with the call's own arguments before the
            function and, where that returned, after it. Only called where ``options`` ask for
            ``capture_before_after``, or where no ``options`` are given. May be async for an
            async function. Where it fails, the event says so and the call goes on.
        level, options: as in ``log_event``.

    Raises:
        ConfigurationError: on decorating, where a path begins with no parameter of the
            function, or it is a generator; from the call, before the function runs, where a
            sync function meets an async log.
        WriteError: from the call, where the function returned and its event could not be
            recorded.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        _check_kind(function)
        plan = _Plan(
            audit,
            inspect.signature(function),
            {"user_id": user_id, "resource_id": resource_id},
            tuple(details),
            state if options is None or options.capture_before_after else None,
            {
                "event_type": event_type,
                "resource_type": resource_type,
                "level": level,
                "options": options,
            },
        )
        plan.check()
        wrap = _wrap_async if inspect.iscoroutinefunction(function) else _wrap_sync
        return cast(Callable[P, R], functools.wraps(function)(wrap(plan, function)))

    return decorate


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to record of every call.

    Attributes:
        ids: parameters of ``log_event`` and the paths that they are read from.
        fixed: parameters of ``log_event`` that are the same for every call.
    """

    source: LogSource
    signature: inspect.Signature
    ids: Mapping[str, str | None]
    details: tuple[str, ...]
    state: Callable[..., Any] | None
    fixed: Mapping[str, Any]

    def check(self) -> None:
        for path in (*self.ids.values(), *self.details):
            first = None if path is None else path.partition(".")[0]
            if first not in (None, _RESULT, *self.signature.parameters):
                raise ConfigurationError(
                    f"@audited names {path}, and the function has no such parameter.",
                    remedy=f"Its parameters are {', '.join(self.signature.parameters) or 'none'}.",
                )


@dataclass(slots=True)
class _Call:
    """One call, from its arguments to those of ``log_event``."""

    plan: _Plan
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    found: dict[str, Any] = field(default_factory=dict)
    before: Any = None
    after: Any = None

    def begin(self) -> None:
        """Read the arguments before the function can change them."""
        try:
            bound = self.plan.signature.bind(*self.args, **self.kwargs)
        except TypeError:
            # The function will refuse the call; that it was made is what there is to say.
            return
        bound.apply_defaults()
        self._read(bound.arguments, results=False)

    def returned(self, result: Any) -> dict[str, Any]:
        self._read({_RESULT: result}, results=True)
        return self._event("success", {})

    def raised(self, error: BaseException) -> dict[str, Any]:
        return self._event("failure", {"error": type(error).__name__})

    def _read(self, names: Mapping[str, Any], *, results: bool) -> None:
        for path in {*self.plan.ids.values(), *self.plan.details}:
            if path is not None and (path.partition(".")[0] == _RESULT) is results:
                self.found[path] = _follow(names, path)

    def _event(self, outcome: str, remark: dict[str, Any]) -> dict[str, Any]:
        details = {path: self.found.get(path) for path in self.plan.details} | remark
        return {
            **self.plan.fixed,
            **{name: self.found.get(path or "") for name, path in self.plan.ids.items()},
            "details": details or None,
            # Not validated: a state that is no dict is the policy chain's to deal with.
            "context": AuditContext.model_construct(
                before_state=self.before, after_state=self.after
            ),
            "outcome": outcome,
        }


def _wrap_async(plan: _Plan, function: Callable[..., Any]) -> Callable[..., Any]:
    async def state(call: _Call) -> Any:
        if plan.state is None:
            return None
        try:
            taken = plan.state(*call.args, **call.kwargs)
            return copied(await taken if inspect.isawaitable(taken) else taken)
        except Exception as error:  # noqa: BLE001 - recording must not break what is recorded
            return _unavailable(error)

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        log = resolve(plan.source)
        call = _Call(plan, args, kwargs)
        call.begin()
        call.before = await state(call)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            await record_failure(log, call.raised(error), error)
            raise
        call.after = await state(call)
        await record(log, call.returned(result))
        return result

    return wrapper


def _wrap_sync(plan: _Plan, function: Callable[..., Any]) -> Callable[..., Any]:
    def state(call: _Call) -> Any:
        if plan.state is None:
            return None
        try:
            return copied(plan.state(*call.args, **call.kwargs))
        except Exception as error:  # noqa: BLE001 - recording must not break what is recorded
            return _unavailable(error)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        log = _waiting(resolve(plan.source))
        call = _Call(plan, args, kwargs)
        call.begin()
        call.before = state(call)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            try:
                log.log_event(**call.raised(error))
            except CounterfoilError as failure:
                unrecorded(error, failure)
            raise
        call.after = state(call)
        log.log_event(**call.returned(result))
        return result

    return wrapper


def _check_kind(function: Callable[..., Any]) -> None:
    if not callable(function):
        raise ConfigurationError(
            "@audited was put on something that is no function.",
            remedy="Put it below @classmethod, @staticmethod or @property, next to the def.",
        )
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigurationError(
            "A generator has no one result to record.",
            remedy="Put @audited on the function that runs it to its end.",
        )


def _waiting(log: EventLog) -> EventLog:
    if is_async(log):
        raise ConfigurationError(
            "A sync function cannot wait for an async log.",
            remedy="Give @audited a SyncAuditLog, or make the function async.",
        )
    return log


def _follow(names: Mapping[str, Any], path: str) -> Any:
    """The value at a path of names; None where it leads nowhere."""
    value: Any = names
    for name in path.split("."):
        try:
            value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
        except Exception as error:  # noqa: BLE001 - a property may raise anything
            logger.warning("@audited could not read %s: it raised %s.", path, type(error).__name__)
            return f"[unavailable:{type(error).__name__}]"
        if value is None:
            return None
    return copied(value)


def _unavailable(error: Exception) -> dict[str, str]:
    logger.warning("The state function of an audited call failed with %s.", type(error).__name__)
    return {"unavailable": type(error).__name__}
