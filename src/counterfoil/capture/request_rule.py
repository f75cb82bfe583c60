"""Which requests are recorded by themselves, and as what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from counterfoil.base import AuditEventType, AuditLogLevel, AuditOptions
from counterfoil.errors import ConfigurationError

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(:path)?\}").fullmatch


class RequestRule:
    """Requests of these methods to this path become events of this type.

    Args:
        methods: ``POST``, or several; ``*`` for any. ``HEAD`` is not part of ``GET``.
        path: a template such as ``/orders/{order_id}`` below the application's root. A
            parameter stands for one whole segment; ``{rest:path}`` at the end for all that
            follows.
        event_type: the events' type.
        failure_type: the type where the outcome is a failure, such as ``LOGIN_FAILED`` beside
            ``USER_LOGIN``; None keeps ``event_type``.
        resource_type: the resource's type, as it is.
        resource_id: the name of the path's parameter that holds the resource's id.
        level, options: as in ``log_event``. ``AuditOptions(include_request_body=True)`` records
            what the application has read of the body.

    Raises:
        ConfigurationError: the template cannot be read, or has no such parameter.
    """

    __slots__ = (
        "_match",
        "event_type",
        "failure_type",
        "level",
        "methods",
        "options",
        "path",
        "resource_id",
        "resource_type",
    )

    def __init__(
        self,
        methods: str | Iterable[str],
        path: str,
        event_type: AuditEventType | str,
        *,
        failure_type: AuditEventType | str | None = None,
        resource_type: str | None = None,
        resource_id: str | None = None,
        level: AuditLogLevel | None = None,
        options: AuditOptions | None = None,
    ) -> None:
        names = [methods] if isinstance(methods, str) else methods
        self.methods = frozenset(name.upper() for name in names)
        self.path = path
        self.event_type = event_type
        self.failure_type = failure_type
        self.resource_type = resource_type
        self.resource_id = resource_id
        self.level = level
        self.options = options
        self._match = _compile(path)
        if resource_id is not None and resource_id not in self._match.groupindex:
            raise ConfigurationError(
                f"The path {path} has no parameter {resource_id}.",
                remedy="Name one of the template's parameters as resource_id.",
            )

    def match(self, method: str, path: str) -> RuleMatch | None:
        """This rule and the path's resource, where the request falls under it."""
        if method not in self.methods and "*" not in self.methods:
            return None
        found = self._match.fullmatch(path)
        if found is None:
            return None
        return RuleMatch(self, None if self.resource_id is None else found[self.resource_id])


class RuleMatch(NamedTuple):
    """A rule that a request falls under, and the resource that its path names."""

    rule: RequestRule
    resource_id: str | None


def first_match(rules: Sequence[RequestRule], method: str, path: str) -> RuleMatch | None:
    """The first rule that a request falls under, in the order that they were given."""
    for rule in rules:
        found = rule.match(method, path)
        if found is not None:
            return found
    return None


def _compile(path: str) -> re.Pattern[str]:
    # Parameters are whole segments, so that matching takes linear time on any path.
    if not path.startswith("/"):
        raise ConfigurationError(f"The path {path} does not begin with a slash.")
    segments = path[1:].split("/")
    pattern = ""
    seen: set[str] = set()
    for place, segment in enumerate(segments):
        parameter = _PARAMETER(segment)
        if parameter is None:
            if "{" in segment or "}" in segment:
                raise ConfigurationError(
                    f"The path {path} cannot be read.",
                    remedy="A parameter is a whole segment: /orders/{order_id}.",
                )
            pattern += "/" + re.escape(segment)
            continue
        name, is_rest = parameter[1], parameter[2] is not None
        if name in seen or (is_rest and place < len(segments) - 1):
            raise ConfigurationError(
                f"The path {path} cannot be read.",
                remedy="Each parameter stands once, and {name:path} at the end.",
            )
        seen.add(name)
        pattern += f"/(?P<{name}>{'.+' if is_rest else '[^/]+'})"
    return re.compile(pattern, re.DOTALL)
