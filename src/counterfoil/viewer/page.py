"""Pages: templates rendered to HTML, with the headers that keep them to themselves."""

from __future__ import annotations

import gzip
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import Response

from counterfoil.record.instant import to_datetime

from .shown import FILTERS
from .static_files import address
from .texts import LANGUAGE, script_texts, text
from .visitor import Visitor

#: Nothing but our own files, no inline code or style, no frames.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: Below this, compressing saves nothing.
_WORTH_COMPRESSING: Final = 512


@cache
def environment() -> Environment:
    """The templates' environment: everything is escaped, a name that is not there is an error."""
    found = Environment(
        loader=PackageLoader("counterfoil.viewer"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {
        "t": text,
        "static": address,
        "language": LANGUAGE,
        "script_texts": script_texts(),
    }
    found.filters |= FILTERS
    found.filters["moment"] = to_datetime
    return found


def render(template: str, visitor: Visitor, status: int = 200, **values: Any) -> Response:
    """A page.

    Args:
        template: its name below ``templates/``.
        visitor: whoever it is for.
        values: what the template shows.
    """
    said = environment().get_template(template).render(visitor=visitor, **values)
    return respond(said.encode(), visitor, status)


def respond(
    data: bytes, visitor: Visitor, status: int = 200, kind: str = "text/html; charset=utf-8"
) -> Response:
    """An answer for one visitor, compressed where that helps and is understood.

    The cookie is not sent along from other sites, so that nobody else can make a page repeat
    what they choose beside what they would like to learn by its compressed length.
    """
    headers = {
        "content-type": kind,
        "content-security-policy": POLICY,
        "cache-control": "no-store",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "vary": "accept-encoding, cookie, hx-request",
    }
    if visitor.takes_gzip and len(data) >= _WORTH_COMPRESSING:
        return Response(
            gzip.compress(data, 4, mtime=0), status, {**headers, "content-encoding": "gzip"}
        )
    return Response(data, status, headers)
