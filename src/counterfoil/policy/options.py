"""The caller's options, read so that no slip in them costs the event or weakens what it stores."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from types import GeneratorType
from typing import Any

from pydantic import ValidationError

from counterfoil.base import AuditOptions
from counterfoil.record import Draft

from .redaction.plain import Items, plain

MOST_NAMES = 1_000
"""Sensitive fields that one call may name."""

_FIELDS = frozenset(AuditOptions.model_fields)


def settle_options(draft: Draft) -> Draft:
    """Make the options an ``AuditOptions`` of the right types, or None.

    A dict is read as the model reads one, field by field. What cannot be used is left out with
    a note. One name in the place of a list of ``sensitive_fields`` counts as that name, and in a
    list what is no name takes none of the others with it; a
    ``retention_period`` of another kind goes on as it is, so that its type's warning is given.
    """
    options = draft.options
    if options is None or (
        # A class of the caller's own may put code in the way of its members.
        type(options) is AuditOptions
        # The model checks what it is made with, and not what is assigned to it later.
        and type(options.sensitive_fields) is list
        and type(options.include_request_body) is bool
        and type(options.anonymize_data) is bool
    ):
        return draft
    given = _given(options)
    if given is None:
        draft.options = None
        draft.note("options", "what was given is no AuditOptions")
        return draft
    kept: dict[str, Any] = {}
    refused = []
    for name in sorted(_FIELDS & given.keys()):
        if name == "sensitive_fields":
            kept[name], whole = _names(given[name])
            if not whole:
                refused.append(name)
            continue
        try:
            kept[name] = _read(name, given[name])
        except ValidationError:
            refused.append(name)
    if refused:
        draft.note("options", f"cannot be used: {', '.join(refused)}")
    draft.options = AuditOptions.model_construct(_fields_set=set(kept), **kept)
    return draft


def _given(options: Any) -> dict[Any, Any] | None:
    """What the caller set, by name."""
    # Not isinstance, which asks an object for its class.
    if issubclass(type(options), AuditOptions):
        try:
            held = object.__getattribute__(options, "__dict__")
            named = object.__getattribute__(options, "__pydantic_fields_set__")
        except Exception:  # noqa: BLE001 - its class is anybody's code, and the event is kept
            return None
        return {name: held[name] for name in named if name in held}
    return dict.copy(options) if issubclass(type(options), dict) else None


def _read(name: str, value: Any) -> Any:
    if name == "retention_period":
        return value
    read: Mapping[str, Any] = AuditOptions.model_validate({name: value}).__dict__
    return read[name]


def _names(given: Any) -> tuple[list[str], bool]:
    """The names of a list of any kind, or one name; and whether that is all there was.

    What is no name takes none of the others with it: they say what must not be stored.
    """
    if issubclass(type(given), str):
        return [str.__str__(given)], True
    found: list[Any] = []
    if type(given) is GeneratorType:
        try:
            # One by one they may come without end.
            found.extend(islice(given, MOST_NAMES + 1))
        except Exception:  # noqa: BLE001 - it is anybody's code, and the event is kept
            found.append(None)
    else:
        held = plain(given)
        found = held if isinstance(held, Items) else [None]
    names = [name for name in found[:MOST_NAMES] if issubclass(type(name), str)]
    return [str.__str__(name) for name in names], len(names) == len(found)
