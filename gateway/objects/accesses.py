"""When objects were last read, and how often: remembered in memory and written for many reads together.

A process that is killed takes the last ``DELAY_SECONDS`` of it along.
"""

from __future__ import annotations

import logging
import os
import time
import weakref
from dataclasses import replace
from threading import Lock, Thread
from typing import TypeVar

from gateway.model import GatewayError, StoredObject
from gateway.store.object_rows import Held, time_of
from gateway.store.objects import ObjectRows
from gateway.store.overlay import now

S = TypeVar("S", bound=StoredObject)

log = logging.getLogger("gateway")

DELAY_SECONDS = 0.2


class Accesses:
    """The reads that one process has not written yet."""

    def __init__(self, rows: ObjectRows) -> None:
        self._rows = rows
        self._lock = Lock()
        self._read: dict[tuple[int, str], tuple[int, int]] = {}  # row, ID -> (when last, how often)
        self._writing = False
        _all.add(self)

    def note(self, held: Held) -> None:
        """An object is being read."""
        row = held.seq, held.object.id
        with self._lock:
            _, number = self._read.get(row, (0, 0))
            self._read[row] = (now(), number + 1)
            if self._writing:
                return
            self._writing = True
        Thread(target=self._run, name="accesses", daemon=True).start()

    def seen(self, row: int, thing: S) -> S:
        """An object with the reads of it that are not written yet."""
        moment, number = self._read.get((row, thing.id), (0, 0))
        if not number:
            return thing
        return replace(thing, accessed=time_of(moment), reads=thing.reads + number)

    def _run(self) -> None:
        """Write until nothing has come for a while."""
        while True:
            time.sleep(DELAY_SECONDS)
            with self._lock:
                if not self._read:
                    self._writing = False
                    self._rows.database.close()  # the connection is this thread's
                    return
            self.flush()

    def flush(self) -> None:
        """Write what has been noted so far."""
        with self._lock:
            read, self._read = self._read, {}
        if not read:
            return
        try:
            with self._rows.database.write(durable=False) as tx:
                for (seq, id), (moment, number) in sorted(read.items()):
                    self._rows.touch(tx, seq, id, moment, number)
        except GatewayError as error:
            log.warning("times of access are lost: %s", error.message)

    def _forget(self) -> None:
        """In a fork: what is left is written by the parent."""
        self._lock, self._read, self._writing = Lock(), {}, False


_all: weakref.WeakSet[Accesses] = weakref.WeakSet()


def _after_fork() -> None:
    for accesses in _all:
        accesses._forget()


os.register_at_fork(after_in_child=_after_fork)
