"""Encrypted connections: what the address asks for holds, and what goes wrong is said."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from counterfoil.errors import StoreTLSError
from counterfoil.store import open_store
from tests.certificate import make_certificate
from tests.postgres import DEBIAN, OwnPostgres, at_port

from .writing import indexes, put

#: What a client that wants encryption asks first (PostgreSQL's protocol, SSLRequest).
SSL_REQUEST = bytes.fromhex("0000000804d2162f")

Certificate = tuple[Path, Path]


@asynccontextmanager
async def encrypted(url: str, certificate: Path, key: Path) -> AsyncIterator[int]:
    """A port where a server is reached by TLS, whether it can do that itself or not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server_at = urlsplit(url)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        assert await reader.readexactly(8) == SSL_REQUEST
        writer.write(b"S")
        try:
            await writer.start_tls(context)
        except OSError:
            writer.close()
            return
        answers, requests = await asyncio.open_connection(server_at.hostname, server_at.port)
        await asyncio.gather(pass_on(reader, requests), pass_on(answers, writer))

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*tasks)


async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()
    except OSError:
        pass
    target.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    return make_certificate(tmp_path)


def address(url: str, port: int, **options: object) -> str:
    """The address of a database at another port."""
    asked = "&".join(f"{name}={value}" for name, value in options.items())
    return f"{at_port(url, port)}?{asked}"


async def check(url: str) -> None:
    """Write to a database, and read."""
    store = open_store(url, timeout=3.0)
    await store.open()
    try:
        await put(store, {})
        await indexes(store)
    finally:
        await store.close()


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_a_server_that_is_vouched_for(
    postgres_url: str, certificate: Certificate, mode: str
) -> None:
    async with encrypted(postgres_url, *certificate) as port:
        await check(address(postgres_url, port, sslmode=mode, sslrootcert=certificate[0]))


async def test_a_server_that_nobody_vouches_for(
    postgres_url: str, certificate: Certificate, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other, _ = make_certificate(tmp_path / "other")
    async with encrypted(postgres_url, *certificate) as port:
        for mode in ("require", "verify-ca", "verify-full"):
            with pytest.raises(StoreTLSError, match=r"not accepted .*sslrootcert"):
                await check(address(postgres_url, port, sslmode=mode, sslrootcert=other))
        with pytest.raises(StoreTLSError, match="Add sslrootcert"):
            await check(address(postgres_url, port, sslmode="verify-full"))


async def test_a_server_of_another_name(postgres_url: str, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, "192.0.2.1")
    async with encrypted(postgres_url, certificate, key) as port:
        with pytest.raises(StoreTLSError, match="Name the server in the address"):
            await check(address(postgres_url, port, sslmode="verify-full", sslrootcert=certificate))
        # Who asks for the authority only does not ask for the name.
        await check(address(postgres_url, port, sslmode="verify-ca", sslrootcert=certificate))


async def test_a_server_that_does_not_encrypt(postgres_url: str) -> None:
    with pytest.raises(StoreTLSError, match="ssl = on"):
        await check(f"{postgres_url}?sslmode=require")


@pytest.mark.parametrize("option", ["sslrootcert", "sslcert", "sslkey"])
async def test_files_that_are_not_there_or_are_something_else(
    postgres_url: str, certificate: Certificate, tmp_path: Path, option: str
) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"\x30\x82")
    for file, said in ((tmp_path / "missing", "cannot be read"), (other, "PEM")):
        files = {"sslcert": certificate[0], "sslkey": certificate[1], option: file}
        with pytest.raises(StoreTLSError, match=f"{option} .*{said}"):
            await check(address(postgres_url, 1, sslmode="require", **files))


@pytest.fixture
def encrypting(certificate: Certificate) -> Iterator[OwnPostgres]:
    if not DEBIAN.is_dir():
        pytest.skip("The wheel's PostgreSQL is built without TLS, and Debian's is not installed.")
    found = OwnPostgres(DEBIAN)
    for path, name in zip(certificate, ("server.crt", "server.key"), strict=True):
        found.place(path.read_bytes(), name)
    found.run("ALTER SYSTEM SET ssl = on")
    found.run("SELECT pg_reload_conf()")
    while found.run("SHOW ssl")[0][0] != "on":
        time.sleep(0.01)
    yield found
    found.close()


async def test_a_server_that_encrypts_by_itself(
    encrypting: OwnPostgres, certificate: Certificate
) -> None:
    url = encrypting.create()
    await check(f"{url}?sslmode=verify-full&sslrootcert={certificate[0]}")
    await check(f"{url}?sslmode=require")
    with pytest.raises(StoreTLSError, match="Add sslrootcert"):
        await check(f"{url}?sslmode=verify-full")
