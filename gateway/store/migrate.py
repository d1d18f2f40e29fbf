"""Bringing the store's schema to this version: ``upgrade`` may run twice and from several nodes at once."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.model import BackendUnavailable, shorten

from .database import BUSY_TIMEOUT_SECONDS, Database, Query
from .schema import generations

log = logging.getLogger("gateway.store")

MIGRATIONS = Path(__file__).parent / "migrations"

_UPGRADE_LOCK = 0x57A7

#: Answers at once where there is a store with a schema.
ALIVE = Query(sa.select(generations.c.id))


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def upgrade(database: Database, revision: str = "head", *, copy: bool = True) -> Path | None:
    """Run the missing migrations, all or none.

    An SQLite store of an earlier version is copied first, beside itself; the name of the copy, None where
    none was made. Raises BackendUnavailable, with the store unchanged, when the copy fails or the store is
    of a later version.
    """
    kept = None
    try:
        with _locked(database) as connection:
            present = _known(_revision(connection))
            if copy and database.is_sqlite and present not in (None, head()):
                kept = _copied(database, str(present))
            command.upgrade(_config(connection), revision)
    except BaseException:
        if kept is not None:
            kept.unlink(missing_ok=True)  # nothing has changed; one for each try would fill the disk
        raise
    return kept


def downgrade(database: Database, revision: str = "-1") -> None:
    with _locked(database) as connection:
        command.downgrade(_config(connection), revision)


def current(database: Database) -> str | None:
    """The revision that the store is at; None for an empty one."""
    with database.engine.connect() as connection:
        return _revision(connection)


def head() -> str | None:
    """The revision that this version of the gateway needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _known(revision: str | None) -> str | None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise BackendUnavailable(
            f"the store is at revision {shorten(revision)}, which this version does not know; "
            "install the later version that made it, or put a copy of the store back",
            reason="store_version",
        )
    return revision


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _locked(database: Database) -> Iterator[sa.Connection]:
    """A transaction that no other migration runs beside."""
    ticket = 0
    with database.engine.connect() as connection:
        if database.is_sqlite:
            # The driver would begin its transaction only at the first change; two nodes could both
            # read "nothing there yet". Taking the write lock first puts them in line.
            raw = connection.connection.dbapi_connection
            assert raw is not None
            _write_ahead(raw)
            raw.isolation_level = None
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            ticket = database.changes.begin()
        else:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
        try:
            yield connection
            connection.commit()
        finally:
            if database.is_sqlite:
                connection.rollback()  # of a migration that failed: the write is over before it is told so
                database.changes.end(ticket)


def _write_ahead(raw: Any) -> None:
    """Have a new file written as all are; of several who do that at once SQLite may refuse one unheard."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            raw.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _copied(database: Database, revision: str) -> Path:
    """A copy of an SQLite store that only its owner can read."""
    store = Path(database.url.database or "")
    copy = store.with_name(f"{store.name}.{revision}.{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    try:
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except (OSError, sqlite3.Error) as error:
        copy.unlink(missing_ok=True)
        raise BackendUnavailable(
            f"the store cannot be copied to {copy}: {error}; make room, or upgrade without a copy"
        ) from None
    log.info("the store is copied to %s before its schema changes", copy)
    return copy
