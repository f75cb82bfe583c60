"""What `anonymize_data` adds to redaction: the persons in an event become pseudonyms."""

from __future__ import annotations

import re
from collections.abc import Mapping

from . import marker
from .keys import unescaped
from .names import joined
from .personal import EMAIL, PHONE, network, same_email, same_phone, year
from .plain import JSON, free_name
from .tokens import Tokens
from .user_agent import family
from .vocabulary import BIRTH_NAMES, KINDS, words

PERSONS = {
    "user_id": "user_id",
    "on_behalf_of": "user_id",
    "impersonator": "user_id",
    "session_id": "session_id",
    "request_id": "request_id",
}
"""Fields of the context that become tokens, with the kind of each token."""

_TOKEN_NAMES = {"userid": "user_id", "sessionid": "session_id", "requestid": "request_id"}
_ADDRESS_NAMES = words("ip ipaddress ipaddr clientip remoteip remoteaddr sourceip xforwardedfor")
_AGENT_NAMES = words("useragent httpuseragent")
_PHONE_NAMES = words(
    "phone phonenumber telephone telephonenumber mobile mobilenumber mobilephone cell cellphone"
    " fax faxnumber msisdn tel homephone workphone contactphone contactnumber"
)
ROUNDS = 8
"""A text in whose remains more is found after so many rounds goes as a whole."""

_DIGITS = re.compile(r"(?:[0-9][^0-9]*){7}")


class Anonymiser:
    """Replaces what tells who somebody is.

    This is pseudonymisation (GDPR article 4(5)), not anonymity: whoever holds the token key can
    tell whether a token stands for a given person, equal tokens show that it was the same
    person, and what an event says may tell more than any field.

    user_id, session_id and request_id become tokens; so do email addresses and phone numbers in
    any text. IP addresses are generalised to /24 and /48, dates of birth to the year, user
    agents to browser family and operating system. Doing it twice changes nothing more.

    Args:
        tokens: makes the tokens; without it what is due a token is dropped.
    """

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens

    def parts(self, parts: Mapping[str, JSON], company_id: str | None = None) -> dict[str, JSON]:
        """The clean parts of an event, as `Redactor.clean_all` gives them, without persons.

        Args:
            parts: each part's value by its name (`user_id`, `ip_address`, `details`, …).
            company_id: whose tokens.
        """
        return {
            name: self._changes(value, company_id)
            if name == "changes"
            else self._named(joined(name), PERSONS.get(name), value, company_id)
            for name, value in parts.items()
        }

    def token(self, kind: str, value: str, company_id: str | None = None) -> str:
        """What stands for a value: a token, or a mark without a tokeniser; a mark stays."""
        if marker.is_mark(value, KINDS):
            return value
        if self._tokens is None:
            return marker.dropped(kind)
        return self._tokens.token(kind, value, company_id)

    def text(self, text: str, company_id: str | None = None) -> str:
        """A text with each email address and phone number replaced by its token."""

        def email(match: re.Match[str]) -> str:
            return self.token("email", same_email(match[0]), company_id)

        def phone(match: re.Match[str]) -> str:
            return self.token("phone", same_phone(match[0]), company_id)

        for _ in range(ROUNDS):
            replaced = EMAIL.sub(email, text) if "@" in text else text
            replaced = PHONE.sub(phone, replaced)
            if replaced == text:
                return text
            # What is gone may have kept a neighbour from being seen.
            text = replaced
        return marker.dropped("text")

    def _value(self, value: JSON, company_id: str | None) -> JSON:
        """A clean value is at most 20 levels deep, so this may call itself."""
        if isinstance(value, str):
            return self.text(value, company_id)
        if isinstance(value, list):
            return [self._value(item, company_id) for item in value]
        if isinstance(value, dict):
            members: dict[str, JSON] = {}
            for key, member in value.items():
                name = free_name(self.text(key, company_id), members)
                members[name] = self._named(joined(key[:64]), None, member, company_id)
            return members
        return value

    def _named(self, name: str, kind: str | None, value: JSON, company_id: str | None) -> JSON:
        """A value beside a name (in its `joined` form)."""
        kind = kind or _TOKEN_NAMES.get(name)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, list):
            return [self._named(name, kind, item, company_id) for item in value]
        if isinstance(value, dict) or not value:
            return self._value(value, company_id)
        text = str(value)
        if kind is not None:
            return self.token(kind, text, company_id)
        if marker.is_mark(text, KINDS):
            return value
        if name in _ADDRESS_NAMES:
            return network(text) or marker.dropped("ip_address")
        if name in _AGENT_NAMES:
            return family(text)
        if name in BIRTH_NAMES:
            return year(text) or marker.dropped("birth_date")
        if name in _PHONE_NAMES and marker.blanked(text, KINDS) == text and _DIGITS.search(text):
            return self.token("phone", same_phone(text), company_id)
        return self._value(value, company_id)

    def _changes(self, value: JSON, company_id: str | None) -> JSON:
        """The last part of each pointer is the name of the old and the new value."""
        if not isinstance(value, dict):
            return self._value(value, company_id)
        changes: dict[str, JSON] = {}
        for pointer, change in value.items():
            name = joined(unescaped(pointer.rpartition("/")[2])[:64])
            held = change
            if isinstance(change, dict):
                held = {
                    key: self._named(name, None, member, company_id)
                    if key in ("old", "new")
                    else self._named(joined(key[:64]), None, member, company_id)
                    for key, member in change.items()
                }
            else:
                held = self._named(name, None, change, company_id)
            changes[free_name(self.text(pointer, company_id), changes)] = held
        return changes
