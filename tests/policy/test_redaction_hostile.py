"""Objects that bite: none of their code runs, none of them is lost on, and the walk ends."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import enum
import io
import threading
import weakref
from types import MappingProxyType
from typing import Any, ClassVar

import orjson
import pytest
from pydantic import BaseModel

from counterfoil.policy.redaction import Redactor


class Touched(BaseException):
    """Not an Exception, so that nothing can hold it back."""


def bite(*_: object, **__: object) -> Any:
    raise Touched


class BitingType(type):
    """A class whose own attributes, equality and hash are traps."""

    __hash__ = bite
    __eq__ = bite
    __instancecheck__ = bite
    __subclasscheck__ = bite
    __name__ = __mro__ = __dict__ = __module__ = property(bite)  # type: ignore[misc]

    def __getattribute__(cls, name: str) -> Any:
        raise Touched


class Biting:
    """An object whose every use is a trap."""

    __repr__ = __str__ = __format__ = __bytes__ = bite
    __eq__ = __lt__ = __bool__ = bite
    __iter__ = __next__ = __len__ = __getitem__ = __contains__ = __reversed__ = bite
    __int__ = __float__ = __index__ = __call__ = __enter__ = bite
    __await__ = __aiter__ = __reduce_ex__ = bite
    __hash__ = object.__hash__

    def __getattribute__(self, name: str) -> Any:
        raise Touched

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise Touched


def biting_class() -> object:
    """Made here and not on the module: who looks through a module would be bitten."""

    class BitingMeta(metaclass=BitingType):
        pass

    return BitingMeta


class BitingDict(dict[Any, Any]):
    __iter__ = items = keys = values = get = __getitem__ = __len__ = __repr__ = bite
    __contains__ = copy = __bool__ = bite


class BitingList(list[Any]):
    __iter__ = __getitem__ = __len__ = __repr__ = copy = __bool__ = bite


class BitingTuple(tuple[Any, ...]):
    __slots__ = ()
    __iter__ = __getitem__ = __len__ = __repr__ = bite


class BitingSet(set[Any]):
    __iter__ = __len__ = __repr__ = copy = __contains__ = bite
    __hash__ = None


class BitingStr(str):
    __slots__ = ()
    __str__ = __repr__ = __len__ = __eq__ = __getitem__ = __iter__ = encode = startswith = bite
    __hash__ = str.__hash__


class BitingInt(int):
    __int__ = __index__ = __str__ = __repr__ = __lt__ = __gt__ = __eq__ = __neg__ = bite
    __hash__ = int.__hash__


class BitingFloat(float):
    __float__ = __int__ = __str__ = __repr__ = __lt__ = __eq__ = __ne__ = bite
    __hash__ = float.__hash__


class BitingError(Exception):
    __str__ = __repr__ = bite


class Lazy:
    """As an ORM's object: a read of any column would go to the database."""

    __tablename__ = "users"
    columns: ClassVar[list[str]] = ["name", "password"]

    @property
    def name(self) -> str:
        raise Touched

    def __iter__(self) -> Any:
        raise Touched


@dataclasses.dataclass
class BitingRecord:
    """A record whose own dict is a trap."""

    name: str

    __dict__ = property(bite)


class LazyModel(BaseModel):
    name: str

    @property
    def orders(self) -> Any:
        raise Touched


class Colour(enum.Enum):
    RED = "red"


def generator() -> Any:
    yield bite()


async def coroutine() -> None:
    bite()


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


def unserializable(name: str) -> str:
    return f"[unserializable:{name}]"


