"""Verifying whole logs, and the report that names what is wrong."""
