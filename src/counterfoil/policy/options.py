"""The caller's options, read so that no slip in them costs the event or weakens what it stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from counterfoil.base import AuditOptions
from counterfoil.record import Draft

_FIELDS = frozenset(AuditOptions.model_fields)


def settle_options(draft: Draft) -> Draft:
    """Make the options an ``AuditOptions`` of the right types, or None.

    A dict is read as the model reads one, field by field. What cannot be used is left out with
    a note. One name in the place of a list of ``sensitive_fields`` counts as that name; a
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
    if name == "sensitive_fields":
        if issubclass(type(value), str):
            return [str.__str__(value)]
        if issubclass(type(value), (tuple, set, frozenset)):
            value = list(value)
    read: Mapping[str, Any] = AuditOptions.model_validate({name: value}).__dict__
    return read[name]
