"""The one walk over values: it redacts, and makes everything plain JSON.

It keeps its own stack, so that depth costs nothing, and fills containers in place: a child is
put where it belongs before it is filled. Texts are gathered on the way and looked at together
at the end (`suspicion`).
"""

from __future__ import annotations

import base64
from typing import Any, TypeAlias

from . import marker, text
from .credentials import lines_of_keys
from .keys import Entry, Keys, escaped
from .paths import States
from .payment import SMALLEST_CARD, card_digits
from .plain import JSON, Items, Members, free_name, key_text, plain
from .scan import Scan
from .shapes import among, by_name, describes, goes_whole, named_by
from .shapes import flag as following
from .suspicion import APART, UUID_LENGTH, is_uuid, suspects
from .treatment import Treatment, Verdict, stronger

DEEPEST = 20
"""Levels of containers; below them `[depth]` stands."""

MOST_MEMBERS = 100_000
"""Members and items of one part; what is beyond is left out: it would not fit anyway."""

MOST_TEXTS = 8
"""Texts of one part together, in lengths of the longest; what is beyond is left out, too."""

SHORT = 13
"""Letters and digits alone are nothing to look at below this length."""

NO_KEYS: frozenset[str] = frozenset()

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

    __slots__ = (
        "_firsts",
        "_identifiers",
        "_keys",
        "_left",
        "_level",
        "_longest",
        "_scan",
        "_short",
        "_stack",
        "_texts",
        "_uuid",
        "_wheres",
    )

    def __init__(self, scan: Scan, keys: Keys, longest: int, level: int = 0) -> None:
        self._scan = scan
        self._keys = keys
        self._longest = longest
        self._level = level
        # The caller's own patterns look at every text, however short or plain.
        self._short, self._uuid = (0, -1) if scan.rules.patterns else (SHORT, UUID_LENGTH)
        self._left = MOST_MEMBERS
        #: The indexes of the first texts of parts: each is cut by itself.
        self._firsts: set[int] = set()
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
        together = APART.join(values)
        if len(together) > self._longest:
            self._leave_out(values)
            together = APART.join(values)
        scan = self._scan
        harmless = self._keys.harmless if self._level == 0 else None
        for index in sorted(self._suspects(values, together)):
            value, identifier = values[index], index in self._identifiers
            if harmless is not None and value in harmless[identifier]:
                continue
            if self._wheres is not None:
                scan.where = self._wheres[index]
            hits = scan.hits
            clean = text.cleaned(
                value, scan, self._from_text, identifier=identifier, level=self._level
            )
            gathered[3 * index][gathered[3 * index + 1]] = clean
            if harmless is not None and clean == value and scan.hits == hits:
                self._keys.spare(value, identifier=identifier)
        if "PRIVATE KEY" in together:
            lines_of_keys(gathered, scan)

    def passes(self, value: str, *, identifier: bool) -> bool:
        """Whether no pattern finds anything in a text; it is remembered if so."""
        scan = self._scan
        clean = text.cleaned(value, scan, self._from_text, identifier=identifier)
        if clean != value or scan.hits:
            return False
        self._keys.spare(value, identifier=identifier)
        return True

    def _suspects(self, texts: list[str], together: str) -> set[int]:
        found = suspects(texts, together)
        for _, pattern in self._scan.rules.patterns:
            found.update(index for index, text in enumerate(texts) if pattern.search(text))
        return found

    def _leave_out(self, values: list[str]) -> None:
        """What is too long to be kept is not looked at either."""
        total = 0
        for index, value in enumerate(values):
            if index in self._firsts:
                total = 0
            total += len(value)
            if len(value) > self._longest or total > MOST_TEXTS * self._longest:
                target, name = self._texts[3 * index : 3 * index + 2]
                values[index] = target[name] = self._too_long(value)

    def _too_long(self, text: str) -> str:
        self._scan.lossy = True
        return marker.truncated(len(text.encode("utf-8", "surrogatepass")))

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
        texts, short, uuid = self._texts, self._short, self._uuid
        remarkable = states or forced is not None or self._wheres is not None
        plain_keys = NO_KEYS if remarkable else self._keys.plain
        altered = False
        siblings: dict[str, Any] | None = None
        for key, value in source:
            if type(key) is str:
                if key in plain_keys and not altered:
                    # Nearly every member of nearly every event comes by here.
                    kind = type(value)
                    if kind is str:
                        target[key] = value
                        size = len(value)
                        if size >= short:
                            if size != uuid or not is_uuid(value):
                                texts += (target, key, value)
                        elif not value.isalnum():
                            texts += (target, key, value)
                    elif (
                        value is None
                        or kind is bool
                        or (
                            (kind is int or kind is float)
                            and -SMALLEST_CARD < value < SMALLEST_CARD
                        )
                    ):
                        target[key] = value
                    else:
                        self._place(target, key, value, chain, states, where)
                    continue
                name = key
            else:
                key = name = key_text(key)
                altered = True
            if len(key) > self._longest:
                key = name = self._too_long(key)
                altered = True
            entry = self._entry(key)
            if entry is not None and entry.name != key:
                name = entry.name
                altered = True
                self._scan.where = where
                self._scan.found("key", Treatment.DROP)
            below = states
            verdict = entry.verdict if entry is not None else None
            if forced is not None and not describes(name):
                verdict = stronger(forced, verdict)
            if states:
                below, found = self._scan.rules.paths.member(states, name)
                verdict = stronger(verdict, found)
            if altered:
                name = free_name(name, target)
            if verdict is None and entry is not None and entry.role is not None:
                if siblings is None:
                    siblings = by_name(source, self._entry)
                verdict = among(entry.role, siblings, self._entry)
            inside = "" if self._wheres is None else f"{where}/{escaped(name)}"
            self._put(verdict, target, name, value, chain, below, inside)

    def _items(self, frame: Frame, source: Items) -> None:
        _, target, chain, states, forced, where, inner = frame
        pair = flag = None
        if len(source) == 2 and (inner or source.pair):
            pair = named_by(source[0], self._entry)
        texts, short = self._texts, self._short
        plainly = not states and pair is None and forced is None and self._wheres is None
        for index, value in enumerate(source):
            kind = type(value)
            if plainly and flag is None:
                if kind is str and value[:1] != "-":
                    target.append(value)
                    if len(value) >= short or not value.isalnum():
                        texts += (target, index, value)
                    continue
                if (kind is int or kind is float) and -SMALLEST_CARD < value < SMALLEST_CARD:
                    target.append(value)
                    continue
            target.append(None)
            below, verdict = states, stronger(forced, flag)
            if states:
                below, found = self._scan.rules.paths.item(states, index)
                verdict = stronger(verdict, found)
            if index == 1:
                verdict = stronger(verdict, pair)
            flag = following(value, self._entry)
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
                whole = goes_whole(verdict, held, self._scan.rules.kinds, self._entry)
                if whole is not None:
                    target[name] = self._scan.dropped(whole.rule, whole.kind)
                    return
            else:
                treated = self._treated(verdict, held)
                if treated is not None:
                    target[name] = treated
                    return
        self._place(target, name, value, chain, states, where, verdict=verdict, inner=inner)

    def _treated(self, verdict: Verdict, held: Any) -> str | None:
        """What stands in a scalar's place; None where it is to be looked at like any other."""
        scan = self._scan
        if type(held) is str:
            if marker.treatment_of(held, scan.rules.kinds) is Treatment.DROP:
                return held
            # A verdict that asks for something in a text asks what is left of it, too: a second
            # pass would see no more.
            asks = verdict.needs is not None and not scan.applies(verdict, held)
            left = self._quietly(held) if asks and self._suspects([held], held) else None
            return scan.treated(verdict, held, left)
        if held is None:
            return None
        current: Verdict | None = verdict
        while current is not None:
            digits = str(held) if current.everything else None
            if digits is None and type(held) is not bool:
                digits = str(held) if current.numbers else card_digits(held)
            if digits is not None and scan.applies(current, digits):
                return scan.treated(current, digits)
            current = current.otherwise
        return None

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
        while forced is not None and not forced.whole and type(held) is Members:
            forced = forced.otherwise
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
        digits = card_digits(value)
        if digits is None:
            return value
        self._scan.where = where
        self._scan.found("value:pan", Treatment.LAST4)
        return marker.last4("pan", digits)

    def _entry(self, key: str) -> Entry | None:
        return self._keys.entry(key, self._clean_key) if len(key) <= self._longest else None

    def _clean_key(self, key: str) -> str:
        return self._quietly(key) if self._suspects([key], key) else key

    def _quietly(self, value: str) -> str:
        return text.quietly(value, self._scan, self._from_text, level=self._level)
