"""Where in the order of a container's children a name stands, as far as it has been listed.

A page of a listing is asked for by the positions of its children; to count up to the first of them takes the
longer the further it is. The page before knows its name.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from .database import Database, Row

CONTAINERS = 256
#: Of one container; with pages of 1000 those of a million children.
POSITIONS = 1024

#: ``after`` a name, ``skip`` so many more -> rows that begin with the name.
Read = Callable[[str, int], Sequence[Row]]


@dataclass(slots=True)
class _Known:
    state: int
    places: list[tuple[int, str]] = field(default_factory=list)  # position, name of the child before it


class Landmarks:
    """What one process remembers; nothing of a store that several nodes use, see ``Database.recall``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def read(self, seq: int, id: str, first: int, read: Read) -> Sequence[Row]:
        """The children of a container from position ``first`` on, as ``read`` gives them."""
        if not self._database.is_sqlite:
            return read("", first)
        changes = self._database.changes
        number, state = changes.number(), changes.part(seq)
        position, name = self._nearest(id, state, first)
        rows = read(name, first - position)
        if position and changes.part(seq) != state:
            return read("", first)  # somebody has put in or taken away while it was read
        # Only what was read while nobody wrote is sure to be of this state.
        if rows and number is not None and changes.number() == number:
            self._remember(id, state, first + len(rows), rows[-1][0])
        return rows

    def _nearest(self, id: str, state: int, first: int) -> tuple[int, str]:
        with self._lock:
            known = self._known.get(id)
            if known is None or known.state != state:
                return 0, ""
            at = bisect_right(known.places, first, key=lambda place: place[0])
            return known.places[at - 1] if at else (0, "")

    def _remember(self, id: str, state: int, position: int, name: str) -> None:
        with self._lock:
            known = self._known.get(id)
            if known is None or known.state != state or len(known.places) >= POSITIONS:
                known = self._known[id] = _Known(state)
            self._known.move_to_end(id)
            if (position, name) not in known.places[-1:]:
                insort(known.places, (position, name))
            while len(self._known) > CONTAINERS:
                self._known.popitem(last=False)
