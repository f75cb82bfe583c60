"""Roles, and what each may do."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Permission(StrEnum):
    """Something that a key may or may not do."""

    WRITE = "write"
    """Record events, and hold the company's token keys for that."""

    READ = "read"
    """Search, count and watch events, and prove them."""

    READ_LOGS = "read_logs"
    """Read what is about whole logs: their trees, their numbers, the last verification."""

    SEE_CATALOGUE = "see_catalogue"
    """Learn by which rules events are recorded."""

    MINT_TOKENS = "mint_tokens"
    """Hand out viewer tokens, which show a company's events for a few minutes."""

    VERIFY = "verify"
    """Check a log whole."""

    SEE_KEYS = "see_keys"
    """List the access keys."""

    MANAGE_KEYS = "manage_keys"
    """Create, rotate and revoke access keys."""


class Role(StrEnum):
    """What a key is for. Nobody who reads can write, and nobody at all can delete."""

    WRITER = "writer"
    """An application: it writes, and reads nothing back."""

    READER = "reader"
    """Somebody who looks things up."""

    AUDITOR = "auditor"
    """A reader who also has logs verified, and sees who holds keys."""

    PRIVACY = "privacy"
    """A reader who answers the requests of the people that events are about."""

    ADMIN = "admin"
    """An auditor who also manages keys."""


#: What the holder of a viewer token may do, whatever the role of the key that made it.
VIEWER_GRANTS: Final = frozenset({Permission.READ})

_READER = frozenset(
    {Permission.READ, Permission.READ_LOGS, Permission.SEE_CATALOGUE, Permission.MINT_TOKENS}
)
_AUDITOR = _READER | {Permission.VERIFY, Permission.SEE_KEYS}

GRANTS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.WRITER: frozenset({Permission.WRITE, Permission.SEE_CATALOGUE}),
        Role.READER: _READER,
        Role.AUDITOR: _AUDITOR,
        Role.PRIVACY: _READER,
        Role.ADMIN: _AUDITOR | {Permission.MANAGE_KEYS},
    }
)
