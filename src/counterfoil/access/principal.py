"""Principals: who is asking, and which part of the logs is theirs."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.errors import ForbiddenError

from .role import GRANTS, Permission, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who presented a key, a session or a viewer token.

    Attributes:
        key_id: the key's id, which stands for them in the trail.
        name: what people call the key.
        role: what they may do.
        company: the only company whose events they reach; None for all.
        logs: the only logs that they reach; None for all that their company allows.
        expires_at: microseconds since the Unix epoch; None for never.
    """

    key_id: str
    name: str
    role: Role
    company: str | None = None
    logs: frozenset[str] | None = None
    expires_at: int | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the role grants something."""
        return permission in GRANTS[self.role]

    def demand(self, permission: Permission) -> None:
        """Refuse what the role does not grant.

        Raises:
            ForbiddenError: it does not.
        """
        if permission not in GRANTS[self.role]:
            raise ForbiddenError(
                f"A key of the role {self.role.value} may not {_WORDS[permission]}.",
                remedy="Use a key whose role may; docs/reference/http.md lists them.",
            )


_WORDS = {
    Permission.WRITE: "write events",
    Permission.READ: "read events",
    Permission.VERIFY: "have logs verified",
    Permission.SEE_KEYS: "list access keys",
    Permission.MANAGE_KEYS: "manage access keys",
}
