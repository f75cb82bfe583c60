"""Transactions that run beside each other, at random, with relays in between."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil import AuditLog

from .application import PostgresApplication, recorded

_NUMBERS = count()
_CONNECTIONS = 3
_STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.integers(0, _CONNECTIONS - 1),
            st.sampled_from(["event", "event", "event", "commit", "roll back"]),
        ),
        st.tuples(st.integers(0, 1), st.just("relay")),
    ),
    max_size=40,
)


@given(steps=_STEPS)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_what_is_committed_is_recorded_once_and_each_transaction_in_order(
    audit: AuditLog, shop_url: str, steps: list[tuple[int, str]]
) -> None:
    shop = PostgresApplication(shop_url)
    if not await _is_prepared(shop):
        await shop.prepare(audit)
    log = f"log-{next(_NUMBERS)}"
    connections = [await shop.connect() for _ in range(_CONNECTIONS)]
    relays = [audit.relay(shop.connect) for _ in range(2)]
    running: dict[int, tuple[Any, list[str]]] = {}
    committed: list[list[str]] = []
    for number, step in steps:
        if step == "relay":
            await relays[number].drain()
            found = await recorded(audit, log) if committed else []
            assert sorted(found) == sorted(one for ids in committed for one in ids)
            continue
        connection = connections[number]
        if number not in running:
            transaction = connection.transaction()
            await transaction.start()
            running[number] = (transaction, [])
        transaction, ids = running[number]
        if step == "event":
            ids.append(await audit.log_event("price_changed", log=log, connection=connection))
        elif step == "commit":
            await transaction.commit()
            committed += [ids] if ids else []
            del running[number]
        else:
            await transaction.rollback()
            del running[number]
    for connection in connections:
        # What is not committed is gone with its connection.
        await connection.close()
    await relays[0].drain()
    order = await recorded(audit, log) if committed else []
    assert sorted(order) == sorted(one for ids in committed for one in ids)
    for ids in committed:
        places = [order.index(one) for one in ids]
        assert places == sorted(places)
    assert await shop.waiting() == []
    for relay in relays:
        await relay.close()


async def _is_prepared(shop: PostgresApplication) -> bool:
    return bool((await shop.rows("SELECT to_regclass('counterfoil_outbox')"))[0][0])
