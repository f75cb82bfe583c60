"""``counterfoil key``: make, list, rotate and revoke access keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.errors import InputError
from counterfoil.wording.visible import visible

from . import options
from .terminal import print_table, say, write_json

if TYPE_CHECKING:
    from counterfoil.access import AccessKey, Services
    from counterfoil.settings import Settings

app = typer.Typer(help="Access keys of the server.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(help="The key's id, as `key list` shows it.")]


@app.callback()
def _root() -> None:
    """Access keys of the server."""


@app.command("create")
def create(
    role: Annotated[str, typer.Option("--role", help="writer, reader, auditor, privacy or admin.")],
    name: Annotated[str, typer.Option("--name", help="What people call the key.")] = "",
    company: Annotated[
        str | None, typer.Option("--company", help="The only company that it reaches.")
    ] = None,
    log: Annotated[
        list[str] | None, typer.Option("--log", help="A log that it reaches; else all of them.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="When it ends: 90d, 12h, or a date.")
    ] = None,
    url: options.Url = None,
    as_json: options.AsJson = False,
) -> None:
    """Make an access key. It is shown once, and nobody can ask for it again."""
    settings = options.settings(url)

    async def make() -> tuple[AccessKey, str]:
        async with _services(settings) as services:
            return await services.keyring.create(
                role,
                name=name,
                company=company,
                logs=log or None,
                expires_at=None if expires is None else _moment(expires),
            )

    _show_new(*asyncio.run(make()), as_json=as_json)


@app.command("list")
def list_keys(url: options.Url = None, as_json: options.AsJson = False) -> None:
    """List the access keys: what each may do, and when it was last used."""
    settings = options.settings(url)

    async def read() -> list[dict[str, object]]:
        async with _services(settings) as services:
            now = _now()
            return [held.key.as_dict(now, held.used_at) for held in await services.keyring.keys()]

    found = asyncio.run(read())
    if as_json:
        write_json({"keys": found})
    else:
        _show(found)


@app.command("revoke")
def revoke(key_id: KeyId, url: options.Url = None, as_json: options.AsJson = False) -> None:
    """Refuse a key from now on."""
    settings = options.settings(url)

    async def take_back() -> AccessKey:
        async with _services(settings) as services:
            return await services.keyring.revoke(key_id)

    key = asyncio.run(take_back())
    if as_json:
        write_json(key.as_dict(_now(), None))
    else:
        say(f"Revoked. Servers refuse {visible(key.id)} within five seconds.")


@app.command("rotate")
def rotate(
    key_id: KeyId,
    overlap: Annotated[
        str, typer.Option("--overlap", help="How long the old key stays valid: 24h, 7d, 0h.")
    ] = "24h",
    url: options.Url = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a key that takes another's place, which stays valid for a while."""
    settings = options.settings(url)

    async def make() -> tuple[AccessKey, str]:
        async with _services(settings) as services:
            return await services.keyring.rotate(key_id, overlap=_period(overlap))

    _show_new(*asyncio.run(make()), as_json=as_json)


@asynccontextmanager
async def _services(settings: Settings) -> AsyncIterator[Services]:
    from counterfoil.access import Services
    from counterfoil.assembly import open_log

    async with open_log(settings) as audit:
        yield Services.of(audit, log=settings.log)


def _show_new(key: AccessKey, secret: str, *, as_json: bool) -> None:
    if as_json:
        write_json({**key.as_dict(_now(), None), "key": secret})
        return
    say(secret, fold=False)
    typer.echo(
        f"This is the key {key.id}, of the role {key.role.value}. Keep it now: it is not shown "
        "again.",
        err=True,
    )


def _show(found: list[dict[str, object]]) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    columns = ("id", "role", "state", "company", "logs", "expires_at", "last_used_at", "name")
    for name in columns:
        table.add_column(name.removesuffix("_at").replace("_", " "))
    for key in found:
        cells = []
        for name in columns:
            value = key[name]
            text = ", ".join(map(str, value)) if isinstance(value, list) else value
            cells.append(visible(str(text)) if text is not None else "")
        table.add_row(*cells)
    print_table(table)


def _now() -> int:
    from counterfoil.clock import SYSTEM_CLOCK

    return SYSTEM_CLOCK.now()


def _moment(text: str) -> int:
    """When a key ends: a period from now, or a date or time."""
    from counterfoil.record.instant import to_micros

    if text[-1:] in _PERIODS:
        return _now() + _period(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            "The time when the key ends cannot be read.",
            remedy="Write 90d, 12h, 2027-01-31, or 2027-01-31T12:00:00Z.",
        ) from None
    return to_micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


#: Microseconds of each unit.
_PERIODS = {"h": 3_600_000_000, "d": 86_400_000_000}


def _period(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if unit not in _PERIODS or not (number.isascii() and number.isdigit()) or len(number) > 6:
        raise InputError("The period cannot be read.", remedy="Write hours or days: 24h, 90d.")
    return int(number) * _PERIODS[unit]
