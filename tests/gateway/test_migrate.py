"""The schema on its way between versions: what is kept of an SQLite store, and what cannot be upgraded."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.cli import main
from gateway.model import BackendUnavailable
from gateway.store import Database, migrate
from gateway.store.users import User, Users

#: The revision of this version.
PRESENT = migrate.head()

_NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = {head!r}


def upgrade():
    op.add_column("users", sa.Column("motto", sa.Text()))
    {then}


def downgrade():
    op.drop_column("users", "motto")
"""


class Versions:
    """A folder of migrations that can get one more."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._head = migrate.head()
        shutil.copytree(migrate.MIGRATIONS, folder)
        monkeypatch.setattr(migrate, "MIGRATIONS", folder)

    def release(self, *, then: str = "pass") -> None:
        """The next version, with one migration more."""
        script = _NEXT.format(head=self._head, then=then)
        (self._folder / "versions" / "vnext.py").write_text(script)


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Versions:
    return Versions(tmp_path / "migrations", monkeypatch)


@pytest.fixture
def store(tmp_path: Path, versions: Versions) -> Path:
    """An SQLite store of the present version with a user in it."""
    path = tmp_path / "data" / "store.db"
    path.parent.mkdir()
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    Users(database).add(User("ada", "bio", (), (), "hash"))
    database.close()
    return path


@pytest.fixture
def database(store: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{store}")
    yield database
    database.close()


def _copies(store: Path) -> list[Path]:
    return sorted(path for path in store.parent.iterdir() if path.name.startswith(f"{store.name}.0"))


def test_an_sqlite_store_is_copied_before_its_schema_changes(
    versions: Versions, store: Path, database: Database
) -> None:
    versions.release()
    copy = migrate.upgrade(database)
    assert copy is not None
    kept = Database(f"sqlite:///{copy}")
    assert (migrate.current(kept), migrate.current(database)) == (PRESENT, "next")
    assert [user.name for user in Users(kept).list()] == ["ada"]


def test_the_copy_stands_beside_the_store_under_revision_and_time_for_its_owner_only(
    versions: Versions, store: Path, database: Database
) -> None:
    versions.release()
    copy = migrate.upgrade(database)
    assert copy is not None
    assert copy.parent == store.parent
    assert copy.name.startswith(f"store.db.{PRESENT}.20")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_changes_that_are_still_in_the_log_of_the_store_are_in_the_copy(
    versions: Versions, store: Path, database: Database
) -> None:
    versions.release()
    with sqlite3.connect(store) as open_elsewhere:  # keeps SQLite from folding its log into the file
        open_elsewhere.execute("SELECT count(*) FROM users").fetchall()
        Users(database).add(User("bob", "bio", (), (), "hash"))
        copy = migrate.upgrade(database)
    assert [user.name for user in Users(Database(f"sqlite:///{copy}")).list()] == ["ada", "bob"]


def test_a_store_that_is_empty_or_of_this_version_is_not_copied(
    tmp_path: Path, store: Path, database: Database
) -> None:
    assert migrate.upgrade(database) is None
    assert migrate.upgrade(Database(f"sqlite:///{tmp_path / 'new.db'}")) is None
    assert _copies(store) == []


def test_four_nodes_that_upgrade_at_once_make_one_copy(versions: Versions, store: Path) -> None:
    versions.release()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate.upgrade(Database(f"sqlite:///{store}")), range(4)))
    assert len(_copies(store)) == 1


def test_an_upgrade_that_fails_leaves_the_store_and_no_copy(
    versions: Versions, store: Path, database: Database
) -> None:
    versions.release(then="raise ZeroDivisionError")
    with pytest.raises(ZeroDivisionError):
        migrate.upgrade(database)
    assert (migrate.current(database), _copies(store)) == (PRESENT, [])


def test_a_store_that_cannot_be_copied_is_not_changed(
    versions: Versions, store: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions.release()
    monkeypatch.setattr(Path, "with_name", lambda path, name: path.parent / "no such folder" / name)
    with pytest.raises(BackendUnavailable, match="cannot be copied"):
        migrate.upgrade(database)
    assert migrate.current(database) == PRESENT


def test_a_store_of_a_later_version_is_refused_and_not_copied(store: Path, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BackendUnavailable, match="revision 9999"):
        migrate.upgrade(database)
    assert _copies(store) == []


def test_both_databases_are_upgraded_and_only_sqlite_is_copied(versions: Versions, store_url: str) -> None:
    database = Database(store_url)
    migrate.upgrade(database)
    versions.release()
    copy = migrate.upgrade(database)
    assert (migrate.current(database), copy is None) == ("next", not database.is_sqlite)


def test_the_command_tells_the_name_of_the_copy(
    versions: Versions, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    versions.release()
    status = main(["db", "upgrade", "--data", str(store.parent)])
    told = capsys.readouterr()
    [copy] = _copies(store)
    assert (status, told.out) == (0, "next\n")
    assert told.err == f"stratusgate: the store as it was: {copy}\n"


def test_the_command_makes_no_copy_where_none_is_wanted(
    versions: Versions, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    versions.release()
    assert main(["db", "upgrade", "--no-backup", "--data", str(store.parent)]) == 0
    assert (capsys.readouterr().err, _copies(store)) == ("", [])
