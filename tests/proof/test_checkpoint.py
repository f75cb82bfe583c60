"""Checkpoints: their text, and whose they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import FormatError, ProofError, SignatureError
from counterfoil.proof import EMPTY_ROOT, Checkpoint, Note, SigningKey
from tests.proof.samples import CHECKPOINT, KEY
from tests.proof.vectors import SIGSUM_CHECKPOINT, SIGSUM_KEY, SIGSUM_ORIGIN, SPEC_CHECKPOINT


def test_published_text():
    checkpoint = Checkpoint.parse(SPEC_CHECKPOINT)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex().startswith("0ac5186a91863e8e")
    assert checkpoint.encode() == SPEC_CHECKPOINT


def test_published_checkpoint():
    checkpoint = Checkpoint.open(SIGSUM_CHECKPOINT, SIGSUM_KEY)
    assert checkpoint == Checkpoint(SIGSUM_ORIGIN, 1, b"\x2a" + bytes(31))


origins = st.text(
    st.characters(exclude_categories=["Zs", "Zl", "Zp", "Cc", "Cs"], exclude_characters="+"),
    min_size=1,
)


@given(
    origin=origins,
    size=st.integers(0, 2**63 - 1),
    root=st.binary(min_size=32, max_size=32),
    seed=st.binary(min_size=32, max_size=32),
)
def test_signed_checkpoints_open(origin: str, size: int, root: bytes, seed: bytes):
    key = SigningKey(origin, seed)
    checkpoint = Checkpoint(origin, size, root)
    assert Checkpoint.open(checkpoint.sign(key), key.verifier) == checkpoint


def test_three_lines_are_signed():
    note = CHECKPOINT.sign(KEY)
    text, _, signatures = note.partition(b"\n\n")
    assert text.split(b"\n") == [
        b"audit.example.com/default",
        b"42",
        b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    ]
    assert signatures.count(b"\n") == 1


def test_extension_lines_are_read_and_kept_but_not_signed():
    text = CHECKPOINT.encode() + b"an extension\nand another one\n"
    checkpoint = Checkpoint.parse(text)
    assert checkpoint.extensions == ("an extension", "and another one")
    assert checkpoint.encode() == text
    with pytest.raises(FormatError, match="extension lines is not signed"):
        checkpoint.sign(KEY)
    note = Note(text, (KEY.sign(text),)).encode()
    assert Checkpoint.open(note, KEY.verifier) == checkpoint


def test_a_log_signs_under_its_own_name():
    with pytest.raises(SignatureError, match="whose name is its origin"):
        CHECKPOINT.sign(KEY.renamed("audit.example.com/other"))


def test_another_logs_checkpoint_is_refused_though_the_key_is_the_same():
    other = KEY.renamed("audit.example.com/other")
    text = CHECKPOINT.encode()
    # The signature is good, and so is its line: only the origin tells the logs apart.
    relabelled = Note(text, (other.sign(text),)).encode()
    with pytest.raises(SignatureError, match="another log's"):
        Checkpoint.open(relabelled, other.verifier)
    assert Checkpoint.open(relabelled, other.verifier, origin=KEY.name) == CHECKPOINT


def test_a_checkpoint_that_the_key_did_not_sign_is_refused():
    stranger = SigningKey.generate(KEY.name)
    with pytest.raises(SignatureError, match="None of the wanted keys"):
        Checkpoint.open(CHECKPOINT.sign(stranger), KEY.verifier)
    with pytest.raises(SignatureError, match="false"):
        Checkpoint.open(CHECKPOINT.sign(KEY).replace(b"\n42\n", b"\n43\n"), KEY.verifier)


ROOT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "three lines"),
        (f"origin\n42\n{ROOT}", "three lines"),
        ("origin\n42\n", "three lines"),
        (f"\n42\n{ROOT}\n", "single lines"),
        (f"origin\n42\n{ROOT}\n\n", "single lines"),
        (f"origin\n42\n{ROOT}\nextension\n\nmore\n", "single lines"),
        (f"origin\n042\n{ROOT}\n", "size is not a decimal"),
        (f"origin\n+42\n{ROOT}\n", "size is not a decimal"),
        (f"origin\n-1\n{ROOT}\n", "size is not a decimal"),
        (f"origin\n42 \n{ROOT}\n", "size is not a decimal"),
        (f"origin\n4_2\n{ROOT}\n", "size is not a decimal"),
        (f"origin\n\N{ARABIC-INDIC DIGIT ONE}\n{ROOT}\n", "size is not a decimal"),
        (f"origin\n\n{ROOT}\n", "size is not a decimal"),
        (f"origin\n9223372036854775808\n{ROOT}\n", "size is not a decimal"),
        (f"origin\n{'9' * 5000}\n{ROOT}\n", "size is not a decimal"),
        (f"origin\n42\n{ROOT[:-1]}\n", "root is not standard base64"),
        (f"origin\n42\n{ROOT}=\n", "root is not standard base64"),
        (f"origin\n42\n{ROOT} \n", "root is not standard base64"),
        (f"origin\n42\n {ROOT}\n", "root is not standard base64"),
        (f"origin\n42\n{ROOT[:-2]}9=\n", "root is not standard base64"),
        (f"origin\n42\n{ROOT[:-4]}\n", "root is not a hash of 32 bytes"),
        ("origin\n42\n\n", "root is not a hash of 32 bytes"),
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str, reason: str):
    with pytest.raises(FormatError, match=reason):
        Checkpoint.parse(text.encode())


def test_bytes_that_are_not_utf8_are_refused():
    with pytest.raises(FormatError, match="not UTF-8"):
        Checkpoint.parse(b"\xff" + CHECKPOINT.encode())


def test_what_is_no_checkpoint_is_not_made():
    with pytest.raises(ProofError, match="tree size"):
        Checkpoint("origin", -1, EMPTY_ROOT)
    with pytest.raises(ProofError, match="root is not a hash"):
        Checkpoint("origin", 0, b"")
    for origin in ("", "two\nlines"):
        with pytest.raises(FormatError, match="single lines"):
            Checkpoint(origin, 0, EMPTY_ROOT)
