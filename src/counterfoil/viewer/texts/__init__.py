"""Every text that the viewer shows, by name: one file a language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

LANGUAGE: Final = "en"
#: Texts whose name begins so are handed to the scripts.
SCRIPTS: Final = "js."


@cache
def texts(language: str = LANGUAGE) -> Mapping[str, str]:
    """The texts of a language, by their dotted names."""
    return dict(_flat(orjson.loads((files(__package__) / f"{language}.json").read_bytes()), ""))


def text(name: str, **values: Any) -> str:
    """One text, with values in the places that it has for them.

    Raises:
        KeyError: there is no such text, or a value is missing.
    """
    found = texts()[name]
    return found.format(**values) if values else found


def script_texts() -> dict[str, str]:
    """What the scripts say, by name without the beginning ``js.``."""
    found = texts().items()
    return {name.removeprefix(SCRIPTS): said for name, said in found if name.startswith(SCRIPTS)}


def _flat(tree: dict[str, Any], before: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in tree.items():
        if isinstance(value, dict):
            found += _flat(value, f"{before}{name}.")
        else:
            found.append((before + name, value))
    return found
