"""The component for pages of an application's own: ``<counterfoil-viewer>`` as one script.

It is put together from the viewer's own scripts, so that what it checks is what the viewer
checks. One file can be pinned by a page (Subresource Integrity), and needs nothing besides.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha384
from importlib.resources import files
from typing import Any, Final
from xml.etree.ElementTree import Element, fromstring

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .static_files import StaticFile, compressed_file, static_files
from .texts import script_texts, texts

PREFIX: Final = "/embed"
NAME: Final = "counterfoil-viewer"
#: Each imports only from those before it.
MODULES: Final = ("embedded", "text", "proof", "memory", "check", "component")
#: Groups of texts that the component shows besides those of the scripts.
_TEXTS: Final = ("embed.", "field.", "diff.", "level.", "verify.intro", "event.")
_ICONS: Final = ("good", "bad", "note", "info", "warning", "error", "critical")
_IMPORT_ALL = re.compile(r'^import \* as (\w+) from "\./(\w+)\.js";$', re.M)
_IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "\./(\w+)\.js";$', re.M)
_EXPORT = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.M)
_FOR_ALL: Final = {
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
}
_SHORTLY: Final = "public, max-age=300"
_FOREVER: Final = "public, max-age=31536000, immutable"

router = APIRouter()


@cache
def component() -> StaticFile:
    """The script; made once. It is public, as what it shows is not in it."""
    parts = [f"// {NAME}: see docs/how-to/show-customers-their-log.md. Apache-2.0."]
    parts += [_wrapped(name, _source(name)) for name in MODULES]
    return compressed_file("\n".join(parts).encode(), ".js")


@cache
def integrity() -> str:
    """What a page pins the script by."""
    return f"sha384-{b64encode(sha384(component().data).digest()).decode()}"


def version() -> str:
    """A few letters that differ once the script does."""
    return sha384(component().data).hexdigest()[:12]


@router.get(f"{PREFIX}/{NAME}.json")
async def manifest() -> Response:
    """Where the script is, and what to pin it by."""
    body = {"src": f"{PREFIX}/{version()}/{NAME}.js", "integrity": integrity()}
    return JSONResponse(body, headers={**_FOR_ALL, "cache-control": "no-cache"})


@router.get(f"{PREFIX}/{NAME}.js")
async def newest(request: Request) -> Response:
    """The script, whichever it is."""
    return _sent(request, _SHORTLY)


@router.get(f"{PREFIX}/{{wanted}}/{NAME}.js")
async def pinned(request: Request, wanted: str) -> Response:
    """The script of this version, and no other under its name."""
    if wanted != version():
        return Response("Not found.\n", 404, _FOR_ALL, "text/plain")
    return _sent(request, _FOREVER)


def _sent(request: Request, caching: str) -> Response:
    item = component()
    headers = {
        **_FOR_ALL,
        "cache-control": caching,
        "vary": "accept-encoding",
        "content-type": item.type,
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(item.compressed, headers={**headers, "content-encoding": "gzip"})
    return Response(item.data, headers=headers)


def _source(name: str) -> str:
    if name != "embedded":
        return static_files()[f"{name}.js"].data.decode()
    shown = {key: said for key, said in texts().items() if key.startswith(_TEXTS)}
    values = {
        "texts": script_texts() | shown,
        "style": static_files()["component.css"].data.decode(),
        "icons": _icons(),
    }
    return "".join(
        f"export const {key} = {orjson.dumps(value).decode()};\n" for key, value in values.items()
    )


def _wrapped(name: str, source: str) -> str:
    """A module as the value of a function, with what it exports as its members."""
    exported = ", ".join(found[1] for found in _EXPORT.findall(source))
    body = _IMPORT_ALL.sub(r"const \1 = $\2;", source)
    body = _IMPORT.sub(r"const { \1 } = $\2;", body)
    body = _EXPORT.sub(r"\1 \2", body)
    return f"const ${name} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();"


def _icons() -> list[Any]:
    drawings = (files(__package__) / "templates" / "icons.html").read_text("utf-8")
    sprite = fromstring(drawings)  # noqa: S314 - a file of ours
    wanted = {f"i-{name}" for name in _ICONS}
    return [_part(symbol) for symbol in sprite if symbol.get("id") in wanted]


def _part(element: Element) -> list[Any]:
    """A drawing as JSON: its tag, its attributes, its parts."""
    return [element.tag, dict(element.attrib), [_part(one) for one in element]]
