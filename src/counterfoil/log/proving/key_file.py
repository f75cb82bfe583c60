"""The key file: the private keys of the databases beside it, readable by their owner alone.

JSON: ``{"version": 1, "keys": {"<database id>": {"signing_key": "<base64 of the Ed25519
seed>", "created_at": "<RFC 3339>"}}}``. Members that this version does not know are kept.
"""

from __future__ import annotations

import os
import stat
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from counterfoil.errors import KeyFileError

from .durable_file import locked, write_durably

FORMAT_VERSION = 1
SEED_BYTES = 32
_MODE = 0o600


class KeyFile:
    """The file with the signing keys. Every call reads it anew; nothing is cached.

    Args:
        path: the file; by convention ``<database file>.key``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def published_folder(self) -> Path:
        """Where the published checkpoints are kept: beside the file, outside the database."""
        return self.path.with_name(f"{self.path.name}.published")

    def seed(self, database: str) -> bytes | None:
        """The signing key's seed (32 bytes) of a database, or None where it holds none.

        A file that is not there, or that belongs to somebody else, holds none.

        Raises:
            KeyFileError: others may read the file, or it is damaged.
        """
        return self._seed_of(self._load().get("keys", {}).get(database))

    def token_keys(self, database: str) -> list[tuple[str, bytes]]:
        """The ids and master keys of a database's tokens, the oldest first; none where it has none.

        Raises:
            KeyFileError: others may read the file, or it is damaged.
        """
        entry = self._load().get("keys", {}).get(database)
        return [] if entry is None else self._token_keys_of(entry)

    def add_token_key(self, database: str, key: bytes, created_at: str) -> str:
        """Add a token key, from now on the newest; the older ones are kept. Returns its id.

        Raises:
            KeyFileError: the file holds no key of this database, is damaged, readable by
                others, or cannot be written.
        """
        with self._changing() as content:
            entry = content.get("keys", {}).get(database)
            if entry is None:
                raise KeyFileError(
                    f"{self.path} holds no key of this database.",
                    remedy="Name the key file that was made together with it.",
                )
            kept = self._token_keys_of(entry)
            key_id = f"k{len(kept) + 1}"
            entry.setdefault("token_keys", []).append(
                {"id": key_id, "key": b64encode(key).decode(), "created_at": created_at}
            )
        return key_id

    def databases(self) -> list[str]:
        """The ids of the databases whose keys it holds.

        Raises:
            KeyFileError: others may read the file, or it is damaged.
        """
        return list(self._load().get("keys", {}))

    def add(self, database: str, seed: bytes, created_at: str) -> None:
        """Add a database's signing key; when this returns, it is synced.

        Raises:
            KeyFileError: the file has a key of this database, is damaged, readable by
                others, or cannot be written.
        """
        with self._changing() as content:
            keys = content.setdefault("keys", {})
            if database in keys:
                raise KeyFileError(f"{self.path} holds a key of this database already.")
            keys[database] = {"signing_key": b64encode(seed).decode(), "created_at": created_at}

    def adopt(self, database: str, other: KeyFile) -> None:
        """Take over a database's keys from another file, all that it holds of them.

        Keys that are there already are left as they are; when this returns, it is synced.

        Raises:
            KeyFileError: the other file has no key of this database, this one has a different
                one, or one of them cannot be used.
        """
        entry = other._load().get("keys", {}).get(database)
        if entry is None or other._seed_of(entry) is None:
            raise KeyFileError(
                f"{other.path} holds no key of this database.",
                remedy="Name the key file that was made together with it.",
            )
        with self._changing() as content:
            held = content.setdefault("keys", {}).setdefault(database, entry)
        if self._seed_of(held) != other._seed_of(entry):
            raise KeyFileError(f"{self.path} holds another key of this database.")

    def remove(self, database: str) -> None:
        """Remove a database's signing key that was never used.

        Raises:
            KeyFileError: as :meth:`add`.
        """
        with self._changing() as content:
            content.get("keys", {}).pop(database, None)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        try:
            with locked(self.path.with_name(f"{self.path.name}.lock"), _MODE):
                content = self._load(must_read=True)
                content.setdefault("version", FORMAT_VERSION)
                yield content
                write_durably(self.path, orjson.dumps(content, option=orjson.OPT_INDENT_2), _MODE)
        except OSError as error:
            raise KeyFileError(
                f"The key file {self.path} cannot be written.",
                remedy="Check the rights and the room of its folder, or name another key file.",
            ) from error

    def _load(self, *, must_read: bool = False) -> dict[str, Any]:
        try:
            # The rights are those of the very file that is read.
            with self.path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                data = file.read()
        except FileNotFoundError:
            return {}
        except PermissionError:
            if must_read:
                raise
            return {}
        except OSError as error:
            raise KeyFileError(f"The key file {self.path} cannot be read.") from error
        if os.name != "nt" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyFileError(
                f"Others may read the key file {self.path}.",
                remedy=f"Run: chmod 600 '{self.path}', and ask who may have copied the key.",
            )
        try:
            content = orjson.loads(data)
        except orjson.JSONDecodeError:
            content = None
        if not isinstance(content, dict) or not isinstance(content.get("keys", {}), dict):
            raise self._damaged()
        if content.get("version") != FORMAT_VERSION:
            raise KeyFileError(
                f"The key file {self.path} is of a version that is not known here.",
                remedy="Upgrade Counterfoil in this environment; nothing was changed.",
            )
        return content

    def _seed_of(self, entry: Any) -> bytes | None:
        if entry is None:
            return None
        try:
            seed = b64decode(entry["signing_key"], validate=True)
        except (TypeError, KeyError, ValueError, Base64Error):
            raise self._damaged() from None
        if len(seed) != SEED_BYTES:
            raise self._damaged()
        return seed

    def _token_keys_of(self, entry: Any) -> list[tuple[str, bytes]]:
        try:
            return [
                (str(one["id"]), b64decode(one["key"], validate=True))
                for one in entry.get("token_keys", [])
            ]
        except (TypeError, KeyError, ValueError, AttributeError, Base64Error):
            raise self._damaged() from None

    def _damaged(self) -> KeyFileError:
        return KeyFileError(
            f"The key file {self.path} is damaged.",
            remedy="Restore it from a backup; nothing is signed without it.",
        )
