"""The few texts that every proof format is made of: base64, decimals and lines.

There is one accepted spelling for each value: whatever decodes must encode to the same
text again, so that nobody can change a file without changing what it says. The decoders of
the standard library skip foreign characters and stray bits; the comparison refuses them.
"""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64

from counterfoil.errors import FormatError

#: The largest tree size, index and timestamp: what a signed 64-bit integer holds.
MAX_INTEGER = 2**63 - 1

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


def to_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 section 4)."""
    return b64encode(data).decode()


def from_base64(text: str, what: str) -> bytes:
    """Decode standard base64; ``what`` names the value in the error.

    Raises:
        FormatError: the text is not the one canonical base64 spelling of its bytes.
    """
    try:
        data = a2b_base64(text.encode())
    except (Base64Error, UnicodeEncodeError):
        data = None
    if data is None or to_base64(data) != text:
        raise FormatError(f"{what} is not standard base64.")
    return data


def to_base64url(data: bytes) -> str:
    """Base64url without padding (RFC 4648 section 5)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str, what: str) -> bytes:
    """Decode base64url without padding; ``what`` names the value in the error.

    Raises:
        FormatError: the text is not the one canonical base64url spelling of its bytes.
    """
    try:
        data = urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
    except (Base64Error, UnicodeEncodeError):
        data = None
    if data is None or to_base64url(data) != text:
        raise FormatError(f"{what} is not base64url without padding.")
    return data


def from_decimal(text: str, what: str) -> int:
    """Read a decimal from 0 to 2^63 - 1 without sign or leading zeros.

    Raises:
        FormatError: the text is anything else; ``what`` names the value in the error.
    """
    if not _DECIMAL.fullmatch(text) or (number := int(text)) > MAX_INTEGER:
        raise FormatError(
            f"{what} is not a decimal from 0 to 2^63 - 1 without sign or leading zeros."
        )
    return number


def from_utf8(data: bytes, what: str) -> str:
    """Decode UTF-8 strictly.

    Raises:
        FormatError: the bytes are not UTF-8; ``what`` names them in the error.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"{what} is not UTF-8.") from error


def from_hash(text: str, what: str) -> bytes:
    """Decode a base64 SHA-256 hash of 32 bytes.

    Raises:
        FormatError: the text is not base64, or not of 32 bytes.
    """
    data = from_base64(text, what)
    if len(data) != 32:
        raise FormatError(f"{what} is not a hash of 32 bytes.")
    return data
