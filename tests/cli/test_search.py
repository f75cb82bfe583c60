"""``counterfoil search`` and ``query --text``."""

from __future__ import annotations

from pathlib import Path

from .conftest import Run


def test_the_text_index_is_made_and_told_of(run: Run, price_id: str, own_place: Path) -> None:
    assert run("search", "status", "--json").json == {"behind": 1}
    assert run("search", "rebuild").out == "The text index holds 1 event.\n"
    assert run("search", "status").out == "The text index is 0 events behind.\n"
    assert Path(own_place, "audit.db.search").is_file()
    assert run("query", "--text", "supplier", "--only-ids").out == f"{price_id}\n"
    assert run("query", "--text", "nobody", "--count").out == "0\n"
    assert run("verify").code == 0


def test_without_a_text_index_the_command_says_so(run: Run, price_id: str, own_place: Path) -> None:
    Path(own_place, "counterfoil.toml").write_text("text_index = false\n")
    refused = run("search", "rebuild", fails=2)
    assert "no text index" in refused.err
    assert run("query", "--text", "supplier", "--only-ids").out == f"{price_id}\n"
