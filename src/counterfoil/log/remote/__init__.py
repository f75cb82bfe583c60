"""A log on a server: what stands behind ``AuditLog.open("https://…")``."""
