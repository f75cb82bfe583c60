"""A database's identity: its random id, its public key, and who may sign for it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from counterfoil.clock import Clock
from counterfoil.errors import KeyFileError
from counterfoil.proof.key import PUBLIC_KEY_BYTES, SEED_BYTES, SigningKey, VerifierKey
from counterfoil.record.instant import rfc3339
from counterfoil.store import Store

from .key_file import KeyFile

logger = logging.getLogger("counterfoil")

#: The names of the database's facts.
DATABASE, PUBLIC_KEY = "database", "public_key"
#: Before the id of a database whose logs were copied here: its public key, for what it signed.
EARLIER_KEY = "earlier_key:"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a database is.

    Attributes:
        database: its random id.
        public_key: the Ed25519 public key, 32 bytes, that its checkpoints are signed with;
            None for a database that was made without one.
        key_file: where the private key is kept; None for a log in memory.
        seed: the private key's seed, or None in a process that does not hold it: it
            appends, and does not sign.
        earlier: the public keys of databases whose logs were copied here, by their ids.
    """

    database: str
    public_key: bytes | None
    key_file: KeyFile | None = None
    seed: bytes | None = field(default=None, repr=False)
    earlier: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    async def establish(cls, store: Store, key_file: KeyFile | None, clock: Clock) -> Identity:
        """Read a database's identity, or give it one: the key is made together with it.

        The key is durable in its file before the database knows of it, so that no crash
        leaves a database whose key is nowhere. Of several processes that make one database
        at once, one wins; the others adopt what it made.

        Args:
            store: an open store.
            key_file: where the private key is, or will be, kept; None keeps it in memory.

        Raises:
            KeyFileError: the file cannot be used, or holds another key than the database's.
        """
        facts = await store.meta()
        fresh: str | None = None
        seed: bytes | None = None
        if DATABASE not in facts:
            fresh, seed = secrets.token_hex(8), secrets.token_bytes(SEED_BYTES)
            if key_file is not None:
                await asyncio.to_thread(_note_others, key_file)
                created_at = rfc3339(clock.now())
                await asyncio.to_thread(key_file.add, fresh, seed, created_at)
            public = SigningKey(fresh, seed).verifier.public_key
            facts = await store.put_meta({DATABASE: fresh, PUBLIC_KEY: b64encode(public).decode()})
        database = facts[DATABASE]
        if fresh is not None and fresh != database:
            seed = None
            if key_file is not None:
                await asyncio.to_thread(key_file.remove, fresh)
        if key_file is not None:
            seed = await asyncio.to_thread(key_file.seed, database)
        return replace(
            cls._joined(database, public_key_of(facts), key_file, seed), earlier=_earlier(facts)
        )

    @classmethod
    def _joined(
        cls, database: str, public_key: bytes | None, key_file: KeyFile | None, seed: bytes | None
    ) -> Identity:
        if seed is None:
            logger.info("This process does not hold the log's key: it appends, and signs nothing.")
        elif public_key != SigningKey(database, seed).verifier.public_key:
            place = "" if key_file is None else f" {key_file.path}"
            raise KeyFileError(
                f"The key file{place} holds another key than the database's own.",
                remedy="Name this database's key file, or restore it from a backup. If neither "
                "was exchanged, the database's verifier key was altered: run verify.",
            )
        return cls(database, public_key, key_file, seed)

    @property
    def may_sign(self) -> bool:
        """Whether this process holds the private key."""
        return self.seed is not None

    def signing_key(self, origin: str) -> SigningKey:
        """The private key under a log's origin as its name.

        Raises:
            KeyFileError: this process does not hold it.
        """
        if self.seed is None:
            raise KeyFileError(
                "This process does not hold the log's signing key.",
                remedy="Sign in a process that may read the key file, or name the key file.",
            )
        return SigningKey(origin, self.seed)

    def verifier_key(self, origin: str) -> VerifierKey | None:
        """The public key under a log's origin as its name, where the database has one."""
        key = self.earlier.get(origin.partition("/")[0], self.public_key)
        return None if key is None else VerifierKey(origin, key)


def _earlier(facts: Mapping[str, str]) -> dict[str, bytes]:
    found = {}
    for name in facts:
        key = public_key_of({PUBLIC_KEY: facts[name]}) if name.startswith(EARLIER_KEY) else None
        if key is not None:
            found[name.removeprefix(EARLIER_KEY)] = key
    return found


def public_key_of(facts: Mapping[str, str]) -> bytes | None:
    """The public key among a database's facts, or None where there is none that can be read."""
    text = facts.get(PUBLIC_KEY, "")
    try:
        key = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        return None
    # Base64 leaves bits of its last character unused: only one spelling is the key's.
    return key if len(key) == PUBLIC_KEY_BYTES and b64encode(key).decode() == text else None


def _note_others(key_file: KeyFile) -> None:
    others = len(key_file.databases())
    if others:
        logger.warning(
            "The key file %s holds the keys of %d other databases; this one's is added.",
            key_file.path,
            others,
        )
