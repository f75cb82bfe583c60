"""The API's description, and pages that show it; nothing on them comes from elsewhere."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from counterfoil.server.problem import ProblemError

router = APIRouter(include_in_schema=False)

#: The page runs our own files and shows what the API answers; it uses pictures in style sheets.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_FILES: Final = {
    "swagger-ui-bundle.js": ("vendor", "text/javascript"),
    "swagger-ui.css": ("vendor", "text/css"),
    "docs.js": ("", "text/javascript"),
    "docs.css": ("", "text/css"),
}
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Counterfoil API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="stylesheet" href="docs/docs.css">
</head>
<body>
<main id="api">
<noscript>The API is described in <a href="openapi.json">openapi.json</a>.</noscript>
</main>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/docs.js"></script>
</body>
</html>
"""


@router.get("/openapi.json")
async def description(request: Request) -> Response:
    """The API's description."""
    body = orjson.dumps(request.app.openapi())
    return Response(body, headers=_CACHED, media_type="application/json")


@router.get("/docs")
async def page() -> Response:
    """A page that shows it."""
    return Response(_PAGE, headers={"Content-Security-Policy": _POLICY}, media_type="text/html")


@router.get("/docs/{name}")
async def file(name: str) -> Response:
    """A file of that page."""
    found = _FILES.get(name)
    if found is None:
        raise ProblemError("no_such_path")
    folder, media_type = found
    place = files("counterfoil.server").joinpath("static", folder, name)
    return Response(place.read_bytes(), headers=_CACHED, media_type=media_type)


_CACHED: Final = {"Cache-Control": "public, max-age=3600"}
