"""Services: what the server and the viewer share, made once by the composition root."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from counterfoil.clock import SYSTEM_CLOCK, Clock
from counterfoil.log import AuditLog

from .configuration import Configuration
from .keyring import Keyring
from .principal import Principal
from .repeats import Repeats
from .scoped_log import ScopedLog
from .secret import VIEWER_PREFIX
from .sessions import Sessions
from .trail import Trail
from .verifications import Verifications
from .viewer_tokens import ViewerTokens


@dataclass(frozen=True, slots=True)
class Services:
    """The open log and what stands between it and those who ask.

    Attributes:
        audit: the log itself; routes and pages ask :meth:`scoped` and not this.
        keyring: the access keys.
        viewer_tokens: what shows a company's events in a page of an application's own.
        sessions: those who signed in with a key in a browser.
        trail: records reads and changes of keys.
        configuration: what the server was last started with.
        repeats: the requests that came under idempotency keys.
        verifications: what the last verification found.
        closing: set once the server ends, so that what goes on for ever does too.
        clock: gives times.
        log: the log that is meant where a question names none.
    """

    audit: AuditLog
    keyring: Keyring
    viewer_tokens: ViewerTokens
    sessions: Sessions
    trail: Trail
    configuration: Configuration
    repeats: Repeats
    verifications: Verifications
    closing: asyncio.Event
    clock: Clock
    log: str = "default"

    @classmethod
    def of(cls, audit: AuditLog, *, log: str = "default", clock: Clock = SYSTEM_CLOCK) -> Services:
        """The services of an open log."""
        trail = Trail(audit.host, clock, log)
        registry = audit.host.registry
        keyring = Keyring(registry, clock, trail)
        return cls(
            audit,
            keyring,
            ViewerTokens(registry, keyring, trail, clock, log),
            Sessions(registry, keyring, clock),
            trail,
            Configuration(registry, trail),
            Repeats(registry, clock),
            Verifications(registry, clock),
            asyncio.Event(),
            clock,
            log,
        )

    async def authenticate(self, text: str, *, address: str | None = None) -> Principal:
        """Who presents an access key or a viewer token.

        Args:
            address: where they are, as far as it is known.

        Raises:
            AuthenticationError: it is neither, or no longer valid.
            ThrottledError: that address presented too many such.
        """
        if text.startswith(VIEWER_PREFIX):
            return await self.viewer_tokens.authenticate(text, address=address)
        return await self.keyring.authenticate(text, address=address)

    async def recheck(self, principal: Principal) -> None:
        """Ask again whether somebody's key, and their token, are still valid.

        Raises:
            AuthenticationError: they are not.
        """
        if principal.viewing is None:
            await self.keyring.principal(principal.key_id)
        else:
            await self.viewer_tokens.principal(principal.viewing.token_id)

    def scoped(self, principal: Principal) -> ScopedLog:
        """The log as somebody may use it."""
        return ScopedLog(self.audit, principal, self.trail, self.verifications, self.log)

    async def tidy(self) -> None:
        """Record what the trail has counted and is over, and forget what has expired.

        Raises:
            StoreError: the store is away.
        """
        await self.trail.flush(expired=True)
        await self.audit.host.registry.unregister_expired(self.clock.now())

    async def close(self) -> None:
        """Record what the trail has counted. The log itself is closed by who opened it."""
        await self.trail.flush()
