"""Who and from where: which source counts, and what becomes of ids that do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ambient import AMBIENT
from counterfoil.base import AuditContext, AuditEventType
from counterfoil.policy.context import MAX_ID_BYTES, cut, fill_context, settle_ids
from counterfoil.record import Draft

FIELDS = (
    "user_id",
    "ip_address",
    "user_agent",
    "session_id",
    "request_id",
    "company_id",
    "resource_id",
    "resource_type",
    "before_state",
    "after_state",
    "changes",
    "metadata",
)
STATES = ("before_state", "after_state", "changes", "metadata")


def draft(**fields: Any) -> Draft:
    made = Draft("order_created", "019b7764-9800-7000-8000-000000000001", 0)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def value_of(name: str, source: str) -> Any:
    return {"from": source} if name in STATES else f"{name}-{source}"


@contextmanager
def ambient(**values: Any) -> Iterator[None]:
    token = AMBIENT.set(values)
    try:
        yield
    finally:
        AMBIENT.reset(token)


@pytest.mark.parametrize("name", FIELDS)
def test_argument_before_context_before_ambient_before_nothing(name: str) -> None:
    argument, context, around = (
        value_of(name, source) for source in ("call", "context", "ambient")
    )
    with ambient(**{name: around}):
        passed = AuditContext(**{name: context})
        assert getattr(fill_context(draft(**{name: argument}, context=passed)), name) == argument
        assert getattr(fill_context(draft(context=passed)), name) == context
        assert getattr(fill_context(draft(context=AuditContext())), name) == around
        assert getattr(fill_context(draft()), name) == around
    assert getattr(fill_context(draft()), name) is None


@pytest.mark.parametrize(
    "name", ["actor_kind", "on_behalf_of", "impersonator", "claims", "details"]
)
def test_what_only_the_surroundings_know(name: str) -> None:
    with ambient(**{name: "known"}):
        assert getattr(fill_context(draft()), name) == "known"
        assert getattr(fill_context(draft(**{name: "given"})), name) == "given"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (42, "42"),
        (True, "True"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (AuditEventType.USER_LOGIN, "user_login"),
        (object(), "[unserializable:object]"),
        (b"bytes", "[unserializable:bytes]"),
    ],
)
@pytest.mark.parametrize(
    "name", ["user_id", "ip_address", "resource_id", "on_behalf_of", "company_id"]
)
def test_ids_become_text(name: str, given: Any, text: str) -> None:
    assert getattr(settle_ids(draft(**{name: given})), name) == text


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(32, 600))
def test_a_cut_text_is_within_its_limit_and_tells_how_long_it_was(text: str, limit: int) -> None:
    short, size = cut(text, limit), len(text.encode())
    assert len(short.encode()) <= limit
    assert (short == text) == (size <= limit)
    if short != text:
        kept, _, mark = short.rpartition("[truncated:")
        assert mark == f"{size}]"
        assert text.startswith(kept)


@pytest.mark.parametrize(
    "name", ["user_id", "session_id", "request_id", "resource_id", "impersonator"]
)
@pytest.mark.parametrize("letter", ["x", "é", "€", "😀"])
def test_long_ids_are_cut(name: str, letter: str) -> None:
    most = MAX_ID_BYTES // len(letter.encode())
    assert getattr(settle_ids(draft(**{name: letter * most})), name) == letter * most
    longer = getattr(settle_ids(draft(**{name: letter * (most + 1)})), name)
    assert len(longer.encode()) <= MAX_ID_BYTES
    assert longer.endswith(f"[truncated:{len(letter.encode()) * (most + 1)}]")


def test_a_user_agent_may_be_twice_as_long() -> None:
    assert settle_ids(draft(user_agent="x" * 1024)).user_agent == "x" * 1024
    assert len(settle_ids(draft(user_agent="x" * 1025)).user_agent) == 1024


@pytest.mark.parametrize("company", ["x" * 129, "é" * 65, ""])
def test_a_company_that_does_not_fit_is_noted(company: str) -> None:
    settled = settle_ids(draft(company_id=company))
    assert settled.company_id is None
    assert settled.notes == {"company_id": company}


@pytest.mark.parametrize("company", ["x" * 128, "é" * 64, "\n", "acme"])
def test_a_company_that_fits_stays(company: str) -> None:
    settled = settle_ids(draft(company_id=company))
    assert (settled.company_id, settled.notes) == (company, None)


@pytest.mark.parametrize("kind", ["x" * 65, "", "two words", "naïve", "a/b", "order\n"])
def test_a_resource_type_that_does_not_fit_is_noted(kind: str) -> None:
    settled = settle_ids(draft(resource_type=kind))
    assert settled.resource_type is None
    assert settled.notes == {"resource_type": kind}


@pytest.mark.parametrize("kind", ["order", "x" * 64, "shop.Order:v2_a-b"])
def test_a_resource_type_that_fits_stays(kind: str) -> None:
    assert settle_ids(draft(resource_type=kind)).resource_type == kind


def test_subjects_are_kept_once_each_and_in_order() -> None:
    assert settle_ids(draft(subjects=["b", "a", "b", 3])).subjects == ["b", "a", "3"]
    assert settle_ids(draft(subjects="alone")).subjects == ["alone"]


def test_of_too_many_subjects_the_first_thousand_are_kept_and_it_is_said() -> None:
    settled = settle_ids(draft(subjects=[f"person {number}" for number in range(1_002)]))
    assert len(settled.subjects) == 1_000
    assert settled.notes == {"subjects": "1002 were named, 1000 are kept"}
