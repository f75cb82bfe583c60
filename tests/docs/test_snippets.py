"""Every snippet of the documentation runs, and prints what the page says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from counterfoil.policy.catalogue import Catalogue

from .snippets import ROOT, commands, form, run_page, snippets

PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs" / "tutorial").glob("*.md")),
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
    *sorted((ROOT / "docs" / "explanation").glob("*.md")),
]
ALL = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    run_page(page, tmp_path)


@pytest.mark.parametrize("page", ALL, ids=_name)
def test_settings_on_a_page_are_valid(page: Path) -> None:
    for snippet in snippets(page):
        if snippet.language == "toml":
            tables = tomllib.loads(snippet.text)
            Catalogue.under("baseline", tables.get("types"))


def test_a_page_that_says_something_else_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo one\ntwo\n```\n")
    with pytest.raises(AssertionError, match="echo one"):
        run_page(page, tmp_path)
    page.write_text("text\n\n```python\nfrom counterfoil import Nothing\n```\n")
    with pytest.raises(AssertionError, match="line 3"):
        run_page(page, tmp_path)
    page.write_text("```python\ndef (\n```\n")
    with pytest.raises(AssertionError, match="line 1"):
        run_page(page, tmp_path)


def test_what_varies_is_compared_by_its_form() -> None:
    assert form("at 2026-11-02T12:03:11Z, 1.5 s") == "at <time>, <seconds>"
    assert form("u-42 → 13.00") != form("u-42 → 12.00")
    assert list(commands("$ a \\\n> b\nc\n$ d\n")) == [("a b", "c\n"), ("d", "")]
