"""Code in the documentation: found, and run as a reader would.

In a page, from top to bottom, in one empty folder:

- ``python`` and ``toml`` blocks whose first line is ``# name`` become that file.
- Any other ``python`` block is part of a program that the page does not show: it must be valid,
  and what it imports of ours must be there.
- In ``console`` blocks each line that begins with ``$`` is run, and what follows is what it
  must print. What differs from run to run (ids, times, hashes, keys, seconds) is compared by
  its form.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"# ([\w.-]+\.\w+)\n")
#: Commands about the clone itself, which other tests run.
_SKIPPED = ("pip install", "git clone", "make demo", "python -m pip")

_VARYING = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "<day>"),
    (re.compile(r"\b[0-9a-f]{16}/"), "<database>/"),
    (re.compile(r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}"), "+<key>"),
    (re.compile(r"— (\S+) [A-Za-z0-9+/=]{90,}"), r"— \1 <signature>"),
    (re.compile(r"^[A-Za-z0-9+/]{43}=$", re.MULTILINE), "<root>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<hash>"),
    (re.compile(r"\d+\.\d s\b"), "<seconds>"),
    (re.compile(r"\d+\.\d [KM]iB"), "<size>"),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
)


class Snippet(NamedTuple):
    """A fenced block: its language, its text, and the line that it begins at."""

    language: str
    text: str
    line: int


def snippets(page: Path) -> Iterator[Snippet]:
    """The fenced blocks of a page, in order."""
    content = page.read_text(encoding="utf-8")
    for block in _FENCE.finditer(content):
        indent, language, text = block.groups()
        lines = (line.removeprefix(indent) for line in text.splitlines(keepends=True))
        yield Snippet(language, "".join(lines), content.count("\n", 0, block.start()) + 1)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, and what is printed after it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        while command.endswith("\\"):
            more, _, output = output.partition("\n")
            command = f"{command[:-1]}{more.removeprefix('>').strip()}"
        yield command, output


def form(output: str) -> str:
    """Output with what varies named instead of shown."""
    for pattern, name in _VARYING:
        output = pattern.sub(name, output)
    return output.strip()


def run_page(page: Path, folder: Path) -> None:
    """Run a page's code in an empty folder; an AssertionError names the line."""
    for snippet in snippets(page):
        where = f"{page.name}, line {snippet.line}"
        named = _NAME.match(snippet.text)
        if named and snippet.language in ("python", "toml"):
            (folder / named[1]).write_text(snippet.text, encoding="utf-8")
        elif snippet.language == "python":
            _check_fragment(snippet.text, where)
        elif snippet.language == "console":
            for command, expected in commands(snippet.text):
                if not command.startswith(_SKIPPED):
                    ran = _run(["bash", "-c", command], folder)
                    assert form(ran.stdout) == form(expected), f"{where}: $ {command}\n{ran.stdout}"


def _check_fragment(text: str, where: str) -> None:
    try:
        tree = compile(text, where, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        raise AssertionError(f"{where}: {error}") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("counterfoil"):
            module = import_module(node.module or "")
            for name in node.names:
                assert hasattr(module, name.name), f"{where}: {node.module} has no {name.name}"


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    scripts = sysconfig.get_path("scripts")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("COUNTERFOIL_")
    }
    environment |= {
        "PATH": f"{scripts}{os.pathsep}{environment.get('PATH', '')}",
        "TZ": "UTC",
        "COLUMNS": "80",
        "TERM": "dumb",
        "PYTHONWARNINGS": "error",
    }
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
