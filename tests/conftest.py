"""Fixtures that tests of several parts need."""

from __future__ import annotations

from .postgres import older_postgres, own_postgres, postgres, postgres_url

__all__ = ["older_postgres", "own_postgres", "postgres", "postgres_url"]
