"""The store on both databases: migrations, transactions, reconnecting, leases, the audit record."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import bindparam, delete, func, inspect, select, text

from gateway.model import AlreadyExists, BackendUnavailable, InvalidRequest
from gateway.store import Constraint, Database, Query, migrate
from gateway.store.audit import Audit
from gateway.store.leases import Leases
from gateway.store.schema import leases, metadata
from gateway.store.users import User, Users
from tests.gateway.test_permissions import ADA, BOB
from tests.postgres import Postgres

_COUNT = Query(select(func.count()).select_from(leases))
_PUT = Query(leases.insert().values(name=bindparam("n"), holder=bindparam("h"), expires=bindparam("e")))
_CLEAR = Query(delete(leases))
_FIXED = Query(select(leases.c.name).where(leases.c.name == "a", leases.c.holder == bindparam("h")))


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    database = Database(store_url)
    migrate.upgrade(database)
    yield database
    database.close()


def _count(database: Database) -> int:
    return int(database.read(_COUNT)[0][0])


def _put(database: Database, name: str) -> None:
    with database.write() as tx:
        tx.run(_PUT, n=name, h="me", e=1)


def test_the_schema_goes_up_down_and_up_again(store_url: str) -> None:
    database = Database(store_url)
    assert migrate.current(database) is None
    for _ in range(2):
        migrate.upgrade(database)
        migrate.upgrade(database)
        assert migrate.current(database) == migrate.head()
        _put(database, "a")
        database.close()
        migrate.downgrade(database, "base")
        assert migrate.current(database) is None
        assert inspect(database.engine).get_table_names() == ["alembic_version"]


def test_the_migrated_schema_is_that_of_the_tables(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_four_nodes_upgrade_at_once_and_one_does_it(store_url: str) -> None:
    barrier = threading.Barrier(4)

    def upgrade(_: int) -> str | None:
        database = Database(store_url)
        barrier.wait()
        migrate.upgrade(database)
        return migrate.current(database)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(upgrade, range(4))) == {migrate.head()}


def test_a_failed_migration_leaves_the_store_as_it_was(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(store_url)
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE tagged (x INTEGER)"))
    with pytest.raises(Exception, match="tagged"):
        migrate.upgrade(database)
    assert migrate.current(database) is None
    assert inspect(database.engine).get_table_names() == ["tagged"]


def test_a_transaction_is_done_whole_or_not_at_all(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as tx:  # noqa: PT012 - the block is the transaction
        tx.run(_PUT, n="a", h="me", e=1)
        raise ZeroDivisionError
    assert _count(database) == 0
    _put(database, "a")
    other = Database(database.url.render_as_string(hide_password=False))
    assert _count(other) == 1
    other.close()


def test_a_broken_uniqueness_is_told_and_undone_and_the_connection_goes_on(database: Database) -> None:
    _put(database, "a")
    with pytest.raises(Constraint), database.write() as tx:  # noqa: PT012 - the block is the transaction
        tx.run(_PUT, n="b", h="me", e=1)
        tx.run(_PUT, n="a", h="me", e=1)
    assert _count(database) == 1
    _put(database, "b")
    assert _count(database) == 2


def test_a_change_tells_how_many_rows_it_touched_and_values_in_a_statement_stay(database: Database) -> None:
    _put(database, "a")
    _put(database, "b")
    assert database.read(_FIXED, h="me") == [("a",)]
    with database.write() as tx:
        assert list(tx.rows(_FIXED, h="you")) == []
        assert tx.run(_CLEAR) == 2


def test_writers_of_many_threads_lose_nothing(database: Database) -> None:
    def put(number: int) -> None:
        _put(database, str(number))
        database.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(80)))
    assert _count(database) == 80


def test_a_named_lock_keeps_others_waiting_to_the_end_of_the_transaction(database: Database) -> None:
    order: list[str] = []
    holding = threading.Event()

    def second() -> None:
        holding.wait()
        with database.write() as tx:
            tx.lock("quota")
            order.append("second")
        database.close()

    other = threading.Thread(target=second)
    other.start()
    with database.write() as tx:
        tx.lock("quota")
        holding.set()
        other.join(0.2)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


def test_a_connection_does_not_cross_a_fork(database: Database) -> None:
    _put(database, "a")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = b"bad"
        with suppress(BaseException):
            _put(database, "b")
            status = b"%d" % _count(database)
        os.write(writing, status)
        os._exit(0)
    os.close(writing)
    told = os.read(reading, 10)
    os.close(reading)
    os.waitpid(child, 0)
    assert told == b"2"
    _put(database, "c")
    assert _count(database) == 3


def test_a_connection_that_the_server_has_cut_is_made_anew(postgres: Postgres) -> None:
    database = Database(postgres.new_database())
    migrate.upgrade(database)
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    def cut_all() -> None:
        with database.engine.connect() as connection:
            connection.execute(cut)

    assert _count(database) == 0
    cut_all()
    assert _count(database) == 0
    cut_all()
    _put(database, "a")
    with pytest.raises(BackendUnavailable) as refused, database.write() as tx:  # noqa: PT012 - the block is the transaction
        tx.run(_PUT, n="b", h="me", e=1)
        cut_all()
        tx.run(_PUT, n="c", h="me", e=1)
    assert refused.value.reason == "store_unavailable"
    assert _count(database) == 1
    database.close()


@pytest.mark.parametrize("url", ["postgresql://gw@127.0.0.1:1/gw", "sqlite:////no/such/folder/store.db"])
def test_a_store_out_of_reach_is_told_as_such(url: str) -> None:
    database = Database(url)
    with pytest.raises(BackendUnavailable):
        _count(database)
    with pytest.raises(BackendUnavailable):
        _put(database, "a")


def test_one_process_holds_a_lease_until_it_lets_go(database: Database) -> None:
    one, two = (Leases(database, holder=name) for name in ("one", "two"))
    assert one.hold("reconcile", seconds=60)
    assert not two.hold("reconcile", seconds=60)
    assert one.hold("reconcile", seconds=60)
    assert two.hold("other", seconds=60)
    two.release("reconcile")
    assert not two.hold("reconcile", seconds=60)
    one.release("reconcile")
    assert two.hold("reconcile", seconds=60)
    assert not one.hold("reconcile", seconds=60)


def test_a_lease_of_somebody_gone_runs_out(database: Database) -> None:
    one, two = (Leases(database, holder=name) for name in ("one", "two"))
    assert one.hold("reconcile", seconds=0.1)
    end = time.monotonic() + 10
    while not two.hold("reconcile", seconds=60):
        assert time.monotonic() < end
    assert not one.hold("reconcile", seconds=60)


def test_of_many_at_once_exactly_one_gets_the_lease(database: Database) -> None:
    def hold(number: int) -> bool:
        try:
            return Leases(database, holder=str(number)).hold("reconcile", seconds=60)
        finally:
            database.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(hold, range(16))) == 1


def test_a_write_after_a_begin_that_failed_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.database.BUSY_TIMEOUT_SECONDS", 0.05)
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    assert _synchronous(database) == _FULL
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BackendUnavailable), database.write(durable=False):
        pass
    other.execute("ROLLBACK")
    other.close()
    assert _synchronous(database) == _FULL
    database.close()


def test_a_write_after_one_whose_connection_was_lost_is_durable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    with pytest.raises(ZeroDivisionError), database.write(durable=False):  # noqa: PT012 - the block is the transaction
        database.close()
        raise ZeroDivisionError
    assert _synchronous(database) == _FULL
    database.close()


_FULL = 2


def _synchronous(database: Database) -> int:
    """How SQLite keeps what the next durable transaction writes."""
    with database.write() as tx:
        return int(tx.rows(Query(text("PRAGMA synchronous")))[0][0])


def _append(audit: Audit, caller: Any, event: str, **facts: Any) -> None:
    with audit.database.write() as tx:
        audit.append(tx, caller, event, "success", **facts)


@pytest.fixture
def audit(database: Database) -> Audit:
    audit = Audit(database, "1.2")
    _append(audit, ADA, "compute.create", resource_id="c1", image_id="debian-12", addresses=["192.0.2.7"])
    _append(audit, BOB, "compute.create", resource_id="c2", addresses=["192.0.2.8"])
    _append(audit, ADA, "compute.delete", resource_id="c1", reason=None)
    _append(audit, BOB, "storage.create", resource_id="c3", reason='disk "a_b" of Zo\u00eb \U0001f600')
    return audit


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["c1", "c2", "c1", "c3"]),
        ({"user": "ada"}, ["c1", "c1"]),
        ({"resource": "c2"}, ["c2"]),
        ({"event": "compute.delete"}, ["c1"]),
        ({"text": "192.0.2.8"}, ["c2"]),
        ({"text": "100%"}, []),
        ({"text": 'disk "a_b" of Zo\u00eb \U0001f600'}, ["c3"]),
        ({"text": 'disk "aXb" of Zo\u00eb'}, []),
        ({"text": "Zo\\u00eb"}, ["c3"]),
        ({"text": '"reason": "disk'}, ["c3"]),
        ({"user": "ada", "text": "debian-12"}, ["c1"]),
        ({"limit": 2}, ["c1", "c2"]),
        ({"since": datetime.now(UTC) + timedelta(days=1)}, []),
        ({"since": datetime.now(UTC) - timedelta(days=1)}, ["c1", "c2", "c1", "c3"]),
        ({"user": "ada'; DROP TABLE audit; --"}, []),
    ],
)
def test_the_audit_record_answers(audit: Audit, asked: dict[str, Any], found: list[str]) -> None:
    assert [record["resource_id"] for record in audit.query(**asked)] == found


def test_an_audit_record_tells_who_when_and_where(audit: Audit) -> None:
    record = audit.query()[0]
    assert (record["user"], record["tenant"], record["subject"]) == ("ada", "bio", "local:ada")
    assert datetime.fromisoformat(record["time"]).tzinfo is not None
    assert (record["version"], record["worker"]) == ("1.2", os.getpid())
    assert "reason" not in audit.query(event="compute.delete")[0]


def test_users_are_kept_whole(database: Database) -> None:
    users = Users(database)
    made = User("Zo\u00eb", "bio", ("lab", "wheel"), ("admin",), "hash")
    users.add(made)
    assert users.get("Zo\u00eb") == made
    assert users.get("zo\u00eb") is None
    with pytest.raises(AlreadyExists):
        users.add(made)


@pytest.mark.parametrize(
    ("name", "tenant", "groups"),
    [("", "bio", ()), ("ada", "", ()), ("ada", "bio", ("",)), ("ada", "bio", ("lab", ""))],
)
def test_no_user_has_an_empty_name_tenant_or_group(
    database: Database, name: str, tenant: str, groups: tuple[str, ...]
) -> None:
    users = Users(database)
    with pytest.raises(InvalidRequest, match="must not be empty"):
        users.add(User(name, tenant, groups, (), "hash"))
    assert users.list() == []


def test_failures_are_counted_by_address_and_minute(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = Users(database)
    minute = [100]
    monkeypatch.setattr("gateway.store.users.now", lambda: minute[0] * 60_000_000)
    for _ in range(3):
        users.count_failure("192.0.2.1")
    users.count_failure("192.0.2.2")
    assert [users.failures(f"192.0.2.{n}") for n in (1, 2, 3)] == [3, 1, 0]
    minute[0] += 1
    assert users.failures("192.0.2.1") == 0
    users.count_failure("192.0.2.1")
    assert users.failures("192.0.2.1") == 1


def test_many_failures_at_once_are_all_counted(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    users = Users(database)
    monkeypatch.setattr("gateway.store.users.now", lambda: 60_000_000)

    def count(_: int) -> None:
        try:
            users.count_failure("192.0.2.1")
        finally:
            database.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(12)))
    assert users.failures("192.0.2.1") == 12
