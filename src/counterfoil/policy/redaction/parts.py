"""The walk over an event's parts: its dicts, its changes by pointer, its ids and other texts."""

from __future__ import annotations

from typing import Any

from .keys import escaped, unescaped
from .names import segments
from .paths import States
from .payment import SMALLEST_CARD
from .plain import Members, free_name, key_text, plain
from .shapes import LONGEST_NAME
from .suspicion import is_uuid
from .treatment import Verdict, stronger
from .vocabulary import PAIR_VALUES
from .walk import MOST_MEMBERS, Chain, Walk

IDENTIFIERS = frozenset(
    [
        *("user_id", "resource_id", "request_id", "company_id"),
        *("on_behalf_of", "impersonator", "subjects"),
    ]
)
"""The context's own ids, where the rules for card numbers, IBANs and base64 do not run."""

CHANGE = frozenset(["op", "old", "new"])
"""The members of one of the changes by pointer."""


class PartsWalk(Walk):
    """One walk over any number of an event's parts."""

    __slots__ = ()

    def part(self, out: dict[str, Any], root: str, value: object) -> None:
        """Put the clean form of the part `root` into `out`.

        Its texts are clean only after `finish`.
        """
        if type(value) is str:
            out[root] = value
            size = len(value)
            if (size >= self._short or not value.isalnum()) and not (
                size == self._uuid and is_uuid(value)
            ):
                self._text(out, root, value)
            return
        first = len(self._texts) // 3
        self._firsts.add(first)
        self._left = MOST_MEMBERS
        where = "" if self._wheres is None else f"/{root}"
        paths = self._scan.rules.paths
        states = paths.start(root) if paths else ()
        if (
            root == "changes"
            and isinstance(changes := plain(value), Members)
            and _are_pointers(changes)
        ):
            target: dict[str, Any] = {}
            out[root] = target
            self._changes(target, changes, (id(value), None, 1), states, where)
        elif type(value) is dict and len(value) <= self._left:
            # As `_place` would do it, without the way round.
            clean: dict[str, Any] = {}
            out[root] = clean
            source = Members(value.items())
            self._left -= len(source)
            self._members((source, clean, (id(value), None, 1), states, None, where, False), source)
        else:
            self._place(out, root, value, None, states, where)
        self._run()
        if root in IDENTIFIERS:
            self._identifiers.update(range(first, len(self._texts) // 3))

    def _text(self, out: dict[str, Any], root: str, value: str) -> None:
        if root in IDENTIFIERS:
            self._identifiers.add(len(self._texts) // 3)
        self._texts += (out, root, value)
        if self._wheres is not None:
            self._wheres.append(f"/{root}")

    def _changes(
        self, target: dict[str, Any], source: Members, chain: Chain, states: States, where: str
    ) -> None:
        """Changes by JSON pointer: what the pointer's parts say holds for the old and the new."""
        self._left -= len(source)
        if self._left < 0:
            target["…"] = "[truncated:members]"
            return
        for key, value in source:
            pointer = key if type(key) is str else key_text(key)
            if len(pointer) > self._longest:
                pointer = self._too_long(pointer)
            name, verdict = self._keys.pointer(pointer, self._clean_key)
            below = states
            if states:
                below, verdict = self._at(pointer, states, verdict)
            if name in target:
                name = free_name(name, target)
            inside = "" if self._wheres is None else f"{where}/{escaped(name)}"
            change = plain(value) if type(value) is not dict else Members(value.items())
            if isinstance(change, Members) and _is_change(change):
                members: dict[str, Any] = {}
                target[name] = members
                inner = (id(value), chain, 2)
                self._change(members, change, inner, below, verdict, inside)
            else:
                self._put(verdict, target, name, value, chain, below, inside)

    def _at(
        self, pointer: str, states: States, verdict: Verdict | None
    ) -> tuple[States, Verdict | None]:
        """Where the rules' paths stand at a pointer, and what they say on the way."""
        for part in pointer.split("/"):
            if part:
                states, found = self._scan.rules.paths.member(states, unescaped(part))
                verdict = stronger(verdict, found)
        return states, verdict

    def _change(
        self,
        target: dict[str, Any],
        source: Members,
        chain: Chain,
        states: States,
        verdict: Verdict | None,
        where: str,
    ) -> None:
        for key, value in source:
            name = key if type(key) is str else key_text(key)
            holds = None if name == "op" else verdict
            if name in target:
                name = free_name(name, target)
            kind = type(value)
            if holds is None and kind is str and self._wheres is None:
                target[name] = value
                if len(value) >= self._short or not value.isalnum():
                    self._texts += (target, name, value)
            elif holds is None and (
                kind is bool
                or value is None
                or ((kind is int or kind is float) and -SMALLEST_CARD < value < SMALLEST_CARD)
            ):
                target[name] = value
            else:
                inside = "" if self._wheres is None else f"{where}/{escaped(name)}"
                self._put(holds, target, name, value, chain, states, inside)


def _are_pointers(changes: Members) -> bool:
    """Whether a dict of changes is keyed by what changed, and not itself one change."""
    for key, _ in changes:
        if not (type(key) is str and key.startswith("/")) and _is_value(key):
            return False
    return True


def _is_change(members: Members) -> bool:
    """Whether a dict tells an old and a new value, and no more than that."""
    for key, _ in members:
        if not (type(key) is str and key in CHANGE) and not _is_value(key):
            return False
    return True


def _is_value(key: object) -> bool:
    """Whether a key says `op`, `old`, `new` and the like: whose value it is stands elsewhere."""
    name = key if type(key) is str else key_text(key)
    if name in CHANGE:
        return True
    if name.startswith("/") or len(name) > LONGEST_NAME:
        return False
    return "".join(segments(name)) in PAIR_VALUES
