"""SQLite's errors as ours.

apsw's messages may quote a bound value, so none of them is passed on; the driver's error is
the cause.
"""

from __future__ import annotations

from pathlib import Path

import apsw

from counterfoil.errors import (
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)


def store_error(error: apsw.Error, path: str | Path) -> StoreError:
    """The StoreError for a driver's error.

    Args:
        path: the database's file, for the message.
    """
    if isinstance(error, (apsw.BusyError, apsw.LockedError)):
        return StoreUnavailableError(
            f"Another process held the write lock of {path} for too long.",
            remedy="Look for a long transaction or a stopped process; the call can be retried.",
        )
    if isinstance(error, apsw.FullError):
        return StoreFullError(f"There is no room to write to {path}.")
    if isinstance(error, (apsw.CorruptError, apsw.NotADBError)) or _lacks_a_part(error):
        return StoreCorruptError(f"SQLite finds {path} damaged or not a database.")
    if isinstance(error, apsw.CantOpenError):
        return StoreUnavailableError(
            f"Cannot open {path}.", remedy="Check that its folder exists and may be written to."
        )
    if isinstance(error, (apsw.ReadOnlyError, apsw.PermissionsError, apsw.AuthError)):
        return StoreUnavailableError(
            f"Cannot write to {path}.", remedy="Check the rights of the file and of its folder."
        )
    if isinstance(error, apsw.IOError):
        return StoreError(
            f"Reading or writing {path} failed.",
            remedy="Check the disk, its quota and the file-size limit.",
        )
    return StoreError(f"SQLite failed on {path} ({type(error).__name__}).")


def _lacks_a_part(error: apsw.Error) -> bool:
    """Whether somebody has removed a table, an index or a column of ours."""
    return isinstance(error, apsw.SQLError) and "no such " in str(error)


def commit_error(error: apsw.Error, path: str | Path) -> StoreError:
    """The StoreError for a driver's error while committing.

    A commit whose sync failed may still be found in the write-ahead log after a crash, so
    that its outcome is not known. Where a write failed (a file-size limit, a quota), the last
    frame of the commit is not whole, and nothing is written after it: it is no commit to anybody
    who reads the file (https://www.sqlite.org/fileformat2.html#walformat).
    """
    failure = store_error(error, path)
    is_write = getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_WRITE
    failure.outcome_known = is_write or not isinstance(error, apsw.IOError)
    return failure
