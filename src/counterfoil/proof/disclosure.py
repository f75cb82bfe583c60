"""Disclosures as their holder hands them over (RFC 9901 section 4.2).

A disclosure is the JSON array ``[salt, name, value]``; its text is the base64url of that
array's bytes, and its digest the hash of the text. Beside a proof file stand the texts of
those that the holder chose to reveal, one a line. They are read here without trusting
them, and independently of the code that made them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple, NoReturn, Self

from counterfoil.errors import FormatError, ProofError
from counterfoil.proof.encoding import from_base64url, from_utf8, to_base64url

#: The deepest nesting that is read; a log writes far less.
MAX_DEPTH = 64

_RESERVED = frozenset({"_sd", "_sd_alg", "..."})


class Disclosure(NamedTuple):
    """One revealed value.

    Attributes:
        name: what it is: ``actor``, ``details``, …
        value: the value, decoded, with the keys as the caller of the log wrote them.
        text: the disclosure as it was handed over.
    """

    name: str
    value: Any
    text: str

    @property
    def digest(self) -> str:
        """The digest that commits to it."""
        return _digest(self.text)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a disclosure's text.

        Raises:
            FormatError: it is not base64url of a JSON array ``[salt, name, value]``, or
                the value holds what no log writes.
        """
        match _load(from_base64url(text, "A disclosure"), "A disclosure"):
            case [str(), str(name), value] if name not in _RESERVED:
                return cls(name, _unescape(value, 0), text)
        raise FormatError("A disclosure is a JSON array of a salt, a name and a value.")


def disclosure_digest(disclosure: bytes) -> str:
    """The digest of a disclosure, from the bytes of its JSON array."""
    return _digest(to_base64url(disclosure))


def encode_disclosures(disclosures: Iterable[bytes]) -> bytes:
    """The disclosures that stand beside a proof file, from the bytes of their JSON arrays."""
    return "".join(f"{to_base64url(disclosure)}\n" for disclosure in disclosures).encode()


def parse_disclosures(data: bytes) -> list[Disclosure]:
    """Read the disclosures that stand beside a proof file; there may be none.

    Raises:
        FormatError: a line is not a disclosure, or the last has no line feed.
    """
    lines = from_utf8(data, "The disclosures").split("\n")
    if lines.pop():
        raise FormatError("The last disclosure does not end with a line feed.")
    return [Disclosure.parse(line) for line in lines]


def check_disclosures(entry: bytes, disclosures: Sequence[Disclosure]) -> list[str]:
    """Check that an entry commits to disclosures.

    Returns:
        The digests of the entry's other disclosures: withheld here, or erased.

    Raises:
        FormatError: the entry is not one that commits to disclosures by SHA-256.
        ProofError: the entry does not commit to one of them, or two are of the same name.
    """
    match _load(entry, "The entry"):
        case {"_sd_alg": "sha-256", "_sd": [*committed]}:
            pass
        case _:
            raise FormatError("The entry does not commit to disclosures by SHA-256.")
    if not all(isinstance(digest, str) for digest in committed):
        raise FormatError("The entry has a digest that is not a text.")
    if len(set(committed)) < len(committed):
        raise FormatError("The entry has the same digest twice.")
    names = set()
    for number, disclosure in enumerate(disclosures):
        if disclosure.digest not in committed:
            raise ProofError(f"The entry does not commit to disclosure {number}.")
        if disclosure.name in names:
            raise ProofError(f"Disclosure {number} repeats another one's name.")
        names.add(disclosure.name)
    revealed = {disclosure.digest for disclosure in disclosures}
    return [digest for digest in committed if digest not in revealed]


def _digest(text: str) -> str:
    return to_base64url(sha256(text.encode()).digest())


def _load(data: bytes, what: str) -> Any:
    """Read JSON that has one meaning: UTF-8, no key twice, no NaN, no infinity."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise FormatError(f"{what} has the same key twice in one object.")
        return members

    def no_constant(_: str) -> NoReturn:
        raise FormatError(f"{what} is not JSON: it has a number that JSON has not.")

    try:
        value = json.loads(
            from_utf8(data, what), object_pairs_hook=unique, parse_constant=no_constant
        )
        # An escaped half of a surrogate pair loads, but is no text and cannot be written.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{what} is not JSON.") from error
    return value


def _unescape(value: Any, depth: int) -> Any:
    """Take the ``~`` off keys that the log wrote it before, at every depth."""
    if depth > MAX_DEPTH:
        raise FormatError(f"A disclosure's value is nested more than {MAX_DEPTH} deep.")
    match value:
        case dict():
            if not _RESERVED.isdisjoint(value):
                raise FormatError("A disclosure's value has a key that RFC 9901 reserves.")
            return {
                key[1:] if key.startswith("~") else key: _unescape(item, depth + 1)
                for key, item in value.items()
            }
        case list():
            return [_unescape(item, depth + 1) for item in value]
        case _:
            return value
