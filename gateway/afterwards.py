"""Work on requests that are answered already: counting them, and their lines on standard error.

It is done by a thread for many requests together, since that costs each a fraction of what doing it at once
would. A process that is killed takes the last ``DELAY_SECONDS`` of it along; what must not be lost is in
the audit record.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from select import PIPE_BUF
from threading import Event, Lock, Thread
from typing import Any

log = logging.getLogger("gateway")

#: So long a request waits for others at most.
DELAY_SECONDS = 0.1

#: So many requests wait; beyond that those that end do the work themselves.
WAITING = 10_000

#: Does the work on what a request has left, and gives its line, with its end, or an empty text.
Work = Callable[[Any], str]


class Afterwards:
    """The work that waits in one process, and its thread."""

    def __init__(self) -> None:
        self._left: deque[tuple[Work, Any]] = deque()
        self._doing = Lock()
        self._something = Event()
        self._thread: Thread | None = None

    def leave(self, work: Work, facts: Any) -> None:
        """Have ``work(facts)`` done soon."""
        self._left.append((work, facts))
        if not self._something.is_set():
            self._something.set()
            if self._thread is None:
                self._start()
        elif len(self._left) > WAITING:
            self.flush()  # standard error takes lines more slowly than they come: requests have to wait

    def flush(self) -> None:
        """Do what has been left so far."""
        with self._doing:
            for block in _blocks(self._lines()):
                try:
                    sys.stderr.write(block)
                except (OSError, ValueError):
                    continue  # standard error is gone: nobody is left to tell, but the counting goes on

    def _start(self) -> None:
        with self._doing:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="afterwards", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._something.wait()
            self._something.clear()  # before the work is taken: what is left meanwhile sets it again
            time.sleep(DELAY_SECONDS)
            self.flush()

    def _lines(self) -> Iterator[str]:
        left = self._left
        while left:
            work, facts = left.popleft()
            try:
                yield work(facts)
            except Exception:
                log.exception("what was to be done after a request failed")


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    """Lines joined as far as a pipe still takes them in one piece among those of other processes."""
    block: list[str] = []
    size = 0
    for line in lines:
        length = len(line.encode("utf-8", "replace"))
        if size + length > PIPE_BUF and block:
            yield "".join(block)
            block, size = [], 0
        block.append(line)
        size += length
    if size:
        yield "".join(block)


_of_process = Afterwards()


def leave(work: Work, facts: Any) -> None:
    """Have ``work(facts)`` done soon, in this process."""
    _of_process.leave(work, facts)


def flush() -> None:
    """Do now what has been left so far in this process."""
    _of_process.flush()


def _after_fork() -> None:
    """A fork has neither the thread nor a right to work that its parent is going to do."""
    global _of_process
    _of_process = Afterwards()


atexit.register(flush)
os.register_at_fork(after_in_child=_after_fork)
