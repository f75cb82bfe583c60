"""From Python values to JSON's, without running anybody's code.

Of an object that is not known, nothing is called and nothing is read: not its `repr`, not a
property, not an iterator. Containers are copied in one step, so that another thread may go on
changing them.
"""

from __future__ import annotations

import base64
import gc
import re
from collections import deque
from collections.abc import Callable, Container, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import GetSetDescriptorType, MappingProxyType, MemberDescriptorType
from typing import Any, TypeAlias
from uuid import UUID

import uuid_utils

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
"""What a cleaned value is made of."""

SAFE_INTEGER = 2**53
"""From here on a reader that keeps numbers as IEEE 754 doubles would round (RFC 8259 section 6)."""

LONGEST_INTEGER_BITS = 2048
"""Python can be told to write no integer of more than 640 digits."""

LONGEST_BYTES = 64
LONGEST_NAME_BYTES = 256
_NOT_IN_JSON = re.compile("[\x00\ud800-\udfff]")
_TYPE_NAME = re.compile(r"[^0-9A-Za-z_.]+")
_MISSING = object()

# As `type` itself has them: a metaclass may put code of its own in their place.
_NAME_OF: Callable[[type], str] = type.__dict__["__name__"].__get__
_MRO_OF: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_DICT_OF: Callable[[type], Mapping[str, Any]] = type.__dict__["__dict__"].__get__


class Members(list[tuple[Any, Any]]):
    """A mapping's members, copied."""


class Items(list[Any]):
    """A sequence's or set's items, copied.

    Attributes:
        pair: whether two items of it may be a name and a value, as a tuple's may.
    """

    __slots__ = ("pair",)

    def __init__(self, items: Any, *, pair: bool = False) -> None:
        super().__init__(items)
        self.pair = pair


Plain: TypeAlias = "str | int | float | bool | Members | Items | None"


def visible(text: str) -> str:
    """The text with NUL and lone surrogates written as escapes: JSON and databases take neither."""
    return _NOT_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def unserializable(kind: type) -> str:
    """`[unserializable:<type name>]`."""
    name = _NAME_OF(kind)
    return f"[unserializable:{_TYPE_NAME.sub('', name)[:64] or 'object'}]"


def plain(value: object) -> Plain:
    """A value as JSON has it, one level deep: a scalar, or a container's members or items."""
    kind = type(value)
    convert = _EXACT.get(id(kind))
    if convert is not None:
        return convert(value)
    for base, known in _BASES:
        if issubclass(kind, base):
            return known(value)
    return _structure(value, kind)


def key_text(key: object) -> str:
    """A dict's key as text."""
    if type(key) is bytes and len(key) <= LONGEST_NAME_BYTES and key.isascii():
        return key.decode("ascii")  # header names, as ASGI has them
    value = plain(key)
    if type(value) is str:
        return value
    if value is None or type(value) is bool:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Items):
        parts = [plain(item) for item in value[:8]]
        if all(isinstance(part, (str, int, float)) or part is None for part in parts):
            return ",".join(part if isinstance(part, str) else str(part) for part in parts)
    return unserializable(type(key))


def free_name(name: str, taken: Container[str]) -> str:
    """The name, or the name with a suffix `#2`, `#3`, … that is not taken.

    The suffix is searched for by doubling: a dict may hold any number of keys of equal text.
    """
    if name not in taken:
        return name
    low, high = 1, 2
    while f"{name}#{high}" in taken:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if f"{name}#{middle}" in taken:
            low = middle
        else:
            high = middle
    return f"{name}#{high}"


def _same(value: Any) -> Any:
    return value


def _integer(value: Any) -> int | str:
    number = int.__int__(value)
    if -SAFE_INTEGER < number < SAFE_INTEGER:
        return number
    if number.bit_length() > LONGEST_INTEGER_BITS:
        return f"[number:{number.bit_length()} bits]"
    return int.__repr__(number)


def _float(value: Any) -> float | str:
    number = float.__float__(value)
    if number != number:
        return "[number:NaN]"
    if number in (float("inf"), float("-inf")):
        return "[number:Infinity]" if number > 0 else "[number:-Infinity]"
    return number


def _bytes(value: Any) -> str:
    kind: type = type(value)
    if len(value) > LONGEST_BYTES:
        return unserializable(kind)
    return "base64:" + base64.b64encode(bytes(value)).decode("ascii")


def _bytes_subclass(value: Any) -> str:
    base = bytes if issubclass(type(value), bytes) else bytearray
    return _bytes(base.__getitem__(value, slice(None)))


def _guarded(convert: Callable[[Any], str]) -> Callable[[Any], str]:
    """Some standard types ask their user's code on the way to a text (a `tzinfo`, say)."""

    def converted(value: Any) -> str:
        try:
            text = convert(value)
        except Exception:  # noqa: BLE001 - whatever that code does, the event is recorded
            return unserializable(type(value))
        return text if type(text) is str else unserializable(type(value))

    return converted


def _enum(value: Any) -> Plain:
    held = object.__getattribute__(value, "__dict__").get("_value_", _MISSING)
    return (
        unserializable(type(value)) if isinstance(held, Enum) or held is _MISSING else plain(held)
    )


