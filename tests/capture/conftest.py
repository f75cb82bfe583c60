"""A real log for each test, and what it has recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from counterfoil import AuditLog
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.chain import default_chain
from counterfoil.record import Draft


def attach_body(draft: Draft) -> Draft:
    """Records a request's body as it was captured, so that tests see what was handed on."""
    from counterfoil.ambient import AMBIENT, REQUEST_BODY

    ambient = AMBIENT.get() or {}
    source = ambient.get(REQUEST_BODY)
    if draft.options is not None and draft.options.include_request_body and source is not None:
        body = source.snapshot()
        draft.body = {
            "content_type": body.content_type,
            "text": body.data.decode("latin-1"),
            "size": body.size,
            "complete": body.complete,
        }
    return draft


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'audit.db'}"


@pytest.fixture
async def audit(url: str) -> AsyncIterator[AuditLog]:
    catalogue = Catalogue.under()
    chain = (attach_body, *default_chain(catalogue))
    async with AuditLog.open(url, catalogue=catalogue, chain=chain) as log:
        yield log
