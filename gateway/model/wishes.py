"""What is wished of stored objects: one, or one with all that is to be in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypedDict

from .objects import Acl, Encoding, Json, ObjectKind, StoredObject

__all__ = ["Condition", "Plan", "Wish"]

#: Looks at the object as it is just before it is changed, None where it is made; raises where that is wrong.
Condition: TypeAlias = Callable[[StoredObject | None], None]


class Wish(TypedDict, total=False):
    """What a caller wants of an object besides its value; what is not there stays as it is."""

    metadata: Mapping[str, Json]
    system: Mapping[str, Json]  # items of data system metadata as the caller sent them
    acl: Acl
    owner: str
    domain: tuple[str, ...]  # path
    mimetype: str
    encoding: Encoding
    exports: Mapping[str, Json]
    fields: Mapping[str, Json]  # what no standard knows
    storage_class: str
    condition: Condition
    partial: bool  # the value is one of a series and not complete with this


@dataclass(frozen=True, slots=True)
class Plan:
    """An object that is to be, and what is to be in it."""

    kind: ObjectKind
    name: str = ""
    id: str | None = None  # the one that it had; None = a new one
    wish: Wish = field(default_factory=lambda: Wish())
    domain: tuple[str, ...] | None = None  # the one that it had
    value: bytes = b""
    children: Sequence[Plan] = ()  # of a queue: its values
    next: int = 0  # designator; of a queue

    def all(self) -> Iterator[Plan]:
        """Itself and everything that is to be in it."""
        yield self
        for child in self.children:
            yield from child.all()
