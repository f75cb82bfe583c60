"""A log for each company: named at random, once, by whichever process comes first."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil import AuditContext, AuditEventType, AuditLog
from counterfoil.errors import ConflictError, StoreError, StoreUnavailableError
from counterfoil.log.company_logs import MOST_KNOWN, CompanyLogs
from counterfoil.store import Store
from counterfoil.store.memory import MemoryStore

T = AuditEventType.ORDER_CREATED
NAME = re.compile(r"company-[0-9a-f]{32}")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'audit.db'}"


@pytest.fixture
async def audit(url: str) -> AsyncIterator[AuditLog]:
    async with AuditLog.open(url, log_per_company=True) as log:
        yield log


async def record(audit: AuditLog, company: str | None, **given: Any) -> str:
    return await audit.log_event(T, context=AuditContext(company_id=company), **given)


async def log_of(audit: AuditLog, event_id: str) -> str:
    return (await audit.get(event_id)).log


async def test_each_company_has_a_log_of_its_own(audit: AuditLog) -> None:
    ids = {one: [await record(audit, one) for _ in range(3)] for one in ("acme", "globex", None)}
    logs = {one: {await log_of(audit, event) for event in found} for one, found in ids.items()}
    assert all(len(found) == 1 for found in logs.values())
    assert logs[None] == {"default"}
    assert logs["acme"] == {await audit.company_log("acme")}
    assert logs["globex"] == {await audit.company_log("globex")}
    assert len(set.union(*logs.values())) == 3
    assert (await audit.verify()).ok


async def test_a_companys_name_stands_in_nothing_that_is_published(
    audit: AuditLog, tmp_path: Path
) -> None:
    event_id = await record(audit, "acme-eu")
    name = await audit.company_log("acme-eu")
    assert name is not None
    assert NAME.fullmatch(name)
    checkpoint = await audit.checkpoint(name)
    proof = await audit.prove(event_id)
    proof.verify()
    assert proof.checkpoint.origin.endswith(f"/{name}")
    published = list((tmp_path / "audit.db.key.published").iterdir())
    for said in (checkpoint.text, checkpoint.origin, *map(str, published)):
        assert "acme" not in said
    assert not any(b"acme" in path.read_bytes() for path in published if path.is_file())


async def test_a_log_that_the_call_names_wins(audit: AuditLog) -> None:
    assert await log_of(audit, await record(audit, "acme", log="billing")) == "billing"
    assert await log_of(audit, await record(audit, "acme", log="default")) == "default"
    assert await audit.company_log("acme") is None


async def test_without_the_setting_all_go_to_the_default_log(url: str) -> None:
    async with AuditLog.open(url) as audit:
        assert await log_of(audit, await record(audit, "acme")) == "default"
        assert await audit.company_log("acme") is None


async def test_a_company_that_the_chain_takes_out_counts_as_none(audit: AuditLog) -> None:
    # Longer than an entry can hold: it moves to the notes.
    assert await log_of(audit, await record(audit, "x" * 200)) == "default"


async def test_a_retry_is_the_same_event_on_either_side_of_the_setting(url: str) -> None:
    async with AuditLog.open(url) as audit:
        before = await record(audit, "acme")
    async with AuditLog.open(url, log_per_company=True) as audit:
        assert await record(audit, "acme", event_id=before) == before
        assert await log_of(audit, before) == "default"
        own = await record(audit, "acme")
        assert await record(audit, "acme", event_id=own) == own
    async with AuditLog.open(url) as audit:
        assert await record(audit, "acme", event_id=own) == own
        with pytest.raises(ConflictError):
            await record(audit, "acme", event_id=own, log="default")
        assert (await audit.verify()).ok


async def test_a_cancelled_caller_does_not_withdraw_the_first_event_of_a_company(
    audit: AuditLog,
) -> None:
    tasks = [asyncio.create_task(record(audit, "acme")) for _ in range(3)]
    await asyncio.sleep(0)
    for task in tasks[:2]:
        task.cancel()
    await tasks[2]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in results] == [asyncio.CancelledError] * 2 + [str]
    await asyncio.gather(*(record(audit, "acme") for _ in range(2)))
    name = await audit.company_log("acme")
    assert name is not None
    assert await audit.count(log=name) == 5


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_logs_that_are_opened_several_times_agree_on_one_name(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    address = request.getfixturevalue("url" if engine == "sqlite" else "postgres_url")
    opened = [
        await AuditLog.open(
            address, key_file=tmp_path / "audit.key", spool=False, log_per_company=True
        )
        for _ in range(3)
    ]
    companies = [f"c-{number}" for number in range(40)]
    await asyncio.gather(*(record(audit, one) for one in companies for audit in opened))
    names = [[await audit.company_log(one) for one in companies] for audit in opened]
    assert names[0] == names[1] == names[2]
    assert len(set(names[0])) == len(companies)
    for name in names[0]:
        assert await opened[0].count(log=name) == 3
    assert (await opened[1].verify()).ok
    for audit in opened:
        await audit.close()


#: Records for each company in turn, from the moment when its input ends.
PROGRAM = """
import asyncio, sys
from counterfoil import AuditContext, AuditLog

