"""Text from events, made harmless for a terminal.

Whoever causes an event chooses some of its text. Characters that move the cursor, change
colours, break lines or reorder text are shown as escapes instead of being obeyed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from unicodedata import category

import orjson

#: Control, format (with the bidirectional overrides), surrogate, unassigned and private
#: characters, and the separators of lines and paragraphs.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})
_PLAIN = re.compile(r"[ -~]*").fullmatch


def visible(text: str) -> str:
    """The text with every unsafe character as ``\\x1b``, ``\\u202e`` or ``\\U000e0001``."""
    if _PLAIN(text):
        return text
    return "".join(_escaped(char) for char in text)


def short(value: Any, width: int) -> str:
    """A JSON value as one line of at most ``width`` characters, safe to print."""
    text = visible(value if isinstance(value, str) else orjson.dumps(value).decode())
    return text if len(text) <= width else f"{text[: width - 1]}…"


def counted(number: int, noun: str) -> str:
    """``1 event``, ``2,000 events``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def safe_json(value: Any, *, indent: bool = False) -> str:
    """A value as JSON text, with the unsafe characters of its strings as JSON escapes."""
    option = orjson.OPT_INDENT_2 if indent else None
    text = orjson.dumps(value, option=option).decode()
    return "".join(char if char == "\n" else _json_escaped(char) for char in text)


@lru_cache(maxsize=2048)
def _escaped(char: str) -> str:
    if category(char) not in _UNSAFE:
        return char
    number = ord(char)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


@lru_cache(maxsize=2048)
def _json_escaped(char: str) -> str:
    if category(char) not in _UNSAFE:
        return char
    data = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[at : at + 2].hex()}" for at in range(0, len(data), 2))
