"""``counterfoil verify-proof``: check a proof with nothing but its files and the log's key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.errors import InputError
from counterfoil.wording.visible import counted, safe_json, visible

from . import options
from .terminal import print_fields, say, write_json

if TYPE_CHECKING:
    from counterfoil.proof import Disclosure, ProvenEntry

_SUFFIX = ".disclosures"
_SHOWN = ("id", "log", "type", "level", "outcome", "occurred_at", "recorded_at", "company_id")


def verify_proof(
    proof: Annotated[Path, typer.Argument(help="The .tlog-proof file.")],
    key: Annotated[
        str, typer.Option("--key", help="The log's verifier key, or a file that holds it.")
    ],
    disclosures: Annotated[
        Path | None,
        typer.Option(help="The disclosed values; by default the .disclosures file beside it."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Check that an event is in the log that a key belongs to, offline.

    Take the key from a place that you trust, not from whoever gave you the proof.

    Exit code 1 means that the proof does not hold.
    """
    from counterfoil.proof import ProofFile, VerifierKey, check_disclosures, parse_disclosures

    data = _read(proof, "proof file")
    beside = proof.with_suffix(_SUFFIX)
    if disclosures is None and beside.is_file():
        disclosures = beside
    revealed_data = _read(disclosures, "file of disclosures") if disclosures else b""
    proven = ProofFile.parse(data).verify(VerifierKey.parse(_key_text(key)))
    revealed = parse_disclosures(revealed_data)
    withheld = check_disclosures(proven.entry, revealed)
    members = json.loads(proven.entry)
    if as_json:
        write_json(
            {
                "ok": True,
                "origin": proven.checkpoint.origin,
                "index": proven.index,
                "size": proven.checkpoint.size,
                "entry": members,
                "disclosures": {item.name: item.value for item in revealed},
                "withheld": len(withheld),
            }
        )
    else:
        _show(proven, members, revealed, len(withheld))


def _show(
    proven: ProvenEntry, members: dict[str, Any], revealed: list[Disclosure], withheld: int
) -> None:
    size = f"{proven.checkpoint.size:,}"
    say(f"The proof holds: entry {proven.index:,} of the log's first {size}.", "green")
    fields = [("origin", visible(proven.checkpoint.origin))]
    fields += [(name, visible(str(members[name]))) for name in _SHOWN if name in members]
    fields += [(visible(item.name), safe_json(item.value)) for item in revealed]
    if withheld:
        fields.append(("withheld", f"{counted(withheld, 'value')} more, kept back or erased"))
    print_fields(fields)


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The {what} {path} cannot be read.", remedy=f"{error.strerror}."
        ) from error


def _key_text(given: str) -> str:
    """The key itself, or the first line of the file that holds it."""
    if "+" in given and not Path(given).is_file():
        return given
    lines = _read(Path(given), "key file").decode("utf-8", "replace").split("\n")
    return lines[0].strip()
