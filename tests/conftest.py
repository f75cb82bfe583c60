"""Fixtures that tests of several parts need."""

from __future__ import annotations

from .postgres import older_postgres, own_postgres, postgres, postgres_url
from .replica import pair

__all__ = ["older_postgres", "own_postgres", "pair", "postgres", "postgres_url"]
