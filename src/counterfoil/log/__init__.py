"""The log: append, read, prove, verify."""

from .audit_log import AuditLog
from .limits import Limits

__all__ = ["AuditLog", "Limits"]
