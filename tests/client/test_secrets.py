"""Nothing secret leaves the process in clear, and the access key goes to nobody else."""

from __future__ import annotations

import logging
import traceback
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil import AuditContext, AuditLog, AuditOptions
from counterfoil.errors import ConfigurationError, CounterfoilError, KeyFileError
from counterfoil.policy.redaction import Rule, Rules
from counterfoil.wire import AccessToken

from .conftest import Open
from .unruly_server import TOKEN, Trouble, UnrulyServer, serving

SECRETS = {
    "password": "hunter2-correct-horse",
    "card": "4111 1111 1111 1111",
    "nested": "tr0ub4dor-and-3",
    "session": "sess-5f1e7a90c3",
    "body": "hush-hush-body-value",
    "url": "pw-in-a-url-8812",
    "own": "E-4711-4712",
}
OTHER_TOKEN = "cf_another_secret"


async def record_secrets(log: AuditLog, event_type: str = "user_login") -> str:
    """Record an event whose every corner holds a secret."""
    return await log.log_event(
        event_type,
        "u-1",
        details={
            "password": SECRETS["password"],
            "text": f"paid with {SECRETS['card']}",
            "link": f"https://u:{SECRETS['url']}@example.com/",
            "staff": {"number": SECRETS["own"]},
        },
        context=AuditContext(
            company_id="c-1",
            session_id=SECRETS["session"],
            before_state={"api_key": SECRETS["nested"]},
            after_state={"api_key": "another-" + SECRETS["nested"]},
            metadata={"request_body": {"secret": SECRETS["body"]}},
        ),
        options=AuditOptions(include_request_body=True),
    )


def everything(server: UnrulyServer, folder: Path, caplog: pytest.LogCaptureFixture) -> bytes:
    """All that the server got, all files, and all that was logged."""
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return b"\n".join([*server.raw, *files, caplog.text.encode()])


async def test_no_secret_is_on_the_wire_in_files_or_in_logs(
    server: UnrulyServer, opened: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.session = {"encodings": ["gzip"]}
    own = Rules([Rule("staff", ["details.staff.number"])])
    async with opened(server, redaction=own) as log:
        await record_secrets(log)
        server.always = Trouble(503)
        await record_secrets(log)
        found = everything(server, tmp_path, caplog)
        with pytest.raises(CounterfoilError) as caught:
            await record_secrets(log, "role_assigned")
        told = "".join(traceback.format_exception(caught.value))
    hidden = everything(server, tmp_path, caplog) + found + told.encode()
    assert b"[redacted:password]" in hidden
    for name, secret in SECRETS.items():
        assert secret.encode() not in hidden, name


async def test_the_servers_own_rules_hold_before_anything_is_sent(
    server: UnrulyServer, opened: Open
) -> None:
    rule = {"fields": ["details.staff.number"], "pattern": None, "treatment": "drop"}
    server.session = {"redaction": {"staff": rule}}
    async with opened(server) as log:
        await record_secrets(log)
    assert server.events[0].details["staff"] == {"number": "[redacted:staff]"}
    assert SECRETS["own"].encode() not in b"".join(server.raw)


async def test_session_ids_become_tokens_under_the_companys_key(
    server: UnrulyServer, opened: Open
) -> None:
    key = {"id": "k", "name": "n", "role": "writer", "company": "c-1", "logs": None}
    server.session = {"key": key}
    async with opened(server) as log:
        await record_secrets(log)
        wanted = server.tokens.tokens("session_id", SECRETS["session"], "c-1")
        assert log.tokens(SECRETS["session"], company_id="c-1") == wanted
    assert server.events[0].session_id == wanted[0]


async def test_the_keys_of_further_companies_are_fetched_when_they_are_wanted(
    server: UnrulyServer, opened: Open
) -> None:
    async with opened(server) as log:
        await record_secrets(log)
        assert server.events[0].session_id == "[redacted:session_id]"
        wanted = server.tokens.token("session_id", SECRETS["session"], "c-1")
        while server.events[-1].session_id != wanted:
            await record_secrets(log)
    # One for events without a company at the start, and one for this.
    assert server.asked.count("GET /v1/token-keys") == 2


async def test_without_token_keys_what_is_due_a_token_is_dropped(
    server: UnrulyServer, opened: Open
) -> None:
    server.token_status = 403
    async with opened(server) as log:
        for _ in range(3):
            await log.log_event("user_login", context=AuditContext(session_id=SECRETS["session"]))
        with pytest.raises(KeyFileError):
            log.tokens(SECRETS["session"])
    assert {draft.session_id for draft in server.events} == {"[redacted:session_id]"}


async def test_no_key_of_a_token_is_in_a_file_or_a_log(
    server: UnrulyServer, opened: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(server) as log:
        await record_secrets(log)
        server.always = Trouble(503)
        await record_secrets(log)
    server.raw.clear()
    found = everything(server, tmp_path, caplog)
    for _, key in server.tokens.company_keys(None):
        for shown in (key, b64encode(key), key.hex().encode()):
            assert shown not in found


def _shown(log: AuditLog) -> Iterator[str]:
    yield repr(log)
    for value in vars(log).values():
        yield repr(value)


async def test_the_access_key_is_shown_nowhere(
    server: UnrulyServer, opened: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(server) as log:
        server.always = Trouble(500, problem={"title": "no"})
        await log.log_event("user_login")
        with pytest.raises(CounterfoilError) as caught:
            await log.log_event("role_assigned")
        shown = [*_shown(log), "".join(traceback.format_exception(caught.value))]
    with pytest.raises(CounterfoilError) as caught:
        async with opened(server, token=OTHER_TOKEN, key_file=tmp_path / "other"):
            pass
    shown.append("".join(traceback.format_exception(caught.value)))
    shown += [caplog.text, repr(AccessToken(TOKEN)), str(AccessToken(TOKEN))]
    server.raw.clear()
    shown.append(everything(server, tmp_path, caplog).decode(errors="replace"))
    for text in shown:
        assert TOKEN not in text
        assert OTHER_TOKEN not in text


async def test_a_redirect_is_not_followed(server: UnrulyServer, opened: Open) -> None:
    other = UnrulyServer()
    async with serving(other), opened(server) as log:
        server.always = Trouble(307, {"location": f"{other.url}/v1/events"})
        with pytest.raises(CounterfoilError, match="leads on to another"):
            await log.log_event("role_assigned")
    assert other.raw == []


async def test_questions_stand_in_no_log_of_the_http_client(
    server: UnrulyServer, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.routes["/v1/count"] = lambda _: (200, {}, b'{"count": 3}')
    async with opened(server) as log:
        assert await log.count(user_id="somebody-in-particular") == 3
    assert any(b"somebody-in-particular" in raw for raw in server.raw)
    assert "somebody-in-particular" not in caplog.text


@pytest.mark.parametrize("token", [None, "", "  ", "a b", "line\nbreak", "ä"])
async def test_a_token_that_is_none_is_refused_without_showing_it(
    server: UnrulyServer, opened: Open, token: str | None
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        async with opened(server, token=token):
            pass
    assert "COUNTERFOIL_TOKEN" in str(caught.value)
    assert not token or not token.strip() or token not in str(caught.value)
    assert server.asked == []
