"""``counterfoil config``: what this process would work with."""

from __future__ import annotations

from typing import Any

import typer

from counterfoil.wording.visible import safe_json, visible

from . import options
from .terminal import print_table, write_json

app = typer.Typer(help="The settings.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """The settings."""


@app.command("show")
def show(
    url: options.Url = None,
    log: options.Log = None,
    key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Show every setting, where it comes from, and no secrets."""
    from counterfoil.settings import shown

    given = {"url": url, "log": log, "key_file": key_file}
    named = {name for name, value in given.items() if value is not None}
    rows = [
        (name, value, "command line" if name in named else origin)
        for name, value, origin in shown(options.settings(url, log, key_file))
    ]
    if as_json:
        write_json({name: {"value": value, "from": origin} for name, value, origin in rows})
    else:
        _table(rows)


def _table(rows: list[tuple[str, Any, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", no_wrap=True)
    for name, value, origin in rows:
        text = visible(value) if isinstance(value, str) else safe_json(value)
        table.add_row(name, Text("" if value is None else text), Text(origin, "dim"))
    print_table(table)
