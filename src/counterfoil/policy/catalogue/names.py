"""Names of event types: what a type may be called, and what becomes of other names."""

from __future__ import annotations

import re

#: The log's own types begin so; a caller's type never does.
RESERVED_PREFIX = "audit."

#: What an event is recorded as whose type cannot be a type's name. The name that was given
#: belongs in the details, where redaction sees it.
INVALID_TYPE = "app.invalid_type"

MAX_NAME = 64  # characters
_NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}").fullmatch


def is_valid_type(name: str) -> bool:
    """Whether a name is of the form ``[a-z][a-z0-9_.]{0,63}``."""
    return _NAME(name) is not None


def is_own_type(name: str) -> bool:
    """Whether a name stands in the namespace that the log keeps for its own events."""
    return name.startswith(RESERVED_PREFIX)


def normalise_type(name: str) -> str:
    """The name under which a caller's event type is recorded.

    A valid name stays as it is. One that begins with ``audit.`` is recorded as
    ``app.audit.…``, so that nobody can forge the log's own events. Any other text, and a
    reserved name that is too long with its prefix, becomes `INVALID_TYPE`: a slip in a
    name must never cost the event. Normalising a result again changes nothing.
    """
    if is_own_type(name):
        name = f"app.{name}"
    return name if is_valid_type(name) else INVALID_TYPE
