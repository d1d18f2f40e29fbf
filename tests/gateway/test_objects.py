"""The door to stored objects: who may do what, what is atomic, what is left of what failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.values import DirectoryStore, ValueStore
from backends.values.s3 import S3Store
from gateway.identity import Caller, Principal
from gateway.model import (
    Ace,
    AceFlag,
    AceMask,
    AceType,
    AlreadyExists,
    Conflict,
    Container,
    DataObject,
    Encoding,
    Forbidden,
    GatewayError,
    InvalidRequest,
    NotFound,
    ObjectKind,
)
from gateway.objects.names import NAME_BYTES, Place
from gateway.objects.space import Objects
from gateway.objects.values import spliced
from gateway.policy import acl
from gateway.store import Database, migrate
from gateway.store.audit import Audit
from gateway.store.objects import Extent
from tests.gateway.test_permissions import ADA, ADMIN, BOB, EVE
from tests.swift import Swift


class Space:
    """Objects with the words of a test."""

    def __init__(self, objects: Objects, values: ValueStore) -> None:
        self.objects, self.values = objects, values

    def folder(self, path: str, caller: Caller = ADA, **wish: Any) -> Container:
        made = self.objects.make_container(caller, at(path), wish)  # type: ignore[arg-type]
        assert isinstance(made.object, Container)
        return made.object

    def put(self, path: str, content: bytes, caller: Caller = ADA, **wish: Any) -> DataObject:
        seen, _ = self.objects.write(caller, at(path), [content], wish)  # type: ignore[arg-type]
        assert isinstance(seen.object, DataObject)
        return seen.object

    def read(self, path: str, caller: Caller = ADA) -> bytes:
        return b"".join(self.objects.open(caller, at(path)).blocks())

    def names(self, path: str, caller: Caller = ADA) -> list[str]:
        return [name for name, _ in self.objects.children(caller, at(path), 0, 1000)]

    def stored(self) -> int:
        """How many values there are."""
        return len(list(self.values.keys(datetime.now(UTC) + timedelta(days=1))))


def at(path: str) -> Place:
    return Place(tuple(name for name in path.split("/") if name))


@pytest.fixture(scope="module")
def bucket(swift: Swift) -> Iterator[Callable[[], ValueStore]]:
    """Empties the one bucket of this module, and gives the store that is in it."""
    with S3Store.from_options(swift.options(swift.new_bucket()), data="") as values:

        def empty() -> ValueStore:
            for key in values.keys(datetime.now(UTC) + timedelta(days=1)):
                values.delete(key)
            return values

        yield empty


@pytest.fixture(params=["sqlite, directory", "postgresql, directory", "postgresql, s3"])
def space(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Space]:
    """No objects yet, on one machine, on several that share a disk, and on several that share nothing."""
    small, shared = request.param == "sqlite, directory", request.param == "postgresql, s3"
    url = f"sqlite:///{tmp_path / 'store.db'}"
    database = Database(url if small else request.getfixturevalue("postgres").new_database())
    migrate.upgrade(database)
    values = request.getfixturevalue("bucket")() if shared else DirectoryStore(tmp_path / "objects")
    objects = Objects(database, values, Audit(database, "test"))
    objects.prepare()
    yield Space(objects, values)
    database.close()


def refused(error: type[GatewayError], work: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        work()
    return caught.value.message


def test_what_is_put_is_read_and_listed(space: Space) -> None:
    space.folder("lab")
    made = space.put("lab/notes", b"beam on", mimetype="text/plain", encoding=Encoding.UTF_8)
    assert (made.name, made.size, made.mimetype, made.owner) == ("notes", 7, "text/plain", "ada")
    assert space.read("lab/notes") == b"beam on"
    assert space.objects.children(ADA, at("lab"), 0, 10) == [("notes", ObjectKind.DATA_OBJECT)]
    seen = space.objects.get(ADA, at("lab/notes"))
    assert (seen.path, seen.object.parent) == (("lab", "notes"), space.objects.get(ADA, at("lab")).object.id)


def test_an_object_is_reached_by_its_id_and_below_it(space: Space) -> None:
    lab = space.folder("lab")
    made = space.put("lab/a", b"x")
    by_id = space.objects.get(ADA, Place(id=made.id))
    assert (by_id.object, by_id.path) == (space.objects.get(ADA, at("lab/a")).object, ("lab", "a"))
    assert space.objects.get(ADA, Place(("a",), lab.id)).object.id == made.id


def test_children_come_in_the_order_of_their_bytes_and_in_pages(space: Space) -> None:
    space.folder("lab")
    names = ["b", "a", "é", "Z", "a b", "10", "9"]
    for name in names:
        space.put(f"lab/{name}", b"")
    expected = sorted(names, key=str.encode)
    assert space.names("lab") == expected
    paged = [name for n in range(0, 8, 2) for name, _ in space.objects.children(ADA, at("lab"), n, 2)]
    assert (paged, space.objects.how_many_children(ADA, at("lab"))) == (expected, 7)


def test_a_second_put_replaces_the_value_and_keeps_the_id(space: Space) -> None:
    space.folder("lab")
    first = space.put("lab/a", b"one", metadata={"run": "1"})
    second = space.put("lab/a", b"second", mimetype="text/plain")
    assert (second.id, second.size, second.metadata) == (first.id, 6, {"run": "1"})
    assert (second.changes, second.modified > first.modified) == (1, True)
    assert (space.read("lab/a"), space.stored()) == (b"second", 1)


@pytest.mark.parametrize(
    ("start", "part", "expected"),
    [
        (0, b"XY", b"XYcdef"),
        (4, b"XY", b"abcdXY"),
        (5, b"XYZ", b"abcdeXYZ"),
        (6, b"XY", b"abcdefXY"),
        (9, b"XY", b"abcdef\0\0\0XY"),
        (2, b"", b"abcdef"),
        (0, b"123456789", b"123456789"),
    ],
)
def test_a_part_is_written_over_and_gaps_are_zero(
    space: Space, start: int, part: bytes, expected: bytes
) -> None:
    space.folder("lab")
    space.put("lab/a", b"abcdef")
    seen, _ = space.objects.write(ADA, at("lab/a"), [part], {}, start=start)
    assert space.read("lab/a") == expected
    assert isinstance(seen.object, DataObject)
    assert seen.object.size == len(expected)
    value = space.objects.open(ADA, at("lab/a"))
    for first in range(len(expected) + 2):
        for length in range(len(expected) + 2):
            assert b"".join(value.blocks(first, length)) == expected[first : first + length]


def test_many_parts_are_joined_into_one_value_in_the_end(space: Space) -> None:
    space.folder("lab")
    expected = bytearray(b"." * 400)
    space.put("lab/a", bytes(expected))
    for number in range(0, 400, 4):
        space.objects.write(ADA, at("lab/a"), [b"X"], {}, start=number)
        expected[number : number + 1] = b"X"
    assert space.read("lab/a") == bytes(expected)
    assert space.stored() < 80


def test_text_that_a_part_leaves_no_text_is_base64(space: Space) -> None:
    space.folder("lab")
    space.put("lab/a", "abé".encode(), encoding=Encoding.UTF_8)
    kept = space.objects.write(ADA, at("lab/a"), [b"X"], {}, start=0)[0].object
    broken = space.objects.write(ADA, at("lab/a"), [b"X"], {}, start=3)[0].object
    assert isinstance(kept, DataObject)
    assert isinstance(broken, DataObject)
    assert (kept.encoding, broken.encoding) == (Encoding.UTF_8, Encoding.BASE64)


@pytest.mark.parametrize(
    "name", [".", "..", "a?b", "a\0b", "x" * (NAME_BYTES + 1), "cdmi_objectid", "cdmi_snapshots"]
)
def test_a_name_that_is_none_is_refused_before_anything_is_read(space: Space, name: str) -> None:
    def blocks() -> Iterator[bytes]:
        raise AssertionError("read")
        yield b""

    refused(InvalidRequest, lambda: space.objects.write(ADA, Place((name,)), blocks(), {}))
    refused(InvalidRequest, lambda: space.objects.make_container(ADA, Place((name,)), {}))


def test_only_containers_are_kept_from_the_standards_prefix(space: Space) -> None:
    space.folder("lab")
    space.put("lab/cdmi_notes", b"x")
    refused(InvalidRequest, lambda: space.folder("lab/cdmi_notes2"))


@pytest.mark.parametrize("path", ["nothing/a", "lab/a/b", "lab/none/b"])
def test_what_has_no_container_is_not_found(space: Space, path: str) -> None:
    space.folder("lab")
    space.put("lab/a", b"x")
    for work in (
        lambda: space.put(path, b"x"),
        lambda: space.folder(path),
        lambda: space.read(path),
        lambda: space.objects.remove(ADA, at(path)),
    ):
        refused(NotFound, work)
    assert space.stored() == 1


def test_a_container_and_an_object_do_not_take_each_others_place(space: Space) -> None:
    space.folder("lab")
    space.folder("lab/c")
    space.put("lab/a", b"x")
    refused(Conflict, lambda: space.put("lab/c", b"x"))
    refused(AlreadyExists, lambda: space.folder("lab/a"))
    refused(AlreadyExists, lambda: space.folder("lab/c"))
    assert space.read("lab/a") == b"x"


def test_what_is_removed_is_gone_with_all_below_it(space: Space) -> None:
    space.folder("lab")
    space.folder("lab/c")
    for number in range(5):
        space.put(f"lab/c/{number}", b"x")
    space.put("lab/a", b"x")
    space.objects.remove(ADA, at("lab/c"))
    assert (space.names("lab"), space.stored()) == (["a"], 1)
    space.objects.remove(ADA, at("lab"))
    assert (space.names(""), space.stored()) == ([], 0)


def test_the_root_stays(space: Space) -> None:
    refused(InvalidRequest, lambda: space.objects.remove(ADMIN, Place()))


def test_what_one_makes_in_the_root_is_private(space: Space) -> None:
    space.folder("ada")
    space.put("ada/secret", b"x")
    for stranger in (BOB, EVE):
        for work in (
            lambda who=stranger: space.read("ada/secret", who),
            lambda who=stranger: space.names("ada", who),
            lambda who=stranger: space.objects.get(who, at("ada/secret")),
            lambda who=stranger: space.objects.get(who, at("ada/nothing")),
            lambda who=stranger: space.put("ada/secret", b"y", who),
            lambda who=stranger: space.put("ada/new", b"y", who),
            lambda who=stranger: space.folder("ada/new", who),
            lambda who=stranger: space.objects.write(who, at("ada/secret"), [b"y"], {}, start=0),
            lambda who=stranger: space.objects.change(who, at("ada/secret"), lambda _: {"metadata": {}}),
            lambda who=stranger: space.objects.remove(who, at("ada/secret")),
            lambda who=stranger: space.objects.remove(who, at("ada")),
        ):
            refused(Forbidden, work)
    assert (space.read("ada/secret", ADMIN), space.stored()) == (b"x", 1)


def test_an_id_is_no_way_around_a_closed_container(space: Space) -> None:
    space.folder("ada")
    everybody = Ace(AceType.ALLOW, "EVERYONE@", AceFlag(0), acl.ALL_PERMS)
    open_list = (*acl.DEFAULT, everybody)
    made = space.put("ada/open", b"x", acl=open_list)
    refused(Forbidden, lambda: space.objects.open(BOB, Place(id=made.id)))


def test_roles_that_look_see_everything_but_values(space: Space) -> None:
    watch = Caller(Principal("x", "watch", "site", roles=frozenset({"monitor"})))
    space.folder("ada")
    space.put("ada/secret", b"x")
    assert space.names("ada", watch) == ["secret"]
    seen = space.objects.get(watch, at("ada/secret"))
    assert AceMask.READ_OBJECT not in seen.rights
    refused(Forbidden, lambda: space.read("ada/secret", watch))


def test_a_write_that_breaks_off_leaves_the_old_value(space: Space) -> None:
    space.folder("lab")
    space.put("lab/a", b"old")

    def broken() -> Iterator[bytes]:
        yield b"new"
        raise ConnectionResetError

    for work in (
        lambda: space.objects.write(ADA, at("lab/a"), broken(), {}),
        lambda: space.objects.write(ADA, at("lab/b"), broken(), {}),
        lambda: space.objects.write(ADA, at("lab/a"), broken(), {}, start=0),
    ):
        with pytest.raises(ConnectionResetError):
            work()
    assert (space.read("lab/a"), space.names("lab"), space.stored()) == (b"old", ["a"], 1)


def test_a_reader_that_has_begun_gets_the_old_value_whole(space: Space) -> None:
    space.folder("lab")
    space.put("lab/a", b"old")
    space.objects.write(ADA, at("lab/a"), [b"er"], {}, start=3)
    blocks = space.objects.open(ADA, at("lab/a")).blocks()
    space.put("lab/a", b"new")
    space.objects.remove(ADA, at("lab/a"))
    assert b"".join(blocks) == b"older"


def test_writers_at_once_leave_one_of_their_values_and_nothing_else(space: Space) -> None:
    space.folder("lab")
    values = [bytes([65 + n]) * (1000 + n) for n in range(8)]
    failures: list[BaseException] = []

    def work(content: bytes) -> None:
        try:
            for _ in range(5):
                space.put("lab/a", content)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(content,)) for content in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert space.read("lab/a") in values
    assert space.stored() == 1


@pytest.mark.parametrize("wish", [{"metadata": {"a": "b"}}, {"acl": acl.DEFAULT}])
def test_who_may_write_a_value_may_not_therefore_write_the_rest(space: Space, wish: Any) -> None:
    space.folder("lab")
    writer = Ace(AceType.ALLOW, "bob", AceFlag(0), AceMask.WRITE_OBJECT | AceMask.WRITE_ATTRIBUTES)
    walker = Ace(AceType.ALLOW, "bob", AceFlag(0), AceMask.EXECUTE)
    space.objects.change(ADA, at("lab"), lambda _: {"acl": (*acl.DEFAULT, walker)})
    space.put("lab/a", b"old", acl=(*acl.DEFAULT, writer))
    before = space.objects.get(ADA, at("lab/a")).object
    for work in (
        lambda: space.objects.write(BOB, at("lab/a"), [b"new"], wish),
        lambda: space.objects.write(BOB, at("lab/a"), [b"new"], wish, start=0),
        lambda: space.objects.change(BOB, at("lab/a"), lambda _: wish),
    ):
        refused(Forbidden, work)
    assert (space.objects.get(ADA, at("lab/a")).object, space.read("lab/a")) == (before, b"old")
    assert space.stored() == 1
    space.put("lab/a", b"new", BOB, mimetype="text/plain")
    assert space.read("lab/a") == b"new"


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"metadata": {}},
        {"fields": {"a": "b"}},
        {"domain": ("cdmi_domains", "default")},
        {"partial": True},
    ],
)
def test_who_may_only_walk_by_changes_nothing_of_an_object(space: Space, wish: Any) -> None:
    space.folder("lab")
    walker = Ace(AceType.ALLOW, "bob", AceFlag(0), AceMask.EXECUTE)
    space.objects.change(ADA, at("lab"), lambda _: {"acl": (*acl.DEFAULT, walker)})
    space.put("lab/a", b"x")
    before = space.objects.get(ADA, at("lab/a")).object
    refused(Forbidden, lambda: space.objects.change(BOB, at("lab/a"), lambda _: wish))
    assert space.objects.get(ADA, at("lab/a")).object == before


def test_what_is_no_text_is_never_kept_as_text(space: Space) -> None:
    space.folder("lab")
    made = space.put("lab/a", b"\xff", encoding=Encoding.UTF_8)
    space.put("lab/b", b"text", encoding=Encoding.UTF_8)
    replaced = space.put("lab/b", b"\xff")
    assert (made.encoding, replaced.encoding) == (Encoding.BASE64, Encoding.BASE64)
    told = refused(
        InvalidRequest, lambda: space.objects.change(ADA, at("lab/a"), lambda _: {"encoding": Encoding.UTF_8})
    )
    assert "is not UTF-8" in told


def test_a_sweep_removes_what_no_object_has_and_nothing_else(space: Space) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    space.folder("lab")
    space.put("lab/a", b"kept")
    space.objects.write(ADA, at("lab/a"), [b"XX"], {}, start=2)
    orphan = space.values.write([b"of a process that died before its row"]).key
    forgotten = space.values.write([b"of one that died after it"]).key
    with space.objects.rows.database.write() as tx:
        space.objects.rows.add_value(tx, forgotten, 3)
    assert space.objects.sweep(datetime.now(UTC) - timedelta(days=1)) == 1
    left = set(space.values.keys(later))
    assert (orphan in left, forgotten in left) == (True, False)
    assert space.objects.sweep(later) == 1
    assert (space.read("lab/a"), space.objects.sweep(later)) == (b"keXX", 0)


def test_who_makes_the_same_container_at_once_makes_it_once(space: Space) -> None:
    outcomes: list[str] = []

    def work() -> None:
        try:
            space.folder("lab")
            outcomes.append("made")
        except AlreadyExists:
            outcomes.append("there")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made"] + ["there"] * 7


def test_changes_at_once_are_all_made(space: Space) -> None:
    space.folder("lab")

    def work(name: str) -> None:
        space.objects.change(ADA, at("lab"), lambda thing: {"metadata": {**thing.metadata, name: "1"}})

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(space.objects.get(ADA, at("lab")).object.metadata) == set("abcdef")


@given(
    st.lists(st.tuples(st.integers(0, 40), st.binary(max_size=12)), max_size=12),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_extents_are_what_was_written_last(writes: list[tuple[int, bytes]], start: int, length: int) -> None:
    parts: Any = []
    expected = bytearray()
    contents: dict[str, bytes] = {}
    for number, (at_, content) in enumerate(writes):
        contents[str(number)] = content
        parts = spliced(parts, Extent(at_, len(content), str(number), 0))
        if content:
            expected.extend(bytes(max(0, at_ + len(content) - len(expected))))
            expected[at_ : at_ + len(content)] = content
    found = bytearray(len(expected))
    for part in parts:
        assert part.length > 0
        found[part.start : part.end] = contents[part.key][part.offset : part.offset + part.length]
    assert bytes(found) == bytes(expected)
    assert all(one.end <= two.start for one, two in pairwise(parts))
