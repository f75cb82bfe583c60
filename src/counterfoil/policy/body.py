"""``include_request_body``: the body of the request that is being handled, if any."""

from __future__ import annotations

from typing import Any

from counterfoil.ambient import AMBIENT, REQUEST_BODY
from counterfoil.record import Draft, RequestBody

from .redaction.bodies import read_body


def attach_body(draft: Draft) -> Draft:
    """Attach what the application has read of the request's body, where the caller asks for it.

    Of a body that was not read to its end only type and size are kept: where it was cut, half a
    card number or half a key would be no pattern's any more. It stands before redaction.
    """
    options = draft.options
    if options is None or not options.include_request_body or draft.body is not None:
        return draft
    ambient = AMBIENT.get()
    source = None if ambient is None else ambient.get(REQUEST_BODY)
    if source is not None:
        draft.body = _value(source.snapshot())
    return draft


def _value(body: RequestBody) -> Any:
    if body.complete:
        return read_body(body.content_type, body.data, content_encoding=body.content_encoding)
    return {"content_type": _essence(body.content_type), "size": body.size, "complete": False}


def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower() or "unknown"
