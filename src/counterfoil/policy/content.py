"""What a type's rule leaves out by name: the content of messages, what was typed as a login."""

from __future__ import annotations

from typing import Any

from counterfoil.record import Draft

from .link import Link
from .redact import company_of
from .redaction import Anonymiser
from .redaction.keys import unescaped
from .redaction.marker import dropped
from .redaction.names import joined

_PARTS = ("details", "metadata", "before_state", "after_state", "body")


def content(anonymiser: Anonymiser) -> Link:
    """A link that drops, or makes tokens of, the members that the type's rule names.

    Names are compared whole, in any spelling. Numbers, booleans and null stay: a count is not
    content.
    """

    def leave_out(draft: Draft) -> Draft:
        rule = draft.rule
        if not rule.drop and not rule.tokenise:
            return draft
        company = company_of(draft)
        drop = {joined(name): name for name in rule.drop}
        tokenise = {joined(name): name for name in rule.tokenise}

        def treat(name: str, value: Any) -> Any:
            found = joined(name)
            if found in drop and isinstance(value, (str, list, dict)):
                return dropped(drop[found])
            if found in tokenise:
                return tokens_for(tokenise[found], value)
            return within(value)

        def tokens_for(kind: str, value: Any) -> Any:
            if isinstance(value, str):
                return anonymiser.token(kind, value, company)
            if isinstance(value, list):
                return [tokens_for(kind, item) for item in value]
            if isinstance(value, dict):
                return {key: tokens_for(kind, item) for key, item in value.items()}
            return value

        # Redaction has bounded the depth, so that recursion is safe here.
        def within(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: treat(name, member) for name, member in value.items()}
            if isinstance(value, list):
                return [within(item) for item in value]
            return value

        for part in _PARTS:
            value = getattr(draft, part)
            if value is not None:
                setattr(draft, part, within(value))
        if isinstance(draft.changes, dict):
            draft.changes = {
                pointer: {
                    key: treat(unescaped(pointer.rpartition("/")[2]), member)
                    if key in ("old", "new")
                    else member
                    for key, member in change.items()
                }
                if isinstance(change, dict)
                else change
                for pointer, change in draft.changes.items()
            }
        return draft

    return leave_out
