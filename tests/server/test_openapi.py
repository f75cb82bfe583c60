"""The API against its own description: schemathesis finds nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .test_serve import environment, served

#: A cursor, an id or a time that is none fits its schema and is refused; 503 says "one at a time".
CONFIG = """[checks]
positive_data_acceptance.expected-statuses = ["2xx", "4xx", "503"]
"""
#: The live stream has no end; it is tried in test_stream.py.
RUNS = [
    pytest.param("admin", 12, ["--exclude-path", "/v1/stream"], id="reads and manages"),
    pytest.param("writer", 5, ["--include-path", "/v1/events"], id="writes"),
]


@pytest.mark.parametrize(("role", "seconds", "paths"), RUNS)
def test_answers_are_as_they_are_described(
    tmp_path: Path, role: str, seconds: int, paths: list[str]
) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG, encoding="utf-8")
    with served(tmp_path, READS_PER_MINUTE="0") as server:
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "run",
            f"{server.address}/openapi.json",
            "--header", f"Authorization: Bearer {server.key(role)}",
            "--max-time", str(seconds), "--phases", "coverage,fuzzing", "--no-color",
            "--request-timeout", "20", "--warnings", "off", "--seed", "1", *paths,
        ]  # fmt: skip
        ran = subprocess.run(
            command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        code, errors = server.end()
    assert ran.returncode == 0, ran.stdout[-6000:]
    assert code == 0
    assert "unexpectedly" not in errors
