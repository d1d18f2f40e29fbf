"""One change of a thing at a time, over all nodes.

A change reads what is there, calls a back end and writes what came of it; two at once would each write what
the other has made untrue. Whoever changes something holds a lease on it meanwhile. A process that dies in
between leaves the lease behind, and the question what the thing weighs now: the reconciler answers it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from gateway.model import Conflict, shorten
from gateway.store import Database
from gateway.store.leases import Leases

#: No back end call takes longer: a lease that is older belongs to a process that is gone.
LEASE_SECONDS = 240

#: So long a change waits for another one of the same thing.
PATIENCE_SECONDS = 10.0
_LOOK_SECONDS = 0.02

_PREFIX = "change "

#: (kind of the row, identifier)
Thing = tuple[str, str]


class Turns:
    """The turns of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def of(self, things: Iterable[Thing]) -> Iterator[None]:
        """Nobody else changes these until the block ends. Raises Conflict after ``PATIENCE_SECONDS``."""
        names = sorted({f"{_PREFIX}{kind} {id}" for kind, id in things})
        leases = Leases(self._database, holder=secrets.token_hex(8))
        _take(leases, names)
        try:
            yield
        except Exception:
            leases.release(*names)
            raise
        leases.release(*names)  # what ends the process itself leaves them to the reconciler

    def broken_off(self, older: float) -> Sequence[Thing]:
        """What somebody was changing who is gone: whose lease was taken more than ``older`` seconds ago."""
        grace = LEASE_SECONDS - older
        found = Leases(self._database, holder="").expiring(_PREFIX, within=grace)
        return [(kind, id) for _, kind, id in (name.split(" ", 2) for name in found)]

    def settle(self, thing: Thing) -> None:
        """A change that was broken off is dealt with."""
        kind, id = thing
        Leases(self._database, holder="").drop(f"{_PREFIX}{kind} {id}")


def _take(leases: Leases, names: Sequence[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not leases.hold(*names, seconds=LEASE_SECONDS, durable=False):
        if time.monotonic() > deadline:
            what = names[0] if len(names) == 1 else f"{len(names)} things"
            raise Conflict(
                f"{shorten(what.removeprefix(_PREFIX))}: another request is changing it; try again",
                reason="busy",
            )
        time.sleep(_LOOK_SECONDS)
