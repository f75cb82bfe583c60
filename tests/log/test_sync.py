"""The sync facade where it ends: nobody is left waiting."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from counterfoil import SyncAuditLog
from counterfoil.errors import ClosedError


def test_closing_twice_is_closing() -> None:
    with SyncAuditLog.open("memory:") as log:
        log.log_event("user_login")
        log.close()
        log.close()
    with pytest.raises(ClosedError):
        log.count()


@pytest.mark.parametrize("attempt", range(3))
def test_threads_that_are_in_a_call_while_it_closes_are_answered(attempt: int) -> None:
    log = SyncAuditLog.open("memory:")
    errors: list[BaseException] = []
    under_way = threading.Barrier(9)

    def work(number: int) -> None:
        log.log_event("user_login")
        under_way.wait()
        try:
            while True:
                if number % 2:
                    log.log_event("user_login")
                else:
                    log.count()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(8)]
    for thread in threads:
        thread.start()
    under_way.wait()
    log.close()
    for thread in threads:
        thread.join(30)
    assert [type(error) for error in errors] == [ClosedError] * 8


def test_a_thread_that_follows_is_done_when_it_closes() -> None:
    log = SyncAuditLog.open("memory:")
    log.log_event("user_login")
    seen = threading.Event()

    def follow() -> None:
        for _ in log.follow(since=datetime(2000, 1, 1, tzinfo=UTC)):
            seen.set()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    assert seen.wait(30)
    log.close()
    thread.join(30)
    assert not thread.is_alive()
