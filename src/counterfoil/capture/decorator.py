"""``@audited``: an event for every call of a function."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from counterfoil.base import AuditContext, AuditEventType, AuditLogLevel, AuditOptions
from counterfoil.errors import ConfigurationError, CounterfoilError
from counterfoil.log import AuditLog, SyncAuditLog

P = ParamSpec("P")
R = TypeVar("R")
Log = AuditLog | SyncAuditLog

logger = logging.getLogger("counterfoil")


def audited(
    audit: Log | Callable[[], Log],
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

    Args:
        audit: the log, or a function that gives it when the call is made. A sync function
            needs a ``SyncAuditLog``; an async one takes either.
        event_type: the events' type.
        user_id, resource_id: the name of the argument that holds it, or a path such as
            ``order.id``; attributes and mapping members are followed.
        resource_type: the resource's type, as it is.
        details: names of arguments, or paths, to record.
        state: gives the resource's state as a new dict; called with the call's own arguments before and,
            where the function returned, after it. Only called where ``options`` ask for
            ``capture_before_after``, or where no ``options`` are given. May be async for an
            async function.
        level, options: as in ``log_event``.

    Raises:
        ConfigurationError: a name is no parameter of the function.
        WriteError: from the call, where the function returned and its event could not be
            recorded.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        plan = _Plan(
            audit, event_type, user_id, resource_type, resource_id, tuple(details), state,
            level, options, inspect.signature(function),
        )  # fmt: skip
        plan.check()
        if inspect.iscoroutinefunction(function):
            wrapper: Any = _wrap_async(plan, function)
        else:
            wrapper = _wrap_sync(plan, function)
        return cast(Callable[P, R], functools.wraps(function)(wrapper))

    return decorate


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to record of a call, and where."""

    audit: Log | Callable[[], Log]
    event_type: AuditEventType | str
    user_id: str | None
    resource_type: str | None
    resource_id: str | None
    details: tuple[str, ...]
    state: Callable[..., Any] | None
    level: AuditLogLevel | None
    options: AuditOptions | None
    signature: inspect.Signature

    def check(self) -> None:
        paths = [path for path in (self.user_id, self.resource_id, *self.details) if path]
        for path in paths:
            if path.partition(".")[0] not in self.signature.parameters:
                raise ConfigurationError(
                    f"@audited names {path}, and the function has no such parameter.",
                    remedy=f"Its parameters are {', '.join(self.signature.parameters) or 'none'}.",
                )

    @property
    def wants_state(self) -> bool:
        return self.state is not None and (
            self.options is None or self.options.capture_before_after
        )

    def log(self) -> Log:
        audit = self.audit
        return audit if isinstance(audit, (AuditLog, SyncAuditLog)) else audit()

    def arguments(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException | None
    ) -> dict[str, Any]:
        """The keyword arguments of ``log_event`` for one call."""
        try:
            bound = self.signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given: Mapping[str, Any] = bound.arguments
        except TypeError:
            # The function refused the arguments; that it was called is what there is to say.
            given = {}
        details = {path: _follow(given, path) for path in self.details}
        if error is not None:
            details["error"] = type(error).__name__
        return {
            "event_type": self.event_type,
            "user_id": _follow(given, self.user_id),
            "resource_id": _follow(given, self.resource_id),
            "resource_type": self.resource_type,
            "details": details or None,
            "level": self.level,
            "options": self.options,
            "outcome": "success" if error is None else "failure",
        }


def _wrap_async(plan: _Plan, function: Callable[..., Any]) -> Callable[..., Any]:
    async def take_state(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not plan.wants_state or plan.state is None:
            return None
        try:
            found = plan.state(*args, **kwargs)
            return await found if inspect.isawaitable(found) else found
        except Exception as error:  # noqa: BLE001 - recording must not break what is recorded
            return _no_state(error)

    async def record(arguments: dict[str, Any]) -> None:
        log = plan.log()
        if isinstance(log, AuditLog):
            await log.log_event(**arguments)
        else:
            await asyncio.to_thread(log.log_event, **arguments)

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        before = await take_state(args, kwargs)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            arguments = plan.arguments(args, kwargs, error)
            arguments["context"] = _states(before, None)
            try:
                await record(arguments)
            except CounterfoilError as failure:
                _unrecorded(error, failure)
            raise
        arguments = plan.arguments(args, kwargs, None)
        after = await take_state(args, kwargs)
        arguments["context"] = _states(before, after)
        await record(arguments)
        return result

    return wrapper


def _wrap_sync(plan: _Plan, function: Callable[..., Any]) -> Callable[..., Any]:
    def take_state(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not plan.wants_state or plan.state is None:
            return None
        try:
            return plan.state(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - recording must not break what is recorded
            return _no_state(error)

    def record(arguments: dict[str, Any]) -> None:
        log = plan.log()
        if not isinstance(log, SyncAuditLog):
            raise ConfigurationError(
                "A sync function cannot wait for an async log.",
                remedy="Give @audited a SyncAuditLog, or make the function async.",
            )
        log.log_event(**arguments)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        before = take_state(args, kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            arguments = plan.arguments(args, kwargs, error)
            arguments["context"] = _states(before, None)
            try:
                record(arguments)
            except CounterfoilError as failure:
                _unrecorded(error, failure)
            raise
        arguments = plan.arguments(args, kwargs, None)
        after = take_state(args, kwargs)
        arguments["context"] = _states(before, after)
        record(arguments)
        return result

    return wrapper


def _follow(given: Mapping[str, Any], path: str | None) -> Any:
    """The value at a path of names; None where it leads nowhere."""
    if path is None:
        return None
    value: Any = given
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
        if value is None:
            return None
    return value


def _states(before: Any, after: Any) -> AuditContext:
    # Not validated: a state that is no dict is the policy chain's to deal with.
    return AuditContext.model_construct(before_state=before, after_state=after)


def _no_state(error: Exception) -> dict[str, str]:
    logger.warning("The state function of an audited call failed with %s.", type(error).__name__)
    return {"unavailable": type(error).__name__}


def _unrecorded(error: BaseException, failure: CounterfoilError) -> None:
    """The function's own error comes first; that its event is missing must be seen too."""
    logger.error("An audited call failed, and its event could not be recorded: %s", failure)
    error.add_note(f"Its audit event could not be recorded: {failure}")