async def main(address, keys):
    options = {"key_file": keys, "spool": False, "log_per_company": True}
    async with AuditLog.open(address, checkpoint_interval=None, **options) as audit:
        print("open", flush=True)
        sys.stdin.read()
        for number in range(25):
            context = AuditContext(company_id=f"c-{number}")
            await asyncio.gather(
                *(audit.log_event("order_created", context=context) for _ in range(2))
            )

asyncio.run(main(*sys.argv[1:]))
"""


def start_recording(address: str, keys: Path) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-c", PROGRAM, address, str(keys)]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_processes_agree_on_one_name(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    address = request.getfixturevalue("url" if engine == "sqlite" else "postgres_url")
    keys = tmp_path / "audit.key"
    started = [start_recording(address, keys) for _ in range(3)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
    for process in started:
        # All at once: each finds that no company has a log yet.
        assert process.stdin is not None
        process.stdin.close()
    for process in started:
        assert process.wait() == 0
        assert process.stdout is not None
        process.stdout.close()
    async with AuditLog.open(address, key_file=keys, spool=False) as audit:
        names = [await audit.company_log(f"c-{number}") for number in range(25)]
        assert len(set(names)) == 25
        sizes = {log.name: log.size for log in (await audit.stats()).logs}
        assert sizes == dict.fromkeys(names, 6)
        assert (await audit.verify()).ok


companies = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.none() | companies, min_size=1, max_size=6), min_size=2, max_size=3))
def test_whoever_records_for_whichever_companies(writers: list[list[str | None]]) -> None:
    async def run(url: str) -> None:
        opened = [await AuditLog.open(url, log_per_company=True) for _ in writers]
        await asyncio.gather(
            *(
                record(audit, company)
                for audit, found in zip(opened, writers, strict=True)
                for company in found
            )
        )
        audit = opened[0]
        everyone = [company for found in writers for company in found if company is not None]
        names = {company: await audit.company_log(company) for company in everyone}
        assert len(set(names.values())) == len(names)
        for company, name in names.items():
            assert name is not None
            held = [event async for event in audit.events(log=name)]
            assert [event.company_id for event in held] == [company] * everyone.count(company)
        assert (await audit.verify()).ok
        for one in opened:
            await one.close()

    with TemporaryDirectory() as folder:
        asyncio.run(run(f"sqlite:///{folder}/audit.db"))


class CountingStore(MemoryStore):
    """Counts the transactions that name logs, and fails where it is told to."""

    named = 0
    failing: Exception | None = None

    async def put_company_logs(self, names: Mapping[str, str]) -> dict[str, str]:
        if self.failing is not None:
            raise self.failing
        self.named += 1
        return await super().put_company_logs(names)


async def opened_store() -> CountingStore:
    store = CountingStore()
    await store.open()
    return store


async def test_companies_that_come_up_at_once_are_named_together() -> None:
    store = await opened_store()
    logs = CompanyLogs(store)
    names = await asyncio.gather(*(logs.name(f"c-{number % 300}") for number in range(900)))
    assert len(set(names)) == 300
    assert store.named == 1
    assert await logs.name("c-7") == names[7]


async def test_a_failure_is_told_and_the_next_try_goes_well() -> None:
    store = await opened_store()
    logs = CompanyLogs(store)
    store.failing = StoreUnavailableError()
    with pytest.raises(StoreUnavailableError):
        await logs.name("c-1")
    store.failing = KeyError("c-1")
    with pytest.raises(StoreError) as caught:
        await logs.name("c-1")
    assert "c-1" not in str(caught.value)
    store.failing = None
    assert NAME.fullmatch(await logs.name("c-1"))


async def test_what_is_remembered_is_bounded() -> None:
    store: Store = await opened_store()
    logs = CompanyLogs(store)
    await store.put_company_logs({f"c-{number}": f"l-{number}" for number in range(MOST_KNOWN + 9)})
    await logs.find([f"c-{number}" for number in range(MOST_KNOWN + 9)])
    assert logs.known("c-0") is None
    assert logs.known(f"c-{MOST_KNOWN}") == f"l-{MOST_KNOWN}"
    assert await logs.name("c-0") == "l-0"
