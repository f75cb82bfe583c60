"""The ambient context: what is known of the caller without its saying so.

A context variable, so that every task and thread that was started with a copy of the context
sees its own. It stands this low because the log reads it and everything that captures
(middleware, hooks, decorators) sets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

#: Where the ambient mapping holds the ``record.body.BodySource`` of the request that is being
#: handled; every other name is one of ``record.Draft``.
REQUEST_BODY: Final = "request_body"

#: To be read only; ``capture.context`` alone makes and changes what stands here.
AMBIENT: ContextVar[Mapping[str, Any] | None] = ContextVar("counterfoil_ambient", default=None)
