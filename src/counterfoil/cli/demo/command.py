"""``counterfoil demo``: the whole of it in a minute."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli.options import AsJson
from counterfoil.cli.terminal import say, write_json
from counterfoil.errors import InputError


def demo(
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Keep the files in this new folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record a small shop's year, search it, prove an event, try to tamper with it, and serve it.

    Without a terminal, or with CI=true, the server ends once it has answered. Exit code 1 means
    that an attempt went unseen, or that the server did not answer.
    """
    from .serving import somebody_watches
    from .story import tell

    with _folder(keep) as folder:
        if as_json:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                outcome = tell(folder)
            write_json(
                {
                    "ok": outcome.ok,
                    "events": outcome.events,
                    "proof_holds": outcome.proof_holds,
                    "intact": outcome.intact,
                    "tampered": len(outcome.caught),
                    "caught": sum(outcome.caught),
                    "served": outcome.served,
                }
            )
        else:
            outcome = tell(folder, stay=somebody_watches())
            if keep is not None:
                say(f"Go on with: export COUNTERFOIL_URL='sqlite:///{folder / 'shop.db'}'")
    if not outcome.ok:
        raise typer.Exit(1)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="counterfoil-") as name:
            yield Path(name)
        return
    try:
        keep.mkdir(parents=True)
    except FileExistsError:
        raise InputError(
            "The folder for the files is there already.", remedy="Name a new one."
        ) from None
    yield keep.resolve()
