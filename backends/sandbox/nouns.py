"""What the nouns of the sandbox have in common: reading by identifier, finding by token, making failures."""

from __future__ import annotations

import json
import uuid
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Identifiers
from dataclasses import dataclass
from typing import Any, ClassVar

from backends.base import Collection, R, S, U
from gateway.model import InvalidRequest, NotFound, next_state, shorten

from .database import Connection, Database
from .failures import Injector
from .options import Options
from .rows import Row
from .values import refuse_unknown

#: How many identifiers of a noun a process remembers.
REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Site:
    """What every noun works with. ``clock`` tells seconds since 1970 UTC."""

    database: Database
    options: Options
    clock: Callable[[], float]
    injector: Injector


class Stored(Collection[R, S, U]):
    """A noun with a table of its own. A subclass says which columns it reads and what it makes of rows."""

    table: ClassVar[str]
    columns: ClassVar[str]

    def __init__(self, site: Site) -> None:
        self._site = site
        table, select = self.table, f"SELECT {self.columns} FROM {self.table}"
        self._one = f"{select} WHERE id = ?"
        self._by_token = f"{select} WHERE token = ?"
        self._all = f"{select} ORDER BY number"
        self._some = f"{select} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY number"
        self._ids = f"SELECT id FROM {table} ORDER BY number"
        self._some_ids = (
            f"SELECT {table}.id, number FROM json_each(?) AS wanted"
            f" CROSS JOIN {table} ON {table}.id = wanted.value"
        )

    @abstractmethod
    def _build(self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None) -> Sequence[R]:
        """Values of ``rows``; ``ids`` is the JSON of their identifiers, None when these are all."""

    def list(self, ids: Identifiers[str] | None = None) -> Sequence[R]:
        self._fail("list")
        now = self._site.clock()
        wanted = None if ids is None else json.dumps(list_of(ids))
        with self._site.database.read() as connection:
            if wanted is None:
                rows = connection.execute(self._all).fetchall()
            else:
                rows = connection.execute(self._some, (wanted,)).fetchall()
            return self._build(connection, self._present(rows, now), now, wanted)

    def ids(self, ids: Identifiers[str] | None = None) -> Sequence[str]:
        self._fail("list")
        with self._site.database.read() as connection:
            if ids is None:
                return [id for (id,) in connection.execute(self._ids).fetchall()]
            numbers = dict(connection.execute(self._some_ids, (json.dumps(list_of(ids)),)).fetchall())
        return in_order(numbers, list(numbers))

    def get(self, id: str) -> R:
        self._fail("get", id=id)
        now = self._site.clock()
        with self._site.database.read() as connection:
            return self._load(connection, id, now)

    def find(self, token: str) -> R | None:
        self._fail("list")
        with self._site.database.read() as connection:
            return self._made(connection, token, self._site.clock())

    def _load(self, connection: Connection, id: str, now: float) -> R:
        row = one(connection, self._one, id)
        if row is None or not self._present([row], now):
            raise NotFound.of(self.noun, id)
        return self._build(connection, [row], now, json.dumps([id]))[0]

    def _made(self, connection: Connection, token: str, now: float) -> R | None:
        """What was made with ``token``, if it is still there."""
        if not token:
            return None
        rows = self._present(connection.execute(self._by_token, (token,)).fetchall(), now)
        ids = json.dumps([rows[0][self._id_column()]]) if rows else None
        return self._build(connection, rows, now, ids)[0] if rows else None

    def _id_column(self) -> int:
        return self.columns.split(", ").index("id")

    def _present(self, rows: Sequence[Row], now: float) -> Sequence[Row]:
        """The rows of what has not vanished."""
        return rows

    def _change(self, connection: Connection, id: str, columns: Mapping[str, Any]) -> None:
        if columns:
            assignments = ", ".join(f"{name} = ?" for name in columns)
            connection.execute(f"UPDATE {self.table} SET {assignments} WHERE id = ?", (*columns.values(), id))

    def _fail(self, operation: str, *, id: str | None = None, title: str | None = None) -> str | None:
        """Raise where a rule of the configuration says so; the message of a failure that is to show later."""
        injector = self._site.injector
        if not injector:
            return None
        if id is not None and injector.wants_title():
            title = self._title(id)
        return injector.raise_or_spoil(self.noun, operation, title)

    def _title(self, id: str) -> str | None:
        with self._site.database.read() as connection:
            row = connection.execute(f"SELECT title FROM {self.table} WHERE id = ?", (id,)).fetchone()
        return row[0] if row else None

    def _known(self, changes: Mapping[str, Any], known: frozenset[str]) -> None:
        """Raises InvalidRequest for a change that the noun does not have."""
        for name in changes:
            if name not in known:
                raise InvalidRequest(
                    f"{self.noun}: {shorten(name)} cannot change; what can: {', '.join(sorted(known))}",
                    field=shorten(name),
                )


