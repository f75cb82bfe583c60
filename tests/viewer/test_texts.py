"""Texts: each that is used is there, each that is there is used."""

from __future__ import annotations

import re
from pathlib import Path

import counterfoil.viewer
from counterfoil.access import Role
from counterfoil.base import AuditLogLevel
from counterfoil.viewer.page import environment
from counterfoil.viewer.texts import texts

PACKAGE = Path(counterfoil.viewer.__file__).parent
USES = re.compile(r"""\b(?:t|text)\(\s*["']([\w.]+)["']""")
#: Names that are put together from a beginning and what a page is about.
BEGINNINGS = re.compile(r"""\b(?:t|text)\(\s*(?:["']([\w.]+\.)["'] ~|f"([\w.]+\.)\{|`(\w+_)\$)""")


def _sources() -> list[tuple[str, str]]:
    found = []
    for path in PACKAGE.rglob("*"):
        if path.suffix in (".html", ".py", ".js") and "vendor" not in path.parts:
            # The component names all texts as they are, since it brings its own.
            scripted = path.suffix == ".js" and path.name != "component.js"
            prefix = "js." if scripted else ""
            found.append((prefix, path.read_text(encoding="utf-8")))
    return found


def test_every_text_that_is_named_is_there() -> None:
    named = {prefix + name for prefix, source in _sources() for name in USES.findall(source)}
    assert named - set(texts()) - {name for name in named if name.endswith((".", "_"))} == set()
    roles = {f"role.{role.value}" for role in Role}
    levels = {f"level.{level.value}" for level in AuditLogLevel}
    assert roles | levels <= set(texts())


def test_every_text_is_used() -> None:
    sources = _sources()
    named = {prefix + name for prefix, source in sources for name in USES.findall(source)}
    begun = {
        prefix + name
        for prefix, source in sources
        for names in BEGINNINGS.findall(source)
        for name in names
        if name
    }
    quoted = {
        prefix + name
        for prefix, source in sources
        for name in re.findall(r"""["'`]([\w.]+)["'`]""", source)
    }
    unused = [
        name
        for name in texts()
        if name not in named | quoted and not any(name.startswith(one) for one in begun)
    ]
    assert unused == []


def test_every_template_can_be_read() -> None:
    names = environment().list_templates()
    assert names
    for name in names:
        environment().get_template(name)
