"""The ambient context: nesting, copies, threads, and who is who."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil import AuditContext, AuditLog
from counterfoil.ambient import AMBIENT
from counterfoil.capture import audit_context, bind_context, carry, current_context
from counterfoil.capture.containers import copied
from counterfoil.errors import ConfigurationError, InputError

TEXT_FIELDS = ["user_id", "ip_address", "session_id", "company_id", "on_behalf_of", "impersonator"]
said = st.dictionaries(st.sampled_from(TEXT_FIELDS), st.none() | st.sampled_from("abc"))


def ambient() -> dict[str, Any]:
    return dict(AMBIENT.get() or {})


@given(st.lists(said, max_size=5))
def test_inner_blocks_win_and_every_block_gives_back_what_was_there(
    blocks: list[dict[str, Any]],
) -> None:
    def enter(depth: int, expected: dict[str, Any]) -> None:
        assert ambient() == expected
        if depth == len(blocks):
            return
        inner = {**expected, **blocks[depth]}
        with audit_context(**blocks[depth]):
            enter(depth + 1, {name: value for name, value in inner.items() if value is not None})
        assert ambient() == expected

    enter(0, {})


@given(st.lists(said, min_size=1, max_size=5))
def test_what_is_bound_on_the_way_is_as_if_the_block_had_said_it(
    binds: list[dict[str, Any]],
) -> None:
    expected: dict[str, Any] = {}
    with audit_context():
        for fields in binds:
            bind_context(**fields)
            expected |= fields
            assert ambient() == {n: v for n, v in expected.items() if v is not None}
    assert AMBIENT.get() is None


def test_metadata_and_claims_are_joined() -> None:
    with audit_context(metadata={"a": 1, "b": 1}, claims={"x": 1}):
        with audit_context(metadata={"b": 2}):
            bind_context(metadata={"c": 3}, claims={"y": 2})
            assert ambient() == {"metadata": {"a": 1, "b": 2, "c": 3}, "claims": {"x": 1, "y": 2}}
        assert ambient() == {"metadata": {"a": 1, "b": 1}, "claims": {"x": 1}}


def test_the_contract_s_context_is_taken_and_its_none_says_nothing() -> None:
    with (
        audit_context(user_id="u-1", company_id="c-1"),
        audit_context(AuditContext(user_id="u-2"), ip_address="192.0.2.1"),
    ):
        assert current_context() == AuditContext(
            user_id="u-2", company_id="c-1", ip_address="192.0.2.1"
        )


def test_nobody_can_change_what_was_said_from_outside() -> None:
    metadata = {"tags": ["a"]}
    with audit_context(metadata=metadata):
        metadata["tags"].append("b")
        found = current_context()
        assert found.metadata == {"tags": ["a"]}
        found.metadata["tags"].append("c")
        assert current_context().metadata == {"tags": ["a"]}


def test_outside_of_any_block_the_context_is_empty() -> None:
    assert current_context() == AuditContext()


@pytest.mark.parametrize("function", [audit_context, bind_context])
def test_a_field_that_there_is_not_is_refused(function: Any) -> None:
    with audit_context(), pytest.raises(InputError, match="usr_id"):
        function(usr_id="u-1")


def test_nothing_is_bound_outside_of_a_block() -> None:
    with pytest.raises(ConfigurationError):
        bind_context(user_id="u-1")
    assert AMBIENT.get() is None


def test_a_block_is_entered_once() -> None:
    block = audit_context(user_id="u-1")
    with block, pytest.raises(InputError), block:
        pass
    assert AMBIENT.get() is None


def test_a_block_is_no_decorator_since_it_would_end_before_a_coroutine_begins() -> None:
    assert not callable(audit_context(user_id="u-1"))


def test_a_block_may_be_left_in_another_context_than_it_was_entered_in() -> None:
    block = audit_context(user_id="u-1")
    contextvars.copy_context().run(block.__enter__)
    with audit_context(user_id="u-2"):
        block.__exit__(None, None, None)
        assert ambient() == {"user_id": "u-2"}

    inner = audit_context(user_id="u-3")
    with audit_context(user_id="u-2"):
        inner.__enter__()
        elsewhere = contextvars.copy_context()
        elsewhere.run(inner.__exit__, None, None, None)
        assert elsewhere.run(ambient) == {"user_id": "u-2"}
        inner.__exit__(None, None, None)


async def test_tasks_see_their_own_context() -> None:
    together = asyncio.Barrier(100)

    async def work(user: str) -> tuple[str | None, str | None]:
        with audit_context(user_id=user):
            first = current_context().user_id
            await together.wait()
            return first, current_context().user_id

    tasks = [asyncio.create_task(work(f"u-{n}")) for n in range(100)]
    assert await asyncio.gather(*tasks) == [(f"u-{n}", f"u-{n}") for n in range(100)]
    assert AMBIENT.get() is None


async def test_a_task_that_outlives_its_block_keeps_its_context() -> None:
    gate = asyncio.Event()

    async def later() -> str | None:
        await gate.wait()
        return current_context().user_id

    with audit_context(user_id="u-1"):
        task = asyncio.create_task(later())
    with audit_context(user_id="u-2"):
        gate.set()
        assert await task == "u-1"


async def test_what_a_thread_binds_holds_for_the_whole_block() -> None:
    with audit_context(request_id="r-1"):
        await asyncio.to_thread(bind_context, user_id="u-1")
        assert ambient() == {"request_id": "r-1", "user_id": "u-1"}


def test_threads_and_executors_carry_the_context_that_they_were_given() -> None:
    seen: list[str | None] = []

    def look() -> None:
        seen.append(current_context().user_id)

    with audit_context(user_id="u-1"):
        carried = carry(look)
        plain = threading.Thread(target=look)
        thread = threading.Thread(target=carried)
    for each in (plain, thread):
        each.start()
        each.join()
    assert seen == [None, "u-1"]


def test_a_carried_function_may_run_many_times_at_once() -> None:
    together = threading.Barrier(4, timeout=30)

    def look(number: int) -> str | None:
        with audit_context(request_id=f"r-{number}"):
            together.wait()
            found = current_context()
            return f"{found.user_id} {found.request_id}"

    with audit_context(user_id="u-1"):
        carried = carry(look)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(carried, range(4)))
        assert list(pool.map(lambda _: AMBIENT.get(), range(4))) == [None] * 4
    assert found == [f"u-1 r-{n}" for n in range(4)]


async def test_actor_principal_and_impersonator_are_three_people(audit: AuditLog) -> None:
    with audit_context(
        user_id="u-agent", actor_kind="agent", on_behalf_of="u-owner", impersonator="u-support"
    ):
        event = await audit.get(await audit.log_event("report.made"))
        with audit_context(impersonator=None):
            direct = await audit.get(await audit.log_event("report.made"))
    assert (event.user_id, event.actor_kind) == ("u-agent", "agent")
    assert (event.on_behalf_of, event.impersonator) == ("u-owner", "u-support")
    assert (direct.user_id, direct.on_behalf_of, direct.impersonator) == (
        "u-agent",
        "u-owner",
        None,
    )


async def test_a_call_wins_over_its_context_and_both_over_the_ambient_one(audit: AuditLog) -> None:
    with audit_context(user_id="u-ambient", company_id="c-ambient", request_id="r-ambient"):
        event = await audit.get(
            await audit.log_event(
                "order.seen",
                user_id="u-call",
                context=AuditContext(user_id="u-context", company_id="c-context"),
            )
        )
    assert (event.user_id, event.company_id) == ("u-call", "c-context")
    assert event.request_id == "r-ambient"


async def test_without_an_actor_nobody_is_invented(audit: AuditLog) -> None:
    event = await audit.get(await audit.log_event("order.seen"))
    assert (event.user_id, event.actor_kind) == (None, "anonymous")


plain = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(plain)
def test_a_copy_is_equal_and_shares_no_container(value: Any) -> None:
    def containers(found: Any) -> set[int]:
        inner = found.values() if isinstance(found, dict) else found
        if not isinstance(found, (dict, list)):
            return set()
        return {id(found)}.union(*map(containers, inner))

    copy = copied(value)
    assert copy == value
    assert containers(copy) & containers(value) == set()


def test_a_copy_of_what_holds_itself_ends() -> None:
    loop: list[Any] = []
    loop.extend([loop, loop, {"again": loop}])
    found = copied(loop)
    assert found is not loop
    assert found[0] is found[1] is found[2]["again"] is found


def test_a_copy_of_what_is_very_deep_ends() -> None:
    deep: list[Any] = []
    for _ in range(200_000):
        deep = [deep]
    assert copied(deep) is not deep
    while deep:  # taken apart by hand: freeing it at once would recurse
        deep = deep[0]
