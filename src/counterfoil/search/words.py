"""Words: what free text is compared by.

Words are runs of letters and digits, without accents and case, so that ``u-42`` is the words
``u`` and ``42`` side by side. What is indexed and what is compared on reading is the same list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from counterfoil.errors import QueryError

if TYPE_CHECKING:
    from counterfoil.record import Event

#: Words of one event that are looked at, and characters of one word.
MAX_WORDS = 4_000
MAX_WORD = 64
#: Characters of one text that are looked at, whatever words they make.
_MAX_TEXT = 200_000

_WORD = re.compile(r"[^\W_]+")
#: What is no text of the event's: times, and its place.
_LEFT_OUT = frozenset({"index", "occurred_at", "recorded_at", "expires_at", "decays_at"})
#: Stands between texts, so that no phrase goes from one into the next.
_GAP = "|"


def words(text: str) -> list[str]:
    """The words of a text."""
    return [word[:MAX_WORD] for word in _WORD.findall(_folded(text[:_MAX_TEXT]))]


def event_text(event: Event) -> str:
    """The words of everything that reading an event shows, its members' names too."""
    found: list[str] = []
    for name, value in event.as_dict().items():
        if name not in _LEFT_OUT:
            for text in _texts(value):
                found += words(text)
                found.append(_GAP)
                if len(found) > MAX_WORDS:
                    return " ".join(found[:MAX_WORDS])
    return " ".join(found)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that must stand side by side.

    Attributes:
        words: at least one.
        prefix: whether the last one is only a word's beginning.
    """

    words: tuple[str, ...]
    prefix: bool = False

    @classmethod
    def of(cls, text: str, *, literal: bool = False) -> Self:
        """From what somebody looks for.

        Args:
            literal: whether ``*`` at the end is no sign of a beginning.

        Raises:
            QueryError: it holds no letter or digit.
        """
        found = words(text)
        if not found:
            raise QueryError(
                "The text to look for holds no word.", remedy="Give at least one letter or digit."
            )
        return cls(tuple(found), prefix=text.endswith("*") and not literal)

    def occurs(self, text: str) -> bool:
        """Whether it occurs in an event's words, as :func:`event_text` gives them."""
        wanted = " " + " ".join(self.words)
        return (wanted if self.prefix else f"{wanted} ") in f" {text} "


def _texts(value: Any) -> Iterator[str]:
    """The texts in a JSON value, names of members included; without recursion."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            for name, member in reversed(item.items()):
                waiting += (member, name)
        elif isinstance(item, (list, tuple)):
            waiting.extend(reversed(item))
        elif isinstance(item, bool) or item is None:
            continue
        else:
            yield str(item)


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else _folded_wide(text)


@lru_cache(maxsize=256)
def _folded_wide(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = (char for char in decomposed if not unicodedata.combining(char))
    return "".join(kept).casefold()
