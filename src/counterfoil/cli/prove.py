"""``counterfoil prove``: take an event's proof away."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.errors import InputError

from . import options
from .reading import reading
from .terminal import say, write_json

if TYPE_CHECKING:
    from counterfoil.log.proving.evidence import EventProof


def prove(
    event_id: Annotated[str, typer.Argument(help="The event's id.")],
    folder: Annotated[
        Path, typer.Option("--output", "-o", help="The folder for the files.")
    ] = Path(),
    reveal: Annotated[
        list[str] | None,
        typer.Option(help="Disclose only these: actor, client, resource, state, details, ..."),
    ] = None,
    url: options.Url = None,
    key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Write the proof that an event is in its log, to be checked offline.

    <id>.tlog-proof holds the entry, its path to the root, the signed checkpoint.
    <id>.disclosures holds the values; --reveal keeps those back that it does not
    name, and the proof holds all the same.
    """
    settings = options.settings(url, key_file=key_file)

    async def build() -> EventProof:
        async with reading(settings) as audit:
            return await audit.prove(event_id)

    proof = asyncio.run(build())
    if reveal is not None:
        proof = _revealing(proof, reveal)
    folder.mkdir(parents=True, exist_ok=True)
    proof_path, disclosures_path = proof.write(folder)
    key = str(proof.checkpoint.verifier_key)
    if as_json:
        write_json(
            {
                "event_id": proof.event_id,
                "index": proof.index,
                "size": proof.checkpoint.size,
                "proof": str(proof_path),
                "disclosures": str(disclosures_path),
                "verifier_key": key,
            }
        )
        return
    say(f"Event {proof.index} of {proof.checkpoint.size:,} is proven by:")
    say(f"  {proof_path}", fold=False)
    say(f"  {disclosures_path}", fold=False)
    say("The second file holds what the event says: hand it only to who may read that.")
    say("Check them anywhere, also offline:")
    say(f"  counterfoil verify-proof {proof_path} --key '{key}'", fold=False)


def _revealing(proof: EventProof, names: list[str]) -> EventProof:
    from counterfoil.proof import Disclosure

    found = {Disclosure.parse(text).name: text for text in proof.disclosures}
    missing = [name for name in names if name not in found]
    if missing:
        raise InputError(
            "The event has no disclosure of one of these names.",
            remedy=f"It has: {', '.join(found)}.",
        )
    return replace(proof, disclosures=tuple(found[name] for name in names))
