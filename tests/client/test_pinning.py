"""The server's key is pinned, and each checkpoint must continue the last one seen."""

from __future__ import annotations

from base64 import b64encode
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from counterfoil.errors import (
    AuthenticationError,
    ConfigurationError,
    KeyFileError,
    RollbackError,
    SignatureError,
    StoreUnavailableError,
)
from counterfoil.proof import SigningKey, node_hash
from counterfoil.wire import ServerAddress

from .conftest import Open
from .unruly_server import DATABASE, Answer, UnrulyServer, ok, problem, root, serving

LEAVES = [b"one", b"two", b"three", b"four", b"five"]
READER = {"id": "k", "name": "n", "role": "auditor", "company": None, "logs": None}


def shows(server: UnrulyServer, leaves: list[bytes]) -> None:
    """Let the server be a reader's, and its log have these leaves."""
    from counterfoil.proof import leaf_hash

    def consistency(query: dict[str, list[str]]) -> Any:
        old, new = int(query["old"][0]), int(query["new"][0])
        if new > len(leaves):
            return problem(404, code="not_found")
        proof = _consistency([leaf_hash(leaf) for leaf in leaves[:new]], old)
        return ok({"hashes": [b64encode(one).decode() for one in proof]})

    server.session = {"key": READER}
    server.routes["/v1/checkpoint"] = lambda _: ok(server.checkpoint(leaves))
    server.routes["/v1/consistency"] = consistency


