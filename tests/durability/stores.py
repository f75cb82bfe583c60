"""Opens the log on a store of the test's own, where an address cannot say which."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from counterfoil import AuditLog
from counterfoil.store import Store


async def open_on(store: Store, **options: Any) -> AuditLog:
    """``AuditLog.open`` on a store that is not open yet; errors are not bridged by a spool."""
    path = store.path
    url = "memory:" if path is None else f"sqlite:///{path}"
    with patch("counterfoil.log.audit_log.open_store", lambda url, timeout: store):
        return await AuditLog.open(url, **{"checkpoint_interval": None, "spool": False, **options})
