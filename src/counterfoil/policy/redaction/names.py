"""From a key's name to a verdict on the value beside it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace

from .treatment import Verdict, stronger
from .vocabulary import (
    ABOUT,
    ANSWERS,
    ASKING,
    COUNTING,
    EXCEPT,
    NAMES,
    NUMBERS,
    SINGULAR_ONLY,
    WITH_DIGITS,
)

LONGEST_NAME = 256
"""Of a longer name only the two ends are looked at."""

KEPT_NAMES = 4096
"""Verdicts kept in memory, of names up to 64 characters; beyond that all are forgotten at once."""

LONGEST_RUN = 6
"""How many words of a longer name are tried together."""

_LOOKALIKES = str.maketrans(
    # Cyrillic, Greek and stroked letters, each beside the plain Latin one that it resembles
    "АВЕЅІЈКМНОРСТУХавеѕіјкмнорстухԁԛԝһӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧαεικνορτυχłøđ",
    "ABESIJKMHOPCTYXabesijkmhopctyxdqwhlABEZHIKMNOPTYXaeikvoptyxlod",
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS = re.compile(r"[\W_]+")
_INVISIBLE = ("Cf", "Mn", "Me")


def fold(name: str) -> str:
    """The name as it looks: compatibility forms, marks and look-alike letters folded.

    Unicode normal form NFKC, then no format or combining characters, then Cyrillic and Greek
    letters that are drawn like Latin ones become those.
    """
    if name.isascii():
        return name
    apart = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name))
    kept = "".join(c for c in apart if unicodedata.category(c) not in _INVISIBLE)
    return unicodedata.normalize("NFC", kept).translate(_LOOKALIKES)


def words(name: str, *, camel: bool = True) -> list[str]:
    """The name's words in lower case: split at punctuation and spaces.

    Args:
        name: the name.
        camel: split at changes of case too.
    """
    name = fold(name)
    if camel:
        name = _CAMEL.sub(" ", name)
    return [word for word in _SEPARATORS.split(name.casefold()) if word]


def segments(name: str, *, camel: bool = True) -> list[str]:
    """The name's words without the digits that end them; a number alone is left out."""
    return _bare(words(name, camel=camel))


def joined(name: str) -> str:
    """The name's words as one: the form in which names and paths of the caller are compared."""
    return "".join(words(name, camel=False))


def _bare(found: list[str]) -> list[str]:
    return [
        bare
        for word in found
        if (bare := word if word in WITH_DIGITS else word.rstrip("0123456789"))
    ]


def _listed(text: str) -> list[str]:
    return [fold(word).casefold().replace("_", "") for word in text.split()]


class Names:
    """The built-in vocabulary, and what the caller adds to it.

    Args:
        extra: verdicts on further names, by their `joined` form. They match whole segments, as
            the built-in words do; the most thorough treatment wins.
    """

    def __init__(self, extra: Mapping[str, Verdict] | None = None) -> None:
        self._extra = dict(extra or {})
        self._kept: dict[str, Verdict | None] = {}

    def verdict(self, name: str) -> Verdict | None:
        """What to do with the value beside `name`; None where nothing speaks against it."""
        try:
            return self._kept[name]
        except KeyError:
            verdict = self._verdict(name)
        if len(name) <= 64:
            if len(self._kept) >= KEPT_NAMES:
                self._kept.clear()
            self._kept[name] = verdict
        return verdict

    def _verdict(self, name: str) -> Verdict | None:
        if len(name) > LONGEST_NAME:
            name = f"{name[: LONGEST_NAME // 2]} {name[-LONGEST_NAME // 2 :]}"
        found = _built_in(name)
        extra = self._named(name) if self._extra else None
        return stronger(found, extra)

    def _named(self, name: str) -> Verdict | None:
        """What the caller said of this name, or of a part of it that is not about the thing."""
        whole = self._extra.get(joined(name))
        if whole is not None:
            return whole
        exact = words(name)
        bare = _bare(exact)
        found = [
            verdict
            for parts in ((exact,) if bare == exact else (exact, bare))
            for start in range(len(parts))
            for end in range(start + 1, min(len(parts), start + LONGEST_RUN) + 1)
            if (verdict := self._extra.get("".join(parts[start:end]))) is not None
            and (end == len(parts) or parts[-1] not in ABOUT)
        ]
        best: Verdict | None = None
        for verdict in found:
            best = stronger(best, verdict)
        return best


