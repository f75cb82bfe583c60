"""Which database it was: what a process must know while it cannot ask the database itself.

Where the key file holds one database's key and no other's, that says it, and nothing more is
written. Else a note beside the spool's folder does: a small file, ``.identity`` after the
folder's name, with the database's id and its public key. Neither is a secret.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from pathlib import Path
from typing import Any

import orjson

from counterfoil.errors import KeyFileError
from counterfoil.proof.key import SigningKey

from .durable_file import write_durably
from .identity import DATABASE, PUBLIC_KEY, Identity, public_key_of
from .key_file import KeyFile

logger = logging.getLogger("counterfoil")

_MODE = 0o600


def remember(identity: Identity, folder: Path) -> None:
    """Note a database's identity beside a spool's folder, where it could not be told else.

    Args:
        identity: of the database that was opened.
        folder: the spool's.
    """
    if _same(recall(identity.key_file, folder), identity):
        return
    note = {DATABASE: identity.database}
    if identity.public_key is not None:
        note[PUBLIC_KEY] = b64encode(identity.public_key).decode()
    try:
        write_durably(_note(folder), orjson.dumps(note), _MODE)
    except OSError as error:
        logger.warning(
            "%s cannot be written (%s): a process that starts while the database is away will "
            "not open the log.",
            _note(folder),
            type(error).__name__,
        )


def recall(key_file: KeyFile | None, folder: Path) -> Identity | None:
    """The identity of the database that was last opened with this spool; None if it is unknown.

    Raises:
        KeyFileError: the key file cannot be used.
    """
    facts = _read(_note(folder))
    if DATABASE not in facts:
        databases = [] if key_file is None else key_file.databases()
        if len(databases) != 1:
            return None
        facts = {DATABASE: databases[0]}
    database = facts[DATABASE]
    public_key = public_key_of(facts)
    seed = None if key_file is None else key_file.seed(database)
    if seed is not None:
        own = SigningKey(database, seed).verifier.public_key
        if public_key not in (None, own):
            raise KeyFileError(
                f"The key file holds another key than {_note(folder)} tells of.",
                remedy="Name the database's own key file, or restore it from a backup.",
            )
        public_key = own
    return Identity(database, public_key, key_file, seed)


def _same(known: Identity | None, identity: Identity) -> bool:
    return (
        known is not None
        and known.database == identity.database
        and known.public_key == identity.public_key
    )


def _note(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.identity")


def _read(path: Path) -> dict[str, str]:
    try:
        found: Any = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}
