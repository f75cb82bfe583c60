"""The walk over an event's parts: its dicts, its changes by pointer, its ids and other texts."""

from __future__ import annotations

from typing import Any

from .keys import escaped, unescaped
from .paths import States
from .plain import Members, free_name, key_text, plain
from .suspicion import is_uuid
from .treatment import Verdict, stronger
from .walk import SHORT, SMALLEST_CARD, Chain, Walk

IDENTIFIERS = frozenset(
    [
        *("user_id", "resource_id", "request_id", "company_id"),
        *("on_behalf_of", "impersonator", "subjects"),
    ]
)
"""The context's own ids, where the rules for card numbers, IBANs and encodings do not run."""

_CHANGE = ("op", "old", "new")


class PartsWalk(Walk):
    """One walk over any number of an event's parts."""

    def part(self, out: dict[str, Any], root: str, value: object) -> None:
        """Put the clean form of the part `root` into `out`.

        Its texts are clean only after `finish`.
        """
        where = "" if self._wheres is None else f"/{root}"
        first = len(self._texts) // 3
        if type(value) is str:
            out[root] = value
            if (len(value) >= SHORT or not value.isalnum()) and not is_uuid(value):
                if root in IDENTIFIERS:
                    self._identifiers.add(first)
                self._texts += (out, root, value)
                if self._wheres is not None:
                    self._wheres.append(where)
            return
        paths = self._scan.rules.paths
        states = paths.start(root) if paths else ()
        if root == "changes" and isinstance(changes := plain(value), Members):
            target: dict[str, Any] = {}
            out[root] = target
            self._changes(target, changes, (id(value), None, 1), states, where)
        elif type(value) is dict:
            clean: dict[str, Any] = {}
            out[root] = clean
            source = Members(value.items())
            self._members((source, clean, (id(value), None, 1), states, None, where, False), source)
        else:
            self._place(out, root, value, None, states, where)
        self._run()
        if root in IDENTIFIERS:
            self._identifiers.update(range(first, len(self._texts) // 3))

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
            name, verdict = self._keys.pointer(pointer, self._clean_key)
            below = states
            if states:
                below, verdict = self._at(pointer, states, verdict)
            if name in target:
                name = free_name(name, target)
            inside = "" if self._wheres is None else f"{where}/{escaped(name)}"
            change = plain(value) if type(value) is not dict else Members(value.items())
            if isinstance(change, Members):
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
            holds = verdict
            if name not in _CHANGE:
                entry = self._keys.entry(name, self._clean_key)
                if entry is not None:
                    name, holds = entry.name, stronger(verdict, entry.verdict)
                name = free_name(name, target)
            elif name == "op":
                holds = None
            kind = type(value)
            if holds is None and (
                kind is bool
                or value is None
                or (kind is int and -SMALLEST_CARD < value < SMALLEST_CARD)
                or (kind is str and len(value) < SHORT and value.isalnum())
            ):
                target[name] = value
            else:
                inside = "" if self._wheres is None else f"{where}/{escaped(name)}"
                self._put(holds, target, name, value, chain, states, inside)
