"""The proofs that the browser checks, against trees built by the RFC's own words."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from counterfoil.proof import Checkpoint, SigningKey
from tests.proof.reference import Reference

from .conftest import Visit

CHECKS = Path(__file__).with_name("checks.js").read_text(encoding="utf-8").strip()
SIZE = 33
LEAVES = [sha256(b"\0" + b"entry %d" % n).digest() for n in range(SIZE)]
TREE = Reference(LEAVES)


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _cases() -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = []
    for size in range(1, SIZE + 1):
        cases += [
            {
                "leaf": _text(LEAVES[index]),
                "index": index,
                "size": size,
                "path": [_text(item) for item in TREE.path(index, size)],
                "root": _text(TREE.root(size)),
            }
            for index in range(size)
        ]
    return cases


def _checked(page: Page, name: str, given: Any) -> Any:
    return page.evaluate(f"(given) => {CHECKS}.{name}(given)", given)


def test_inclusion_proofs(visit: Visit) -> None:
    page = visit(None)
    assert _checked(page, "inclusion", _cases()) == []


def test_consistency_proofs(visit: Visit) -> None:
    page = visit(None)
    cases = [
        {
            "old": old,
            "oldRoot": _text(TREE.root(old)),
            "size": size,
            "root": _text(TREE.root(size)),
            "path": [_text(item) for item in TREE.proof(old, size)] if 0 < old < size else [],
        }
        for size in range(1, SIZE + 1)
        for old in range(1, size + 1)
    ]
    assert _checked(page, "consistency", cases) == []


def test_signed_checkpoints(visit: Visit) -> None:
    page = visit(None)
    key, other = SigningKey.generate("log.example/a"), SigningKey.generate("log.example/a")
    note = Checkpoint("log.example/a", 7, TREE.root(7)).sign(key).decode()
    forged = Checkpoint("log.example/a", 7, TREE.root(8)).sign(key).decode()
    forged = forged.split("\n\n")[0] + "\n\n" + note.split("\n\n")[1]
    given = {
        "note": note,
        "forged": forged,
        "key": str(key.verifier),
        "other": str(other.verifier),
    }
    assert _checked(page, "notes", given) == [True, False, False, [True] * 8]
