"""Damage: what a store raises where it cannot return what it has to hold."""

from __future__ import annotations

from counterfoil.errors import SchemaError, StoreCorruptError

#: Bytes that cannot be what was written, or a table that is gone.
DAMAGE = (StoreCorruptError, SchemaError)
