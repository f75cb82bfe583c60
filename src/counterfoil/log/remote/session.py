"""The session: who a client is to a server, and by which rules events are recorded there."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from counterfoil.errors import ConfigurationError, StoreUnavailableError
from counterfoil.log.proving.rollback import RESTORED_MARK
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.redaction import Rule, Rules
from counterfoil.proof import VerifierKey
from counterfoil.wire.connection import not_ours

MIN_BODY = 65_536


@dataclass(frozen=True, slots=True)
class Session:
    """What ``GET /v1/session`` tells. It holds no secret.

    Attributes:
        database: the random id of the server's database.
        public_key: the key that its checkpoints are signed with, as base64; None without one.
        role: what the access key is for.
        company: the only company that it reaches; None for all.
        max_body: bytes that a request's body may have, unpacked.
        max_events: events that a request may bring.
        encodings: how a body may be packed.
        profile, types: the catalogue's, as in the settings.
        redaction: redaction rules of the server's own, as in the settings.
    """

    database: str
    public_key: str | None
    role: str
    company: str | None
    max_body: int
    max_events: int
    encodings: tuple[str, ...] = ()
    profile: str = "baseline"
    types: Mapping[str, Any] = field(default_factory=dict)
    redaction: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """From the server's answer.

        Raises:
            StoreUnavailableError: it is none that a server of this version gives.
        """
        try:
            key, limits, catalogue = answer["key"], answer["limits"], answer["catalogue"]
            return cls(
                database=_text(answer["database"]),
                public_key=None if answer["public_key"] is None else _text(answer["public_key"]),
                role=_text(key["role"]),
                company=None if key["company"] is None else _text(key["company"]),
                max_body=max(int(limits["body_bytes"]), MIN_BODY),
                max_events=max(int(limits["events"]), 1),
                encodings=tuple(map(_text, answer.get("encodings", ()))),
                profile=_text(catalogue["profile"]),
                types=dict(catalogue["types"]),
                redaction=dict(answer.get("redaction", {})),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise not_ours() from error

    @classmethod
    def remembered(cls, members: Mapping[str, Any]) -> Self | None:
        """From what :meth:`as_dict` gave; None where it is of another version."""
        try:
            return cls(**{**members, "encodings": tuple(members["encodings"])})
        except (KeyError, TypeError):
            return None

    def as_dict(self) -> dict[str, Any]:
        """The session as JSON values."""
        return asdict(self)

    def catalogue(self) -> Catalogue:
        """The event catalogue of the server.

        Raises:
            StoreUnavailableError: this version does not know such rules.
        """
        try:
            return Catalogue.under(self.profile, self.types)
        except ConfigurationError as error:
            raise not_ours() from error

    def rules(self, own: Rules | None) -> Rules:
        """The server's redaction rules, and the application's own.

        Raises:
            StoreUnavailableError: this version does not know such rules.
        """
        try:
            theirs = [
                Rule(name, rule["fields"], rule["pattern"], rule["treatment"])
                for name, rule in self.redaction.items()
            ]
        except (KeyError, TypeError) as error:
            raise not_ours() from error
        return Rules([*theirs, *(own.rules if own is not None else ())])

    def verifier_key(self, origin: str, log: str) -> VerifierKey | None:
        """The server's public key under a log's origin as its name; None without a key.

        Raises:
            StoreUnavailableError: the origin is not that of this log of this database.
        """
        first = f"{self.database}/{log}"
        if origin != first and not origin.startswith(f"{first}{RESTORED_MARK}"):
            raise StoreUnavailableError("The server showed the checkpoint of another log.")
        if self.public_key is None:
            return None
        return VerifierKey(origin, b64decode(self.public_key))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