def _root(hashes: list[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(_root(hashes[:half]), _root(hashes[half:]))


def _consistency(hashes: list[bytes], old: int, whole: bool = True) -> list[bytes]:
    # RFC 6962 section 2.1.2, word for word.
    if old == len(hashes):
        return [] if whole else [_root(hashes)]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    if old <= half:
        return [*_consistency(hashes[:half], old, whole), _root(hashes[half:])]
    return [*_consistency(hashes[half:], old - half, False), _root(hashes[:half])]


def _given(shown: Answer, _: object) -> Answer:
    return shown


async def test_a_checkpoint_is_checked_by_the_pinned_key(
    server: UnrulyServer, opened: Open
) -> None:
    shows(server, LEAVES[:3])
    async with opened(server) as log:
        signed = await log.checkpoint()
        assert (signed.size, signed.root) == (3, root(LEAVES[:3]))
        assert signed.verifier_key.public_key == server.key.verifier.public_key
        assert signed.origin == f"{DATABASE}/default"


@pytest.mark.parametrize("sizes", [(3, 5), (5, 3), (4, 4), (1, 5)])
async def test_checkpoints_that_continue_each_other_are_accepted(
    server: UnrulyServer, opened: Open, sizes: tuple[int, int]
) -> None:
    for size in sizes:
        shows(server, LEAVES)
        shown = ok(server.checkpoint(LEAVES[:size]))
        server.routes["/v1/checkpoint"] = partial(_given, shown)
        async with opened(server) as log:
            assert (await log.checkpoint()).size == size


@pytest.mark.parametrize(
    "later",
    [
        [b"one", b"altered", b"three", b"four", b"five"],
        [b"one", b"two", b"altered"],
        LEAVES[:2],
        [b"altered"],
    ],
)
async def test_another_past_than_before_is_a_fork(
    server: UnrulyServer, opened: Open, later: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    shows(server, LEAVES[:3])
    async with opened(server) as log:
        await log.checkpoint()
    shows(server, later)
    async with opened(server) as log:
        # Found on opening: nothing is sent there, and questions say why.
        assert "does not continue" in caplog.text
        with pytest.raises(RollbackError, match="does not continue"):
            await log.log_event("user_login")
        with pytest.raises(RollbackError, match="does not continue"):
            await log.checkpoint()
    assert server.events == []
    shows(server, LEAVES)
    async with opened(server) as log:
        assert (await log.checkpoint()).size == 5


async def test_a_proof_that_does_not_hold_is_a_fork(server: UnrulyServer, opened: Open) -> None:
    shows(server, LEAVES[:3])
    async with opened(server) as log:
        await log.checkpoint()
        shows(server, LEAVES)
        wrong = [b64encode(bytes(32)).decode()]
        server.routes["/v1/consistency"] = lambda _: ok({"hashes": wrong})
        with pytest.raises(RollbackError):
            await log.checkpoint()


async def test_a_server_with_another_key_is_refused(
    server: UnrulyServer, opened: Open, tmp_path: Path
) -> None:
    async with opened(server) as log:
        await log.log_event("user_login")
    server.key = SigningKey(DATABASE, bytes([1] * 32))
    with pytest.raises(KeyFileError, match="another key") as caught:
        async with opened(server):
            pass
    assert str(tmp_path / "server.known") in str(caught.value)
    assert len(server.events) == 1


async def test_a_server_that_comes_back_with_another_key_is_sent_nothing(opened: Open) -> None:
    app = UnrulyServer()
    async with serving(app) as port, opened(app):
        pass
    app.key = SigningKey(DATABASE, bytes([1] * 32))
    async with opened(app) as log:
        kept = await log.log_event("user_login")
        async with serving(app, port):
            with pytest.raises(KeyFileError):
                await log.checkpoint()
            with pytest.raises(Exception, match="another key"):
                await log.log_event("role_assigned")
            assert app.bodies == []
    app.key = SigningKey(DATABASE, bytes(32))
    async with serving(app, port), opened(app):
        await app.hold(1)
    assert app.ids == [kept]


async def test_a_checkpoint_of_another_key_or_log_is_refused(
    server: UnrulyServer, opened: Open
) -> None:
    shows(server, LEAVES)
    forged = UnrulyServer().checkpoint(LEAVES)
    forged["note"] = forged["note"].replace(forged["note"][-20:-4], "A" * 16)
    async with opened(server) as log:
        server.routes["/v1/checkpoint"] = lambda _: ok(forged)
        with pytest.raises(SignatureError):
            await log.checkpoint()
        server.routes["/v1/checkpoint"] = lambda _: ok(server.checkpoint(LEAVES, "other"))
        with pytest.raises(StoreUnavailableError):
            await log.checkpoint()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"v": 2}', b'{"v": 1, "database": 7}'])
async def test_a_damaged_file_is_told_of_and_not_replaced(
    server: UnrulyServer, opened: Open, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "server.known"
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match="damaged"):
        async with opened(server):
            pass
    assert path.read_bytes() == content


async def test_a_place_that_cannot_be_written_is_told_of(
    server: UnrulyServer, opened: Open, tmp_path: Path
) -> None:
    with pytest.raises(KeyFileError, match="COUNTERFOIL_KEY_FILE"):
        async with opened(server, key_file=tmp_path / "missing" / "known"):
            pass


async def test_the_key_must_be_valid_to_open(server: UnrulyServer, opened: Open) -> None:
    async with opened(server):
        pass
    with pytest.raises(AuthenticationError):
        async with opened(server, token="cf_other"):
            pass


async def test_a_server_that_was_never_known_must_be_there(opened: Open) -> None:
    app = UnrulyServer()
    async with serving(app):
        pass
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        async with opened(app):
            pass


@pytest.mark.parametrize(
    ("url", "base", "name"),
    [
        ("https://audit.example.com", "https://audit.example.com", "audit.example.com"),
        ("https://Audit.example.com:443/", "https://audit.example.com", "audit.example.com"),
        ("https://a.example.com:8443/x/", "https://a.example.com:8443/x", "a.example.com_8443_x"),
        ("http://127.0.0.1:80", "http://127.0.0.1", "127.0.0.1"),
        ("http://localhost:8080", "http://localhost:8080", "localhost_8080"),
        ("http://[::1]:8080", "http://[::1]:8080", "1_8080"),
    ],
)  # fmt: skip
def test_addresses(url: str, base: str, name: str) -> None:
    assert ServerAddress.parse(url) == ServerAddress(base, name)


@pytest.mark.parametrize(
    "url",
    [
        "http://audit.example.com",
        "http://192.0.2.7:8080",
        "https://user:secret-word@audit.example.com",
        "https://secret-word@audit.example.com",
        "https://audit.example.com?token=secret-word",
        "https://audit.example.com#secret-word",
        "https://",
        "https://:443",
        "https://audit.example.com:port",
        "ftp://audit.example.com",
    ],
)
def test_addresses_that_cannot_be_used_are_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ServerAddress.parse(url)
    assert "secret-word" not in str(caught.value)


def test_an_unencrypted_address_beyond_this_machine_must_be_allowed() -> None:
    assert ServerAddress.parse("http://192.0.2.7", plain_http=True).url == "http://192.0.2.7"
