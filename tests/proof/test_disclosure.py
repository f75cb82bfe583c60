"""Disclosures: read from their texts and held against an entry's digests."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import FormatError, ProofError
from counterfoil.proof import (
    Disclosure,
    check_disclosures,
    disclosure_digest,
    encode_disclosures,
    parse_disclosures,
)
from tests.proof.samples import ACTOR, DETAILS, SALT, base64url, disclosure, entry
from tests.proof.vectors import RFC_DIGEST, RFC_TEXT


def test_published_disclosure():
    read = Disclosure.parse(RFC_TEXT)
    assert (read.name, read.value) == ("family_name", "Möbius")
    assert read.digest == RFC_DIGEST
    assert disclosure_digest(b'["_26bc4LT-ac6q2KI6cBW5es", "family_name", "M\xc3\xb6bius"]') == (
        RFC_DIGEST
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
    max_leaves=10,
)


@given(values=st.lists(json_values, max_size=4), hidden=st.integers(0, 4))
def test_round_trip_and_check(values: list[Any], hidden: int):
    written = [disclosure(f"subject_{n}", value) for n, value in enumerate(values)]
    shown = written[hidden:]
    read = parse_disclosures(encode_disclosures(shown))
    assert [(d.name, d.value) for d in read] == [
        (f"subject_{n}", value) for n, value in enumerate(values)
    ][hidden:]
    withheld = check_disclosures(entry(*written), read)
    assert sorted(withheld) == sorted(map(disclosure_digest, written[:hidden]))


def test_white_space_and_key_order_stay_as_they_are():
    spaced = b'[ "salt" ,  "actor", {"b" : 1, "a": 2} ]'
    (read,) = parse_disclosures(encode_disclosures([spaced]))
    assert read.digest == disclosure_digest(spaced) != disclosure_digest(spaced.replace(b" ", b""))
    assert check_disclosures(entry(spaced), [read]) == []


def test_escaped_keys_come_back_as_they_were_written():
    escaped = {"~_sd": 1, "~~a": {"~...": [{"~_sd_alg": 2}]}, "b~": 3}
    (read,) = parse_disclosures(encode_disclosures([disclosure("details", escaped)]))
    assert read.value == {"_sd": 1, "~a": {"...": [{"_sd_alg": 2}]}, "b~": 3}


@pytest.mark.parametrize("key", ["_sd", "_sd_alg", "..."])
def test_reserved_keys_are_refused(key: str):
    with pytest.raises(FormatError, match="reserves"):
        Disclosure.parse(base64url(disclosure("details", [{"a": {key: []}}])))
    with pytest.raises(FormatError, match="salt, a name and a value"):
        Disclosure.parse(base64url(disclosure(key, 1)))


def test_one_changed_byte_is_noticed():
    committed = entry(ACTOR, DETAILS)
    for changed in (ACTOR.replace(b"u-1", b"u-2"), ACTOR.replace(SALT.encode(), b"salt")):
        read = parse_disclosures(encode_disclosures([DETAILS, changed]))
        with pytest.raises(ProofError, match="does not commit to disclosure 1"):
            check_disclosures(committed, read)


def test_names_are_not_repeated():
    read = parse_disclosures(encode_disclosures([ACTOR, ACTOR]))
    with pytest.raises(ProofError, match="Disclosure 1 repeats"):
        check_disclosures(entry(ACTOR), read)
    second = disclosure("actor", {"user_id": "u-2"})
    read = parse_disclosures(encode_disclosures([ACTOR, second]))
    with pytest.raises(ProofError, match="Disclosure 1 repeats"):
        check_disclosures(entry(ACTOR, second), read)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"[]",
        b"null",
        b'{"_sd":[]}',
        entry(ACTOR, _sd_alg="sha-512"),
        entry(ACTOR, _sd=None),
        entry(ACTOR, _sd=[1]),
        entry(ACTOR, _sd=["a", "a"]),
        entry(ACTOR)[:-1] + b',"_sd":[]}',
        entry(ACTOR) + b"x",
        b"\xff" + entry(ACTOR),
        entry(ACTOR).decode().encode("utf-16"),
    ],
)
def test_what_is_no_entry_is_refused(bad: bytes):
    with pytest.raises(FormatError, match="entry"):
        check_disclosures(bad, [])


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"[]",
        b'["salt","name"]',
        b'["salt","name",1,2]',
        b'[1,"name",1]',
        b'["salt",1,1]',
        b'{"salt":1}',
        b"[" * 100_000,
        b'["salt","name",' + b"[" * 70 + b"]" * 70 + b"]",
        b'["salt","name",{"a":1,"a":2}]',
        b'["salt","name",NaN]',
        b'["salt","name",-Infinity]',
        b'["salt","name",' + b"9" * 5000 + b"]",
        b'["salt","name","\\ud800"]',
        b'["salt","name",{"\\udfff":1}]',
        b'["salt","name","\xff"]',
        b'["salt","name",1] x',
        b'\xef\xbb\xbf["salt","name",1]',
        '["salt","name",1]'.encode("utf-16-le"),
    ],
)
def test_what_is_no_disclosure_is_refused(bad: bytes):
    with pytest.raises(FormatError, match=r"disclosure"):
        parse_disclosures(encode_disclosures([bad]))


@pytest.mark.parametrize(
    "data",
    [
        RFC_TEXT.encode(),
        RFC_TEXT.encode() + b"\r\n",
        RFC_TEXT.encode() + b"=\n",
        RFC_TEXT.encode() + b"\n\n",
        b"\n" + RFC_TEXT.encode() + b"\n",
        b" " + RFC_TEXT.encode() + b"\n",
        RFC_TEXT.encode() + b"~\n",
        RFC_TEXT.encode()[:-1] + b"1\n",
        RFC_TEXT.encode().replace(b"_", b"/") + b"/\n",
        b"\xff\n",
        "ö\n".encode(),
    ],
)
def test_what_is_no_list_of_disclosures_is_refused(data: bytes):
    with pytest.raises(FormatError):
        parse_disclosures(data)
