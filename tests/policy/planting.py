"""Secrets of known kinds, and the structures that they are planted in."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_KEY_TYPES = ("PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY")

#: The name of the field that the tests' `sensitive_fields` give.
OWN_FIELD = "salary_band"


class Planted(NamedTuple):
    """A value that holds a secret, and the text that may be in no byte of what is kept."""

    value: Any
    secret: str


@dataclasses.dataclass
class Record:
    """A value as applications have them."""

    label: Any
    content: Any


def luhn(digits: str) -> str:
    """The digits with the check digit that makes them a card's number."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if place % 2 == 0 else 1)
        total += number - 9 if number > 9 else number
    return digits + str(-total % 10)


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


#: 21 letters of both cases; `seed` makes 24 characters of them, so that any key can hold them.
letters = st.text(_LETTERS, min_size=21, max_size=21)


def seed(number: int, drawn: str = "aBcDeFgHiJkLmNpQrStUv") -> str:
    """A secret that no other has."""
    return f"{drawn}{number:03d}"


def _named(text: str, name: str) -> Planted:
    return Planted({name: text}, text)


NAMED: dict[str, Callable[[str], Planted]] = {
    "password": lambda s: _named(s, "password"),
    "camel": lambda s: _named(s, "newPassword2"),
    "dotted": lambda s: _named(s, "db.password"),
    "token": lambda s: _named(s, "access_token"),
    "header": lambda s: Planted([("Authorization", f"Token {s}")], s),
    "cookie": lambda s: Planted({"Cookie": f"sid={s}"}, s),
    "pair": lambda s: Planted({"name": "client_secret", "value": s}, s),
    "nested": lambda s: Planted({"credentials": {"password": {"new": [s]}}}, s),
    "bytes": lambda s: Planted({"secret": s.encode()}, s),
    "own field": lambda s: _named(s, "salaryBand"),
}

TEXTS: dict[str, Callable[[str], Planted]] = {
    "assignment": lambda s: Planted(f"password={s}", s),
    "bearer": lambda s: Planted(f"Authorization: Bearer {s}", s),
    "url": lambda s: Planted(f"postgres://bob:{s}@db.example.com/app", s),
    "query": lambda s: Planted(f"https://example.com/cb?access_token={s}&x=1", s),
    "path": lambda s: Planted(f"https://example.com/reset/{s}", s),
    "jwt": lambda s: Planted(
        f"{_base64url(json.dumps({'alg': 'HS256'}))}.{_base64url(json.dumps({'sub': s}))}.{s}", s
    ),
    "pem": lambda s: Planted(f"-----BEGIN {_KEY_TYPES[len(s) % 3]}-----\n{s}{s}\n", s),
    "github": lambda s: Planted(f"ghp_{s}{s[:12]}", s),
    "stripe": lambda s: Planted(f"sk_live_{s}", s),
    "google": lambda s: Planted(f"AIza{s}{s[:11]}", s),
    "json": lambda s: Planted(json.dumps({"user": {"password": s}}), s),
    "base64": lambda s: Planted(
        (coded := base64.b64encode(f"user=bob&password={s}".encode()).decode()), coded
    ),
    "percent": lambda s: Planted(f"next=%2Flogin%3Fpassword%3D{s}", s),
}

CARDS: dict[str, Callable[[str], Planted]] = {
    "card": lambda s: Planted(_card(s), _card(s)),
    "card in a text": lambda s: Planted(f"paid with {_card(s)} today", _card(s)),
    "card as a number": lambda s: Planted({"note": int(_card(s))}, _card(s)),
}


def _card(text: str) -> str:
    """A number of the seed's own."""
    return luhn(f"4111{int.from_bytes(text.encode()) % 10**11:011d}")


_Wrap = Callable[[Planted], Planted]


def _wrap(around: Callable[[Any], Any]) -> _Wrap:
    return lambda held: Planted(around(held.value), held.secret)


_WRAPS: list[_Wrap] = [
    _wrap(lambda value: {"note": value, "count": 3}),
    _wrap(lambda value: ["first", value]),
    _wrap(lambda value: ({"a": 1}, value)),
    _wrap(lambda value: deque([value])),
    _wrap(lambda value: {7: value, None: "x"}),
    _wrap(lambda value: Record("label", value)),
    _wrap(lambda value: value if not isinstance(value, str) else ValueError(value)),
    _wrap(lambda value: value if not isinstance(value, str) else {value: "as a key"}),
    _wrap(lambda value: value if not isinstance(value, str) else {value}),
    _wrap(lambda value: value if not isinstance(value, (dict, str)) else _as_json(value)),
]


def _as_json(value: Any) -> Any:
    try:
        return json.dumps({"inner": value})
    except TypeError:
        return value


def _wrapped(held: Planted, chosen: list[int]) -> Planted:
    depth_of_json = 0
    for index in chosen:
        wrap = _WRAPS[index]
        if wrap is _WRAPS[-1]:
            # JSON in a text is opened three levels deep.
            depth_of_json += 1
            if depth_of_json > 1:
                continue
        held = wrap(held)
    return held


def planter(kinds: dict[str, Callable[[str], Planted]], *, deep: bool = True) -> Any:
    """A strategy of functions from a seed to its secret, of any kind, in any structure.

    Args:
        kinds: the kinds of secrets.
        deep: whether it may stand inside a structure.
    """
    inner = st.lists(st.integers(0, len(_WRAPS) - 1), max_size=4 if deep else 0)
    return st.builds(
        lambda kind, drawn, chosen: (
            lambda number: _wrapped(kinds[kind](seed(number, drawn)), chosen)
        ),
        st.sampled_from(sorted(kinds)),
        letters,
        inner,
    )
