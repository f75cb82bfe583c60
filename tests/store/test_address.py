"""Addresses that name no log are refused by our own error, which does not show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from counterfoil import AuditLog
from counterfoil.errors import ConfigurationError


@pytest.mark.parametrize(
    "address",
    [
        "",
        "hunter2",
        "hunter2://x",
        "sqlite:",
        "sqlite:///",
        "sqlite:///.",
        "sqlite:///hunter2/..",
        "sqlite://hunter2.db",
        "sqlite://[hunter2/x",
        "sqlite:///hunter2.db?mode=ro",
        "postgresql://",
        "postgresql://u:hunter2@[::1/x",
        "postgresql://u:hunter2@h:port/x",
        "https://",
        "https://u:hunter2@[::1/x",
        "http://[hunter2",
        Path("hunter2.db"),
        None,
        7,
        b"sqlite:///hunter2.db",
    ],
    ids=repr,
)
async def test_what_names_no_log_is_refused(address: Any) -> None:
    with pytest.raises(ConfigurationError) as refused:
        await AuditLog.open(address)
    assert refused.value.remedy
    assert "hunter2" not in str(refused.value)
