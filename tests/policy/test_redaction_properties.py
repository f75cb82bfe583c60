"""What holds for every input: no planted secret comes out, twice is once, JSON takes it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
from collections import OrderedDict, deque
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.policy.redaction import Redactor, Rule, Rules, Tokeniser
from counterfoil.policy.redaction.keys import Keys
from counterfoil.policy.redaction.names import Names
from counterfoil.policy.redaction.scan import Scan
from counterfoil.policy.redaction.suspicion import APART, suspects
from counterfoil.policy.redaction.text import cleaned
from counterfoil.policy.redaction.walk import Walk

REDACTOR = Redactor(tokens=Tokeniser([("k1", b"x" * 32)]))

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFU"

# What hypothesis puts texts together from: the rules' own words, and what surrounds them.
PIECES = [
    *("password", "pwd", "token", "Authorization", "Cookie", "api_key", "code", "state", "note"),
    *("tokens", "max_tokens", "iban", "card_number", "session_id", "cvv", "--password", "-u "),
    *("=", ":", ": ", " ", "\n", "&", ";", ",", "?", "#", "/", "//", "://", "@", "%", "%25", "%3D"),
    *('"', "'", "\\", '\\"', "{", "}", "[", "]", "(", ")", "<", ">", "</", "=>", ":=", "+", "-"),
    *("hunter2", "bob", "x", "1", "42", "true", "null", "é", "я", "\u200b", "\x00", "\ud800"),
    *("4111 1111 1111 1111", "4111111111111111", "GB82WEST12345698765432", "4111-", "1111"),
    *("Bearer ", "Basic ", "Ym9iOmh1bnRlcjI=", "eyJ", JWT, "ghp_" + "a1B2" * 9),
    *("AKIAIOSFODNN7EXAMPLE", "$2b$12$abcdefghijklmnopqrstuv"),
    *("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "https", "/reset/"),
    *("[redacted:password]", "[redacted:", "[redacted:pan:…1111]", "[redacted:token", "…"),
    *("[redacted:session_id:k1:0123456789abcdef0123456789abcdef]", "[truncated:9]", "[cycle]"),
    *("cGFzc3dvcmQ9aHVudGVyMiZ1c2VyPWJvYg==", "eyJwYXNzd29yZCI6ICJodW50ZXIyIn0="),
    *('{"password": "hunter2"}', '["password", "x"]', '{"name": "pin", "value": "1"}'),
    "<password>",
]  # fmt: skip

texts = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(max_size=40))


class Word(enum.Enum):
    PASSWORD = "password"
    VALUE = "value"
    FLAG = "--password"


others = st.sampled_from(
    [
        *(4111111111111111, 2**60, Decimal("12"), dt.date(2024, 5, 17), object(), *Word),
        *(ValueError("password=hunter2"), b"password=hunter2", float("nan")),
    ]
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts, st.binary(max_size=70), others
)
names = st.sampled_from(
    [
        *(
            "id",
            "type",
            "name",
            "value",
            "old",
            "new",
            "kty",
            "d",
            "code",
            "state",
            "path",
            "field",
        ),
        *("password", "tokens", "api_key", "card_number", "session_id", "cookies", "status", "x"),
    ]
)
keys = st.one_of(
    names,
    texts,
    st.integers(),
    st.booleans(),
    st.none(),
    st.binary(max_size=20),
    st.sampled_from(Word),
)


@dataclasses.dataclass
class Record:
    name: Any
    value: Any


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4),
        st.tuples(inner, inner),
        st.builds(Record, inner, inner),
        st.lists(inner, max_size=3).map(deque),
        st.dictionaries(keys, inner, max_size=3).map(MappingProxyType),
        st.dictionaries(texts, inner, max_size=3).map(OrderedDict),
        st.lists(texts, max_size=3).map(set),
    )


values = st.recursive(scalars, containers, max_leaves=12)


@settings(max_examples=300, deadline=None)
@given(values)
def test_cleaning_twice_changes_nothing_more_and_json_takes_it(value: Any) -> None:
    clean = REDACTOR.clean(value)
    orjson.dumps(clean)
    assert REDACTOR.clean(clean) == clean


@settings(max_examples=300, deadline=None)
@given(texts)
def test_a_text_comes_out_of_a_second_pass_unchanged(text: str) -> None:
    clean = REDACTOR.text(text)
    assert REDACTOR.text(clean) == clean
    assert REDACTOR.text(REDACTOR.text(text, identifier=True), identifier=True) == REDACTOR.text(
        text, identifier=True
    )


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        texts, st.one_of(values, st.fixed_dictionaries({"old": values, "new": values})), max_size=4
    )
)
def test_changes_come_out_of_a_second_pass_unchanged(changes: dict[str, Any]) -> None:
    clean = REDACTOR.clean(changes, root="changes")
    orjson.dumps(clean)
    assert REDACTOR.clean(clean, root="changes") == clean


@settings(max_examples=300, deadline=None)
@given(st.lists(texts, min_size=1, max_size=4))
def test_what_the_cheap_test_lets_pass_no_pattern_would_change(several: list[str]) -> None:
    rules = Rules()
    names = Names()

    def clean_json(value: object, level: int) -> Any:
        return Walk(Scan(rules, names), Keys(names), 65_536, level).value(value)

    pointed_at = suspects(several, APART.join(several))
    for index, text in enumerate(several):
        if index not in pointed_at:
            assert cleaned(text, Scan(rules, names), clean_json) == text


# A planted secret: how it stands in a value, and what of it may not come out.
SECRET = "Zx9-swordfish-Qw7"
PLANTS: list[tuple[Any, str]] = [
    ({"password": SECRET}, SECRET),
    ({"user": {"newPassword2": SECRET}}, SECRET),
    ({"x-api-key": [SECRET]}, SECRET),
    ({"credentials": {"a": {"b": SECRET}}}, SECRET),
    ({"secrets": {SECRET: 1}}, SECRET),
    ({"name": "password", "value": SECRET}, SECRET),
    ([("Authorization", SECRET)], SECRET),
    ([(b"authorization", SECRET.encode())], SECRET),
    ({"session_id": SECRET}, SECRET),
    (Record("password", {"token": SECRET}), SECRET),
    (f"password={SECRET}&a=1", SECRET),
    (f"Authorization: Bearer {SECRET}", SECRET),
    (f"postgres://bob:{SECRET}@db.example.com/x", SECRET),
    (f"https://example.com/?a=1&access_token={SECRET}", SECRET),
    (f"https://example.com/reset/{SECRET}", SECRET),
    (f'{{"password": "{SECRET}"}}', SECRET),
    (["--password", SECRET], SECRET),
    (JWT, JWT[30:60]),
    ("4111 1111 1111 1111", "4111 1111"),
    ("5555555555554444", "55555555555"),
    (4111111111111111, "411111111111"),
    ("GB82 WEST 1234 5698 7654 32", "1234 5698"),
    ("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----", "MC4CAQAwBQ"),
    ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
    ("ghp_" + "a1B2" * 9, "a1B2a1B2"),
]
plain_words = st.sampled_from(["status", "items", "n", "customer", "list", "αβγ", "a b", "data"])
neighbours = st.one_of(st.none(), st.integers(-99, 99), st.sampled_from(["x", "active", "née"]))


def wrapped(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One more layer around a value that holds the secret."""
    return st.one_of(
        st.tuples(plain_words, inner, plain_words, neighbours).map(
            lambda four: {four[2]: four[3], four[0]: four[1]}
        ),
        st.tuples(neighbours, inner, neighbours).map(list),
        st.tuples(neighbours, inner),
        inner.map(lambda value: Record("n", value)),
        inner.map(lambda value: MappingProxyType({"inner": value})),
        inner.map(lambda value: deque([1, value])),
    )


