"""Bringing the store's schema to this version: ``upgrade`` may run twice and from several nodes at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from .database import Database, Query
from .schema import generations

_UPGRADE_LOCK = 0x57A7

#: Answers at once where there is a store with a schema.
ALIVE = Query(sa.select(generations.c.id))


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Run the missing migrations, all or none."""
    _run(database, lambda config: command.upgrade(config, revision))


def downgrade(database: Database, revision: str = "-1") -> None:
    _run(database, lambda config: command.downgrade(config, revision))


def current(database: Database) -> str | None:
    """The revision that the store is at; None for an empty one."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """The revision that this version of the gateway needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _run(database: Database, work: Callable[[Config], None]) -> None:
    ticket = 0
    with database.engine.connect() as connection:
        if database.is_sqlite:
            # The driver would begin its transaction only at the first change; two nodes could both
            # read "nothing there yet". Taking the write lock first puts them in line.
            raw = connection.connection.dbapi_connection
            assert raw is not None
            raw.execute("PRAGMA journal_mode=WAL")
            raw.isolation_level = None
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            ticket = database.changes.begin()
        else:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
        try:
            work(_config(connection))
            connection.commit()
        finally:
            if ticket:
                connection.rollback()
                database.changes.end(ticket)
