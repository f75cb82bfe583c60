"""`counterfoil serve` as it is run: a process on a port, with workers, TLS, and its end."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from counterfoil import SyncAuditLog

ERRORS = "server.err"
LOGIN = {"event_type": "user_login", "user_id": "u-1"}


class Process:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str], address: str, folder: Path) -> None:
        self.process = process
        self.address = address
        self.folder = folder

    @property
    def first_key(self) -> str:
        return (self.folder / "first.key").read_text(encoding="utf-8").strip()

    def key(self, role: str) -> str:
        """A new access key."""
        with self.client(self.first_key) as admin:
            text: str = admin.post("/v1/keys", json={"role": role}).json()["key"]
        return text

    def client(self, key: str | None = None) -> httpx2.Client:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx2.Client(base_url=self.address, headers=headers, trust_env=False, timeout=30)

    def told(self, sent: bytes) -> bytes:
        """What is answered to bytes on a connection of their own, until it is closed."""
        port = int(self.address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(sent)
            return connection.makefile("rb").read()

    def end(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30), self.errors

    @property
    def errors(self) -> str:
        return (self.folder / ERRORS).read_text(encoding="utf-8")


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "COUNTERFOIL" not in name}
    return kept | {f"COUNTERFOIL_SERVER__{name}": value for name, value in settings.items()}


@contextmanager
def served(folder: Path, *arguments: str, **settings: str) -> Iterator[Process]:
    settings = {"FIRST_KEY_FILE": str(folder / "first.key")} | settings
    # Into a file: a pipe that nobody reads is full one day, and then the server waits.
    with (folder / ERRORS).open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "counterfoil", "serve", "--port", "0", *arguments],
            cwd=folder, env=environment(**settings), stdout=subprocess.PIPE, stderr=errors,
            text=True,
        )  # fmt: skip
    assert process.stdout is not None
    with process.stdout as out:
        try:
            line = out.readline()
            assert line, (folder / ERRORS).read_text(encoding="utf-8")
            yield Process(process, line.split()[2], folder)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def test_the_first_start_leaves_an_admin_key_in_a_file_once(tmp_path: Path) -> None:
    for _ in range(2):
        with served(tmp_path) as server:
            with server.client(server.first_key) as admin:
                keys = admin.get("/v1/keys").json()["keys"]
            assert [one["role"] for one in keys] == ["admin"]
            code, errors = server.end()
            assert code == 0, errors
            assert server.first_key not in errors
    assert stat.S_IMODE((tmp_path / "first.key").stat().st_mode) == 0o600


def test_without_a_terminal_no_key_is_shown(tmp_path: Path) -> None:
    with served(tmp_path, FIRST_KEY_FILE="") as server:
        code, errors = server.end()
    assert code == 0
    assert "counterfoil key create --role admin" in errors
    assert "cf_" not in errors


def test_what_is_under_way_is_finished_and_streams_end(tmp_path: Path) -> None:
    with served(tmp_path) as server, ExitStack() as stack:
        writer = stack.enter_context(server.client(server.key("writer")))
        reader = stack.enter_context(server.client(server.key("reader")))
        recorded = writer.post("/v1/events", json=LOGIN).json()["id"]
        with reader.stream("GET", "/v1/stream") as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry")

            def slowly() -> Iterator[bytes]:
                yield b'{"event_type":"user_login",'
                server.process.send_signal(signal.SIGTERM)
                # The stream's end shows that the server has noticed.
                assert all("data" not in line for line in lines)
                yield b'"user_id":"u-2"}'

            headers = {"Content-Type": "application/json"}
            last = writer.post("/v1/events", content=slowly(), headers=headers)
        assert last.status_code == 201
        assert server.process.wait(timeout=30) == 0, server.errors
        for line in server.errors.splitlines():
            told = json.loads(line)
            assert {"event", "level", "timestamp"} <= told.keys()
    shown = subprocess.run(
        [sys.executable, "-m", "counterfoil", "query", "--json", "--type", "user_login"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert recorded in shown
    assert last.json()["id"] in shown


def test_workers_share_a_port_and_a_log(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "2") as server:
        key = server.key("writer")
        ids = set()
        for _ in range(8):
            with server.client(key) as client:
                ids.add(client.post("/v1/events", json=LOGIN).json()["id"])
        with server.client(server.key("auditor")) as auditor:
            assert auditor.get("/v1/count", params={"event_type": "user_login"}).json() == {
                "count": len(ids)
            }
            assert auditor.post("/v1/verify", json={"processes": 0}).json()["ok"]
        code, errors = server.end()
        assert code == 0, errors


def test_an_outbox_that_is_set_is_moved(tmp_path: Path) -> None:
    shop = sqlite3.connect(tmp_path / "shop.db")
    (tmp_path / "counterfoil.toml").write_text('outbox = "shop.db"\n', encoding="utf-8")
    with SyncAuditLog.open("memory:") as audit:
        audit.create_outbox(shop)
        with served(tmp_path) as server:
            with (
                server.client(server.key("reader")) as reader,
                reader.stream(
                    "GET", "/v1/stream", params={"event_type": "price_changed"}
                ) as stream,
            ):
                lines = stream.iter_lines()
                assert next(lines).startswith("retry")
                event_id = audit.log_event("price_changed", "u-1", connection=shop)
                shop.commit()
                assert event_id in next(line for line in lines if line.startswith("data"))
            code, errors = server.end()
            assert code == 0, errors
    assert shop.execute("SELECT count(*) FROM counterfoil_outbox").fetchone() == (0,)
    shop.close()


def test_an_outbox_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "counterfoil.toml").write_text('outbox = "shop.db"\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "counterfoil", "serve", "--port", "0"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "There is no database shop.db" in done.stderr


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert, private


def test_it_speaks_tls(tmp_path: Path) -> None:
    cert, private = certificate(tmp_path)
    with served(tmp_path, TLS_CERT=str(cert), TLS_KEY=str(private)) as server:
        context = ssl.create_default_context(cafile=str(cert))
        address = server.address.replace("127.0.0.1", "localhost")
        assert address.startswith("https:")
        answer = httpx2.get(f"{address}/healthz", verify=context, trust_env=False)
        assert "strict-transport-security" in answer.headers
        assert server.end()[0] == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"TLS_CERT": "missing.pem", "TLS_KEY": "missing.pem"}, "TLS files"),
        ({"TLS_CERT": "missing.pem"}, "together"),
        ({"FIRST_KEY_FILE": "no-folder/key"}, "first key"),
        ({"TRUSTED_PROXIES": '["nowhere"]'}, "trusted proxy"),
    ],
)
def test_what_cannot_be_served_is_said(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "counterfoil", "serve", "--port", "0"],
        cwd=tmp_path, env=environment(**settings), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 2, ran.stderr
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_is_not_http_is_a_problem(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        for sent in (b"nonsense\r\n\r\n", b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n"):
            head, _, body = server.told(sent).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400")
            assert b"application/problem+json" in head
            assert json.loads(body)["code"] == "bad_request"


def test_headers_are_bounded_before_anybody_is_asked_for_a_key(tmp_path: Path) -> None:
    with served(tmp_path, KEEP_ALIVE="1") as server:
        for sent, status, code in (
            (b"GET / HTTP/1.1\r\nX: " + b"x" * 600_000, b"431", "headers_too_large"),
            (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000, b"431", "headers_too_large"),
            (b"GET / HTTP/1.1\r\nX: y", b"408", "headers_timeout"),
        ):
            head, _, body = server.told(sent).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 " + status)
            assert json.loads(body)["code"] == code
        assert server.told(b"") == b""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel by /proc")
def test_there_is_room_for_more_connections_than_a_service_begins_with(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, limits[1]))
    try:
        with served(tmp_path) as server:
            told = Path(f"/proc/{server.process.pid}/limits").read_text(encoding="utf-8")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    (line,) = (line for line in told.splitlines() if line.startswith("Max open files"))
    assert int(line.split()[3]) == min(65_536, limits[1])


def test_what_comes_behind_a_body_is_no_header(tmp_path: Path) -> None:
    with served(tmp_path, TRUSTED_PROXIES='["127.0.0.1"]') as server:
        for number in range(32):
            answer = server.told(
                b"POST /sign-in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n"
                b"5\r\nkey=x\r\n0\r\nX-Forwarded-For: 192.0.2.%d\r\n\r\n" % number
            )
        assert b"too many failed tries" in answer
