"""The host: what a server that offers a log to others needs beyond ``AuditLog``."""

from __future__ import annotations

from typing import Any

from counterfoil.proof.key import VerifierKey
from counterfoil.store.registry import Registry

from .store_backend import StoreBackend
from .write.intake import Intake
from .write.path import WritePath


class Host:
    """The parts of an open log that stand behind its server.

    Args:
        backend: the log's database.
        intake: makes the log's own events.
        path: brings entries in.
    """

    def __init__(self, backend: StoreBackend, intake: Intake, path: WritePath) -> None:
        self._backend = backend
        self._intake = intake
        self._path = path

    @property
    def registry(self) -> Registry:
        """Keeps what the servers of one database share."""
        return self._backend.store

    @property
    def database(self) -> str:
        """The database's random id."""
        return self._backend.identity.database

    def verifier_key(self, origin: str) -> VerifierKey | None:
        """The public key under a log's origin as its name, where the database has one."""
        return self._backend.identity.verifier_key(origin)

    async def record(
        self,
        event_type: str,
        *,
        log: str,
        audit: dict[str, Any],
        company_id: str | None = None,
        user_id: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> str:
        """Record one of the log's own events, ``audit.…``; see :meth:`Intake.own`.

        Raises:
            WriteError, StoreError: it is not recorded.
        """
        entry = self._intake.own(
            event_type,
            log=log,
            audit=audit,
            company_id=company_id,
            user_id=user_id,
            details=details,
        )
        return await self._path.write(entry)