def forms(value: Any) -> list[Any]:
    """The value, and where it can be one as a JSON text, alone, quoted and among words."""
    try:
        text = json.dumps(value)
    except TypeError:
        return [value]
    return [value, text, json.dumps(text), f"seen {text} there", f"seen {json.dumps(text)} there"]


def planted(plant: tuple[Any, str]) -> st.SearchStrategy[tuple[Any, str]]:
    value, secret = plant
    return st.recursive(st.sampled_from(forms(value)), wrapped, max_leaves=6).map(
        lambda whole: (whole, secret)
    )


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PLANTS).flatmap(planted), st.sampled_from(["details", "body", "changes"]))
def test_a_planted_secret_does_not_come_out(plant: tuple[Any, str], root: str) -> None:
    value, secret = plant
    clean = orjson.dumps(REDACTOR.clean(value, root=root)).decode()
    assert secret not in clean
    assert secret not in clean.replace("\\", "")


@settings(max_examples=200, deadline=None)
@given(values, st.lists(st.sampled_from(["x", "note", "details.x", "*.a", "a.*"]), max_size=3))
def test_rules_of_the_caller_keep_these_promises(value: Any, fields: list[str]) -> None:
    redactor = Redactor(Rules([Rule("order", fields=["x"], pattern=r"hunter[0-9]+")]))
    clean = redactor.clean(value, sensitive_fields=fields)
    assert b"hunter2" not in orjson.dumps(clean)
    assert redactor.clean(clean, sensitive_fields=fields) == clean
