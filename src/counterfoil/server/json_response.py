"""Answers of plain JSON values."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response


def json_response(value: Any, status: int = 200) -> Response:
    """An answer of plain JSON values."""
    return Response(orjson.dumps(value), status, media_type="application/json")
