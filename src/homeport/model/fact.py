"""Facts: frozen records for what is asked in a hurry, such as `homeport who`.

A msgspec.Struct does the same and more, but importing msgspec takes 40 ms and dataclasses 12 ms, longer than finding
out who holds a port. `plain` turns facts into what any JSON writer takes. What comes from outside is a
Struct, never this.
"""

from __future__ import annotations

from collections.abc import Mapping

TYPE_CHECKING = False  # importing `typing` takes 10 ms
if TYPE_CHECKING:
    from typing import Any, ClassVar, TypeVar, dataclass_transform

    F = TypeVar("F", bound="Fact")
else:

    def dataclass_transform(**_: object):
        return lambda cls: cls


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Fact:
    """A subclass lists its fields as a dataclass does. Compared and hashed by value; fields cannot be assigned."""

    _fields: ClassVar[tuple[str, ...]] = ()
    _required: ClassVar[frozenset[str]] = frozenset()
    _positional: ClassVar[int] = 0

    def __init_subclass__(cls, *, kw_only: bool = True) -> None:
        own = tuple(cls.__annotations__)  # its own, not those of its base
        cls._fields = (*cls._fields, *own)
        cls._positional = 0 if kw_only else len(cls._fields)
        cls._required = cls._required | {name for name in own if name not in cls.__dict__}

    def __init__(self, *values: object, **named: object) -> None:
        if values:
            named.update(zip(self._fields, values, strict=False))
        if len(values) > self._positional or not self._required <= named.keys() <= set(self._fields):
            raise TypeError(f"{type(self).__name__} has the fields {self._fields}, it was given {sorted(named)}")
        self.__dict__.update(named)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be changed: facts are frozen")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({fields})"

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self._fields)


def replace(fact: F, **changes: Any) -> F:
    """A copy with other values in these fields."""
    return type(fact)(**{**fact.__dict__, **changes})


def plain(value: Any) -> Any:
    """Facts as mappings and their tuples as lists, through and through; anything else as it is."""
    if isinstance(value, Fact):
        return {name: plain(getattr(value, name)) for name in value._fields}
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value
