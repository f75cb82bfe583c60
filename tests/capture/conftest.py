"""A real log for each test, and what it has recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from counterfoil import AuditLog
from counterfoil.ambient import AMBIENT, REQUEST_BODY
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.chain import default_chain
from counterfoil.record import Draft


def attach_body(draft: Draft) -> Draft:
    """The last link of the tests' chain: the body as capture handed it on, before redaction."""
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
    chain = (*default_chain(catalogue), attach_body)
    async with AuditLog.open(url, catalogue=catalogue, chain=chain) as log:
        yield log
