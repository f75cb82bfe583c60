"""Moving logs: every byte arrives, the proofs live on, and never do two sign one origin."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from counterfoil import AuditContext, AuditLog
from counterfoil.errors import (
    ConfigurationError,
    InputError,
    KeyFileError,
    NotFoundError,
    RefusedError,
    SealedError,
    StoreCorruptError,
)
from counterfoil.log.copying import CopyReport, copy
from counterfoil.log.proving.key_file import KeyFile
from counterfoil.log.proving.published import PublishedCheckpoints
from counterfoil.proof import verify_consistency
from counterfoil.store.sqlite import SQLiteStore

from .conftest import Make
from .filling import EVENTS, T, contents, fill


class Move:
    """A source, a target, and their key files."""

    def __init__(self, make: Make, folder: Path, source: str, target: str) -> None:
        self.source, self.keys = make(source), folder / "source.key"
        self.target, self.target_keys = make(target), folder / "target.key"

    async def run(self, **options: Any) -> CopyReport:
        return await copy(
            self.source,
            self.target,
            key_file=self.keys,
            target_key_file=self.target_keys,
            **options,
        )

    def open_source(self, **options: Any) -> Any:
        return AuditLog.open(self.source, key_file=self.keys, spool=False, **options)

    def open_target(self, **options: Any) -> Any:
        return AuditLog.open(
            self.target, key_file=self.target_keys, log_per_company=True, spool=False, **options
        )


@pytest.fixture
def move(make: Make, tmp_path: Path) -> Move:
    return Move(make, tmp_path, "sqlite", "sqlite")


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("sqlite", "sqlite"),
        ("sqlite", "postgres"),
        ("postgres", "sqlite"),
        ("postgres", "postgres"),
    ],
)
async def test_everything_arrives_and_goes_on(
    make: Make, tmp_path: Path, source: str, target: str
) -> None:
    move = Move(make, tmp_path, source, target)
    before = await fill(move.source, key_file=move.keys, spool=False)
    seen: list[tuple[str, int, int]] = []
    report = await move.run(progress=lambda *step: seen.append(step))
    assert report.moved
    assert report.logs.keys() == before.contents.keys()
    assert {what for what, _, _ in seen} >= {"Copying", "Copying the rest", "Verifying"}
    assert all(done <= total for _, done, total in seen)

    async with move.open_target() as audit:
        after = await contents(audit)
        for log, events in before.contents.items():
            assert after[log][: len(events)] == events
            # What sealed the source, and what opened the target.
            added = [event async for event in audit.events(log=log)][len(events) :]
            assert [event.audit["kind"] for event in added] == ["sealed", "taken_over"]
        assert {name: await audit.company_log(name) for name in before.companies} == (
            before.companies
        )
        assert (await audit.verify()).ok
        # The same origin and key go on: an old checkpoint is the beginning of a new one.
        await audit.log_event(T, context=AuditContext(company_id="c-1"))
        await audit.log_event(T)
        signed = await audit.checkpoint()
        assert signed.origin == before.checkpoint.origin
        assert signed.verifier_key == before.checkpoint.verifier_key
        proof = await audit.consistency(before.checkpoint.size, signed.size)
        verify_consistency(
            before.checkpoint.size, before.checkpoint.root, signed.size, signed.root, proof
        )
        before.proof.verify(signed.verifier_key)
        (await audit.prove(before.proof.event_id)).verify(before.checkpoint.verifier_key)
        assert await audit.count(company_id="c-1") == EVENTS // 20 + 3
        assert (await audit.verify()).ok
    # Tokens are made as before, and what was published is known to the target.
    with pytest.raises(SealedError):
        await _write(move.open_source())
    assert KeyFile(move.target_keys).token_keys(report.origins["default"].partition("/")[0])


async def _write(opening: Any, **given: Any) -> str:
    async with opening as audit:
        event_id: str = await audit.log_event(T, **given)
        return event_id


async def test_the_source_is_sealed_for_good(move: Move) -> None:
    await fill(move.source, key_file=move.keys)
    report = await move.run()
    async with move.open_source() as audit:
        sizes = {log.name: log.size for log in (await audit.stats()).logs}
        for log in ("default", "billing", "made-later"):
            with pytest.raises(SealedError, match=r"has moved to .*\.db"):
                await audit.log_event(T, log=log)
        with pytest.raises(SealedError):
            await audit.unseal()
        with pytest.raises(SealedError):
            await audit.seal()
        # It can be read and verified, and says nothing new under the origin.
        signed = await audit.checkpoint()
        assert signed.size == sizes["default"]
        assert {log.name: log.size for log in (await audit.stats()).logs} == sizes
        assert (await audit.verify()).ok
    again = await move.run()
    assert again.logs == report.logs
    async with move.open_target() as audit:
        await audit.log_event(T)
    with pytest.raises(SealedError):
        await copy(move.source, f"{move.target}-3", key_file=move.keys)


async def test_what_was_published_goes_along(move: Move) -> None:
    await fill(move.source, key_file=move.keys)
    report = await move.run()
    published = PublishedCheckpoints(KeyFile(move.target_keys).published_folder)
    for log, origin in report.origins.items():
        found = await published.read(origin)
        assert found is not None
        # Up to the seal; the target's own entry came after it.
        assert found.checkpoint.size == report.logs[log] - 1


@pytest.mark.parametrize(
    ("source", "target"), [("sqlite", "sqlite"), ("postgres", "sqlite"), ("postgres", "postgres")]
)
async def test_nothing_acknowledged_is_missing_where_writers_go_on(
    make: Make, tmp_path: Path, source: str, target: str
) -> None:
    move = Move(make, tmp_path, source, target)
    await fill(move.source, key_file=move.keys, spool=False)
    told: list[str] = []
    refused = 0

    async with move.open_source() as audit:

        async def write(number: int) -> None:
            nonlocal refused
            for turn in range(10_000):
                try:
                    told.append(await audit.log_event(T, log=f"log-{(number + turn) % 40}"))
                except SealedError as error:
                    assert error.outcome_known  # noqa: PT017
                    refused += 1
                    return
                await asyncio.sleep(0)

        writers = [asyncio.create_task(write(number)) for number in range(4)]
        await move.run()
        await asyncio.gather(*writers)
    assert refused == 4
    async with move.open_target() as audit:
        for event_id in told:
            await audit.get(event_id)
        assert (await audit.verify()).ok


class Killed(BaseException):
    """Stands for the end of the process."""


#: What writes durably, in the source and in the target.
_STEPS = (
    (SQLiteStore, "append"),
    (SQLiteStore, "put_checkpoints"),
    (SQLiteStore, "put_meta"),
    (SQLiteStore, "put_company_logs"),
    (SQLiteStore, "register"),
    (SQLiteStore, "reregister"),
    (SQLiteStore, "unregister"),
    (PublishedCheckpoints, "advance"),
)


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Ends a copy before or after its so many-th durable step."""
    plan: dict[str, Any] = {"left": None, "after": False}

    def wrap(owner: type, name: str) -> None:
        call = getattr(owner, name)

        async def step(*arguments: Any, **named: Any) -> Any:
            if plan["left"] is None:
                return await call(*arguments, **named)
            plan["left"] -= 1
            if plan["left"] < 0 and not plan["after"]:
                raise Killed
            found = await call(*arguments, **named)
            if plan["left"] < 0:
                raise Killed
            return found

        monkeypatch.setattr(owner, name, step)

    adopt = KeyFile.adopt

    def adopting(*arguments: Any) -> None:
        adopt(*arguments)
        if plan["left"] == 0 and plan["after"]:
            raise Killed

    monkeypatch.setattr(KeyFile, "adopt", adopting)
    for owner, name in _STEPS:
        wrap(owner, name)
    return plan


