"""Fetches the browser libraries of the viewer and the server with npm, with their checksums.

Run by hand where a version here was changed: it needs npm, which nothing else of the project
does. What it writes is committed, and a test holds the checksums.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src" / "counterfoil"
ESBUILD = "0.28.2"

MIT = """\
MIT License

Copyright (c) {holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


@dataclass(frozen=True)
class Library:
    """A package to take.

    Attributes:
        name, version: as npm knows it; ``license``: its SPDX name.
        files: path in the package -> name here.
        bundle: JavaScript of our own that is bundled with the package into one file, by name.
        holder: whose copyright it is, where the package has no licence file.
    """

    name: str
    version: str
    license: str
    files: dict[str, str]
    bundle: tuple[str, str] | None = None
    holder: str | None = None


LIBRARIES = (
    Library("htmx.org", "2.0.11", "0BSD", {"dist/htmx.min.js": "htmx.min.js"}),
    Library(
        "uplot",
        "1.6.32",
        "MIT",
        {"dist/uPlot.iife.min.js": "uplot.min.js", "dist/uPlot.min.css": "uplot.min.css"},
    ),
    Library(
        "jsondiffpatch",
        "0.7.7",
        "MIT",
        {},
        # The patcher alone: the package's own pages would need inline styles and scripts.
        ("jsondiffpatch.min.js", 'export { create } from "jsondiffpatch";\n'),
        "Benjamin Eidelman",
    ),
)
#: What shows the API under /docs.
DOCS = (
    Library(
        "swagger-ui-dist",
        "5.35.0",
        "Apache-2.0",
        {
            "swagger-ui-bundle.js": "swagger-ui-bundle.js",
            "swagger-ui-bundle.js.LICENSE.txt": "swagger-ui-bundle.js.LICENSE.txt",
            "swagger-ui.css": "swagger-ui.css",
            "NOTICE": "swagger-ui-dist.NOTICE.txt",
        },
    ),
)
FOLDERS = {"viewer": LIBRARIES, "server": DOCS}


def main() -> None:
    """Fetch everything, and write it."""
    for part, libraries in FOLDERS.items():
        _fetch(SOURCE / part / "static" / "vendor", libraries)


def _fetch(target: Path, libraries: tuple[Library, ...]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        wanted = [f"{library.name}@{library.version}" for library in libraries]
        _run(
            folder, "npm", "install", "--ignore-scripts", "--no-audit", *wanted,
            f"esbuild@{ESBUILD}",
        )  # fmt: skip
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        listed = [_take(folder, library, target) for library in libraries]
    text = json.dumps(listed, indent=2) + "\n"
    (target / "vendor.json").write_text(text, encoding="utf-8")


def _take(folder: Path, library: Library, home: Path) -> dict[str, object]:
    package = folder / "node_modules" / library.name
    for source, target in library.files.items():
        shutil.copyfile(package / source, home / target)
    if library.bundle is not None:
        target, source = library.bundle
        entry = folder / "entry.js"
        entry.write_text(source, encoding="utf-8")
        _run(
            folder, "node_modules/.bin/esbuild", str(entry), "--bundle", "--minify",
            "--format=esm", "--legal-comments=none", f"--outfile={home / target}",
        )  # fmt: skip
    licence = f"{library.name}.LICENSE.txt"
    if library.holder is not None:
        (home / licence).write_text(MIT.format(holder=library.holder), encoding="utf-8")
    else:
        shutil.copyfile(package / "LICENSE", home / licence)
    names = [*library.files.values(), *([library.bundle[0]] if library.bundle else []), licence]
    return {
        "name": library.name,
        "version": library.version,
        "license": library.license,
        "files": {name: hashlib.sha256((home / name).read_bytes()).hexdigest() for name in names},
    }


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
