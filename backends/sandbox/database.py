"""One SQLite file, used by several threads and processes at once.

A transaction that has ended without an error is on the disk. Connections are kept in a pool, so that there
are as many as there are threads at work at one moment, each with its prepared statements. SQLite forbids to
carry a connection over a fork; before one, this module waits for the transactions in flight and closes
all connections.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from types import TracebackType

from gateway.changes import Changes, Memory
from gateway.model import BackendError, BackendUnavailable, InvalidRequest

from .schema import prepare

BUSY_SECONDS = 30.0
_FORK_PATIENCE_SECONDS = 5.0
#: Rows that a process remembers of a file that does not change.
REMEMBERED_ROWS = 20_000

Connection = sqlite3.Connection


class Unit:
    """A transaction as a context manager: committed at the end, undone on an error."""

    __slots__ = ("_begin", "_connection", "_database", "_gate", "_ticket")

    def __init__(self, database: Database, begin: str, gate: threading.Lock | None) -> None:
        self._database = database
        self._begin = begin
        self._gate = gate
        self._ticket: int | None = None

    def __enter__(self) -> Connection:
        if self._gate is not None:
            self._gate.acquire()
        connection = None
        try:
            connection = self._connection = self._database.checkout()
            connection.execute(self._begin)
            if self._gate is not None:
                self._ticket = self._database.changes.begin()
        except BaseException as error:
            if connection is not None:
                self._database.discard(connection)
            if self._gate is not None:
                self._gate.release()
            if isinstance(error, sqlite3.Error):
                raise translated(error) from error
            raise
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, failed = self._connection, True
        try:
            if kind is None:
                connection.execute("COMMIT")
            elif connection.in_transaction:
                connection.execute("ROLLBACK")
            failed = isinstance(error, sqlite3.Error)
        except sqlite3.Error as problem:
            raise translated(problem) from problem
        finally:
            if failed:
                self._database.discard(connection)
            else:
                self._database.checkin(connection)
            if self._ticket is not None:
                self._database.changes.end(self._ticket)
            if self._gate is not None:
                self._gate.release()
        if isinstance(error, sqlite3.Error):
            raise translated(error) from error
        if isinstance(error, UnicodeEncodeError):
            raise InvalidRequest("a text is not valid Unicode: it holds half a surrogate pair") from None


def translated(error: sqlite3.Error) -> BackendUnavailable | BackendError:
    if isinstance(error, sqlite3.OperationalError):
        return BackendUnavailable(f"sandbox database: {error}")
    return BackendError(f"sandbox database: {error}")


class Database:
    """The file and the pool of its connections. Raises BackendUnavailable where it cannot be opened."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._draining = False
        self._renew_locks()
        self.checkin(self.checkout())
        self.changes = Changes(self.path)
        self.memory = Memory(self.changes, REMEMBERED_ROWS)
        _databases.add(self)

    def _renew_locks(self) -> None:
        self._opening = threading.Lock()
        #: Writers of one process stand in line here: SQLite's own line is polled, and unfair.
        self._writing = threading.Lock()

    def read(self) -> Unit:
        """A transaction that sees one state of the file throughout."""
        return Unit(self, "BEGIN", None)

    def write(self) -> Unit:
        """A transaction that no other writer comes between."""
        return Unit(self, "BEGIN IMMEDIATE", self._writing)

    def checkout(self) -> Connection:
        """A connection for one unit of work; it is given back with ``checkin`` or ``discard``."""
        try:
            return self._idle.pop()
        except IndexError:
            pass
        with self._opening:
            try:
                connection = _connect(self.path)
            except sqlite3.Error as error:
                raise translated(error) from error
            self._open.add(connection)
        return connection

    def checkin(self, connection: Connection) -> None:
        if self._draining:
            self.discard(connection)
        else:
            self._idle.append(connection)

    def discard(self, connection: Connection) -> None:
        """Close a connection that an error has made doubtful."""
        connection.close()
        self._open.discard(connection)

    def close(self) -> None:
        while self._idle:
            self.discard(self._idle.pop())

    def before_fork(self) -> None:
        """Let what is in flight come to its end, and let nothing new begin."""
        end = time.monotonic() + _FORK_PATIENCE_SECONDS
        self._opening.acquire()
        self._draining = True
        self.close()
        while self._open and time.monotonic() < end:
            time.sleep(0.001)
            self.close()

    def after_fork_in_parent(self) -> None:
        self._draining = False
        self._opening.release()

    def after_fork_in_child(self) -> None:
        self._draining = False
        self._renew_locks()


def _connect(path: str) -> Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    try:
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


_databases: weakref.WeakSet[Database] = weakref.WeakSet()
_forking: list[Database] = []
_fork_gate = threading.Lock()


def _before_fork() -> None:
    _fork_gate.acquire()
    _forking.extend(_databases)
    for database in _forking:
        database.before_fork()


def _after_fork_in_parent() -> None:
    while _forking:
        _forking.pop().after_fork_in_parent()
    _fork_gate.release()


def _after_fork_in_child() -> None:
    while _forking:
        _forking.pop().after_fork_in_child()
    _fork_gate.release()


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
)
