"""What tells who somebody is: addresses of machines and people, phone numbers, dates of birth."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

IPV4_PREFIX = 24
IPV6_PREFIX = 48

EMAIL = re.compile(
    r"(?<![\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}+@"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_][\w-]{1,62}(?![\w-])"
)
"""An address as HTML's input field takes it, with letters of any script."""

PHONE = re.compile(
    r"(?<![\w.+/-])(?:"
    # international: a plus or 00, 8 to 15 digits (ITU-T E.164)
    r"(?:\+|00)[1-9](?:[ ./()-]{0,2}[0-9]){7,14}"
    # North American: (415) 555-2671
    r"|(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[0-9]{3}[ .-][0-9]{4}"
    # national with a trunk zero, in groups: 020 7946 0958
    r"|\(?0[1-9][0-9]{1,4}\)?(?:[ /-][0-9]{2,8}){1,4}"
    r")(?![\w-])"
)

_YEAR = re.compile(r"(?<![0-9])(?:18|19|20)[0-9]{2}(?![0-9])")
_PORT = re.compile(r"\[?(?P<address>[^\[\]]*?)\]?(?::[0-9]{1,5})?")
_DIGITS = re.compile(r"[^0-9]+")


def network(text: str) -> str | None:
    """The /24 (IPv4) or /48 (IPv6) network that an address is in; None where it is no address.

    An IPv4 address inside an IPv6 one (RFC 4291 section 2.5.5.2) counts as IPv4. Of a list, as
    `X-Forwarded-For` holds it, the first address counts; a port or a zone is left out.
    """
    first = text.split(",", 1)[0].strip()
    address, slash, prefix = first.partition("/")
    if slash and prefix not in (str(IPV4_PREFIX), str(IPV6_PREFIX)):
        return None
    for candidate in (address, _without_port(address)):
        try:
            parsed = ip_address(candidate.split("%", 1)[0])
        except ValueError:
            continue
        if isinstance(parsed, IPv6Address):
            if parsed.ipv4_mapped is None:
                return str(IPv6Network((parsed, IPV6_PREFIX), strict=False))
            parsed = parsed.ipv4_mapped
        return str(IPv4Network((parsed, IPV4_PREFIX), strict=False))
    return None


def year(text: str) -> str | None:
    """The year in a date; None where there is none, or more than one."""
    found = set(_YEAR.findall(text))
    return found.pop() if len(found) == 1 else None


def generalised(text: str) -> str | None:
    """An address's network or a date's year; None where the text is neither."""
    return network(text) or year(text)


def same_email(text: str) -> str:
    """The form in which equal addresses are equal: lower case."""
    return text.casefold()


def same_phone(text: str) -> str:
    """The form in which equal numbers are equal: digits, after a plus where one was given."""
    digits = _DIGITS.sub("", text)
    if text.startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _without_port(address: str) -> str:
    match = _PORT.fullmatch(address)
    return match["address"] if match else address
