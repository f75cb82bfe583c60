"""Counterfoil: the audit log you can prove.

The contract of :mod:`counterfoil.base` and the classes that an application uses. Everything is
loaded when it is first asked for, so that importing the package stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import AuditContext as AuditContext
    from .base import AuditEventType as AuditEventType
    from .base import AuditLogger as AuditLogger
    from .base import AuditLogLevel as AuditLogLevel
    from .base import AuditOptions as AuditOptions
    from .base import T as T
    from .capture import audit_context as audit_context
    from .capture import audited as audited
    from .capture import bind_context as bind_context
    from .capture import carry as carry
    from .capture import current_context as current_context
    from .errors import CounterfoilError as CounterfoilError
    from .errors import WriteError as WriteError
    from .log import AuditLog as AuditLog
    from .log import Limits as Limits
    from .log import SyncAuditLog as SyncAuditLog
    from .policy.catalogue import Catalogue as Catalogue
    from .policy.catalogue import Rule as Rule
    from .policy.diff import json_patch as json_patch
    from .record import Event as Event

_HOMES = {
    "AuditContext": "base",
    "AuditEventType": "base",
    "AuditLogLevel": "base",
    "AuditLogger": "base",
    "AuditOptions": "base",
    "T": "base",
    "CounterfoilError": "errors",
    "json_patch": "policy.diff",
    "current_context": "capture",
    "carry": "capture",
    "bind_context": "capture",
    "audited": "capture",
    "audit_context": "capture",
    "WriteError": "errors",
    "AuditLog": "log",
    "Limits": "log",
    "SyncAuditLog": "log",
    "Catalogue": "policy.catalogue",
    "Rule": "policy.catalogue",
    "Event": "record",
}

__all__ = [
    "AuditContext",
    "AuditEventType",
    "AuditLog",
    "AuditLogLevel",
    "AuditLogger",
    "AuditOptions",
    "Catalogue",
    "CounterfoilError",
    "Event",
    "Limits",
    "Rule",
    "SyncAuditLog",
    "T",
    "WriteError",
    "audit_context",
    "audited",
    "bind_context",
    "carry",
    "current_context",
    "json_patch",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
