"""What becomes of Python's values, and of secrets in the shapes that programs keep them in."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import os
import subprocess
import sys
from collections import OrderedDict, defaultdict, deque
from decimal import Decimal
from pathlib import PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

import pytest
import uuid_utils
from pydantic import BaseModel, SecretStr

from counterfoil.policy.redaction import Redactor

UTC = dt.UTC


class Level(enum.Enum):
    HIGH = "high"
    PAIR = ("a", 1)


class Text(str, enum.Enum):  # noqa: UP042 - as the contract's own enums are
    ONE = "one"


class Number(enum.IntEnum):
    SEVEN = 7


class Named(NamedTuple):
    user: str
    password: str


@dataclasses.dataclass
class Account:
    name: str
    password: str
    nested: Any = None


@dataclasses.dataclass(slots=True)
class Slotted:
    name: str
    api_key: str


class Attribute:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Attrs:
    """What the attrs library makes of a class, without the library."""

    __attrs_attrs__ = (Attribute("user"), Attribute("token"))

    def __init__(self, user: str, token: str) -> None:
        self.user, self.token = user, token


class Model(BaseModel):
    name: str
    password: SecretStr
    note: SecretStr
    inner: Account | None = None


class Extra(BaseModel, extra="allow"):
    name: str


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (-(2**53) + 1, -(2**53) + 1),
        (2**53, "9007199254740992"),
        (0.5, 0.5),
        (float("nan"), "[number:NaN]"),
        (float("inf"), "[number:Infinity]"),
        (float("-inf"), "[number:-Infinity]"),
        (dt.datetime(2024, 5, 17, 9, 30), "2024-05-17T09:30:00"),  # noqa: DTZ001
        (dt.datetime(2024, 5, 17, 9, 30, tzinfo=UTC), "2024-05-17T09:30:00+00:00"),
        (dt.date(2024, 5, 17), "2024-05-17"),
        (dt.time(9, 30), "09:30:00"),
        (dt.timedelta(minutes=90), "1:30:00"),
        (UUID("0190a5f2-7b7c-7cc3-98c4-dc0c0c07398f"), "0190a5f2-7b7c-7cc3-98c4-dc0c0c07398f"),
        (
            uuid_utils.UUID("0190a5f2-7b7c-7cc3-98c4-dc0c0c07398f"),
            "0190a5f2-7b7c-7cc3-98c4-dc0c0c07398f",
        ),
        (Decimal("12.50"), "12.50"),
        (Decimal("NaN"), "NaN"),
        (PurePosixPath("/var/lib/app"), "/var/lib/app"),
        (Level.HIGH, "high"),
        (Level.PAIR, ["a", 1]),
        (Text.ONE, "one"),
        (Number.SEVEN, 7),
        (b"\x00\x01\xff", "base64:AAH/"),
        (bytearray(b"hello"), "base64:aGVsbG8="),
        (b"x" * 64, "base64:" + "eHh4" * 21 + "eA=="),
        (b"x" * 65, "[unserializable:bytes]"),
        ((1, (2, 3)), [1, [2, 3]]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (deque([1, 2]), [1, 2]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (ValueError("no such user"), "ValueError: no such user"),
        (KeyError("user", 7), "KeyError: user, 7"),
        (RuntimeError(), "RuntimeError"),
        (SimpleNamespace(a=1), "[unserializable:SimpleNamespace]"),
        (SecretStr("hunter2"), "[redacted:secret]"),
    ],
    ids=str,
)
def test_values_that_json_does_not_have(redactor: Redactor, value: object, clean: object) -> None:
    result = redactor.clean({"v": value})
    assert result == {"v": clean}
    assert type(result["v"]) is type(clean)


def test_keys_that_are_no_texts(redactor: Redactor) -> None:
    day = dt.date(2024, 5, 17)
    clean = redactor.clean(
        {1: "a", "1": "b", None: "c", False: "d", 1.5: "e", day: "f", ("x", 2): "g", b"h": "i"}
    )
    assert clean == {
        "1": "a",
        "1#2": "b",
        "null": "c",
        "false": "d",
        "1.5": "e",
        "2024-05-17": "f",
        "x,2": "g",
        "h": "i",
    }


def test_two_keys_that_become_equal_are_both_kept(redactor: Redactor) -> None:
    clean = redactor.clean({"4111111111111111": 1, "4111-1111-1111-1111": 2})
    assert clean == {"[redacted:pan:…1111]": 1, "[redacted:pan:…1111]#2": 2}
    assert redactor.clean(clean) == clean


@pytest.mark.parametrize(
    "value",
    [
        {"password": "hunter2"},
        {"user": {"password": "hunter2"}},
        {"password": {"old": "hunter2"}},
        {"password": ["hunter2"]},
        {"password": b"hunter2"},
        {"password": Decimal("31337")},
        {"pin": 31337},
        {"otp": 31337},
        {"cvv": 31337},
        {"ssn": 31337},
        {"password": Text.ONE},
        {"name": "password", "value": "hunter2"},
        {"Key": "Password", "Value": "hunter2"},
        {"field": "user.password", "old": "hunter2", "new": "hunter2"},
        {"header": "X-Api-Key", "values": ["hunter2"]},
        {"op": "replace", "path": "/user/password", "value": "hunter2"},
        {b"name": "password", b"value": "hunter2"},
        {"headers": [("Authorization", "hunter2"), ("Accept", "*/*")]},
        {"headers": [(b"authorization", b"hunter2")]},
        {"headers": [["Authorization", "hunter2"]]},
        {"headers": {"Cookie": ["a=hunter2"]}},
        {"headers": {b"cookie": b"a=hunter2"}},
        {"pair": ("password", "hunter2")},
        {"items": {"password": "hunter2"}.items()},
        {"argv": ["mysql", "--password", "hunter2", "app"]},
        {"argv": ("mysql", "--password=hunter2")},
        {"argv": ["curl", "-u", "bob:hunter2", "https://example.com"]},
        {"env": ["LANG=en", "DB_PASSWORD=hunter2"]},
        {"tokens": {"hunter2"}},
        {"tokens": {"hunter2": {"name": "ci"}}},
        Account("bob", "hunter2"),
        Account("bob", "x", nested=Account("eve", "hunter2")),
        Slotted("bob", "hunter2"),
        Named("bob", "hunter2"),
        Attrs("bob", "hunter2"),
        Model(name="x", password=SecretStr("hunter2"), note=SecretStr("hunter2")),
        Model(name="x", password="y", note="z", inner=Account("bob", "hunter2")),
        Extra(name="x", password="hunter2"),
        MappingProxyType({"password": "hunter2"}),
        ValueError("cannot log in: password=hunter2"),
        ConnectionError("postgres://bob:hunter2@db.example.com/app refused"),
        {"code": "hunter2", "state": "x", "redirect_uri": "https://example.com/"},
        {"grant_type": "authorization_code", "code": "hunter2"},
        b"password=hunter2",
        {"note": b"password=hunter2"},
        [[[{"a": [{"b": ({"password": "hunter2"},)}]}]]],
        {"session_id": "hunter2"},
        {"jti": "hunter2"},
        {"connect.sid": "hunter2"},
        {"credit_card_pin": "hunter2"},
        {"magic_link": "hunter2"},
        {"type": "password", "value": "hunter2"},
        {"use_password": "31337"},
        {"has_pin": "31337"},
        {"max_pin": "31337"},
        {"max_tokens": "hunter2"},
        {"kty": "oct", "k": "hunter2"},
        {"code": "hunter2hunter2", "state": "x"},
        {"api_key": {"id": "k1", "value": "hunter2"}},
        {"api_keys": [{"id": "k1", "key": "hunter2"}]},
        {"token": {"type": "bearer", "value": {"a": "hunter2"}}},
        {"tokens": {"id": "x", "access": "hunter2"}},
        {"cookies": {"id": "hunter2", "type": "x"}},
        {"password": {"old": "hunter2", "new": "hunter2"}},
    ],
    ids=str,
)
def test_a_secret_in_a_shape_does_not_come_out(redactor: Redactor, value: object) -> None:
    clean = redactor.clean(value)
    assert "hunter2" not in str(clean)
    assert "31337" not in str(clean)
    assert "aHVudGVyMg" not in str(clean)
    assert "[redacted:" in str(clean)
    assert redactor.clean(clean) == clean


def test_a_key_in_lines_goes_to_its_end(redactor: Redactor) -> None:
    dashes = "-" * 5
    lines = [f"{dashes}BEGIN PRIVATE KEY{dashes}", "MC4CAQAwBQ", "AAAA", f"{dashes}END PRIVATE KEY"]
    clean = redactor.clean({"lines": ["before", *lines, "after"], "torn": lines[:2]})
    mark = "[redacted:private_key]"
    assert clean == {"lines": ["before", mark, mark, mark, mark, "after"], "torn": [mark, mark]}
    assert redactor.clean(clean) == clean


def test_what_stands_beside_a_secret_stays(redactor: Redactor) -> None:
    assert redactor.clean(
        {
            "headers": [("Authorization", "hunter2"), ("Accept", "text/html")],
            "account": Account("bob", "hunter2", nested=[1, 2]),
            "change": {"field": "password", "old": "a", "new": "b", "by": "eve"},
            "argv": ["mysql", "--password", "hunter2", "app"],
            "api_key": {"id": "k1", "scopes": ["read"], "value": "hunter2", "note at": "x"},
        }
    ) == {
        "headers": [["Authorization", "[redacted:authorization]"], ["Accept", "text/html"]],
        "account": {"name": "bob", "password": "[redacted:password]", "nested": [1, 2]},
        "change": {
            "field": "password",
            "old": "[redacted:password]",
            "new": "[redacted:password]",
            "by": "eve",
        },
        "argv": ["mysql", "--password", "[redacted:password]", "app"],
        "api_key": {
            "id": "k1",
            "scopes": ["read"],
            "value": "[redacted:api_key]",
            "note at": "x",
        },
    }


@pytest.mark.parametrize(
    ("name", "value", "clean"),
    [
        ("card_number", "4111 1111 1111 1111", "[redacted:pan:…1111]"),
        ("card_number", 4111111111111111, "[redacted:pan:…1111]"),
        ("card_number", "4111111111111112", "[redacted:pan:…1112]"),  # mistyped, and still one
        ("card_number", "4111111111111111 12/28 123", "[redacted:pan]"),
        ("card_number", "411111111", "[redacted:pan]"),
        ("cards", ["4111111111111111", 7], ["[redacted:pan:…1111]", 7]),
        ("card_numbers", ["4111111111111112"], ["[redacted:pan:…1112]"]),
        ("number", 4111111111111111, "[redacted:pan:…1111]"),
        ("number", 4111111111111111.0, "[redacted:pan:…1111]"),
        ("iban", "GB82 WEST 1234 5698 7654 32", "[redacted:iban:GB…5432]"),
        ("iban", "GB82WEST12345698765433", "[redacted:iban:GB…5433]"),
        ("iban", "12345678", "[redacted:iban]"),
        ("ssn", "078-05-1120", "[redacted:ssn]"),
        ("pin", 1234, "[redacted:pin]"),
    ],
)
def test_what_is_left_of_numbers(
    redactor: Redactor, name: str, value: object, clean: object
) -> None:
    assert redactor.clean({name: value}) == {name: clean}
    assert redactor.clean({name: clean}) == {name: clean}


@pytest.mark.parametrize("root", ["user_id", "resource_id", "request_id", "company_id"])
def test_in_the_contexts_own_ids_only_credentials_count(redactor: Redactor, root: str) -> None:
    harmless = ["4111111111111111", "GB82WEST12345698765432", "cGFzc3dvcmQ9aHVudGVyMiZ1c2VyPWJvYg"]
    for text in harmless:
        assert redactor.clean(text, root=root) == text
        assert redactor.text(text, identifier=True) == text
        assert redactor.clean(text, root="user_agent") != text
    assert redactor.clean(harmless, root="subjects") == harmless
    assert redactor.clean("Bearer hunter2hunter2", root=root) == "Bearer [redacted:bearer]"
    assert redactor.clean("password=hunter2", root=root) == "password=[redacted:password]"


def test_several_parts_in_one_pass(redactor: Redactor) -> None:
    parts: dict[str, object] = {
        "user_id": "4111111111111111",
        "ip_address": "192.0.2.1",
        "details": {"card": "4111111111111111"},
        "metadata": None,
        "after_state": {"password": "hunter2", "note": "token=hunter2"},
        "changes": {"/password": {"op": "replace", "old": "a", "new": "b"}},
    }
    together = redactor.clean_all(parts)
    assert together == {root: redactor.clean(value, root=root) for root, value in parts.items()}
    assert together["user_id"] == "4111111111111111"
    assert "hunter2" not in str(together)


def test_too_much_is_left_out_and_says_so() -> None:
    redactor = Redactor(longest=1000)
    assert redactor.clean({"a": "x y" * 400, "b": "z"}) == {"a": "[truncated:1200]", "b": "z"}
    assert redactor.clean("ü" * 1001) == "[truncated:2002]"
    key = "password=hunter2 " * 100
    for value in ({key: 1}, {"/a": {key: 1}}, {"a": {key: {"b": 1}}}):
        for root in ("details", "changes"):
            clean = redactor.clean(value, root=root)
            assert "hunter2" not in str(clean)
            assert "[truncated:1700]" in str(clean)
            assert redactor.clean(clean, root=root) == clean
    many = redactor.clean({"texts": ["some words"] * 5000})
    assert isinstance(many, dict)
    assert many["texts"][-1] == "[truncated:10]"  # type: ignore[index]
    assert redactor.clean(dict.fromkeys(map(str, range(100_001)))) == "[truncated:members]"
    wide = redactor.clean({"a": list(range(100_001)), "b": 1})
    assert wide == {"a": "[truncated:members]", "b": 1}


def test_each_part_is_cut_by_itself() -> None:
    redactor = Redactor(longest=1000)
    wide = {"a": list(range(99_990))}
    parts = {
        "before_state": wide,
        "after_state": wide,
        "changes": {"/a": {"op": "add", "new": list(range(50))}},
        "details": {"texts": ["some words"] * 5000},
        "metadata": {"note": "some words", "list": [1, [2, 3]]},
        "body": ["some words"] * 20,
    }
    clean = redactor.clean_all(parts)
    for name in ("before_state", "after_state", "changes", "metadata", "body"):
        assert clean[name] == parts[name]


SAMPLE = """
import orjson
from counterfoil.policy.redaction import Redactor
value = {
    "set": {"b", "a", "c"}, "mixed": {1, "x", None, 2.5}, "pairs": {("b", 1), ("a", 2)},
    "pair": {"id": "pin", "name": "password", "type": "token", "value": "x"},
    "frozen": {frozenset({"a"}), "b"},
}
print(orjson.dumps(Redactor().clean(value)).decode())
"""


def test_what_comes_out_does_not_depend_on_the_process() -> None:
    """The same event id with the same content must be the same event, whoever sends it."""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SAMPLE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


def test_findings_tell_where_and_why_and_never_what(redactor: Redactor) -> None:
    value = {
        "user": {"password": "hunter2", "a/b": ["ok", "4111111111111111"]},
        "url": "https://example.com/?token=hunter2",
        "json": '{"x": {"api_key": "hunter2"}}',
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x": 1,
    }
    findings = redactor.explain(value)
    assert {(finding.path, finding.rule, str(finding.treatment)) for finding in findings} == {
        ("/details", "key", "drop"),
        ("/details/user/password", "name:password", "drop"),
        ("/details/user/a~1b/1", "value:pan", "last4"),
        ("/details/url", "name:token", "drop"),
        ("/details/json/x/api_key", "name:api_key", "drop"),
    }
    assert len(findings) == 5
    assert "hunter2" not in repr(findings)
    assert redactor.explain(redactor.clean(value)) == []
    assert redactor.explain({"a": 1, "b": "text"}) == []