@pytest.mark.parametrize("new_origin", [False, True], ids=["move", "new-origin"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_ended_at_every_step_it_goes_on(
    move: Move, deadly: dict[str, Any], after: bool, new_origin: bool
) -> None:
    before = await fill(move.source, key_file=move.keys, spool=False)
    ends = 0
    while True:
        # Each try ends one step later than the one before, until all is done before that.
        deadly.update(left=ends, after=after)
        try:
            report = await move.run(new_origin=new_origin)
        except Killed:
            ends += 1
            deadly["left"] = None
            assert ends < 200
            continue
        break
    deadly["left"] = None
    assert ends > 5
    assert report.moved is not new_origin
    async with move.open_target() as audit:
        after_all = await contents(audit)
        for log, events in before.contents.items():
            assert after_all[log][: len(events)] == events
        report_now = await audit.verify()
        assert report_now.ok, report_now.findings
        await audit.log_event(T)
    if new_origin:
        await _write(move.open_source())
    else:
        with pytest.raises(SealedError):
            await _write(move.open_source())


async def test_a_copy_under_way_is_neither_written_to_nor_signed(
    move: Move, deadly: dict[str, Any]
) -> None:
    await fill(move.source, key_file=move.keys)
    deadly.update(left=6)
    with pytest.raises(Killed):
        await move.run()
    deadly["left"] = None
    # Even with the source's own key file, which the target will share here.
    async with AuditLog.open(move.target, key_file=move.keys, spool=False) as audit:
        with pytest.raises(SealedError, match="not complete"):
            await audit.log_event(T, log="made-here")
        with pytest.raises(RefusedError):
            await audit.log_event(T)
        with pytest.raises(SealedError, match="not complete"):
            await audit.checkpoint((await audit.stats()).logs[0].name)
    assert (await move.run()).moved


async def test_it_can_be_opened_again_while_nothing_has_moved(
    move: Move, deadly: dict[str, Any]
) -> None:
    await fill(move.source, key_file=move.keys)
    async with move.open_source() as audit:
        with pytest.raises(InputError):
            await audit.unseal()
        signed = await audit.seal("the year is closed")
        assert signed["default"].size == (await audit.stats()).logs[-1].size
        with pytest.raises(SealedError, match="the year is closed"):
            await audit.log_event(T)
        assert set(await audit.unseal()) == set(signed)
        event_id = await audit.log_event(T)
        newest = [event async for event in audit.events(order="newest", log="default")][:3]
        assert newest[0].id == event_id
        assert [event.audit["kind"] for event in newest[1:]] == ["unsealed", "sealed"]
        assert (await audit.verify()).ok
    assert (await move.run()).moved


async def test_a_copy_with_an_origin_of_its_own_leaves_the_source_open(move: Move) -> None:
    before = await fill(move.source, key_file=move.keys)
    report = await move.run(new_origin=True)
    assert not report.moved
    async with move.open_source() as source, move.open_target() as audit:
        after = await contents(audit)
        for log, events in before.contents.items():
            assert after[log][: len(events)] == events
            [*_, newest] = [event async for event in audit.events(log=log)]
            assert newest.type == "audit.restored"
            assert newest.audit["old_origin"] != newest.audit["origin"] == report.origins[log]
        await source.log_event(T)
        await audit.log_event(T)
        ours, theirs = await source.checkpoint(), await audit.checkpoint()
        assert ours.origin != theirs.origin
        assert ours.verifier_key != theirs.verifier_key
        for found in (await source.verify(), await audit.verify()):
            assert found.ok, found.findings
        # What the source signed before is the beginning of what the copy signs.
        proof = await audit.consistency(before.checkpoint.size, theirs.size)
        verify_consistency(
            before.checkpoint.size, before.checkpoint.root, theirs.size, theirs.root, proof
        )
        before.proof.verify(before.checkpoint.verifier_key)
    with pytest.raises(InputError):
        await move.run(new_origin=True)


async def test_one_log_alone_needs_an_origin_of_its_own(move: Move) -> None:
    before = await fill(move.source, key_file=move.keys)
    with pytest.raises(InputError, match="origin"):
        await move.run(log="billing")
    with pytest.raises(NotFoundError):
        await move.run(log="nowhere", new_origin=True)
    name = before.companies["c-1"]
    assert name is not None
    await move.run(log=name, new_origin=True)
    async with move.open_target() as audit:
        assert [log.name for log in (await audit.stats()).logs] == [name]
        assert await audit.company_log("c-1") == name
        assert await audit.company_log("c-2") is None
        assert (await audit.verify()).ok


async def test_a_target_that_holds_something_else_is_refused(move: Move) -> None:
    await fill(move.source, key_file=move.keys)
    await _write(move.open_target())
    for options in ({}, {"new_origin": True}):
        with pytest.raises(InputError, match="something else"):
            await move.run(**options)
    # Nothing has happened to either.
    await _write(move.open_source())
    await _write(move.open_target())


async def test_a_source_that_holds_nothing_is_refused(move: Move, tmp_path: Path) -> None:
    """A name that was mistyped: nothing is made there, and nothing is sealed."""
    with pytest.raises(ConfigurationError, match="There is no database"):
        await copy(f"sqlite:///{tmp_path / 'mistyped.db'}", move.target)
    assert not _begun(tmp_path, "mistyped")
    await (await move.open_source()).close()
    with pytest.raises(InputError, match="holds no log"):
        await move.run()
    await _write(move.open_source())
    await _write(move.open_target())


async def test_the_target_of_another_copy_is_refused(
    move: Move, make: Make, tmp_path: Path, deadly: dict[str, Any]
) -> None:
    await fill(move.source, key_file=move.keys)
    deadly.update(left=6)
    with pytest.raises(Killed):
        await move.run()
    deadly["left"] = None
    with pytest.raises(InputError):
        await move.run(new_origin=True)
    other = Move(make, tmp_path, "sqlite", "sqlite")
    other.keys, other.target = tmp_path / "other.key", move.target
    await fill(other.source, key_file=other.keys)
    with pytest.raises(InputError):
        await other.run()
    await _write(other.open_source())


async def test_without_the_key_nothing_is_taken_over(move: Move) -> None:
    await fill(move.source, key_file=move.keys)
    away = move.keys.rename(move.keys.with_name("away.key"))
    with pytest.raises(KeyFileError):
        await move.run()
    away.rename(move.keys)
    await _write(move.open_source())


async def test_a_source_that_was_altered_is_not_taken_over(move: Move) -> None:
    import apsw

    await fill(move.source, key_file=move.keys)
    connection = apsw.Connection(move.source.removeprefix("sqlite:///"))
    connection.execute(
        "UPDATE event SET details = CAST(details || x'20' AS BLOB) WHERE details NOT NULL"
    )
    connection.close()
    with pytest.raises(StoreCorruptError, match="counterfoil unseal"):
        await move.run()
    async with move.open_source() as audit:
        await audit.unseal()
        await audit.log_event(T)


async def test_a_purged_event_leaves_its_leaf_behind(move: Move) -> None:
    import apsw

    from counterfoil.log.log_copy import LogCopy
    from counterfoil.store import open_store

    await fill(move.source, key_file=move.keys)
    connection = apsw.Connection(move.source.removeprefix("sqlite:///"))
    [(number,)] = connection.execute("SELECT number FROM log WHERE name = 'default'")
    connection.execute("DELETE FROM event WHERE position = ?", ((number << 40) + 3,))
    connection.close()
    source, target = open_store(move.source), open_store(move.target)
    await source.open()
    await target.open()
    head = await source.head("default")
    assert head is not None
    from counterfoil.log.seal import COPYING, Seal, put_seal

    seal = Seal(COPYING, "a test")
    await put_seal(target, seal)
    await LogCopy(source, target, "default", seal.text(), lambda _: None).events(head)
    copied = await target.head("default")
    assert copied is not None
    assert (copied.size, copied.frontier) == (head.size, head.frontier)
    await source.close()
    await target.close()


def _begun(folder: Path, name: str) -> list[Path]:
    """The files whose name begins so."""
    return list(folder.glob(f"{name}*"))