_WORDS: dict[str, int] = {}
_HEADS: dict[str, int] = {}
_STEMS: list[tuple[str, int]] = []
_ENDINGS: list[tuple[str, int]] = []
for _order, _rule in enumerate(NAMES):
    for _word in _listed(_rule.words):
        _WORDS.setdefault(_word, _order)
    for _word in _listed(_rule.heads):
        _HEADS.setdefault(_word, _order)
    _STEMS += ((_word, _order) for _word in _listed(_rule.stems))
    _ENDINGS += ((_word, _order) for _word in _listed(_rule.endings))
_ASKED = tuple(replace(rule.verdict, spares=ANSWERS) for rule in NAMES)
# Of a PIN or a one-time code a number is the secret itself.
_COUNTED = tuple(
    replace(rule.verdict, spares=ANSWERS if rule.verdict.numbers else NUMBERS) for rule in NAMES
)
_NONE = len(NAMES)


def _built_in(name: str) -> Verdict | None:
    parts = segments(name)
    if not parts:
        return None
    rank, about = _match(parts)
    if rank == _NONE and not about:
        # `ACCESSTOKEN`, `userPASSWORD`, `accessToKen`: the case says nothing about the words.
        flat = segments(name, camel=False)
        rank = _match(flat)[0] if flat != parts else _NONE
        if rank == _NONE and len(parts) > 3 and max(map(len, parts)) <= 2:
            # `p.a.s.s.w.o.r.d`, `pAsSwOrD`
            rank = _WORDS.get("".join(parts), _NONE)
    if rank == _NONE:
        return None
    if len(parts) > 1 and parts[0] in ASKING:
        return _ASKED[rank]
    if (len(parts) > 1 and parts[0] in COUNTING) or parts[-1].endswith("tokens"):
        return _COUNTED[rank]
    return NAMES[rank].verdict


def _match(parts: list[str]) -> tuple[int, bool]:
    """The first rule that names a run of segments, and whether one was only spoken about."""
    best, about, last = _NONE, False, len(parts)
    veto = parts[-1] in ABOUT
    for start in range(last):
        word = ""
        for end in range(start + 1, min(last, start + LONGEST_RUN) + 1):
            word += parts[end - 1]
            rank = _whole(word, final=end == last)
            if rank < best:
                if end < last and veto:
                    about = True
                elif not (end == last and _excepted(parts, start)):
                    best = rank
        if best == _NONE and len(parts[start]) > 3:
            rank, vetoed = _within(parts[start])
            if rank < best:
                if vetoed or (start + 1 < last and veto):
                    about = True
                else:
                    best = rank
    return best, about


def _whole(word: str, *, final: bool) -> int:
    rank = _WORDS.get(word, _NONE)
    if final:
        rank = min(rank, _HEADS.get(word, _NONE))
    if rank == _NONE and word.endswith("s") and word not in SINGULAR_ONLY:
        rank = _WORDS.get(word[:-1], _NONE)
    return rank


def _excepted(parts: list[str], start: int) -> bool:
    return start > 0 and parts[start - 1] + parts[start] in EXCEPT


def _within(segment: str) -> tuple[int, bool]:
    """The rule whose stem or ending is in one segment, and whether the rest speaks about it."""
    if segment in EXCEPT or segment.startswith("passwordless"):
        return _NONE, False
    for stem, rank in _STEMS:
        at = segment.find(stem)
        if at >= 0:
            rest = segment[at + len(stem) :]
            return rank, bool(rest) and any(
                rest[cut:] in ABOUT for cut in range(max(0, len(rest) - 14), len(rest) - 1)
            )
    for ending, rank in _ENDINGS:
        if segment.endswith(ending):
            return rank, False
    return _NONE, False
