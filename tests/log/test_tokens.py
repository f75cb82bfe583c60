"""Tokens: one person or session is found again by them, and by nobody without the keys."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, cast

import pytest
import uuid_utils

from counterfoil import AuditContext, AuditEventType, AuditLog, AuditOptions
from counterfoil.errors import ConflictError, KeyFileError

T = AuditEventType.USER_LOGIN
ASKED = AuditOptions(anonymize_data=True)


def login(audit: AuditLog, options: AuditOptions | None = None, **context: Any) -> Awaitable[str]:
    """Record a login in this context."""
    return audit.log_event(T, context=cast("AuditContext", context), options=options)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'audit.db'}"


async def test_a_session_s_events_are_found_by_its_id(url: str) -> None:
    async with AuditLog.open(url) as audit:
        wanted = {await login(audit, session_id="4111111111111111") for _ in range(3)}
        await login(audit, session_id="s-2")
        page = await audit.query(session_id=audit.tokens("4111111111111111"))
        assert {event.id for event in page} == wanted
        assert all(event.session_id != "4111111111111111" for event in page)


async def test_each_company_has_tokens_of_its_own(url: str) -> None:
    async with AuditLog.open(url) as audit:
        for company in ("c-1", "c-2", None, 3):
            await login(audit, session_id="s-1", company_id=company)
        for company in ("c-1", "c-2", None, "3"):
            page = await audit.query(session_id=audit.tokens("s-1", company_id=company))
            assert [event.company_id for event in page] == [company]


async def test_a_rotated_key_still_finds_what_it_tokenised(url: str) -> None:
    async with AuditLog.open(url) as audit:
        old = audit.tokens("s-1")
        await login(audit, session_id="s-1")
        key = await audit.rotate_token_key()
        assert audit.tokens("s-1") == old
    async with AuditLog.open(url) as audit:
        await login(audit, session_id="s-1")
        new, *kept = audit.tokens("s-1")
        assert kept == old
        assert f":{key}:" in new
        page = await audit.query(session_id=audit.tokens("s-1"), order="oldest")
        assert [event.session_id for event in page] == [*old, new]
        [rotated] = await audit.query(event_type="audit.key")
        assert rotated.audit == {"kind": "token_key", "key": key}
        assert (await audit.verify()).ok


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("user_id", "user_id", "u-1"),
        ("request_id", "request_id", "r-1"),
        ("session_id", "session_id", "s-1"),
    ],
)
async def test_each_kind_of_pseudonym_is_found(url: str, kind: str, field: str, value: str) -> None:
    async with AuditLog.open(url) as audit:
        await login(audit, ASKED, **{field: value})
        wanted: dict[str, Any] = {field: audit.tokens(value, kind=kind)}
        [event] = await audit.query(**wanted)
        assert getattr(event, field) in audit.tokens(value, kind=kind)


async def test_an_address_in_a_text_and_as_a_recipient_has_the_same_token(url: str) -> None:
    async with AuditLog.open(url) as audit:
        [token] = audit.tokens("bob@example.com", kind="email")
        sent = await audit.log_event(AuditEventType.EMAIL_SENT, details={"to": "Bob@Example.com"})
        said = await audit.log_event(T, details={"note": "for bob@example.com"}, options=ASKED)
        assert (await audit.get(sent)).details == {"to": token}
        assert (await audit.get(said)).details == {"note": f"for {token}"}


async def test_another_database_has_other_tokens(url: str, tmp_path: Path) -> None:
    async with AuditLog.open(url) as one, AuditLog.open(f"sqlite:///{tmp_path / 'b.db'}") as other:
        assert one.tokens("s-1") != other.tokens("s-1")


async def test_the_keys_are_not_in_the_database(url: str, tmp_path: Path) -> None:
    async with AuditLog.open(url) as audit:
        await login(audit, session_id="s-1")
    moved = tmp_path / "alone"
    moved.mkdir()
    shutil.copy(tmp_path / "audit.db", moved / "audit.db")
    async with AuditLog.open(f"sqlite:///{moved / 'audit.db'}", spool=False) as audit:
        with pytest.raises(KeyFileError):
            audit.tokens("s-1")
        [event] = await audit.query()
        assert (event.session_id or "").startswith("[redacted:session_id:")


async def test_a_call_repeated_after_rotations_is_the_same_call(url: str) -> None:
    """Tokens are compared under every key that is kept: of sessions, persons and in texts."""
    given: dict[str, Any] = {
        "context": AuditContext(
            session_id="s-1", user_id="u-1", company_id="c-1", metadata={"by": "bob@example.com"}
        ),
        "details": {"to": ["bob@example.com"], "n": 1},
        "subjects": ["u-2", "u-3"],
        "options": ASKED,
    }
    plain: dict[str, Any] = {"context": AuditContext(session_id="s-1")}
    first, second = str(uuid_utils.uuid7()), str(uuid_utils.uuid7())
    async with AuditLog.open(url) as audit:
        assert await audit.log_event("email_sent", event_id=first, **given) == first
        assert await audit.log_event(T, event_id=second, **plain) == second
        await audit.rotate_token_key()
    for _ in range(2):
        async with AuditLog.open(url) as audit:
            # The session's token is in memory by then.
            await audit.log_event(T, **plain)
            assert await audit.log_event("email_sent", event_id=first, **given) == first
            assert await audit.log_event(T, event_id=second, **plain) == second
            for other in ({"subjects": ["u-2", "u-4"]}, {"details": {"to": ["al@example.com"]}}):
                with pytest.raises(ConflictError):
                    await audit.log_event("email_sent", event_id=first, **{**given, **other})
            with pytest.raises(ConflictError):
                await audit.log_event(T, event_id=second, context=AuditContext(session_id="s-2"))
            await audit.rotate_token_key()
