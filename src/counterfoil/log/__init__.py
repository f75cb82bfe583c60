"""The log: append, read, prove, verify."""

from .audit_log import AuditLog
from .limits import Limits
from .sync import SyncAuditLog

__all__ = ["AuditLog", "Limits", "SyncAuditLog"]
