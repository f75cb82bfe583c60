"""Principals: who is asking, and which part of the logs is theirs."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.errors import ForbiddenError

from .role import GRANTS, VIEWER_GRANTS, Permission, Role
from .viewing import Viewing


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who presented a key, a session or a viewer token.

    Attributes:
        key_id: the key's id, which stands for them in the trail; of a viewer token, that of the
            key that made it.
        name: what people call the key.
        role: what they may do.
        company: the only company whose events they reach; None for all.
        logs: the only logs that they reach; None for all that their company allows.
        expires_at: microseconds since the Unix epoch; None for never.
        viewing: what a viewer token narrows them to; None for a key or a session.
    """

    key_id: str
    name: str
    role: Role
    company: str | None = None
    logs: frozenset[str] | None = None
    expires_at: int | None = None
    viewing: Viewing | None = None

    @property
    def id(self) -> str:
        """What tells apart those who share a key: a viewer token's id, else the key's."""
        return self.key_id if self.viewing is None else self.viewing.token_id

    def may(self, permission: Permission) -> bool:
        """Whether the role grants something; a viewer token reads and no more."""
        grants = GRANTS[self.role] if self.viewing is None else VIEWER_GRANTS
        return permission in grants

    def demand(self, permission: Permission) -> None:
        """Refuse what the role does not grant.

        Raises:
            ForbiddenError: it does not.
        """
        if self.may(permission):
            return
        if self.viewing is not None:
            raise ForbiddenError(
                f"A viewer token may not {_WORDS[permission]}.",
                remedy="Ask by the application's backend, with an access key.",
            )
        raise ForbiddenError(
            f"A key of the role {self.role.value} may not {_WORDS[permission]}.",
            remedy="Use a key whose role may; docs/reference/http.md lists them.",
        )


_WORDS = {
    Permission.WRITE: "write events",
    Permission.READ: "read events",
    Permission.READ_LOGS: "read what is about whole logs",
    Permission.SEE_CATALOGUE: "see the catalogue",
    Permission.MINT_TOKENS: "hand out viewer tokens",
    Permission.VERIFY: "have logs verified",
    Permission.SEE_KEYS: "list access keys",
    Permission.MANAGE_KEYS: "manage access keys",
}
