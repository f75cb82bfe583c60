"""Access keys as they are kept: what each may do, for whom and how long; never its secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from counterfoil.errors import StoreCorruptError
from counterfoil.record.instant import to_datetime

from .principal import Principal
from .role import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An access key. Times are microseconds since the Unix epoch.

    Attributes:
        id: what it is listed and revoked by.
        digest: SHA-256 of its secret, in hexadecimal digits.
        name: what people call it.
        role: what it may do.
        company: the only company whose events it reaches; None for all.
        logs: the only logs that it reaches; None for all.
        created_at, created_by: when, and the id of the key that made it, or ``cli``.
        expires_at: from when on it is refused; None for never.
        revoked_at: when it was revoked.
        successor: the id of the key that it was rotated into.
    """

    id: str
    digest: str
    name: str
    role: Role
    company: str | None = None
    logs: tuple[str, ...] | None = None
    created_at: int
    created_by: str
    expires_at: int | None = None
    revoked_at: int | None = None
    successor: str | None = None

    def encode(self) -> bytes:
        """The key as the registry holds it."""
        members = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def decode(cls, value: bytes) -> AccessKey:
        """The key that was encoded.

        Raises:
            StoreCorruptError: the bytes are none.
        """
        try:
            members = orjson.loads(value)
            logs = members.pop("logs")
            role = Role(members.pop("role"))
            return cls(role=role, logs=None if logs is None else tuple(logs), **members)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreCorruptError("An access key cannot be read.") from error

    @property
    def principal(self) -> Principal:
        """Who presents this key."""
        return Principal(
            key_id=self.id,
            name=self.name,
            role=self.role,
            company=self.company,
            logs=None if self.logs is None else frozenset(self.logs),
            expires_at=self.expires_at,
        )

    def state(self, now: int) -> str:
        """``active``, ``expired`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"

    def as_dict(self, now: int, used_at: int | None) -> dict[str, Any]:
        """The key as JSON values, without the digest of its secret."""
        return {
            "id": self.id,
            "name": self.name,
            "role": self.role.value,
            "company": self.company,
            "logs": None if self.logs is None else list(self.logs),
            "state": self.state(now),
            "created_at": time_text(self.created_at),
            "created_by": self.created_by,
            "expires_at": time_text(self.expires_at),
            "revoked_at": time_text(self.revoked_at),
            "last_used_at": time_text(used_at),
            "successor": self.successor,
        }


def time_text(moment: int | datetime | None) -> str | None:
    """A time in RFC 3339, to the second."""
    if moment is None:
        return None
    if isinstance(moment, int):
        moment = to_datetime(moment)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
