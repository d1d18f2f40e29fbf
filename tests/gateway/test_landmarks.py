"""Pages of a listing: by their positions, whatever other processes put in and take away between them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Container, DataObject, StoredObject
from gateway.objects.identifier import EXAMPLE_ENTERPRISE, new_id
from gateway.store import Database, Row, migrate
from gateway.store import landmarks as module
from gateway.store.landmarks import Landmarks
from gateway.store.object_rows import Held, present
from gateway.store.objects import ObjectRows


def _new(kind: type[StoredObject], name: str) -> StoredObject:
    moment = present()
    return kind(
        id=new_id(EXAMPLE_ENTERPRISE),
        name=name,
        parent=None,
        owner="ada",
        tenant="bio",
        metadata={},
        acl=(),
        created=moment,
        modified=moment,
    )


class Folder:
    """A container, as two processes see it that share nothing but the file."""

    def __init__(self, url: str) -> None:
        migrate.upgrade(Database(url))
        self.writer, self.reader = ObjectRows(Database(url)), ObjectRows(Database(url))
        with self.writer.database.write() as tx:
            top = self.writer.add(tx, None, _new(Container, "top"), "")
            self.container = self.writer.add(tx, top, _new(Container, "folder"), "")
            self.elsewhere = self.writer.add(tx, top, _new(Container, "elsewhere"), "")

    def put(self, name: str) -> None:
        with self.writer.database.write() as tx:
            self.writer.add(tx, self.container, _new(DataObject, name), "")

    def child(self, name: str) -> Held:
        found = self.writer.child(self.container, name)
        assert found is not None
        return found

    def remove(self, name: str) -> None:
        with self.writer.database.write() as tx:
            self.writer.remove(tx, self.child(name), 1)

    def move_out(self, name: str) -> None:
        with self.writer.database.write() as tx:
            self.writer.move(tx, self.child(name), self.elsewhere, new_id(EXAMPLE_ENTERPRISE))

    def page(self, first: int, number: int) -> list[str]:
        return [name for name, _ in self.reader.children(self.container, first, number)]

    def close(self) -> None:
        self.writer.database.close()
        self.reader.database.close()


@pytest.fixture
def folder(store_url: str) -> Folder:
    return Folder(store_url)


_names = st.sampled_from("abcdefgh")


@given(st.lists(st.tuples(st.sampled_from(("put", "remove", "move_out")), _names), max_size=12))
def test_pages_are_those_of_the_moment(steps: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as name:
        folder, there = Folder(f"sqlite:///{name}/store.db"), set("bdf")
        for one in there:
            folder.put(one)
        for work, one in steps:
            assert [folder.page(first, 2) for first in (0, 2, 4)] == [
                sorted(there)[first : first + 2] for first in (0, 2, 4)
            ]
            if (work == "put") is (one not in there):
                getattr(folder, work)(one)
                there ^= {one}
        assert [folder.page(first, 3) for first in range(6)] == [
            sorted(there)[first : first + 3] for first in range(6)
        ]
        folder.close()


def test_pages_follow_one_another_on_each_database(folder: Folder) -> None:
    for one in "abcde":
        folder.put(one)
    assert [folder.page(first, 2) for first in (0, 2, 4, 6)] == [["a", "b"], ["c", "d"], ["e"], []]
    folder.remove("a")
    assert [folder.page(first, 2) for first in (2, 4)] == [["d", "e"], []]


class _Pages:
    """Children that are all there; remembers how each page was read."""

    def __init__(self, number: int) -> None:
        self.names = [f"{one:04}" for one in range(number)]
        self.asked: list[tuple[str, int]] = []

    def __call__(self, after: str, skip: int) -> Sequence[Row]:
        self.asked.append((after, skip))
        start = self.names.index(after) + 1 if after else 0
        return [(name, "dataobject") for name in self.names[start + skip : start + skip + 10]]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path / 'store.db'}")
    migrate.upgrade(made)
    return made


def test_a_page_begins_behind_the_one_before_it(database: Database) -> None:
    landmarks, pages = Landmarks(database), _Pages(30)
    for first in (0, 10, 20):
        landmarks.read(1, "id", first, pages)
    assert pages.asked == [("", 0), ("0009", 0), ("0019", 0)]


def test_a_page_counts_from_the_nearest_that_is_known(database: Database) -> None:
    landmarks, pages = Landmarks(database), _Pages(60)
    landmarks.read(1, "id", 10, pages)
    landmarks.read(1, "id", 50, pages)
    assert pages.asked == [("", 10), ("0019", 30)]


def test_what_others_write_elsewhere_takes_nothing_away(database: Database) -> None:
    landmarks, pages = Landmarks(database), _Pages(30)
    landmarks.read(1, "id", 0, pages)
    with database.write() as tx:
        tx.mark(2)
    landmarks.read(1, "id", 10, pages)
    assert pages.asked[-1] == ("0009", 0)


def test_nothing_is_remembered_of_what_was_read_during_a_write(database: Database) -> None:
    landmarks, pages = Landmarks(database), _Pages(30)
    with database.write():
        landmarks.read(1, "id", 0, pages)
    landmarks.read(1, "id", 10, pages)
    assert pages.asked[-1] == ("", 10)


def test_a_page_that_was_overtaken_is_read_anew(database: Database) -> None:
    landmarks, pages = Landmarks(database), _Pages(30)
    landmarks.read(1, "id", 0, pages)

    def overtaken(after: str, skip: int) -> Sequence[Row]:
        if after:
            with database.write() as tx:
                tx.mark(1)
        return pages(after, skip)

    landmarks.read(1, "id", 10, overtaken)
    assert pages.asked[1:] == [("0009", 0), ("", 10)]


def test_so_many_containers_are_remembered(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONTAINERS", 1)
    landmarks, pages = Landmarks(database), _Pages(30)
    landmarks.read(1, "first", 0, pages)
    landmarks.read(1, "second", 0, pages)
    landmarks.read(1, "first", 10, pages)
    assert pages.asked[-1] == ("", 10)
