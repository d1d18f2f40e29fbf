"""SQLAlchemy Core statements run on plain DBAPI connections, one for each thread.

Statements are written once in SQLAlchemy and compiled once for the database in use; what runs per request
is the driver alone, which costs a fifth of a Core execution. Two promises: what ``write`` has left without
an error is durable, and a transaction never stays open over anything but its own statements.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.sql.expression import Executable

from gateway.changes import Changes, Memory
from gateway.model import BackendUnavailable

log = logging.getLogger("gateway.store")

Row = tuple[Any, ...]

T = TypeVar("T")

BUSY_TIMEOUT_SECONDS = 30

#: Rows that a process remembers of a store that does not change.
REMEMBERED_ROWS = 50_000

_BEGIN = {
    ("sqlite", True): ("BEGIN IMMEDIATE",),
    ("sqlite", False): ("PRAGMA synchronous=NORMAL", "BEGIN IMMEDIATE"),
    ("postgresql", True): ("BEGIN",),
    ("postgresql", False): ("BEGIN", "SET LOCAL synchronous_commit TO OFF"),
}


class Query:
    """One statement; its bind parameters are named and given at each run. No ``in_``: it grows."""

    __slots__ = ("_compiled", "statement")

    def __init__(self, statement: Executable) -> None:
        self.statement = statement
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None, dict[str, Any]]] = {}

    def compiled(self, dialect: Dialect) -> tuple[str, tuple[str, ...] | None, dict[str, Any]]:
        """SQL text, order of the parameters (None where they go by name), values fixed in the statement."""
        known = self._compiled.get(dialect.name)
        if known is None:
            compiled: Any = self.statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # all Core statements have it
            order = tuple(compiled.positiontup) if compiled.positional else None
            fixed = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
            known = self._compiled[dialect.name] = (str(compiled), order, fixed)
        return known


class Constraint(Exception):
    """A uniqueness rule of the schema was broken; the transaction has been undone."""


class Transaction:
    """The statements of one unit of work; made by ``Database.write``."""

    __slots__ = ("_changes", "_cursor", "_dialect", "afterwards")

    def __init__(self, cursor: Any, dialect: Dialect, changes: Changes | None = None) -> None:
        self._cursor = cursor
        self._dialect = dialect
        self._changes = changes
        #: Called once the transaction is done, not when it is undone.
        self.afterwards: list[Callable[[], None]] = []

    def run(self, query: Query, **parameters: Any) -> int:
        """Run a change; how many rows it touched."""
        _execute(self._cursor, query, parameters, self._dialect)
        return int(self._cursor.rowcount)

    def run_many(self, query: Query, every: Sequence[dict[str, Any]]) -> None:
        """Run a change once for each set of parameters."""
        sql, order, fixed = query.compiled(self._dialect)
        if order is None:
            self._cursor.executemany(sql, [{**fixed, **parameters} for parameters in every])
        else:
            merged = ({**fixed, **parameters} for parameters in every)
            self._cursor.executemany(sql, [[one[name] for name in order] for one in merged])

    def rows(self, query: Query, **parameters: Any) -> Sequence[Row]:
        _execute(self._cursor, query, parameters, self._dialect)
        found: Sequence[Row] = self._cursor.fetchall()
        return found

    def mark(self, part: int) -> None:
        """Tell all processes that what is remembered of a part of the store holds no longer."""
        if self._changes is not None:
            self._changes.mark(part)

    def lock(self, name: str) -> None:
        """Wait until no other transaction holds ``name``; held to the end of this one.

        SQLite needs none: its writers stand in line already.
        """
        if self._dialect.name == "postgresql":
            self._cursor.execute("SELECT pg_advisory_xact_lock(%s)", (zlib.crc32(name.encode()),))


def _execute(cursor: Any, query: Query, parameters: dict[str, Any], dialect: Dialect) -> None:
    sql, order, fixed = query.compiled(dialect)
    if order is None:
        cursor.execute(sql, {**fixed, **parameters} if fixed else parameters)
    elif fixed:
        merged = {**fixed, **parameters}
        cursor.execute(sql, [merged[name] for name in order])
    else:
        cursor.execute(sql, [parameters[name] for name in order])


class Database:
    """One store, by URL: ``sqlite:////var/lib/x/store.db`` or ``postgresql://user@host/name``."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.url = parsed
        is_sqlite = parsed.get_backend_name() == "sqlite"
        patience = {"timeout": BUSY_TIMEOUT_SECONDS} if is_sqlite else {}
        self.engine = sa.create_engine(parsed, poolclass=sa.NullPool, future=True, connect_args=patience)
        self.dialect = self.engine.dialect
        self.is_sqlite = self.dialect.name == "sqlite"
        self._local = threading.local()
        self._memory: Memory | None = None
        dbapi = self.dialect.import_dbapi() if not self.is_sqlite else sqlite3
        self._unavailable: tuple[type[Exception], ...] = (dbapi.OperationalError, dbapi.InterfaceError)
        self._constraint: type[Exception] = dbapi.IntegrityError

    @cached_property
    def changes(self) -> Changes:
        """The counters beside an SQLite file; they are made when it is first used."""
        return Changes(self.url.database or "")

    def recall(self, key: Any, read: Callable[[], T], weigh: Callable[[T], int] | None = None) -> T:
        """What ``read`` gives, which reads nothing but this store; from memory where nothing has changed.

        ``weigh`` says how many rows it counts as. A server that several nodes use cannot tell them that for
        less than the reading costs: it is always asked.
        """
        return read() if self._memory is None else self._memory.recall(key, read, weigh)

    def read(self, query: Query, **parameters: Any) -> Sequence[Row]:
        """Rows of one query; a second connection is tried once where the first has died meanwhile."""
        try:
            return self._read(query, parameters)
        except self._unavailable:
            self.close()
            try:
                return self._read(query, parameters)
            except self._unavailable as error:
                raise self._down(error) from error

    def _read(self, query: Query, parameters: dict[str, Any]) -> Sequence[Row]:
        cursor = self._cursor()
        _execute(cursor, query, parameters, self.dialect)
        rows: Sequence[Row] = cursor.fetchall()
        return rows

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Transaction]:
        """A transaction: durable when the block ends, undone when it raises.

        With ``durable=False`` it survives every end of the process but not a power cut, until the next
        durable one: for what is only of use together with a later write.

        Raises Constraint for a broken uniqueness rule, BackendUnavailable when the store is out of reach.
        """
        cursor = self._begin(durable)
        ticket = self.changes.begin() if self.is_sqlite else 0
        try:
            transaction = Transaction(cursor, self.dialect, self.changes if self.is_sqlite else None)
            yield transaction
            cursor.execute("COMMIT")
        except BaseException as error:
            self._undo(cursor)
            if isinstance(error, self._constraint):
                raise Constraint(str(error)) from error
            if isinstance(error, self._unavailable):
                raise self._down(error) from error
            raise
        finally:
            if self.is_sqlite:
                self.changes.end(ticket)
                if not durable:
                    self._durable_again(cursor)
        for work in transaction.afterwards:
            work()

    def _begin(self, durable: bool) -> Any:
        statements = _BEGIN[self.dialect.name, durable]
        try:
            cursor = self._cursor()
            for statement in statements:
                cursor.execute(statement)
        except self._unavailable:
            self.close()
            try:
                cursor = self._cursor()
                for statement in statements:
                    cursor.execute(statement)
            except self._unavailable as error:
                self.close()  # what was set for this transaction alone must not stay for the next
                raise self._down(error) from error
        return cursor

    def _durable_again(self, cursor: Any) -> None:
        """Take back what the beginning of an SQLite transaction that need not be durable has set."""
        try:
            cursor.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error:  # undoing has closed the connection, or it is of no more use
            self.close()

    def _undo(self, cursor: Any) -> None:
        try:
            cursor.execute("ROLLBACK")
        except (
            Exception
        ):  # whatever it is, the connection is of no more use and its work is undone by the server
            self.close()

    def _cursor(self) -> Any:
        local = self._local
        if getattr(local, "pid", None) != os.getpid():
            # A connection must not cross a fork; the parent's is left to the parent.
            local.connection = local.cursor = None
            local.pid = os.getpid()
        if local.cursor is None:
            local.connection = self._connect()
            local.cursor = local.connection.cursor()
        return local.cursor

    def _connect(self) -> Any:
        if not self.is_sqlite:
            _, arguments = self.dialect.create_connect_args(self.url)
            return self.dialect.connect(autocommit=True, **arguments)
        connection = sqlite3.connect(
            self.url.database or "",
            timeout=BUSY_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        if self._memory is None:
            self._memory = Memory(self.changes, REMEMBERED_ROWS)
        return connection

    def close(self) -> None:
        """Close this thread's connection; the next use opens another."""
        local = self._local
        connection, local.connection, local.cursor = getattr(local, "connection", None), None, None
        if connection is not None and local.pid == os.getpid():
            try:
                connection.close()
            except self._unavailable:
                return  # it was dead already

    def _down(self, error: Exception) -> BackendUnavailable:
        log.error("the store failed: %s", error)
        return BackendUnavailable("the gateway's store cannot be reached now", reason="store_unavailable")
