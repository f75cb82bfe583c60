"""The one walk over values: it redacts, and makes everything plain JSON.

It keeps its own stack, so that depth costs nothing, and fills containers in place: a child is
put where it belongs before it is filled. Texts are gathered on the way and looked at together
at the end (`suspicion`).
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any, TypeAlias

from . import marker, text
from .assignments import CODE
from .keys import UNKNOWN, Keys, Role, escaped, unescaped
from .names import joined, segments
from .paths import States
from .payment import is_card_number
from .plain import JSON, Items, Members, free_name, key_text, plain
from .scan import Scan, holds
from .suspicion import is_uuid, suspects
from .treatment import Treatment, Verdict, stronger
from .vocabulary import (
    ABOUT,
    MEASURES,
    OAUTH_COMPANIONS,
    PAIR_NAMES,
    RECORD_NAMES,
    RECORD_VALUES,
)

DEEPEST = 20
"""Levels of containers; below them `[depth]` stands."""

MOST_MEMBERS = 100_000
"""Members and items of one walk; what is beyond is left out: it would not fit anyway."""

MOST_TEXTS = 8
"""Texts of one walk together, in lengths of the longest; what is beyond is left out, too."""

SHORT = 13
"""Letters and digits alone are nothing to look at below this length."""

LONGEST_PAIR_NAME = 128
"""Characters of a name that stands as a value; a name also has at most three words."""

SMALLEST_CARD = 10**12
LONG_CODE = replace(CODE, needs=re.compile(r"^\S{12}"))
"""Beside `state` alone a short `code` may as well be an error's."""

JWK = Verdict("name:jwk", "private_key", Treatment.DROP)

_NO_NAMES = ("[", "base64:")
_MOST_MEMBERS = 32
_MOST_RECORDS = 100

Chain: TypeAlias = "tuple[int, Chain, int] | None"
"""The containers around a value: the innermost's identity, those further out, how many."""

Frame: TypeAlias = "tuple[Members | Items, Any, Chain, States, Verdict | None, str, bool]"
"""A container to be filled: its members or items, the clean container, the containers around it
and itself, where the rules' paths stand, what holds for every item of a list, the pointer to it
(kept only for findings), whether it stands in a list."""


