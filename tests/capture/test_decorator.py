"""``@audited``: what a call becomes, and that the function is left as it was."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from counterfoil import AuditLog, AuditLogLevel, AuditOptions, SyncAuditLog
from counterfoil.capture import audit_context, audited
from counterfoil.errors import ConfigurationError, WriteError


@dataclass
class Order:
    id: str
    customer: str
    lines: list[str]

    @property
    def total(self) -> int:
        raise ArithmeticError("holds a price")


class Kept:
    """A log that keeps the arguments of its calls, for sync functions and async ones."""

    def __init__(self, *, fails: bool = False) -> None:
        self.events: list[dict[str, Any]] = []
        self._fails = fails

    def log_event(self, **arguments: Any) -> str:
        if self._fails:
            raise WriteError("The store is away.")
        self.events.append(arguments)
        return ""

    @property
    def event(self) -> dict[str, Any]:
        (event,) = self.events
        return event


class KeptAsync(Kept):
    async def log_event(self, **arguments: Any) -> str:  # type: ignore[override]
        return super().log_event(**arguments)


Runner = Callable[..., Any]


@pytest.fixture(params=["sync", "async", "async with a sync log"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def kept(kind: str) -> Kept:
    return KeptAsync() if kind == "async" else Kept()


@pytest.fixture
def run(kind: str) -> Runner:
    """Decorates a function, made async where the test is about that, and calls it."""

    def call(decorator: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if kind == "sync":
            return decorator(function)(*args, **kwargs)

        @functools.wraps(function)
        async def async_function(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            return function(*args, **kwargs)

        return asyncio.run(decorator(async_function)(*args, **kwargs))

    return call


def ship(
    order: Order, carrier: str = "post", *labels: str, express: bool = False, **more: Any
) -> str:
    return f"parcel of {order.id}"


ORDER = Order("o-1", "u-1", ["a", "b"])


@pytest.mark.parametrize(
    ("settings", "args", "kwargs", "expected"),
    [
        ({}, (ORDER,), {}, {"details": None, "user_id": None, "resource_id": None}),
        ({"resource_id": "order.id"}, (ORDER,), {}, {"resource_id": "o-1"}),
        ({"resource_id": "order.id"}, (), {"order": ORDER}, {"resource_id": "o-1"}),
        ({"user_id": "order.customer"}, (ORDER,), {}, {"user_id": "u-1"}),
        ({"resource_id": "order.gone.id"}, (ORDER,), {}, {"resource_id": None}),
        ({"details": ["carrier"]}, (ORDER,), {}, {"details": {"carrier": "post"}}),
        ({"details": ["carrier"]}, (ORDER, "bike"), {}, {"details": {"carrier": "bike"}}),
        ({"details": ["express"]}, (ORDER,), {"express": True}, {"details": {"express": True}}),
        ({"details": ["labels"]}, (ORDER, "post", "x"), {}, {"details": {"labels": ("x",)}}),
        ({"details": ["more.gift"]}, (ORDER,), {"gift": 1}, {"details": {"more.gift": 1}}),
        ({"details": ["more.gift"]}, (ORDER,), {}, {"details": {"more.gift": None}}),
        ({"details": ["order.lines"]}, (ORDER,), {}, {"details": {"order.lines": ["a", "b"]}}),
        ({"details": ["return"]}, (ORDER,), {}, {"details": {"return": "parcel of o-1"}}),
        (
            {"details": ["order.total"]},
            (ORDER,),
            {},
            {"details": {"order.total": "[unavailable:ArithmeticError]"}},
        ),
        (
            {"resource_type": "order", "level": AuditLogLevel.WARNING},
            (ORDER,),
            {},
            {"resource_type": "order", "level": AuditLogLevel.WARNING},
        ),
    ],
)
def test_what_a_call_is_recorded_as(
    run: Runner,
    kept: Kept,
    settings: dict[str, Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    assert run(audited(kept, "order.shipped", **settings), ship, *args, **kwargs) == "parcel of o-1"
    found = kept.event
    assert (found["event_type"], found["outcome"]) == ("order.shipped", "success")
    assert {name: found[name] for name in expected} == expected


def test_the_result_may_name_the_resource(run: Runner, kept: Kept) -> None:
    def make(customer: str) -> Order:
        return Order("o-9", customer, [])

    run(audited(kept, "order.made", resource_id="return.id"), make, "u-1")
    assert kept.event["resource_id"] == "o-9"


def test_an_exception_is_recorded_as_failure_and_goes_on_unchanged(run: Runner, kept: Kept) -> None:
    error = LookupError("secret")

    def fail(order: Order) -> None:
        raise error

    with pytest.raises(LookupError) as caught:
        run(
            audited(kept, "x", details=["order.id", "return.id"], user_id="order.customer"),
            fail,
            ORDER,
        )
    assert caught.value is error
    assert not hasattr(error, "__notes__")
    found = kept.event
    assert (found["outcome"], found["user_id"]) == ("failure", "u-1")
    assert found["details"] == {"order.id": "o-1", "return.id": None, "error": "LookupError"}
    assert "secret" not in str(found)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_being_told_to_stop_is_recorded_too(error: BaseException) -> None:
    kept = Kept()

    def stop() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        audited(kept, "x")(stop)()
    assert caught.value is error
    assert kept.event["details"] == {"error": type(error).__name__}


def test_arguments_are_read_before_the_function_can_change_them(run: Runner, kept: Kept) -> None:
    def empty(order: Order) -> None:
        order.lines.clear()
        order.id = "changed"

    order = Order("o-1", "u-1", ["a"])
    run(audited(kept, "x", resource_id="order.id", details=["order.lines"]), empty, order)
    assert kept.event["resource_id"] == "o-1"
    assert kept.event["details"] == {"order.lines": ["a"]}


def test_arguments_that_do_not_fit_are_the_function_s_to_refuse(run: Runner, kept: Kept) -> None:
    with pytest.raises(TypeError):
        run(audited(kept, "x", resource_id="order.id"), ship)
    assert (kept.event["outcome"], kept.event["resource_id"]) == ("failure", None)
    assert kept.event["details"] == {"error": "TypeError"}


# States


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        (None, True),
        (AuditOptions(capture_before_after=True), True),
        (AuditOptions(), False),
    ],
)
def test_states_are_taken_where_they_are_asked_for(
    run: Runner, kept: Kept, options: AuditOptions | None, taken: bool
) -> None:
    prices = {"p-1": 10}

    def set_price(product: str, price: int) -> None:
        prices[product] = price

    def state(product: str, price: int) -> dict[str, int]:
        return prices

    run(audited(kept, "x", state=state, options=options), set_price, "p-1", 12)
    context = kept.event["context"]
    # The state function gave the very dict that changes: before must be as it was.
    assert context.before_state == ({"p-1": 10} if taken else None)
    assert context.after_state == ({"p-1": 12} if taken else None)


def test_a_failed_call_has_only_the_state_before(run: Runner, kept: Kept) -> None:
    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run(audited(kept, "x", state=lambda: {"n": 1}), fail)
    context = kept.event["context"]
    assert (context.before_state, context.after_state) == ({"n": 1}, None)


def test_a_state_that_cannot_be_taken_stops_nothing(
    run: Runner, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    def state(order: Order) -> Any:
        raise ArithmeticError("secret")

    assert run(audited(kept, "x", state=state), ship, ORDER) == "parcel of o-1"
    assert kept.event["context"].before_state == {"unavailable": "ArithmeticError"}
    assert "ArithmeticError" in caplog.text
    assert "secret" not in caplog.text


async def test_an_async_function_s_state_may_be_async() -> None:
    kept = KeptAsync()
    count = 0

    async def state() -> dict[str, int]:
        return {"count": count}

    @audited(kept, "x", state=state)
    async def add() -> None:
        nonlocal count
        count += 1

    await add()
    context = kept.event["context"]
    assert (context.before_state, context.after_state) == ({"count": 0}, {"count": 1})


# When recording fails, or cannot be


@pytest.fixture
def away(kind: str) -> Kept:
    return KeptAsync(fails=True) if kind == "async" else Kept(fails=True)


def test_a_result_whose_event_cannot_be_recorded_is_an_error(run: Runner, away: Kept) -> None:
    with pytest.raises(WriteError):
        run(audited(away, "x"), ship, ORDER)


def test_an_exception_whose_event_cannot_be_recorded_comes_first(
    run: Runner, away: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError) as caught:
        run(audited(away, "x"), fail)
    assert "The store is away." in caught.value.__notes__[0]
    assert "The store is away." in caplog.text


def test_a_sync_function_does_not_run_where_it_cannot_be_recorded() -> None:
    with pytest.raises(ConfigurationError):
        audited(KeptAsync(), "x")(lambda: pytest.fail("it ran"))()


def test_the_log_is_asked_for_before_the_function_runs() -> None:
    def no_log() -> Kept:
        raise ConfigurationError("not open yet")

    with pytest.raises(ConfigurationError):
        audited(no_log, "x")(lambda: pytest.fail("it ran"))()
    kept = Kept()
    audited(lambda: kept, "x")(lambda: None)()
    assert kept.event["outcome"] == "success"


async def test_a_cancelled_call_is_recorded_as_failure() -> None:
    kept, begun = KeptAsync(), asyncio.Event()

    @audited(kept, "x")
    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kept.event["details"] == {"error": "CancelledError"}


def test_a_call_that_its_loop_abandons_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Never:
        def __await__(self) -> Generator[None, None, None]:
            yield

    @audited(KeptAsync(), "x")
    async def work() -> None:
        await Never()

    coroutine: Any = work()
    coroutine.send(None)
    coroutine.close()
    assert "abandoned" in caplog.text


# The function stays what it was


def test_the_function_keeps_its_name_signature_and_kind() -> None:
    @audited(Kept(), "x")
    def work(number: int) -> int:
        """Doc."""
        return number

    @audited(KeptAsync(), "x")
    async def later(number: int) -> int:
        return number

    assert (work.__name__, work.__doc__) == ("work", "Doc.")
    assert list(inspect.signature(work).parameters) == ["number"]
    assert inspect.iscoroutinefunction(later)
    assert not inspect.iscoroutinefunction(work)


def test_methods_of_every_kind_may_be_audited() -> None:
    kept = Kept()

    class Shop:
        name = "shop"

        @audited(kept, "x", resource_id="self.name")
        def open(self) -> str:
            return self.name

        @classmethod
        @audited(kept, "x", resource_id="cls.name")
        def named(cls) -> str:
            return cls.name

        @staticmethod
        @audited(kept, "x", resource_id="name")
        def of(name: str) -> str:
            return name

    assert (Shop().open(), Shop.named(), Shop.of("shop")) == ("shop", "shop", "shop")
    assert [event["resource_id"] for event in kept.events] == ["shop"] * 3


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize("function", [generator, async_generator, property(len), "ship"])
def test_what_has_no_one_result_is_refused(function: Any) -> None:
    with pytest.raises(ConfigurationError):
        audited(Kept(), "x")(function)


@pytest.mark.parametrize(
    "settings", [{"user_id": "ordr.id"}, {"resource_id": "ordr"}, {"details": ["express", "ordr"]}]
)
def test_a_path_that_begins_nowhere_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="ordr"):
        audited(Kept(), "x", **settings)(ship)


# With real logs


async def test_an_async_function_is_recorded_with_its_ambient_context(audit: AuditLog) -> None:
    @audited(audit, "order.shipped", resource_type="order", resource_id="order.id")
    async def send(order: Order) -> None: ...

    with audit_context(user_id="u-clerk"):
        await send(ORDER)
    (event,) = [event async for event in audit.events()]
    assert (event.type, event.user_id, event.outcome) == ("order.shipped", "u-clerk", "success")
    assert (event.resource_type, event.resource_id) == ("order", "o-1")


def test_a_sync_function_is_recorded_with_its_ambient_context(url: str) -> None:
    with SyncAuditLog.open(url) as log:

        @audited(log, "order.shipped", details=["order.id"])
        def send(order: Order) -> None:
            raise LookupError

        with audit_context(user_id="u-clerk"), pytest.raises(LookupError):
            send(ORDER)
        (event,) = list(log.events())
    assert (event.user_id, event.outcome) == ("u-clerk", "failure")
    assert event.details == {"order.id": "o-1", "error": "LookupError"}