OBJECTS: dict[str, tuple[Any, Any]] = {
    # name: (how it is made, what stands in its place)
    "object of unknown class": (Biting, unserializable("Biting")),
    "class": (lambda: Biting, unserializable("type")),
    "class of a hostile metaclass": (biting_class, unserializable("BitingType")),
    "object that loads lazily": (Lazy, unserializable("Lazy")),
    "generator": (generator, unserializable("generator")),
    "iterator": (lambda: iter([1]), unserializable("list_iterator")),
    "map": (lambda: map(bite, [1]), unserializable("map")),
    "file": (lambda: io.StringIO("x"), unserializable("StringIO")),
    "lock": (threading.Lock, unserializable("lock")),
    "object": (object, unserializable("object")),
    "function": (lambda: bite, unserializable("function")),
    "module": (lambda: io, unserializable("module")),
    "complex": (lambda: 1j, unserializable("complex")),
    "memoryview": (lambda: memoryview(b"x"), unserializable("memoryview")),
    "range": (lambda: range(3), unserializable("range")),
    "large bytes": (lambda: b"x" * 65, unserializable("bytes")),
    "weak proxy": (lambda: weakref.proxy(Colour), unserializable("CallableProxyType")),
    "dict": (lambda: BitingDict(a=1), {"a": 1}),
    "list": (lambda: BitingList([1, 2]), [1, 2]),
    "tuple": (lambda: BitingTuple((1, 2)), [1, 2]),
    "set": (lambda: BitingSet({1}), [1]),
    "str": (lambda: BitingStr("x"), "x"),
    "int": (lambda: BitingInt(7), 7),
    "float": (lambda: BitingFloat(0.5), 0.5),
    "exception": (lambda: BitingError("went wrong"), "BitingError: went wrong"),
    "record": (lambda: BitingRecord("x"), {}),
    "model": (lambda: LazyModel(name="x"), {"name": "x"}),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_no_code_of_an_object_runs(redactor: Redactor, name: str) -> None:
    make, clean = OBJECTS[name]
    value = make()
    assert redactor.clean(value) == clean
    assert redactor.clean({"a": [value]}) == {"a": [clean]}
    assert redactor.clean(MappingProxyType({"a": value})) == {"a": clean}
    changes = {"/a": {"op": "replace", "old": value, "new": None}}
    expected = {"/a": {"op": "replace", "old": clean, "new": None}}
    assert redactor.clean(changes, root="changes") == expected


@pytest.mark.parametrize("name", ["password", "pin", "card_number", "session_id", "auth"])
def test_not_even_under_a_secret_name(redactor: Redactor, name: str) -> None:
    for make, _ in OBJECTS.values():
        orjson.dumps(redactor.clean({name: make(), "name": name, "value": make()}))


def test_a_biting_object_as_a_key(redactor: Redactor) -> None:
    first, second = Biting(), Biting()
    assert redactor.clean({first: 1, second: 2, "a": 3}) == {
        "[unserializable:Biting]": 1,
        "[unserializable:Biting]#2": 2,
        "a": 3,
    }


def test_an_object_that_lies_about_its_class(redactor: Redactor) -> None:
    class Liar:
        @property  # type: ignore[misc]
        def __class__(self) -> Any:
            return dict

    assert redactor.clean(Liar()) == unserializable("Liar")


def test_a_coroutine_is_not_awaited(redactor: Redactor) -> None:
    unawaited = coroutine()
    assert redactor.clean(unawaited) == unserializable("coroutine")
    unawaited.close()
    future: asyncio.Future[None] = asyncio.Future(loop=asyncio.new_event_loop())
    assert redactor.clean(future) == unserializable("Future")
    future.get_loop().close()


def test_a_class_with_a_strange_name(redactor: Redactor) -> None:
    strange = type("x] password=hunter2 [", (), {})
    assert redactor.clean(strange()) == "[unserializable:xpasswordhunter2]"
    assert redactor.clean(type("é" * 99, (), {})()) == unserializable("object")


def test_a_timezone_that_raises(redactor: Redactor) -> None:
    import datetime as dt

    class Broken(dt.tzinfo):
        def utcoffset(self, when: dt.datetime | None) -> dt.timedelta:
            raise RuntimeError("no such zone")

        def tzname(self, when: dt.datetime | None) -> str:
            raise RuntimeError("no such zone")

        def dst(self, when: dt.datetime | None) -> dt.timedelta:
            raise RuntimeError("no such zone")

    when = dt.datetime(2024, 5, 17, tzinfo=Broken())
    assert redactor.clean({"when": when}) == {"when": unserializable("datetime")}


def test_a_cycle_ends(redactor: Redactor) -> None:
    looped: dict[str, Any] = {"a": 1}
    looped["self"] = looped
    looped["list"] = [looped, [looped]]
    assert redactor.clean(looped) == {
        "a": 1,
        "self": "[cycle]",
        "list": ["[cycle]", ["[cycle]"]],
    }
    shared = {"b": 1}
    assert redactor.clean([shared, shared]) == [{"b": 1}, {"b": 1}]
    changes: dict[str, Any] = {}
    changes["/a"] = changes
    orjson.dumps(redactor.clean(changes, root="changes"))


def test_depth_ends_at_twenty(redactor: Redactor) -> None:
    nested: Any = "bottom"
    for _ in range(20):
        nested = [nested]
    assert "bottom" in orjson.dumps(redactor.clean(nested)).decode()
    deeper = redactor.clean([nested])
    assert "bottom" not in orjson.dumps(deeper).decode()
    assert "[depth]" in orjson.dumps(deeper).decode()


@pytest.mark.parametrize("layer", [lambda v: [v], lambda v: {"a": v}, lambda v: (v,)])
def test_two_hundred_thousand_levels_cost_nothing(redactor: Redactor, layer: Any) -> None:
    nested: Any = {"password": "hunter2"}
    for _ in range(200_000):
        nested = layer(nested)
    clean = orjson.dumps(redactor.clean(nested)).decode()
    assert "[depth]" in clean
    assert len(clean) < 400
    while nested:  # freed step by step: at once, the interpreter itself would recurse
        nested = next(iter(nested.values() if isinstance(nested, dict) else nested))
        if isinstance(nested, dict) and "password" in nested:
            break


def test_a_bomb_of_shared_lists_does_not_go_off(redactor: Redactor) -> None:
    bomb: list[Any] = ["x"] * 30
    for _ in range(15):
        bomb = [bomb] * 30
    clean = redactor.clean({"bomb": bomb, "a": 1})
    assert isinstance(clean, dict)
    assert clean["a"] == 1
    assert len(orjson.dumps(clean)) < 4_000_000


def test_ten_thousand_colliding_keys(redactor: Redactor) -> None:
    clean = redactor.clean({Biting(): n for n in range(10_000)})
    assert isinstance(clean, dict)
    assert sorted(clean.values()) == list(range(10_000))  # type: ignore[type-var]


def test_huge_integers(redactor: Redactor) -> None:
    assert redactor.clean(2**53 - 1) == 2**53 - 1
    assert redactor.clean(2**53) == "9007199254740992"
    assert redactor.clean(-(2**64)) == "-18446744073709551616"
    assert redactor.clean(10**100_000) == "[number:332193 bits]"


@pytest.mark.parametrize(
    "text", ["\ud800", "a\udfff", "\x00", "x\x00password=hunter2", "\ud83d\ude00"]
)
def test_what_json_and_databases_refuse_is_made_visible(redactor: Redactor, text: str) -> None:
    clean = orjson.dumps(redactor.clean({text: text, "n": [text]})).decode()
    assert "\\\\u" in clean
    assert "\x00" not in clean
    assert "hunter2" not in clean


def test_a_dict_may_change_meanwhile(redactor: Redactor) -> None:
    """As another thread might: here a key's own text is asked for, and changes the dict."""
    busy: dict[Any, Any] = {}

    class Meddling(enum.Enum):
        VALUE = "value"

    busy.update({Meddling.VALUE: 1, "a": collections.deque([1, 2])})
    stop = threading.Event()

    def meddle() -> None:
        number = 0
        while not stop.is_set():
            busy[f"k{number % 50}"] = number
            busy.pop(f"k{(number - 7) % 50}", None)
            number += 1

    thread = threading.Thread(target=meddle)
    thread.start()
    try:
        for _ in range(300):
            orjson.dumps(redactor.clean({"busy": busy, "list": [busy]}))
    finally:
        stop.set()
        thread.join()
