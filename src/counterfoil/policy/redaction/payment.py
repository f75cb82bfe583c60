"""Card numbers (ISO/IEC 7812) and IBANs (ISO 13616), with what makes a number one of them."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from . import marker
from .scan import Scan
from .treatment import Treatment

_RUN = re.compile(r"[0-9](?:[ +-]?[0-9]){12,}")
_WIDE_RUN = re.compile(r"\d(?:[\s+\-\u00ad\u200b-\u200d\u2010-\u2015\u2060\u2212\ufeff]?\d){12,}")
WIDE_DIGITS = re.compile(r"(?:\d[^\d\0]{0,1}){13}")
"""Thirteen digits of any script with at most one character between: what `_WIDE_RUN` needs."""

_TRACK = re.compile(
    r"%?[A-Za-z]?(?<![0-9])(?P<one>[0-9]{13,19})\^[^\^\r\n]{2,40}\^[^\s?]{4,80}\??"
    r"|;?(?<![0-9])(?P<two>[0-9]{13,19})=[0-9]{7,40}[^\s?]{0,20}\??"
)
_GROUP = re.compile(r"\d+")
_HEX_BEFORE = re.compile(r"(?<![A-Za-z])[A-Fa-f]{1,15}\Z")
_HEX_AFTER = re.compile(r"[A-Fa-f]{1,16}(?![A-Za-z])")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

SHORTEST_CARD, LONGEST_CARD = 13, 19
SMALLEST_CARD = 10 ** (SHORTEST_CARD - 1)
SHORTEST_GROUP = 3
"""Digits between two separators of a card number that stands among other numbers."""

_ANY = range(16, 20)
ISSUERS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    # first prefix, last prefix, lengths
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("6011", "6011", tuple(_ANY)),  # Discover
    ("644", "649", tuple(_ANY)),
    ("65", "65", tuple(_ANY)),
    ("300", "305", (14, *_ANY)),  # Diners Club
    ("3095", "3095", (14, *_ANY)),
    ("36", "36", (14, *_ANY)),
    ("38", "39", (14, *_ANY)),
    ("3528", "3589", tuple(_ANY)),  # JCB
    ("62", "62", tuple(_ANY)),  # UnionPay
    ("81", "82", tuple(_ANY)),  # UnionPay, RuPay
    ("60", "60", (16,)),  # RuPay, Hipercard
    ("508", "508", (16,)),
    ("5018", "5018", tuple(range(13, 20))),  # Maestro
    ("5020", "5020", tuple(range(13, 20))),
    ("5038", "5038", tuple(range(13, 20))),
    ("5893", "5893", tuple(range(13, 20))),
    ("6304", "6304", tuple(range(13, 20))),
    ("6759", "6759", tuple(range(13, 20))),
    ("6761", "6763", tuple(range(13, 20))),
    ("5019", "5019", (16,)),  # Dankort
    ("2200", "2204", tuple(_ANY)),  # Mir
    ("9792", "9792", (16,)),  # Troy
    ("5041", "5041", (16,)),  # Elo
    ("5066", "5067", (16,)),
    ("509", "509", (16,)),
    ("6277", "6277", (16,)),
    ("6362", "6363", (16,)),
    ("5060", "5061", (16, 18, 19)),  # Verve
)

_BY_FIRST_DIGIT = {
    digit: tuple(
        (len(low), int(low), int(high), lengths)
        for low, high, lengths in ISSUERS
        if low[0] <= digit <= high[0]
    )
    for digit in "0123456789"
}

# The letter before the look-behind lets the search skip to the next capital.
IBAN_START = re.compile(r"[A-Z](?<![A-Za-z0-9][A-Z])[A-Z][0-9]{2}(?=[ -]?[A-Za-z0-9])")
IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD FK", 19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK", 21: "CH CR HR LI LV",
        22: "BG BH DE GB GE IE ME RS VA OM", 23: "AE GI IL IQ TL SO",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def is_card_number(digits: str) -> bool:
    """Whether an issuer gives out numbers of this beginning and length, and Luhn holds."""
    for size, low, high, lengths in _BY_FIRST_DIGIT[digits[0]]:
        if low <= int(digits[:size]) <= high and len(digits) in lengths:
            return _luhn(digits) and not (len(digits) == SHORTEST_CARD and _is_barcode(digits))
    return False


def card_digits(number: Any) -> str | None:
    """The digits of a number that is a card number."""
    if number < SMALLEST_CARD or number != int(number):
        return None
    digits = str(int(number))
    return digits if is_card_number(digits) else None


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    total = sum(map(int, digits[-1::-2])) + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])
    return total % 10 == 0


def _is_barcode(digits: str) -> bool:
    """EAN-13, whose German and Japanese numbers begin as those old Visa cards did."""
    return (sum(map(int, digits[0::2])) + 3 * sum(map(int, digits[1::2]))) % 10 == 0


def track_data(text: str, scan: Scan) -> str:
    """What a card's magnetic stripe holds (ISO/IEC 7813): the number and all that follows it."""

    def replace(match: re.Match[str]) -> str:
        if not is_card_number(match["one"] or match["two"]):
            return match[0]
        return scan.dropped("value:track", "track")

    return _TRACK.sub(replace, text) if "^" in text or "=" in text else text


