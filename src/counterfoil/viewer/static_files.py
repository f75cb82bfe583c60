"""Static files: styles, scripts and vendored libraries, compressed once and cached for good."""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

PREFIX: Final = "/static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
#: A file's address holds the version of all of them, so that it never changes.
_FOREVER: Final = "public, max-age=31536000, immutable"


class StaticFile(NamedTuple):
    """A file as it is sent."""

    data: bytes
    compressed: bytes
    type: str


@cache
def static_files() -> dict[str, StaticFile]:
    """Every file by its name below ``static/``."""
    found: dict[str, StaticFile] = {}
    _collect(files(__package__) / "static", "", found)
    return found


@cache
def version() -> str:
    """A few letters that differ once any file does."""
    digest = sha256()
    for name, item in sorted(static_files().items()):
        digest.update(name.encode() + b"\0" + item.data)
    return digest.hexdigest()[:12]


def address(name: str) -> str:
    """Where a page finds a file.

    Raises:
        KeyError: there is no such file.
    """
    static_files()[name]
    return f"{PREFIX}/{version()}/{name}"


async def serve(request: Request) -> Response:
    """Answer with a file; the version in its address is not looked at."""
    item = static_files().get(request.path_params["name"])
    if item is None:
        return Response("Not found.\n", 404, media_type="text/plain")
    headers = {"cache-control": _FOREVER, "vary": "accept-encoding", "content-type": item.type}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(item.compressed, headers={**headers, "content-encoding": "gzip"})
    return Response(item.data, headers=headers)


def compressed_file(data: bytes, suffix: str) -> StaticFile:
    """A file as it is sent, by the ending of its name."""
    return StaticFile(data, gzip.compress(data, 9, mtime=0), _TYPES[suffix])


def _collect(folder: Traversable, before: str, found: dict[str, StaticFile]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _collect(entry, f"{before}{entry.name}/", found)
            continue
        suffix = f".{entry.name.rpartition('.')[2]}"
        if suffix in _TYPES:
            found[before + entry.name] = compressed_file(entry.read_bytes(), suffix)
