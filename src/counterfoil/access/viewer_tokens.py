"""Viewer tokens: a few minutes of one company's events, for a page of an application's own.

A token is 256 random bits, of which the registry holds the SHA-256, with what the token is bound
to and the key that made it. It is never valid longer than that key: once the key is revoked, all
its tokens are refused, at once in this process and within seconds everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

import orjson

from counterfoil.clock import Clock
from counterfoil.errors import AuthenticationError, ForbiddenError, InputError
from counterfoil.record.instant import HOUR, SECOND
from counterfoil.store.registry import Registry, RegistryRow

from . import secret
from .failures import Failures
from .keyring import Keyring
from .origin import check_origin
from .principal import Principal
from .role import Permission
from .trail import Trail
from .viewing import FIXABLE, Viewing

KIND: Final = "viewer_token"
ORIGIN_KIND: Final = "viewer_origin"
SHORTEST: Final = 60 * SECOND
LONGEST: Final = HOUR
DEFAULT: Final = 15 * 60 * SECOND
MAX_ORIGINS: Final = 10
MAX_VALUES: Final = 20
MAX_TEXT: Final = 200
#: How long an expired token is still known as such: its page is told so, and not that it guesses.
_REMEMBERED: Final = HOUR
#: How long it is remembered whether an origin has tokens.
_FRESH: Final = 5 * SECOND
_KEPT: Final = 10_000


class Minted(NamedTuple):
    """A new token.

    Attributes:
        text: what its holder presents; shown once and kept nowhere.
        principal: whom it makes of its holder.
        expires_at: microseconds since the Unix epoch.
    """

    text: str
    principal: Principal
    expires_at: int


class ViewerTokens:
    """The viewer tokens of a database, which all its servers share.

    Args:
        registry: where they are kept.
        keyring: says whether the key that made one is still valid.
        trail: records that they are made.
        clock: gives times.
        log: the log in whose trail that stands.
    """

    def __init__(
        self, registry: Registry, keyring: Keyring, trail: Trail, clock: Clock, log: str
    ) -> None:
        self._registry = registry
        self._keyring = keyring
        self._trail = trail
        self._now = clock.now
        self._log = log
        self._failures = Failures(clock)
        #: Token id -> what the registry holds, which never changes.
        self._known: dict[str, dict[str, Any]] = {}
        #: Origin that has tokens -> when that was looked up.
        self._origins: dict[str, int] = {}

    async def mint(
        self,
        by: Principal,
        *,
        origins: Iterable[str],
        company: str | None = None,
        filters: Mapping[str, Iterable[str]] | None = None,
        lifetime: int = DEFAULT,
        person: str = "",
    ) -> Minted:
        """Make a token.

        Args:
            by: who makes it; it reaches no farther than they do.
            origins: the pages that may use it: 1 to 10 exact origins (RFC 6454), https or
                loopback.
            company: whose events it shows; the key's own by default.
            filters: what every event that it shows must have: up to 20 values each of
                event_type, user_id, resource_type and resource_id.
            lifetime: microseconds, one minute to one hour; the key's own end comes first.
            person: who looks, for the trail, at most 200 characters.

        Raises:
            ForbiddenError: ``by`` may not make it. InputError: an argument cannot be used.
        """
        by.demand(Permission.MINT_TOKENS)
        now = self._now()
        if not SHORTEST <= lifetime <= LONGEST:
            raise InputError("The lifetime is out of range.", remedy="Give 60 to 3,600 seconds.")
        expires_at = now + lifetime
        if by.expires_at is not None:
            expires_at = min(expires_at, by.expires_at)
        made = secret.make(secret.VIEWER_PREFIX)
        named = _origins(origins)
        held: dict[str, Any] = {
            "digest": made.digest.hex(),
            "key": by.key_id,
            "company": _company(by, company),
            "origins": named,
            "filters": _filters(filters or {}),
            "person": _text("person", person, empty=True),
            "expires_at": expires_at,
        }
        principal = _principal(by, made.id, held)
        until = expires_at + _REMEMBERED
        await self._registry.register(RegistryRow(KIND, made.id, orjson.dumps(held), until))
        for origin in named:
            await self._admit(origin, until)
        question = {"filters": held["filters"]} if held["filters"] else None
        await self._trail.read(principal, "viewer_token", self._log, 0, question)
        return Minted(made.text, principal, expires_at)

    async def authenticate(self, text: str, *, address: str | None = None) -> Principal:
        """Who presents a token.

        Args:
            address: where they are, as far as it is known.

        Raises:
            AuthenticationError: it is none, unknown or expired, or its key is no longer valid.
            ThrottledError: that address presented too many that are none.
        """
        try:
            token_id = secret.identify(text, secret.VIEWER_PREFIX)
            held = await self._look_up(token_id)
            # Where there is no such token, the comparison is made all the same.
            stored = bytes(32) if held is None else bytes.fromhex(held["digest"])
            if not secret.fits(text, stored) or held is None:
                raise _unknown()
        except AuthenticationError:
            self._failures.note(address)
            raise
        return await self._principal(token_id, held)

    async def principal(self, token_id: str) -> Principal:
        """Who stands behind a token that was presented before, as while a stream goes on.

        Raises:
            AuthenticationError: it has expired, or its key is no longer valid.
        """
        held = await self._look_up(token_id)
        if held is None:
            raise _unknown()
        return await self._principal(token_id, held)

    async def is_admitted(self, origin: str) -> bool:
        """Whether some token may be used by the pages of an origin.

        A browser asks so before it shows the token, and about answers to what is no token.
        """
        now = self._now()
        known = self._origins.get(origin)
        if known is not None and 0 <= now - known < _FRESH:
            return True
        try:
            check_origin(origin)
        except InputError:
            return False
        row = await self._registry.registered(ORIGIN_KIND, origin)
        admitted = row is not None and row.expires_at is not None and row.expires_at > now
        if admitted:
            # Only what is there: the first token may be made elsewhere at any time.
            if len(self._origins) >= _KEPT:
                self._origins.pop(next(iter(self._origins)), None)
            self._origins[origin] = now
        return admitted

    async def _admit(self, origin: str, until: int) -> None:
        # Rounded up, so that it is written once an hour and not with each token.
        until += HOUR
        row = RegistryRow(ORIGIN_KIND, origin, b"%d" % until, until)
        held = await self._registry.register(row)
        while held != row and int(held.value) < until - HOUR:
            if await self._registry.reregister(row, held.value):
                break
            held = await self._registry.register(row)

    async def _look_up(self, token_id: str) -> dict[str, Any] | None:
        held = self._known.get(token_id)
        if held is None:
            row = await self._registry.registered(KIND, token_id)
            if row is None:
                return None
            held = orjson.loads(row.value)
            if len(self._known) >= _KEPT:
                self._known.pop(next(iter(self._known)), None)
            self._known[token_id] = held
        return held

    async def _principal(self, token_id: str, held: dict[str, Any]) -> Principal:
        if held["expires_at"] <= self._now():
            raise AuthenticationError(
                "The viewer token has expired.", remedy="Have the application make a new one."
            )
        return _principal(await self._keyring.principal(held["key"]), token_id, held)


def _principal(by: Principal, token_id: str, held: dict[str, Any]) -> Principal:
    viewing = Viewing(
        token_id=token_id,
        origins=frozenset(held["origins"]),
        filters={name: tuple(values) for name, values in held["filters"].items()},
        person=held["person"],
    )
    return replace(by, company=held["company"], expires_at=held["expires_at"], viewing=viewing)


def _company(by: Principal, asked: str | None) -> str:
    if by.company is not None and asked not in (None, by.company):
        raise ForbiddenError(
            "The key is bound to another company.",
            remedy="Leave the company out: the key's own is meant then.",
        )
    company = by.company if asked is None else asked
    if company is None:
        raise InputError("The token has no company.", remedy="Name the company that it is for.")
    return _text("company", company)


def _origins(given: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(map(check_origin, given)))
    if not 1 <= len(found) <= MAX_ORIGINS:
        raise InputError(
            f"The token was given {len(found):,} origins.",
            remedy=f"Name the 1 to {MAX_ORIGINS} origins of the pages that use it.",
        )
    return found


def _filters(given: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, values in given.items():
        if name not in FIXABLE:
            raise InputError(
                "A token cannot fix a filter of that name.",
                remedy=f"Use any of: {', '.join(FIXABLE)}.",
            )
        several = [values] if isinstance(values, str) else list(values)
        if not 1 <= len(several) <= MAX_VALUES:
            raise InputError(
                f"{name} was given {len(several):,} values.",
                remedy=f"Give 1 to {MAX_VALUES}, or leave it out.",
            )
        found[name] = list(dict.fromkeys(_text(name, one) for one in several))
    return found


def _text(name: str, given: str, *, empty: bool = False) -> str:
    good = isinstance(given, str) and len(given) <= MAX_TEXT and given.isprintable()
    if not good or not (given or empty):
        raise InputError(
            f"The token's {name} cannot be used.",
            remedy=f"Give a printable text of at most {MAX_TEXT} characters.",
        )
    return given


def _unknown() -> AuthenticationError:
    return AuthenticationError(
        "There is no such viewer token.", remedy="Have the application make a new one."
    )
