"""The command line's commands, and what becomes of their errors.

Exit codes: 0 fine, 1 tampered or a failed check, 2 the command cannot be run as asked.
"""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

from counterfoil.errors import (
    CounterfoilError,
    ProofError,
    RollbackError,
    StoreCorruptError,
)

FAILED: Final = 1
USAGE: Final = 2

#: What says that something was tampered with, or that a check failed.
_CHECKS = (ProofError, RollbackError, StoreCorruptError)

#: Module and function of each command, in the order of ``--help``.
_COMMANDS = (
    ("demo", "demo.command", "demo"),
    ("log", "log", "log"),
    ("query", "query", "query"),
    ("show", "show", "show"),
    ("tail", "tail", "tail"),
    ("timeline", "timeline", "timeline"),
    ("stats", "stats", "stats"),
    ("relay", "relay", "relay"),
    ("verify", "verify", "verify"),
    ("checkpoint", "checkpoint", "checkpoint"),
    ("prove", "prove", "prove"),
    ("verify-proof", "verify_proof", "verify_proof"),
    ("catalogue", "catalogue", "catalogue"),
    ("redact", "redact", "redact"),
    ("copy", "copy", "copy"),
    ("seal", "seal", "seal"),
    ("unseal", "seal", "unseal"),
    ("serve", "serve", "serve"),
)


class _Group(TyperGroup):
    """Turns our errors into a message for people and an exit code for programs."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CounterfoilError as error:
            complain(error)
            raise typer.Exit(FAILED if isinstance(error, _CHECKS) else USAGE) from None
        except BrokenPipeError:
            # Whoever read us, such as `head`, has enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            named = f"{error.filename}: " if isinstance(error.filename, str) else ""
            typer.echo(f"Error: {named}{error.strerror or error}", err=True)
            raise typer.Exit(USAGE) from None


def complain(error: CounterfoilError) -> None:
    """Say on standard error what was wrong and what to do."""
    typer.echo(f"Error: {error.message}", err=True)
    if error.remedy:
        typer.echo(f"  {error.remedy}", err=True)


app = typer.Typer(
    name="counterfoil",
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The audit log you can prove: write, search, prove and verify.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from counterfoil import __version__

        typer.echo(f"counterfoil {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", is_eager=True, callback=_version, help="Show the version and exit."
    ),
) -> None:
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)


for _name, _module, _function in _COMMANDS:
    _command = getattr(import_module(f"counterfoil.cli.{_module}"), _function)
    app.command(_name)(_command)

app.add_typer(import_module("counterfoil.cli.key").app, name="key")
app.add_typer(import_module("counterfoil.cli.outbox").app, name="outbox")
app.add_typer(import_module("counterfoil.cli.search").app, name="search")
app.add_typer(import_module("counterfoil.cli.postgres").app, name="postgres")
app.add_typer(import_module("counterfoil.cli.config").app, name="config")


def main() -> None:
    """Run the command line with the process's arguments, and exit."""
    _fill_streams()
    app()


def _fill_streams() -> None:
    """Standard streams that were closed lead nowhere, and their numbers to no file of ours."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")