class Walk:
    """One walk over any number of values.

    Args:
        scan: the rules in force; takes note of what was found.
        keys: what is known of keys under these rules.
        longest: characters of the longest text that is looked at; a longer one is left out.
        level: in how many layers of JSON in a text the values stood.
    """

    def __init__(self, scan: Scan, keys: Keys, longest: int, level: int = 0) -> None:
        self._scan = scan
        self._keys = keys
        self._longest = longest
        self._level = level
        self._left = MOST_MEMBERS
        self._stack: list[Frame] = []
        self._texts: list[Any] = []  # target, name and text by turns
        self._wheres: list[str] | None = None if scan.findings is None else []
        self._identifiers: set[int] = set()

    def value(self, value: object) -> JSON:
        """One value, clean; to be called once, and alone."""
        out: dict[str, Any] = {}
        self._place(out, "", value, None, (), self._scan.where)
        self._run()
        self.finish()
        clean: JSON = out[""]
        return clean

    def finish(self) -> None:
        """Look at the texts that were gathered; to be called once, after the last value."""
        gathered = self._texts
        values = gathered[2::3]
        if not values:
            return
        if sum(map(len, values)) > self._longest:
            self._leave_out(values)
        scan = self._scan
        chosen = range(len(values)) if scan.rules.patterns else sorted(suspects(values))
        for index in chosen:
            if self._wheres is not None:
                scan.where = self._wheres[index]
            gathered[3 * index][gathered[3 * index + 1]] = text.cleaned(
                values[index],
                scan,
                self._from_text,
                identifier=index in self._identifiers,
                level=self._level,
            )

    def _leave_out(self, values: list[str]) -> None:
        """What is too long to be kept is not looked at either."""
        total = 0
        for index, value in enumerate(values):
            total += len(value)
            if len(value) > self._longest or total > MOST_TEXTS * self._longest:
                size = len(value.encode("utf-8", "surrogatepass"))
                target, name = self._texts[3 * index : 3 * index + 2]
                values[index] = target[name] = marker.truncated(size)
                self._scan.lossy = True

    def _from_text(self, value: object, level: int) -> JSON:
        """Clean a value that stood as JSON in a text."""
        where = self._scan.where
        clean = Walk(self._scan, self._keys, self._longest, level).value(value)
        self._scan.where = where
        return clean

    def _run(self) -> None:
        stack = self._stack
        while stack:
            frame = stack.pop()
            source = frame[0]
            if isinstance(source, Members):
                self._members(frame, source)
            else:
                self._items(frame, source)

    def _members(self, frame: Frame, source: Members) -> None:
        _, target, chain, states, forced, where, _ = frame
        known = self._keys.known.get
        texts = self._texts
        plainly = not states and forced is None and self._wheres is None
        altered = False
        siblings: dict[str, Any] | None = None
        for key, value in source:
            if type(key) is str:
                entry = known(key, UNKNOWN)
                if entry is None and plainly:
                    # Nearly every member of nearly every event comes by here.
                    kind = type(value)
                    if kind is str:
                        target[key] = value
                        if (len(value) >= SHORT or not value.isalnum()) and not is_uuid(value):
                            texts += (target, key, value)
                    elif (
                        value is None
                        or kind is bool
                        or (kind is int and -SMALLEST_CARD < value < SMALLEST_CARD)
                    ):
                        target[key] = value
                    else:
                        self._place(target, key, value, chain, states, where)
                    continue
                if entry is UNKNOWN:
                    entry = self._keys.learn(key, self._clean_key)
                name = key
            else:
                key = name = key_text(key)
                entry = self._keys.entry(key, self._clean_key)
                altered, plainly = True, False
            if entry is not None and entry.name != key:
                name = entry.name
                altered, plainly = True, False
                self._scan.where = where
                self._scan.found("key", Treatment.DROP)
            below = states
            verdict = entry.verdict if entry is not None else None
            if forced is not None and not _describes(name):
                verdict = stronger(forced, verdict)
            if states:
                below, found = self._scan.rules.paths.member(states, name)
                verdict = stronger(verdict, found)
            if altered:
                name = free_name(name, target)
            if verdict is None and entry is not None and entry.role is not None:
                if siblings is None:
                    siblings = self._by_name(source)
                verdict = self._among(entry.role, siblings)
            inside = "" if self._wheres is None else f"{where}/{escaped(name)}"
            self._put(verdict, target, name, value, chain, below, inside)

    def _items(self, frame: Frame, source: Items) -> None:
        _, target, chain, states, forced, where, inner = frame
        pair = flag = None
        if len(source) == 2 and (inner or source.pair):
            pair = self._named_by(source[0])
        texts = self._texts
        plainly = not states and pair is None and forced is None and self._wheres is None
        for index, value in enumerate(source):
            kind = type(value)
            if plainly and flag is None:
                if kind is str and value[:2] != "--":
                    target.append(value)
                    if (len(value) >= SHORT or not value.isalnum()) and not is_uuid(value):
                        texts += (target, index, value)
                    continue
                if kind is int and -SMALLEST_CARD < value < SMALLEST_CARD:
                    target.append(value)
                    continue
            target.append(None)
            below, verdict = states, stronger(forced, flag)
            if states:
                below, found = self._scan.rules.paths.item(states, index)
                verdict = stronger(verdict, found)
            if index == 1:
                verdict = stronger(verdict, pair)
            flag = self._flag(value)
            inside = "" if self._wheres is None else f"{where}/{index}"
            self._put(verdict, target, index, value, chain, below, inside, inner=True)

    def _put(
        self,
        verdict: Verdict | None,
        target: Any,
        name: str | int,
        value: object,
        chain: Chain,
        states: States,
        where: str,
        *,
        inner: bool = False,
    ) -> None:
        """Put in its place what a verdict leaves of a value."""
        if verdict is not None:
            self._scan.where = where
            held = plain(value)
            if isinstance(held, (Members, Items)):
                if self._goes_whole(verdict, held):
                    target[name] = self._scan.dropped(verdict.rule, verdict.kind)
                    return
            else:
                treated = self._treated(verdict, held)
                if treated is not None:
                    target[name] = treated
                    return
        self._place(target, name, value, chain, states, where, verdict=verdict, inner=inner)

    def _treated(self, verdict: Verdict, held: Any) -> str | None:
        """What stands in a scalar's place; None where it is to be looked at like any other."""
        if type(held) is str:
            if marker.treatment_of(held, self._scan.rules.kinds) is Treatment.DROP:
                return held
            return self._scan.treated(self._settled(verdict, held), held)
        if held is None or (type(held) is bool and not verdict.everything):
            return None
        if verdict.everything or verdict.numbers:
            return self._scan.treated(verdict, str(held))
        digits = _card_digits(held)
        return None if digits is None else self._scan.treated(verdict, digits)

    def _settled(self, verdict: Verdict, held: str) -> Verdict:
        """A verdict that asks for something in the text, asked of what a pass leaves of it, too."""
        if verdict.needs is None or holds(verdict.needs, held) or not suspects([held]):
            return verdict
        return (
            replace(verdict, needs=None) if holds(verdict.needs, self._quietly(held)) else verdict
        )

    def _goes_whole(self, verdict: Verdict, held: Members | Items) -> bool:
        """Whether a container goes as one, and not item by item."""
        if not held or not verdict.whole:
            return False
        if type(held) is Items:
            if verdict.treatment is not Treatment.DROP:
                return False
            items = [plain(item) for item in held[:_MOST_RECORDS]]
            described = all(self._describes_secret(item, verdict) for item in items)
            return not described or len(held) > _MOST_RECORDS
        return not self._describes_secret(held, verdict)

    def _describes_secret(self, held: object, verdict: Verdict) -> bool:
        """Whether a dict under a secret's name describes the secret: `{"id": "k1", "scopes": []}`.

        All its names must be of known meaning, else it may be a map that is keyed by secrets, or
        by whose they are; and one of them must be such as only a description has, or all values
        numbers, which say how much or how many.
        """
        if not isinstance(held, Members) or len(held) > _MOST_MEMBERS or verdict.everything:
            return False
        counts, record = True, False
        for key, value in held:
            name = joined(key[:64]) if type(key) is str else ""
            described = bool(name) and _describes(key)
            if not (described or name in RECORD_VALUES):
                return False
            counts = counts and described and self._is_count(plain(value))
            record = record or name in RECORD_NAMES
        return counts or (record and verdict.records)

    def _is_count(self, held: object) -> bool:
        if type(held) is str:
            return marker.treatment_of(held, self._scan.rules.kinds) is not None
        return not isinstance(held, (Members, Items))

    def _place(
        self,
        target: Any,
        name: str | int,
        value: object,
        chain: Chain,
        states: States,
        where: str,
        *,
        verdict: Verdict | None = None,
        inner: bool = False,
    ) -> None:
        """Put a value in its place: a scalar as it is, a container to be filled."""
        held = plain(value)
        kind = type(held)
        if kind is str:
            if issubclass(type(value), (bytes, bytearray)):
                held = self._of_bytes(value, held)
            target[name] = held
            self._texts += (target, name, held)
            if self._wheres is not None:
                self._wheres.append(where)
        elif isinstance(held, (Members, Items)):
            target[name] = self._opened(value, held, chain, states, verdict, where, inner)
        elif kind is bool or held is None:
            target[name] = held
        else:
            target[name] = self._number(held, where)

    def _opened(
        self,
        value: object,
        held: Members | Items,
        chain: Chain,
        states: States,
        verdict: Verdict | None,
        where: str,
        inner: bool,
    ) -> Any:
        """An empty container that is filled later, or the mark that stands in its place."""
        identity = id(value)
        depth = 1 if chain is None else chain[2] + 1
        outer = chain
        while outer is not None:
            if outer[0] == identity:
                return "[cycle]"
            outer = outer[1]
        if depth > DEEPEST:
            self._scan.lossy = True
            return "[depth]"
        self._left -= len(held)
        if self._left < 0:
            self._scan.lossy = True
            return "[truncated:members]"
        opened: Any = {} if type(held) is Members else []
        forced = verdict
        if verdict is not None and not verdict.whole and type(held) is Members:
            forced = None
        chain = (identity, chain, depth)
        self._stack.append((held, opened, chain, states, forced, where, inner))
        return opened

    def _of_bytes(self, value: Any, held: Any) -> Any:
        """Bytes are looked at as the text that they may be, too."""
        if not held.startswith("base64:"):
            return held
        decoded = base64.b64decode(held[7:]).decode("utf-8", "replace")
        hits = self._scan.hits
        text.cleaned(decoded, self._scan, self._from_text, level=self._level)
        return held if self._scan.hits == hits else marker.dropped("base64")

    def _number(self, value: Any, where: str) -> Any:
        """A number may be a card number: payment services write it as one in JSON."""
        digits = _card_digits(value)
        if digits is None:
            return value
        self._scan.where = where
        self._scan.found("value:pan", Treatment.LAST4)
        return marker.last4("pan", digits)

    def _clean_key(self, key: str) -> str:
        if not self._scan.rules.patterns and not suspects([key]):
            return key
        return self._quietly(key)

    def _quietly(self, value: str) -> str:
        """A text cleaned without a note: what is found is noted where the text comes to stand."""
        scan = self._scan
        hits, findings = scan.hits, scan.findings
        scan.findings = None
        clean = text.cleaned(value, scan, self._from_text, level=self._level)
        scan.hits, scan.findings = hits, findings
        return clean

    def _among(self, role: Role, siblings: dict[str, Any]) -> Verdict | None:
        """The verdict on a value whose name its siblings tell."""
        if role is Role.CODE:
            if not OAUTH_COMPANIONS.isdisjoint(siblings):
                return CODE
            return LONG_CODE if "state" in siblings else None
        if role is Role.JWK:
            return JWK if "kty" in siblings else None
        for name in PAIR_NAMES:
            verdict = self._named_by(siblings.get(name))
            if verdict is not None:
                return verdict
        return None

    def _named_by(self, name: object) -> Verdict | None:
        """The verdict of a name that stands as a value: in a pair, or a JSON Patch's path."""
        name = name.decode("latin-1") if type(name) is bytes else plain(name)
        if type(name) is not str or len(name) > self._longest or name.startswith(_NO_NAMES):
            return None
        # Judged by what is left of it, so that a second pass judges alike.
        name = self._named(name)
        if len(name) > LONGEST_PAIR_NAME or name.count(" ") > 2:
            return None
        verdict = None
        for part in name.split("/") if name.startswith("/") else (name,):
            entry = self._keys.entry(unescaped(part), self._clean_key)
            verdict = stronger(verdict, entry.verdict if entry is not None else None)
        return verdict

    def _named(self, key: str) -> str:
        entry = self._keys.entry(key, self._clean_key)
        return key if entry is None else entry.name

    def _flag(self, item: object) -> Verdict | None:
        """The verdict on what follows `--password` in a list of arguments."""
        kind = type(item)
        if kind is not str:
            if kind is int or kind is dict or kind is list or kind is float or item is None:
                return None
            item = plain(item)
        if not isinstance(item, str) or not item.startswith("--") or len(item) > self._longest:
            return None
        entry = self._keys.entry(item, self._clean_key)
        if entry is None or "=" in entry.name or " " in entry.name:
            return None
        return entry.verdict if len(entry.name) <= LONGEST_PAIR_NAME else None

    def _by_name(self, source: Members) -> dict[str, Any]:
        """The members by their `joined` names."""
        names: dict[str, Any] = {}
        for key, value in source:
            name = key if type(key) is str else key_text(key)
            if len(name) <= LONGEST_PAIR_NAME:
                names.setdefault(joined(self._named(name)), value)
        return names


def _card_digits(number: Any) -> str | None:
    """The digits of a number that is a card number."""
    if number < SMALLEST_CARD or number != int(number):
        return None
    digits = str(int(number))
    return digits if is_card_number(digits) else None


def _describes(name: str) -> bool:
    """Whether a member's name says that its value only describes the thing."""
    found = segments(name[:64])
    return bool(found) and (found[-1] in ABOUT or found[-1] in MEASURES)
