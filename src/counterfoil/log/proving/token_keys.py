"""Token keys: the secrets behind what stands for session ids and pseudonyms."""

from __future__ import annotations

import asyncio
import secrets

from counterfoil.clock import Clock
from counterfoil.errors import KeyFileError
from counterfoil.policy.redaction import Tokeniser
from counterfoil.record.instant import rfc3339

from .identity import Identity

TOKEN_KEY_BYTES = 32


async def load_tokeniser(identity: Identity, clock: Clock) -> Tokeniser | None:
    """The tokeniser of a database; its first key is made by the first process that may.

    None in a process that may not read the key file: what is due a token is dropped there.

    Raises:
        KeyFileError: the key file cannot be used.
    """
    if not identity.may_sign:
        return None
    if identity.key_file is None:
        return Tokeniser([("k1", secrets.token_bytes(TOKEN_KEY_BYTES))])
    keys = await asyncio.to_thread(identity.key_file.token_keys, identity.database)
    if not keys:
        await rotate_token_key(identity, clock)
        keys = await asyncio.to_thread(identity.key_file.token_keys, identity.database)
    return Tokeniser(keys)


async def rotate_token_key(identity: Identity, clock: Clock) -> str:
    """Make a new token key; older ones are kept, for matching and for erasure.

    A log uses the new key once it is opened again.

    Returns:
        The new key's id.

    Raises:
        KeyFileError: this process may not write the key file.
    """
    if identity.key_file is None:
        raise KeyFileError("A log in memory has no key file whose keys could be rotated.")
    return await asyncio.to_thread(
        identity.key_file.add_token_key,
        identity.database,
        secrets.token_bytes(TOKEN_KEY_BYTES),
        rfc3339(clock.now()),
    )
