"""A link of the policy chain: the one function shape that extends it."""

from __future__ import annotations

from collections.abc import Callable

from counterfoil.record import Draft

Link = Callable[[Draft], Draft]
Chain = tuple[Link, ...]
