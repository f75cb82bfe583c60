"""The browser libraries that the viewer brings along: whole, named, licensed."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

import counterfoil
from tools.vendor_assets import LIBRARIES

STATIC = Path(counterfoil.__file__).parent / "viewer" / "static"
VENDOR = STATIC / "vendor"
LISTED = json.loads((VENDOR / "vendor.json").read_text(encoding="utf-8"))


def test_what_is_there_is_what_is_listed() -> None:
    listed = {name for library in LISTED for name in library["files"]}
    assert {path.name for path in VENDOR.iterdir()} == {*listed, "vendor.json"}
    versions = {(library["name"], library["version"], library["license"]) for library in LISTED}
    assert versions == {(item.name, item.version, item.license) for item in LIBRARIES}


@pytest.mark.parametrize("library", LISTED, ids=lambda library: library["name"])
def test_every_file_has_its_checksum_and_every_library_its_licence(library: dict) -> None:
    for name, checksum in library["files"].items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == checksum
    assert any(name.endswith("LICENSE.txt") for name in library["files"])


def test_no_page_and_no_script_of_ours_loads_anything_from_elsewhere() -> None:
    for path in STATIC.parent.rglob("*"):
        if path.suffix in (".html", ".css", ".js") and VENDOR not in path.parents:
            text = path.read_text(encoding="utf-8")
            found = re.findall(
                r"""(?:src|href|url|import|from)\s*[=(]?\s*["']?(?:https?:)?//""", text
            )
            assert found == [], path.name
