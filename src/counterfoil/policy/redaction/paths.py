"""Dotted paths such as `details.customer.*.phone`, followed while a value is walked."""

from __future__ import annotations

from collections.abc import Iterable

from .names import joined
from .treatment import Verdict, stronger

ROOTS = ("details", "before_state", "after_state", "changes", "metadata", "body")
"""The parts of an event that a path may start with."""

_ALSO = {"changes": ("before_state", "after_state")}
"""What a change shows was in the states, so their paths hold there too."""

_ALIASES = {"request_body": "body"}


class Node:
    """One place in the tree of all paths."""

    __slots__ = ("any", "below", "verdict")

    def __init__(self) -> None:
        self.below: dict[str, Node] = {}
        self.any: Node | None = None
        self.verdict: Verdict | None = None


States = tuple[Node, ...]
"""Where in the tree a walk stands; empty where no path can match below."""


class Paths:
    """All dotted paths of one set of rules.

    Args:
        paths: each path with its verdict. A part of a path matches a key in any spelling, and
            `*` any key or index.
    """

    def __init__(self, paths: Iterable[tuple[str, Verdict]]) -> None:
        self._roots: dict[str, Node] = {}
        self._anywhere: Node | None = None
        for path, verdict in paths:
            self._add(path, verdict)

    def __bool__(self) -> bool:
        return bool(self._roots) or self._anywhere is not None

    @staticmethod
    def rooted(path: str) -> bool:
        """Whether the path starts with the name of an event's part."""
        first = path.strip(".").split(".", 1)[0].strip()
        return _ALIASES.get(first, first) in ROOTS

    def start(self, root: str) -> States:
        """Where the walk of the event's part `root` begins."""
        nodes = [self._roots.get(name) for name in (root, *_ALSO.get(root, ()))]
        return tuple(node for node in (*nodes, self._anywhere) if node is not None)

    def member(self, states: States, key: str) -> tuple[States, Verdict | None]:
        """Go down to the member `key` of a dict: the new states, and its verdict."""
        name = joined(key)
        reached = [
            node
            for state in states
            for node in (state.below.get(name), state.any)
            if node is not None
        ]
        return self._arrived(reached, [])

    def item(self, states: States, index: int) -> tuple[States, Verdict | None]:
        """Go down to an item of a list; the path may name its index, or pass lists over."""
        name = str(index)
        reached = [
            node
            for state in states
            for node in (state.below.get(name), state.any)
            if node is not None
        ]
        return self._arrived(reached, list(states))

    def _arrived(self, reached: list[Node], passed: list[Node]) -> tuple[States, Verdict | None]:
        verdict: Verdict | None = None
        for node in reached:
            verdict = stronger(verdict, node.verdict)
        nodes = [node for node in (*reached, *passed) if node.below or node.any is not None]
        if self._anywhere is not None:
            nodes.append(self._anywhere)
        return tuple(dict.fromkeys(nodes)), verdict

    def _add(self, path: str, verdict: Verdict) -> None:
        parts = [part.strip() for part in path.strip(".").split(".")]
        root = _ALIASES.get(parts[0], parts[0])
        if root in ROOTS and len(parts) > 1:
            node = self._roots.setdefault(root, Node())
            parts = parts[1:]
        else:
            node = self._anywhere = self._anywhere or Node()
        for part in parts:
            if part == "*":
                node.any = node = node.any or Node()
            else:
                node = node.below.setdefault(joined(part), Node())
        node.verdict = stronger(node.verdict, verdict)
