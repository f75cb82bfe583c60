"""``counterfoil postgres``: what the owner of a PostgreSQL database does for the log."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from counterfoil.errors import ConfigurationError, MissingExtraError

from . import options
from .terminal import say

app = typer.Typer(no_args_is_help=True, help="A log in PostgreSQL: its tables, and who may write.")


@app.callback()
def _group() -> None:
    pass


@app.command()
def migrate(
    url: options.Url = None,
    grant: Annotated[
        list[str] | None,
        typer.Option(
            "--grant",
            help="A role that applications log in as: it may add and read events, and can neither "
            "change nor delete any. Repeatable.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make the log's tables, or bring them up to date, as the role that is to own them."""
    address = options.settings(url).url
    if not address.startswith(("postgresql:", "postgres:")):
        raise ConfigurationError(
            "The log's address is none of a PostgreSQL database.",
            remedy="Name one: --url postgresql://owner@host/database.",
        )
    try:
        from counterfoil.store.postgres_schema import prepare_database
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise MissingExtraError("A log in PostgreSQL", "postgres") from error
    roles = grant or []
    asyncio.run(prepare_database(address, roles))
    say("The tables are up to date.")
    for role in roles:
        say(f"{role} may add and read events.")
