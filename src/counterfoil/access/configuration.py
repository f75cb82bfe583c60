"""The configuration: what a server was last started with, so that a change of it is an event."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import orjson

from counterfoil.store.registry import Registry, RegistryRow

from .trail import Trail

KIND: Final = "configuration"
NAME: Final = "server"


class Configuration:
    """Compares settings with those of the last start. It keeps hashes, and no values.

    Args:
        registry: where they are kept.
        trail: records a change.
    """

    def __init__(self, registry: Registry, trail: Trail) -> None:
        self._registry = registry
        self._trail = trail

    async def note(self, settings: Mapping[str, Any]) -> list[str]:
        """Record which settings differ from the last start's; their names, sorted.

        The first start records that there is a configuration, and names no setting.

        Args:
            settings: by name, as plain JSON values.

        Raises:
            WriteError, StoreError: it could not be recorded.
        """
        fresh = {name: _hash(value) for name, value in settings.items()}
        value = orjson.dumps(fresh, option=orjson.OPT_SORT_KEYS)
        row = RegistryRow(KIND, NAME, value)
        held = await self._registry.registered(KIND, NAME)
        if held is None:
            await self._trail.configured("server_configured", [])
            await self._registry.register(row)
            return []
        if held.value == value:
            return []
        known = orjson.loads(held.value)
        changed = sorted(name for name in {*known, *fresh} if known.get(name) != fresh.get(name))
        # The event first: started again after a crash, it is told twice and not never.
        await self._trail.configured("server_settings_changed", changed)
        await self._registry.reregister(row, held.value)
        return changed


def _hash(value: Any) -> str:
    return sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
