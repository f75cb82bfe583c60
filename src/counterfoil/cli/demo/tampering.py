"""Five ways to change a log behind its back, each tried on a copy of the database.

Whoever does this here has full rights on the database, and knows its tables; what they have
not is the signing key, and the checkpoints that were published outside it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from counterfoil.proof import Frontier
from counterfoil.record.instant import DAY, HOUR

#: How many of the newest events are cut off.
_CUT = 200

Attack = Callable[[apsw.Connection], None]


class Tampering(NamedTuple):
    """One attempt.

    Attributes:
        title: what is done, for people.
        attack: does it, with SQL.
    """

    title: str
    attack: Attack


def copy_database(database: Path, folder: Path) -> Path:
    """A copy of a closed database, with its key and its published checkpoints beside it."""
    folder.mkdir(parents=True)
    for path in database.parent.glob(f"{database.name}*"):
        target = folder / path.name
        shutil.copytree(path, target) if path.is_dir() else shutil.copy2(path, target)
    return folder / database.name


def tamper(database: Path, tampering: Tampering) -> None:
    """Try one attempt on a database that nobody has open."""
    connection = apsw.Connection(str(database))
    try:
        with connection:
            tampering.attack(connection)
    finally:
        connection.close()


def _one(connection: apsw.Connection, sql: str, *values: Any) -> Any:
    return next(iter(connection.execute(sql, values)))[0]


def _edit_a_price(connection: apsw.Connection) -> None:
    position = _one(connection, "SELECT max(position) FROM event WHERE type = 'price_changed'")
    state = _one(connection, "SELECT state FROM event WHERE position = ?", position)
    forged = state.replace(b'"price":"', b'"price":"9')
    connection.execute("UPDATE event SET state = ? WHERE position = ?", (forged, position))


def _delete_an_export(connection: apsw.Connection) -> None:
    connection.execute("DELETE FROM event WHERE type = 'data_exported'")


def _blame_another(connection: apsw.Connection) -> None:
    where = "WHERE type = 'mfa_disabled'"
    actor = _one(connection, f"SELECT actor FROM event {where}")  # noqa: S608
    forged = actor.replace(b'"u-2"', b'"u-5"')
    connection.execute(f"UPDATE event SET user_id = 'u-5', actor = ? {where}", (forged,))  # noqa: S608


def _swap_two(connection: apsw.Connection) -> None:
    first = _one(connection, "SELECT min(position) FROM event WHERE type = 'role_revoked'")
    for old, new in ((first, -1), (first + 1, first), (-1, first + 1)):
        connection.execute("UPDATE event SET position = ? WHERE position = ?", (new, old))


#: What a column of the counts holds.
_COUNTED = {
    "log": "log.number",
    "bucket": "event.recorded_at / :length",
    "company": "coalesce(company_id, '')",
    "type": "type",
    "level": "level",
    "outcome": "outcome",
    "events": "count(*)",
}


def _count_anew(connection: apsw.Connection, table: str, length: int) -> None:
    """Make the counts of hours or days, ``length`` microseconds each, fit the events."""
    found = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    columns = [_COUNTED[name] for (name,) in found]
    places = ", ".join(str(place) for place in range(1, len(columns)))
    connection.execute(f"DELETE FROM {table}")  # noqa: S608
    connection.execute(
        f"INSERT INTO {table} SELECT {', '.join(columns)}"  # noqa: S608
        f" FROM event, log GROUP BY {places}",
        {"length": length},
    )


def _cut_the_end(connection: apsw.Connection) -> None:
    """Take the newest events away, and leave a database that agrees with itself."""
    rows = list(connection.execute("SELECT position, leaf FROM event ORDER BY position"))
    kept = rows[:-_CUT]
    last = kept[-1][0]
    for table in ("event", "mention"):
        connection.execute(f"DELETE FROM {table} WHERE position > ?", (last,))  # noqa: S608
    frontier, growth = Frontier().append([leaf for _, leaf in kept])
    connection.execute("DELETE FROM tile")
    for part in growth:
        connection.execute(
            "INSERT INTO tile (log, level, number, hashes) SELECT number, ?, ?, ? FROM log",
            (part.level, part.index, part.hashes),
        )
    for table, length in (("count_by_hour", HOUR), ("count_by_day", DAY)):
        _count_anew(connection, table, length)
    connection.execute(
        "UPDATE log SET size = ?, frontier = ?, recorded_at = (SELECT max(recorded_at) FROM event)",
        (len(kept), frontier.to_bytes()),
    )
    connection.execute("DELETE FROM checkpoint WHERE size > ?", (len(kept),))


TAMPERINGS = (
    Tampering("A price is edited in one event.", _edit_a_price),
    Tampering("The export of the customers' data is deleted.", _delete_an_export),
    Tampering("Another one is blamed for switching off the second factor.", _blame_another),
    Tampering("Two events change places.", _swap_two),
    Tampering(
        f"The newest {_CUT} events are cut off, and hashes, tree and counts computed anew.",
        _cut_the_end,
    ),
)
