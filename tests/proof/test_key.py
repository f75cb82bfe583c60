"""Verifier keys and signing keys, and their texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import FormatError, SignatureError
from counterfoil.proof import CosignerKey, SigningKey, VerifierKey
from tests.proof.vectors import ENOCH, PETER, PETER_SECRET, SPEC_KEY

names = st.text(
    st.characters(exclude_categories=["Zs", "Zl", "Zp", "Cc", "Cs"], exclude_characters="+"),
    min_size=1,
)


@pytest.mark.parametrize("text", [SPEC_KEY, PETER, ENOCH])
def test_published_keys(text: str):
    assert str(VerifierKey.parse(text)) == text


def test_the_parts_of_the_published_key():
    key = VerifierKey.parse(SPEC_KEY)
    assert key.name == "example.com/foo"
    assert key.id.hex() == "530d903a"
    assert key.public_key.hex() == (
        "e932791ae6e7a840a46164c904786426d5e7821dd8b29a00d61cae72afdd4da4"
    )


def test_published_signing_key():
    key = SigningKey.parse(PETER_SECRET)
    assert key.secret_text() == PETER_SECRET
    assert str(key.verifier) == PETER


@pytest.mark.parametrize(
    ("parse", "text"), [(VerifierKey.parse, PETER), (SigningKey.parse, PETER_SECRET)]
)
def test_no_part_and_no_change_of_a_key_is_a_key(parse: Callable[[str], object], text: str):
    """As the Go package's own tests mangle its keys."""
    mangled = {text[:cut] for cut in range(len(text))} | {text[cut:] for cut in range(1, len(text))}
    for at, char in enumerate(text):
        mangled.add(text[:at] + chr(ord(char) + 1) + text[at + 1 :])
    for bad in mangled:
        with pytest.raises(FormatError):
            parse(bad)


@pytest.mark.parametrize(
    "text",
    [
        # A longer key and an unknown type, each under its own right id: the Go tests' too.
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER.replace("c74f20a3", "C74F20A3"),
        PETER.replace("c74f20a3", "c7 4f 20a3"),
        PETER + "\n",
        " " + PETER,
    ],
)
def test_other_spellings_are_refused(text: str):
    with pytest.raises(FormatError):
        VerifierKey.parse(text)


@given(name=names, seed=st.binary(min_size=32, max_size=32))
def test_texts_round_trip(name: str, seed: bytes):
    key = SigningKey(name, seed)
    assert VerifierKey.parse(str(key.verifier)) == key.verifier
    assert SigningKey.parse(key.secret_text()).secret_text() == key.secret_text()


def test_a_generated_key_signs_for_its_verifier_alone():
    key, other = SigningKey.generate("example.com/log"), SigningKey.generate("example.com/log")
    signature = key.sign(b"text\n")
    assert (signature.name, signature.key_id) == (key.name, key.verifier.id)
    key.verifier.verify(b"text\n", signature.value)
    for verifier, text, value in (
        (other.verifier, b"text\n", signature.value),
        (key.verifier, b"other\n", signature.value),
        (key.verifier, b"text\n", signature.value[:-1]),
        (key.verifier, b"text\n", b""),
    ):
        with pytest.raises(SignatureError, match="false"):
            verifier.verify(text, value)


def test_one_key_under_many_names():
    key = SigningKey.generate("a.example/log")
    renamed = key.renamed("b.example/log")
    assert renamed.verifier == key.verifier.renamed("b.example/log")
    assert renamed.verifier.id != key.verifier.id
    assert renamed.sign(b"text\n").value == key.sign(b"text\n").value


def test_the_type_is_part_of_the_key():
    public_key = VerifierKey.parse(PETER).public_key
    cosigner = CosignerKey("PeterNeumann", public_key)
    assert cosigner.id != VerifierKey("PeterNeumann", public_key).id
    assert CosignerKey.parse(str(cosigner)) == cosigner
    with pytest.raises(FormatError, match="type 0x01"):
        VerifierKey.parse(str(cosigner))
    with pytest.raises(FormatError, match="type 0x04"):
        CosignerKey.parse(PETER)


def test_a_signing_key_shows_no_secret():
    key = SigningKey.parse(PETER_SECRET)
    assert PETER in repr(key)
    assert PETER_SECRET[-40:] not in f"{key} {key!r}"


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\tb", "a\n", "a\x00", "a\N{NO-BREAK SPACE}", "\ud800"]
)
def test_what_is_no_name_is_refused(name: str):
    with pytest.raises(FormatError, match="key name"):
        SigningKey(name, bytes(32))
    with pytest.raises(FormatError, match="key name"):
        VerifierKey(name, bytes(32))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_keys_of_another_length_are_refused(length: int):
    with pytest.raises(FormatError, match="seed has 32 bytes"):
        SigningKey("name", bytes(length))
    with pytest.raises(FormatError, match="public key has 32 bytes"):
        VerifierKey("name", bytes(length))
