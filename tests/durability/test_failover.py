"""The server is lost and its standby takes its place: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.outage.recorded import spooled
from tests.replica import Pair

from .checking import examine
from .test_storm import Storm, deliver

PROCESSES = 4
BETWEEN = 200


@pytest.fixture
def storm(pair: Pair, tmp_path: Path) -> Iterator[Storm]:
    found = Storm(pair.primary, pair.url, tmp_path, Random(4))
    yield found
    found.end()


def test_a_standby_takes_over(pair: Pair, storm: Storm) -> None:
    for _ in range(PROCESSES):
        storm.start_a_writer()
    storm.wait_for(BETWEEN)
    pair.primary.kill()
    at_the_end = len(storm.acknowledged())
    # Meanwhile what may wait goes to the spool, and is acknowledged.
    storm.wait_for(at_the_end + PROCESSES)
    assert spooled(storm.folder / "spool")
    pair.standby.promote()
    storm.wait_for(len(storm.acknowledged()) + BETWEEN)
    assert storm.end() == 0
    asyncio.run(deliver(pair.url, storm.folder))
    acknowledged = storm.acknowledged()
    recorded = asyncio.run(examine(pair.url, key_file=storm.folder / "key", spool=False))
    assert len(set(acknowledged)) == len(acknowledged) > 2 * BETWEEN
    assert set(acknowledged) <= set(recorded)
