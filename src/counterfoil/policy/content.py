"""What a type's rule leaves out by name: the content of messages, what was typed as a login."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from counterfoil.record import Draft

from .link import Link
from .redact import company_of
from .redaction import Anonymiser
from .redaction.keys import unescaped
from .redaction.marker import KIND, MARKER, dropped, is_mark
from .redaction.names import joined
from .redaction.personal import EMAIL, same_email, same_phone
from .redaction.plain import free_name
from .redaction.vocabulary import KINDS

_PARTS = ("details", "metadata", "before_state", "after_state", "body")

_is_kind = re.compile(KIND).fullmatch
_LETTER = re.compile(r"[^\W\d_]").search

#: Digits from which on a number tells whom a message went to; a smaller one is a count.
SHORTEST_NUMBER = 7


def content(anonymiser: Anonymiser) -> Link:
    """A link that drops, or makes tokens of, the members that the type's rule names.

    Names are compared whole, in any spelling. Numbers, booleans and null stay: a count is not
    content. In the place of a recipient stand the tokens of the email addresses or the phone
    number, as ``anonymize_data`` makes them, so that one token finds a person in both; of a
    text that holds neither, one of kind ``field``. A number of seven digits or more counts as
    a phone number, and what stands in keys is looked at too.
    """

    def leave_out(draft: Draft) -> Draft:
        rule = draft.rule
        if not rule.drop and not rule.tokenise:
            return draft
        company = company_of(draft)
        drop, tokenise = _kinds(rule.drop), _kinds(rule.tokenise).keys()

        def treat(names: list[str], value: Any) -> Any:
            found = [joined(name) for name in names]
            # A number that anonymize_data made a token stays one on the way through again.
            marked = isinstance(value, str) and is_mark(value, KINDS)
            if isinstance(value, (str, list, dict)) and not marked:
                for name in found:
                    if name in drop:
                        return dropped(drop[name])
            for name in found:
                if name in tokenise:
                    return tokens_for(value)
            return within(value)

        def tokens_for(value: Any) -> Any:
            if isinstance(value, str):
                return recipient(value)
            if isinstance(value, list):
                return [tokens_for(item) for item in value]
            if isinstance(value, dict):
                held: dict[str, Any] = {}
                for key, item in value.items():
                    name = free_name(anonymiser.text(key, company), held)
                    held[name] = tokens_for(item)
                return held
            if type(value) is int and abs(value) >= 10 ** (SHORTEST_NUMBER - 1):
                return recipient(str(value))
            return value

        def recipient(text: str) -> str:
            addresses = EMAIL.findall(text)
            if addresses:
                found = (anonymiser.token("email", same_email(one), company) for one in addresses)
                return ", ".join(found)
            if not text or not MARKER.sub("", text).strip(", "):
                return text
            if sum(map(str.isdigit, text)) >= SHORTEST_NUMBER and not _LETTER(text):
                return anonymiser.token("phone", same_phone(text), company)
            return anonymiser.token("field", text, company)

        # Redaction has bounded the depth, so that recursion is safe here.
        def within(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: treat([name], member) for name, member in value.items()}
            if isinstance(value, list):
                return [within(item) for item in value]
            return value

        def changed(pointer: str, change: Any) -> Any:
            # What changed inside a member of such a name is a part of it.
            names = [unescaped(part) for part in pointer.split("/")]
            if not isinstance(change, dict):
                return treat(names, change)
            return {
                key: member if key == "op" else treat([*names, key], member)
                for key, member in change.items()
            }

        for part in _PARTS:
            value = getattr(draft, part)
            if value is not None:
                setattr(draft, part, within(value))
        if draft.changes is not None:
            draft.changes = {
                pointer: changed(pointer, change) for pointer, change in draft.changes.items()
            }
        return draft

    return leave_out


@lru_cache(maxsize=256)
def _kinds(names: frozenset[str]) -> dict[str, str]:
    """What a mark calls the members of these names, by their `joined` form."""
    return {joined(name): name if _is_kind(name) else "field" for name in sorted(names)}
