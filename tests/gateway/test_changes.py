"""Knowing whether a file has changed, by the counters beside it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.changes import SUFFIX, Changes, Memory
from gateway.store import Database, Query, migrate
from gateway.store.generations import BUMP_TAGS, read
from gateway.store.schema import generations

_TAGS = Query(select(generations.c.tags))


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "file.db")


@pytest.fixture
def database(path: str) -> Database:
    made = Database(f"sqlite:///{path}")
    migrate.upgrade(made)
    made.read(_TAGS)
    return made


class _Source:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.readings = 0

    def __call__(self) -> int:
        self.readings += 1
        return self.readings


def test_what_was_read_is_remembered_until_a_write(path: str) -> None:
    changes, source = Changes(path), _Source()
    memory = Memory(changes, 10)
    assert [memory.recall("key", source), memory.recall("key", source)] == [1, 1]
    changes.end(changes.begin())
    assert memory.recall("key", source) == 2


def test_a_write_of_another_process_is_noticed(path: str) -> None:
    memory, source = Memory(Changes(path), 10), _Source()
    memory.recall("key", source)
    other = multiprocessing.get_context("fork").Process(target=_write, args=(path,))
    other.start()
    other.join()
    assert memory.recall("key", source) == 2


def _write(path: str) -> None:
    changes = Changes(path)
    changes.end(changes.begin())


def test_while_a_write_is_under_way_nothing_is_remembered(path: str) -> None:
    changes, source = Changes(path), _Source()
    memory = Memory(changes, 10)
    ticket = changes.begin()
    assert [memory.recall("key", source), memory.recall("key", source)] == [1, 2]
    changes.end(ticket)
    assert [memory.recall("key", source), memory.recall("key", source)] == [3, 3]


def test_what_was_read_while_a_write_came_in_between_is_not_remembered(path: str) -> None:
    changes = Changes(path)
    memory = Memory(changes, 10)

    def overtaken() -> str:
        changes.end(changes.begin())
        return "old"

    assert memory.recall("key", overtaken) == "old"
    assert memory.recall("key", lambda: "new") == "new"


def test_after_a_writer_was_killed_everybody_reads_until_the_next_write(path: str) -> None:
    context = multiprocessing.get_context("fork")
    killed = context.Process(target=_begin_and_die, args=(path,))
    killed.start()
    killed.join()
    changes, source = Changes(path), _Source()
    memory = Memory(changes, 10)
    assert [memory.recall("key", source), memory.recall("key", source)] == [1, 2]
    changes.end(changes.begin())
    assert [memory.recall("key", source), memory.recall("key", source)] == [3, 3]


def _begin_and_die(path: str) -> None:
    Changes(path).begin()
    os.kill(os.getpid(), signal.SIGKILL)


@given(st.permutations(range(5)))
def test_no_write_is_taken_for_ended_before_the_last_one_has(order: list[int]) -> None:
    """A writer that has given the lock on may tell so after those that came behind it."""
    with TemporaryDirectory() as folder:
        changes = Changes(f"{folder}/file.db")
        tickets = [changes.begin() for _ in order]
        ended: set[int] = set()
        for place in order:
            changes.end(tickets[place])
            ended.add(place)
            assert changes.number() == (tickets[-1] if max(order) in ended else None)


def test_memory_holds_as_many_rows_as_it_may(path: str) -> None:
    memory, source = Memory(Changes(path), 10), _Source()
    memory.recall("short", lambda: [1] * 4)
    memory.recall("too long", lambda: [1] * 10)
    assert memory.recall("short", source) == [1] * 4
    assert memory.recall("too long", source) == 1
    memory.recall("full", lambda: [1] * 6)
    assert memory.recall("short", source) == 2


def test_without_a_place_for_counters_everything_is_read(tmp_path: Path) -> None:
    changes, source = Changes(str(tmp_path / "missing" / "file.db")), _Source()
    memory = Memory(changes, 10)
    changes.end(changes.begin())
    assert [memory.recall("key", source), memory.recall("key", source)] == [1, 2]


def test_a_committed_transaction_is_seen_at_once(database: Database) -> None:
    before = read(database)
    with database.write() as tx:
        tx.run(BUMP_TAGS)
    assert read(database).tags == before.tags + 1


def test_a_transaction_that_was_undone_does_not_stop_the_memory(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        _fail_within(database)
    assert database.changes.number() is not None


def _fail_within(database: Database) -> None:
    with database.write() as tx:
        tx.run(BUMP_TAGS)
        raise ZeroDivisionError


def test_two_databases_on_one_file_see_each_others_writes(database: Database, path: str) -> None:
    other = Database(f"sqlite:///{path}")
    seen = read(other)
    with database.write() as tx:
        tx.run(BUMP_TAGS)
    assert read(other).tags == seen.tags + 1


def test_nothing_is_asked_of_the_file_while_it_stands_still(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(database)
    asked: list[object] = []
    monkeypatch.setattr(database, "read", lambda query, **parameters: asked.append(query))
    read(database)
    assert asked == []


def test_a_schema_change_is_noticed(database: Database) -> None:
    before = database.changes.number()
    migrate.upgrade(database)
    assert database.changes.number() not in (before, None)


def test_the_counters_are_readable_by_their_owner_only(database: Database, path: str) -> None:
    assert Path(path + SUFFIX).stat().st_mode & 0o777 == 0o600


def test_a_write_that_waits_in_vain_for_the_lock_counts_nothing(
    database: Database, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.database.BUSY_TIMEOUT_SECONDS", 0)
    database.close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    before = database.changes.number()
    with pytest.raises(Exception, match="store"), database.write():
        pass
    holder.execute("ROLLBACK")
    holder.close()
    assert database.changes.number() == before


def test_what_is_weighed_counts_as_much_as_it_says(path: str) -> None:
    memory, source = Memory(Changes(path), 10), _Source()
    memory.recall("heavy", source, lambda _: 11)
    assert memory.recall("heavy", source, lambda _: 5) == 2
    assert memory.recall("heavy", source) == 2


def test_parts_are_counted_each_on_its_own(path: str) -> None:
    changes, other = Changes(path), Changes(path)
    before = other.part(1), other.part(2)
    changes.mark(1)
    assert (other.part(1) == before[0], other.part(2) == before[1]) == (False, True)