def card_numbers(text: str, scan: Scan) -> str:
    """Leave the last four digits of each card number."""
    run = _RUN if text.isascii() else _WIDE_RUN
    return run.sub(lambda match: _without_cards(match, text, scan), text)


def _without_cards(run: re.Match[str], text: str, scan: Scan) -> str:
    groups = [(group.start(), group.end(), _ascii(group[0])) for group in _GROUP.finditer(run[0])]
    offset = run.start()
    pieces: list[str] = []
    at = first = 0
    while first < len(groups):
        last = _card_ends(groups, first)
        if last is None or _joined_on(text, offset + groups[first][0], offset + groups[last][1]):
            first += 1
            continue
        digits = "".join(group[2] for group in groups[first : last + 1])
        scan.found("value:pan", Treatment.LAST4)
        pieces += (run[0][at : groups[first][0]], marker.last4("pan", digits))
        at = groups[last][1]
        first = last + 1
    return "".join((*pieces, run[0][at:])) if pieces else run[0]


def _card_ends(groups: list[tuple[int, int, str]], first: int) -> int | None:
    """The last group of the card number that begins with this one."""
    if first == 0:
        whole = sum(len(group[2]) for group in groups[: LONGEST_CARD + 1])
        if whole <= LONGEST_CARD and is_card_number("".join(group[2] for group in groups)):
            return len(groups) - 1
    digits = ""
    for last in range(first, min(len(groups), first + 7)):
        digits += groups[last][2]
        if len(digits) > LONGEST_CARD:
            return None
        if len(digits) >= SHORTEST_CARD and is_card_number(digits):
            return last
        if len(groups[last][2]) < SHORTEST_GROUP:
            return None
    return None


def _joined_on(text: str, start: int, end: int) -> bool:
    """Whether the digits are a part of a hexadecimal or decimal number."""
    if _HEX_BEFORE.search(text, max(0, start - 16), start) or _HEX_AFTER.match(text, end):
        return True
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return (len(before) == 2 and before[0].isdigit() and before[1] in ".,") or (
        len(after) == 2 and after[0] == "." and after[1].isdigit()
    )


def _ascii(digits: str) -> str:
    if digits.isascii():
        return digits
    return "".join(str(unicodedata.decimal(digit)) for digit in digits)


def ibans(text: str, scan: Scan) -> str:
    """Leave the country and the last four characters of each IBAN."""
    pieces: list[str] = []
    at = 0
    for start in IBAN_START.finditer(text):
        if start.start() < at:
            continue
        end = _iban_ends(text, start.start())
        if end is None:
            continue
        bare = re.sub("[ -]", "", text[start.start() : end]).upper()
        scan.found("value:iban", Treatment.LAST4)
        pieces += (text[at : start.start()], marker.last4("iban", bare, country=bare[:2]))
        at = end
    return "".join((*pieces, text[at:])) if pieces else text


def _iban_ends(text: str, start: int) -> int | None:
    length = IBAN_LENGTHS.get(text[start : start + 2])
    if length is None:
        return None
    characters, at = "", start
    while len(characters) < length:
        character = text[at : at + 1]
        if character in (" ", "-"):
            at += 1
            character = text[at : at + 1]
        if not (character.isascii() and character.isalnum()):
            return None
        characters += character
        at += 1
    following = text[at : at + 1]
    if following.isascii() and following.isalnum():
        return None
    moved = characters[4:] + characters[:4]
    return at if int("".join(str(int(c, 36)) for c in moved)) % 97 == 1 else None
