"""``counterfoil redact``: what redaction would leave of a file, and by which rules."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from counterfoil.errors import InputError
from counterfoil.wording.visible import counted, visible

from .terminal import print_table, say, write_json, write_json_line

if TYPE_CHECKING:
    from counterfoil.policy.redaction import Finding, Redactor

#: Bytes of the largest input, which is held in memory.
LARGEST = 64 * 1024 * 1024
PARTS = ("details", "metadata", "before_state", "after_state", "changes", "body")
_FAILED = 1


def redact(
    file: Annotated[str, typer.Argument(help="JSON, JSON lines or text; - is standard input.")],
    explain: Annotated[
        bool, typer.Option("--explain", help="Also where something was removed, and by what rule.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 where anything is removed.")
    ] = False,
    field: Annotated[
        list[str] | None,
        typer.Option("--field", help="A further name or path, as in sensitive_fields."),
    ] = None,
    part: Annotated[
        str, typer.Option("--part", help=f"Read it as this part: {', '.join(PARTS)}.")
    ] = "details",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each value: kept, removed.")
    ] = False,
) -> None:
    """Show what would be kept of values, by the built-in rules and those of the settings.

    What is removed is never shown. Tokens are made with a key that is thrown away.

    counterfoil redact --explain request.json
    """
    if part not in PARTS:
        raise InputError(
            "There is no such part of an event.", remedy=f"Choose one of {', '.join(PARTS)}."
        )
    data = _read(file)
    redactor = _redactor(longest=len(data))
    removed = 0
    for value in _values(data):
        kept = redactor.clean(value, root=part, sensitive_fields=field or ())
        found = redactor.explain(value, root=part, sensitive_fields=field or ())
        removed += len(found)
        if as_json:
            write_json_line({"kept": kept, "removed": [_as_dict(one) for one in found]})
            continue
        _show_kept(kept)
        if explain:
            _show_found(found)
    if check and removed:
        raise typer.Exit(_FAILED)


def _redactor(longest: int) -> Redactor:
    import secrets

    from counterfoil.assembly import redaction_rules
    from counterfoil.policy.redaction import LONGEST_TEXT, Redactor, Tokeniser
    from counterfoil.settings import load_settings

    throwaway = Tokeniser([("example", secrets.token_bytes(32))])
    rules = redaction_rules(load_settings())
    # A file is shown whole, however long; of an event so long a text would be left out.
    return Redactor(rules, throwaway, longest=max(longest, LONGEST_TEXT))


def _read(file: str) -> bytes:
    if file == "-":
        data = sys.stdin.buffer.read(LARGEST + 1)
    else:
        with Path(file).open("rb") as stream:
            data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise InputError(
            f"The input is larger than {LARGEST >> 20} MiB.", remedy="Give it in parts."
        )
    return data


def _values(data: bytes) -> Iterator[Any]:
    """The JSON value, else one value a line, else the text as one value."""
    text = data.decode("utf-8-sig", "replace")
    try:
        yield orjson.loads(text)
        return
    except orjson.JSONDecodeError:
        lines = [line for line in text.split("\n") if line.strip()]
    try:
        values = [orjson.loads(line) for line in lines]
    except orjson.JSONDecodeError:
        values = [text.rstrip("\r\n")]
    yield from values


def _show_kept(kept: Any) -> None:
    if isinstance(kept, str):
        # A text's own lines stay lines; what else a terminal would obey does not.
        for line in kept.split("\n"):
            sys.stdout.write(f"{visible(line)}\n")
        return
    write_json(kept)


def _show_found(found: list[Finding]) -> None:
    from rich.table import Table

    if not found:
        say("Nothing was removed.", "dim")
        return
    say(f"{counted(len(found), 'value')} removed:", "dim")
    table = Table(box=None, padding=(0, 2, 0, 2), header_style="dim")
    for name in ("where", "rule", "treatment"):
        table.add_column(name, no_wrap=name != "where", overflow="fold")
    for one in found:
        table.add_row(visible(one.path), one.rule, one.treatment.value)
    print_table(table)


def _as_dict(one: Finding) -> dict[str, str]:
    return {"path": one.path, "rule": one.rule, "treatment": one.treatment.value}
