"""``include_request_body``: the body of the request that is being handled, if any."""

from __future__ import annotations

from counterfoil.ambient import AMBIENT, REQUEST_BODY
from counterfoil.record import Draft

from .redaction.bodies import read_body


def attach_body(draft: Draft) -> Draft:
    """Attach what the application has read of the request's body, where the caller asks for it.

    Of a body that was not read to its end only type and size are kept: where it was cut, half a
    card number or half a key would be no pattern's any more. It stands before redaction.
    """
    options = draft.options
    ambient = AMBIENT.get()
    if options is None or not options.include_request_body or ambient is None:
        return draft
    source = ambient.get(REQUEST_BODY)
    if draft.body is not None or source is None:
        return draft
    body = source.snapshot()
    if body.complete:
        draft.body = read_body(body.content_type, body.data)
    else:
        draft.body = {"content_type": body.content_type, "size": body.size, "complete": False}
    return draft
