"""What goes wrong with an encrypted connection to PostgreSQL, said so that it can be mended."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from counterfoil.errors import StoreTLSError

#: Files that an address may name, as libpq does.
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
#: Codes of OpenSSL's verification: of another name or address; not yet valid, or no longer.
_OF_ANOTHER, _OUT_OF_TIME = (62, 64), (9, 10)
#: How the driver says that a server has no encryption to offer, and that it knows no authority.
_REJECTED = "rejected SSL upgrade"
_NO_AUTHORITY = "root certificate file"


def tls_error(error: BaseException, name: str) -> StoreTLSError | None:
    """The error for a connection that could not be encrypted, or None where it is another trouble.

    Args:
        name: the database's address without secrets, for the message.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = "Give the certificate of the authority that signed it as sslrootcert."
        if error.verify_code in _OF_ANOTHER:
            remedy = "Name the server in the address as its certificate does."
        elif error.verify_code in _OUT_OF_TIME:
            remedy = "Renew it, or set this machine's clock."
        reason = error.verify_message.rstrip(".")
        return StoreTLSError(
            f"{name}: the server's certificate is not accepted ({reason}).", remedy=remedy
        )
    if isinstance(error, ssl.SSLError):
        return StoreTLSError(f"{name}: the connection cannot be encrypted ({error.reason}).")
    if isinstance(error, ConnectionError) and _REJECTED in str(error):
        return StoreTLSError(
            f"{name}: the server does not encrypt.",
            remedy="Set ssl = on in its configuration; leave sslmode out where the way is safe.",
        )
    if isinstance(error, ValueError) and _NO_AUTHORITY in str(error):
        return StoreTLSError(
            f"{name}: to verify the server, the certificate of its authority is needed.",
            remedy="Add sslrootcert=… with that file's path to the address.",
        )
    return None


def check_files(options: Mapping[str, str]) -> None:
    """See that the files of an address can be read, once something was wrong.

    Args:
        options: those of the address.

    Raises:
        StoreTLSError: one of them cannot, or holds no certificate.
    """
    for option in FILES:
        if option in options:
            try:
                held = Path(options[option]).read_bytes()
            except OSError as error:
                raise StoreTLSError(
                    f"The file that the address names as {option} cannot be read.",
                    remedy="Correct its path, or let the log's user read it.",
                ) from error
            if b"-----BEGIN" not in held:
                raise StoreTLSError(
                    f"The file that the address names as {option} is not in PEM form.",
                    remedy="Convert it: openssl x509 -inform der.",
                )