def _exception(value: Any) -> str:
    """Its type and the texts it was raised with, as a traceback's last line has them."""
    args = BaseException.args.__get__(value)  # type: ignore[attr-defined]
    name = unserializable(type(value))[len("[unserializable:") : -1]
    texts = [plain(arg) for arg in args[:8]] if type(args) is tuple else []
    said = ", ".join(
        text
        if isinstance(text, str)
        else unserializable(type(arg))
        if isinstance(text, (Members, Items))
        else str(text)
        for text, arg in zip(texts, args, strict=False)
    )
    return f"{name}: {said}" if said else name


def _items(value: Any) -> Items:
    return Items(value)


def _tuple(value: Any) -> Plain:
    kind = type(value)
    names = None if kind is tuple else _class_attribute(kind, "_fields")
    items = tuple.__getitem__(value, slice(None))
    if type(names) is tuple and len(names) == len(items) and all(type(n) is str for n in names):
        return Members(zip(names, items, strict=True))
    return Items(items, pair=True)


def _set(value: Any) -> Items:
    """In an order that does not change from run to run, as far as the items' texts tell."""
    items = [
        item if isinstance(text := plain(item), (Members, Items)) else text
        for item in (set if issubclass(type(value), set) else frozenset).copy(value)
    ]
    if all(type(item) is str for item in items) or all(
        type(item) is int or type(item) is float for item in items
    ):
        items.sort()
    else:
        items.sort(key=key_text)
    return Items(items)


def _structure(value: object, kind: type) -> Plain:
    """Records whose fields are declared, and the empty hands that are left for the rest."""
    if _class_attribute(kind, "__pydantic_fields__") is not _MISSING:
        members = Members(_instance_dict(value, kind).items())
        extra = _slot(value, kind, "__pydantic_extra__")
        if type(extra) is dict:
            members += extra.items()
        return members
    fields = _class_attribute(kind, "__dataclass_fields__")
    if type(fields) is dict and fields:
        return _record(value, kind, [name for name in fields if type(name) is str])
    attributes = _class_attribute(kind, "__attrs_attrs__")
    if isinstance(attributes, tuple) and attributes:
        names = [_slot(attribute, type(attribute), "name") for attribute in attributes]
        return _record(value, kind, [name for name in names if type(name) is str])
    name, module = _NAME_OF(kind), _DICT_OF(kind).get("__module__")
    if name in ("SecretStr", "SecretBytes") and module == "pydantic.types":
        return "[redacted:secret]"
    return unserializable(kind)


def _record(value: object, kind: type, names: list[str]) -> Members:
    held = _instance_dict(value, kind)
    members = Members()
    for name in names:
        member = held[name] if name in held else _slot(value, kind, name)
        if member is not _MISSING:
            members.append((name, member))
    return members


def _instance_dict(value: object, kind: type) -> dict[str, Any]:
    """What an instance holds, without asking a property that is called `__dict__`."""
    descriptor = _class_attribute(kind, "__dict__")
    if type(descriptor) is not GetSetDescriptorType:
        return {}
    held = descriptor.__get__(value)
    return dict(held) if type(held) is dict else {}


def _slot(value: object, kind: type, name: str) -> Any:
    """What a slot holds, without asking a property of the same name."""
    descriptor = _class_attribute(kind, name)
    if type(descriptor) is not MemberDescriptorType:
        return _MISSING
    try:
        return descriptor.__get__(value)
    except AttributeError:
        return _MISSING


def _class_attribute(kind: type, name: str) -> Any:
    for base in _MRO_OF(kind):
        held = _DICT_OF(base)
        if name in held:
            return held[name]
    return _MISSING


_CONVERSIONS: dict[type, Callable[[Any], Plain]] = {
    str: _same,
    bool: _same,
    type(None): _same,
    int: _integer,
    float: _float,
    dict: lambda value: Members(value.items()),
    list: _items,
    tuple: _tuple,
    set: _set,
    frozenset: _set,
    bytes: _bytes,
    bytearray: _bytes,
    deque: _items,
    type({}.keys()): _items,
    type({}.values()): _items,
    type({}.items()): _items,
    datetime: _guarded(datetime.isoformat),
    date: date.isoformat,
    time: _guarded(time.isoformat),
    timedelta: timedelta.__str__,
    Decimal: Decimal.__str__,
    UUID: UUID.__str__,
    uuid_utils.UUID: _guarded(str),
}
# By identity: to look a class up by equality could run its metaclass's code. These live forever.
_EXACT = {id(kind): convert for kind, convert in _CONVERSIONS.items()}

_BASES: tuple[tuple[type, Callable[[Any], Plain]], ...] = (
    (Enum, _enum),
    (str, str.__str__),
    (int, _integer),
    (float, _float),
    (dict, lambda value: Members(dict.items(value))),
    (list, lambda value: Items(list.__getitem__(value, slice(None)))),
    (tuple, _tuple),
    (set, _set),
    (frozenset, _set),
    (bytes, _bytes_subclass),
    (bytearray, _bytes_subclass),
    (datetime, _guarded(datetime.isoformat)),
    (date, _guarded(date.isoformat)),
    (time, _guarded(time.isoformat)),
    (timedelta, _guarded(timedelta.__str__)),
    (Decimal, _guarded(Decimal.__str__)),
    (UUID, _guarded(UUID.__str__)),
    (PurePath, _guarded(PurePath.__str__)),
    (BaseException, _exception),
    # A proxy's own methods would run those of the mapping behind it.
    (MappingProxyType, lambda value: plain(gc.get_referents(value)[0])),
)