class Plain(Stored[R, S, U]):
    """A noun that is made, changed and removed at once. A subclass says what else that takes."""

    changeable: ClassVar[frozenset[str]]

    @abstractmethod
    def _insert(self, connection: Connection, spec: S, now: float) -> str:
        """Write a new one; its identifier. Raises what ``create`` does."""

    def _columns(self, connection: Connection, present: R, changes: U) -> Mapping[str, Any]:
        """The columns that the changes are kept in. Raises what ``update`` does."""
        return changes

    def _release(self, connection: Connection, present: R) -> None:
        """Let go what it holds before it is removed. Raises InvalidState where it is in use."""

    def create(self, spec: S) -> R:
        self._fail("create", title=getattr(spec, "title", None))
        now = self._site.clock()
        with self._site.database.write() as connection:
            known = self._made(connection, getattr(spec, "token", ""), now)  # links have none
            return (
                self._load(connection, self._insert(connection, spec, now), now) if known is None else known
            )

    def update(self, id: str, changes: U) -> R:
        self._fail("update", id=id)
        self._known(changes, self.changeable)
        now = self._site.clock()
        with self._site.database.write() as connection:
            present = self._load(connection, id, now)
            self._change(connection, id, self._columns(connection, present, changes))
            return self._load(connection, id, now)

    def delete(self, id: str) -> None:
        self._fail("delete", id=id)
        with self._site.database.write() as connection:
            self._release(connection, self._load(connection, id, self._site.clock()))
            connection.execute(f"DELETE FROM {self.table} WHERE id = ?", (id,))

    def _put(self, connection: Connection, token: str, columns: Mapping[str, Any]) -> str:
        """Insert a row under a new identifier."""
        id = str(uuid.uuid4())
        row = {"id": id, "token": token or None, **columns}
        places = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {self.table} ({', '.join(row)}) VALUES ({places})", (*row.values(),))
        return id


class Switched(Plain[R, S, U]):
    """A noun whose actions change its state at once and do nothing else."""

    actions: ClassVar[Mapping[Any, Mapping[str, Any]]]
    words: ClassVar[tuple[str, ...]] = ("up", "down")

    def act(self, id: str, action: str, parameters: Mapping[str, Any] | None = None) -> R:
        self._fail(f"act:{action}", id=id)
        refuse_unknown(self.noun, action, self.words, parameters)
        now = self._site.clock()
        with self._site.database.write() as connection:
            present: Any = self._load(connection, id, now)
            end = next_state(self.actions, present.state, action, f"{self.noun} {id}")
            self._before(connection, present, end)
            self._change(connection, id, {"state": end.value})
            return self._load(connection, id, now)

    def _before(self, connection: Connection, present: R, end: Any) -> None:
        """Raises InvalidState where the state cannot be left for ``end`` now."""


class Vanishing(Stored[R, S, U]):
    """A noun that takes its time to go: the last column is when it is gone.

    Identifiers that are known to exist are remembered, as long as the counter of deletions stands still.
    """

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._going = f"SELECT id, gone FROM {self.table} WHERE gone IS NOT NULL"
        self._known_at: tuple[int, dict[str, int]] = (-1, {})

    def ids(self, ids: Identifiers[str] | None = None) -> Sequence[str]:
        if self._site.injector:
            self._fail("list")
        now = self._site.clock()
        with self._site.database.read() as connection:
            going = dict(connection.execute(self._going).fetchall())
            if ids is None:
                every = connection.execute(self._ids).fetchall()
                return [id for (id,) in every if id not in going or going[id] > now]
            known = self._known_ids(connection)
            found = list(filter(known.__contains__, ids))
            if len(found) == len(ids):
                return in_order(known, found)
            missing = json.dumps([id for id in ids if id not in known])
            looked_up = dict(connection.execute(self._some_ids, (missing,)).fetchall())
        present = {id: number for id, number in looked_up.items() if id not in going or going[id] > now}
        if len(known) < REMEMBERED:
            known |= {id: number for id, number in looked_up.items() if id not in going}
        return in_order(present | {id: known[id] for id in found}, [*found, *present])

    def _known_ids(self, connection: Connection) -> dict[str, int]:
        """Identifiers that exist in the state of the database that this transaction sees."""
        (count,) = connection.execute("SELECT count FROM deletions WHERE noun = ?", (self.noun,)).fetchone()
        if self._known_at[0] < count:
            self._known_at = (count, {})
        seen, known = self._known_at
        return known if seen == count else {}

    def _present(self, rows: Sequence[Row], now: float) -> Sequence[Row]:
        return [row for row in rows if row[-1] is None or row[-1] > now]

    def _let_go(self, connection: Connection, id: str, state: str, now: float) -> None:
        """Begin to delete: at once without a delay, else after it."""
        columns = {"state": state, "target": None, "due": None, "gone": now + self._site.options.delay}
        self._change(connection, id, columns)
        connection.execute("UPDATE deletions SET count = count + 1 WHERE noun = ?", (self.noun,))
        self._purge(connection, now)

    def _purge(self, connection: Connection, now: float) -> None:
        """Forget what has vanished; done by every writer that makes or deletes."""
        connection.execute(f"DELETE FROM {self.table} WHERE gone <= ?", (now,))


def in_order(numbers: Mapping[str, int], ids: list[str]) -> Sequence[str]:
    """``ids`` by their numbers, each once."""
    order = list(map(numbers.__getitem__, ids))
    ascending = sorted(set(order))
    return ids if order == ascending else sorted(set(ids), key=numbers.__getitem__)


def one(connection: Connection, statement: str, id: str) -> Row | None:
    """The row of an identifier; none where the text is not even valid Unicode."""
    try:
        row: Row | None = connection.execute(statement, (id,)).fetchone()
    except UnicodeEncodeError:
        return None
    return row


def list_of(ids: Identifiers[str]) -> list[str]:
    return ids if type(ids) is list else list(ids)
