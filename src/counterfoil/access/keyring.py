"""The keyring: makes access keys, checks them, and takes them back."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, NamedTuple

from counterfoil.clock import Clock
from counterfoil.errors import (
    AuthenticationError,
    ForbiddenError,
    InputError,
    NotFoundError,
    StoreError,
)
from counterfoil.log.write.intake import check_log_name
from counterfoil.record.instant import DAY, SECOND
from counterfoil.store.registry import Registry, RegistryRow

from . import secret
from .failures import Failures
from .key import AccessKey
from .principal import Principal
from .role import Permission, Role
from .trail import Trail

KIND: Final = "access_key"
USE_KIND: Final = "access_key_use"
FIRST_KIND: Final = "access_key_first"
MAX_TEXT: Final = 200
#: A key that another process revoked is refused here after so long at the latest.
FRESH: Final = 5 * SECOND
#: How exactly it is known when a key was last used.
USE_EVERY: Final = 5 * 60 * SECOND
#: How long the key that somebody rotates with stays valid at least.
MIN_OWN_OVERLAP: Final = 60 * SECOND
_KEPT: Final = 10_000
_BY_HAND: Final = "cli"

logger = logging.getLogger("counterfoil")


class Held(NamedTuple):
    """A key, and when it was last used (microseconds), to within five minutes."""

    key: AccessKey
    used_at: int | None


class Keyring:
    """The access keys of a database.

    All processes that serve it share them. A key is looked up anew when five seconds have
    passed, so that revoking it takes effect everywhere; in this process it does at once.

    Args:
        registry: where they are kept.
        clock: gives times.
        trail: records what is done with keys.
    """

    def __init__(self, registry: Registry, clock: Clock, trail: Trail) -> None:
        self._registry = registry
        self._now = clock.now
        self._trail = trail
        #: Key id -> the key (None where there is none), and when it was looked up.
        self._known: dict[str, tuple[AccessKey | None, int]] = {}
        self._failures = Failures(clock)
        #: Key id -> the last use that was written down.
        self._noted: dict[str, int] = {}

    async def authenticate(self, text: str, *, address: str | None = None) -> Principal:
        """Who presents a secret.

        Args:
            address: where they are, as far as it is known.

        Raises:
            AuthenticationError: it is no key, unknown, expired or revoked.
            ThrottledError: that address presented too many such.
        """
        try:
            return await self._recognise(text)
        except AuthenticationError:
            self._failures.note(address)
            raise

    async def principal(self, key_id: str) -> Principal:
        """Who stands behind a key that was presented before, as when a session goes on.

        Raises:
            AuthenticationError: the key is no longer valid.
        """
        now = self._now()
        key = await self._look_up(key_id, now)
        if key is None:
            raise AuthenticationError("There is no such access key.")
        self._demand_active(key, now)
        await self._note_use(key.id, now)
        return key.principal

    async def create(
        self,
        role: Role | str,
        *,
        name: str = "",
        company: str | None = None,
        logs: Iterable[str] | None = None,
        expires_at: int | None = None,
        by: Principal | None = None,
    ) -> tuple[AccessKey, str]:
        """Make a key; returns it, and its secret, which nobody can ask for again.

        Args:
            role: what it may do.
            name: what people call it, at most 200 characters.
            company: the only company whose events it reaches.
            logs: the only logs that it reaches, at most 100.
            expires_at: microseconds since the Unix epoch, in the future.
            by: who makes it; None at the command line. It reaches no farther than they do.

        Raises:
            ForbiddenError: ``by`` may not make it. InputError: an argument cannot be used.
        """
        now = self._now()
        named = None if logs is None else tuple(dict.fromkeys(map(check_log_name, logs)))
        made = secret.make()
        key = AccessKey(
            id=made.id,
            digest=made.digest.hex(),
            name=_text("name", name),
            role=_role(role),
            company=None if company is None else _text("company", company),
            logs=named,
            created_at=now,
            created_by=_BY_HAND if by is None else by.key_id,
            expires_at=expires_at,
        )
        if expires_at is not None and not now < expires_at < now + 36_500 * DAY:
            raise InputError(
                "The key would expire in the past, or never.",
                remedy="Give a time in the future, at most a hundred years from now.",
            )
        if key.company == "" or (named is not None and not 1 <= len(named) <= 100):
            raise InputError(
                "The key would reach nothing.",
                remedy="Name a company and up to 100 logs, or leave them out.",
            )
        _demand_reach(by, key)
        await self._add(key, by, "created")
        return key, made.text

    async def keys(self, by: Principal | None = None) -> list[Held]:
        """The keys that somebody may see, by when they were made.

        Raises:
            ForbiddenError: they may see none.
        """
        if by is not None:
            by.demand(Permission.SEE_KEYS)
        used = {row.name: _number(row) for row in await self._registry.registry(USE_KIND)}
        found = [AccessKey.decode(row.value) for row in await self._registry.registry(KIND)]
        found.sort(key=lambda key: (key.created_at, key.id))
        return [Held(key, used.get(key.id)) for key in found if _reaches(by, key)]

    async def revoke(self, key_id: str, *, by: Principal | None = None) -> AccessKey:
        """Refuse a key from now on; one that is revoked already stays so.

        Raises:
            NotFoundError: there is no such key. ForbiddenError: ``by`` may not.
        """
        now = self._now()
        key = await self._managed(key_id, by)
        if by is not None and by.key_id == key_id:
            raise ForbiddenError(
                "A key does not revoke itself.",
                remedy="Rotate it, or have it revoked by another admin's key or at the server.",
            )
        if key.revoked_at is not None:
            return key
        changed = await self._change(key, by, revoked_at=now)
        await self._record("revoked", changed, by)
        return changed

    async def rotate(
        self, key_id: str, *, overlap: int = DAY, by: Principal | None = None
    ) -> tuple[AccessKey, str]:
        """Make a key that takes another's place; the old one is refused after the overlap.

        Args:
            overlap: microseconds during which both are valid, 0 to 90 days.

        Raises:
            NotFoundError: there is no such key. ForbiddenError: ``by`` may not.
            InputError: the key is no longer valid, was rotated already, or the overlap is out
                of its range.
        """
        now = self._now()
        old = await self._managed(key_id, by)
        # Where the answer with the new key is lost, the old one must be there to try again.
        least = MIN_OWN_OVERLAP if by is not None and by.key_id == key_id else 0
        if not least <= overlap <= 90 * DAY:
            raise InputError(
                "The overlap is out of range.",
                remedy="Choose 0 to 90 days; of the key that you use yourself, a minute or more.",
            )
        if old.state(now) != "active" or old.successor is not None:
            raise InputError(
                "The key is no longer valid, or was rotated already.",
                remedy="Create a new key, or rotate its successor.",
            )
        made = secret.make()
        until = now + overlap if old.expires_at is None else min(old.expires_at, now + overlap)
        # The old key first: a crash between the two leaves one that says what it waits for.
        changed = await self._change(old, by, expires_at=until, successor=made.id)
        span = None if old.expires_at is None else now + (old.expires_at - old.created_at)
        fresh = replace(
            changed,
            id=made.id,
            digest=made.digest.hex(),
            created_at=now,
            created_by=_BY_HAND if by is None else by.key_id,
            expires_at=span,
            successor=None,
        )
        await self._add(fresh, by, "rotated")
        return fresh, made.text

    async def is_new(self) -> bool:
        """Whether the database never had a key."""
        if await self._registry.registered(FIRST_KIND, "admin") is not None:
            return False
        return not await self._registry.registry(KIND)

    async def first_admin(self) -> tuple[AccessKey, str] | None:
        """An admin key for a database that never had a key; None where it had one.

        Of several processes that ask at once, one gets it.
        """
        if not await self.is_new():
            return None
        mine = RegistryRow(FIRST_KIND, "admin", secret.make().digest)
        if await self._registry.register(mine) != mine:
            return None
        return await self.create(Role.ADMIN, name="first admin")

    async def _recognise(self, text: str) -> Principal:
        key_id = secret.identify(text)
        now = self._now()
        key = await self._look_up(key_id, now)
        # Where there is no such key, the comparison is made all the same.
        stored = bytes(32) if key is None else bytes.fromhex(key.digest)
        if not secret.fits(text, stored) or key is None:
            raise AuthenticationError("There is no such access key.")
        self._demand_active(key, now)
        await self._note_use(key.id, now)
        return key.principal

    async def _add(self, key: AccessKey, by: Principal | None, what: str) -> None:
        # The event first: a key that works and of which the trail knows nothing must not be.
        await self._record(what, key, by)
        await self._registry.register(RegistryRow(KIND, key.id, key.encode()))
        self._known.pop(key.id, None)

    async def _record(self, what: str, key: AccessKey, by: Principal | None) -> None:
        await self._trail.key_changed(what, key, by)

    async def _managed(self, key_id: str, by: Principal | None) -> AccessKey:
        if by is not None:
            by.demand(Permission.MANAGE_KEYS)
        row = await self._registry.registered(KIND, key_id)
        key = None if row is None else AccessKey.decode(row.value)
        if key is None or not _reaches(by, key):
            raise NotFoundError(
                "There is no access key with this id.", remedy="`counterfoil key list` shows them."
            )
        return key

    async def _change(
        self, key: AccessKey, by: Principal | None, **changes: int | str | None
    ) -> AccessKey:
        changed = replace(key, **changes)  # type: ignore[arg-type]
        done = await self._registry.reregister(
            RegistryRow(KIND, key.id, changed.encode()), key.encode()
        )
        if not done:
            raise InputError(
                "The key was changed by somebody else just now.", remedy="Look, and try again."
            )
        self._known.pop(key.id, None)
        return changed

    async def _look_up(self, key_id: str, now: int) -> AccessKey | None:
        known = self._known.get(key_id)
        if known is not None and 0 <= now - known[1] < FRESH:
            return known[0]
        row = await self._registry.registered(KIND, key_id)
        key = None if row is None else AccessKey.decode(row.value)
        if len(self._known) >= _KEPT:
            self._known.pop(next(iter(self._known)), None)
        self._known[key_id] = (key, now)
        return key

    def _demand_active(self, key: AccessKey, now: int) -> None:
        state = key.state(now)
        if state != "active":
            raise AuthenticationError(
                f"The access key is {state}.", remedy="Ask whoever manages keys for a new one."
            )

    async def _note_use(self, key_id: str, now: int) -> None:
        """Write down that a key was used, every five minutes at most."""
        if now - self._noted.get(key_id, -USE_EVERY) < USE_EVERY:
            return
        if len(self._noted) >= _KEPT:
            self._noted.pop(next(iter(self._noted)), None)
        self._noted[key_id] = now
        fresh = RegistryRow(USE_KIND, key_id, b"%d" % now)
        try:
            held = await self._registry.register(fresh)
            if held != fresh and _number(held) < now:
                await self._registry.reregister(fresh, held.value)
        except StoreError as error:
            # Nobody is refused because it cannot be noted.
            logger.warning("The last use of a key was not written down. %s", error)


def _number(row: RegistryRow) -> int:
    return int(row.value) if row.value.isdigit() else 0


def _role(given: Role | str) -> Role:
    try:
        return Role(given)
    except ValueError:
        roles = ", ".join(role.value for role in Role)
        raise InputError("There is no such role.", remedy=f"Use one of: {roles}.") from None


def _text(name: str, given: str) -> str:
    if not isinstance(given, str) or len(given) > MAX_TEXT or not given.isprintable():
        raise InputError(
            f"The key's {name} cannot be used.",
            remedy=f"Give a printable text of at most {MAX_TEXT} characters.",
        )
    return given


def _reaches(by: Principal | None, key: AccessKey) -> bool:
    """Whether somebody's reach covers a key's."""
    if by is None:
        return True
    if by.company is not None and key.company != by.company:
        return False
    return by.logs is None or (key.logs is not None and by.logs.issuperset(key.logs))


def _demand_reach(by: Principal | None, key: AccessKey) -> None:
    if by is None:
        return
    by.demand(Permission.MANAGE_KEYS)
    if not _reaches(by, key):
        raise ForbiddenError(
            "The key would reach farther than yours.",
            remedy="Bind it to the company and logs that your own key is bound to.",
        )
