"""Stored objects under many at once: whatever happens together looks as if one had waited for the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backends.values import DirectoryStore
from gateway.model import (
    Ace,
    AceFlag,
    AceMask,
    AceType,
    AlreadyExists,
    Completion,
    Conflict,
    DataObject,
    Encoding,
    Forbidden,
    InvalidRequest,
    NotFound,
    Queue,
    StoredObject,
    Wish,
)
from gateway.objects.contents import MAX_EXTENTS
from gateway.objects.names import Place
from gateway.objects.queues import Item
from gateway.objects.space import Objects
from gateway.objects.trees import Source
from gateway.objects.values import Replaced
from gateway.policy import acl
from gateway.store import Database, Query, migrate
from gateway.store.audit import Audit
from gateway.store.schema import objects
from tests.gateway.test_objects import Space, at
from tests.gateway.test_permissions import ADA, BOB

ROUNDS = 25

#: Values that are told apart wherever they are mixed: of one letter each, each of its own length.
VALUES = [bytes([65 + number]) * length for number, length in enumerate((3, 700, 20_000, 90_000))]

#: What it takes to move something to and fro in a container.
RIGHTS = AceMask.EXECUTE | AceMask.WRITE_OBJECT | AceMask.DELETE_OBJECT

ITEMS = [Item(b"x", "text/plain", Encoding.UTF_8)] * 3

Work = Callable[[], None]

#: Rows of what a test has made.
EVERYTHING = Query(select(func.count()).where(objects.c.owner == "ada"))


@pytest.fixture
def space(store_url: str, tmp_path: Path) -> Iterator[Space]:
    """No objects yet, on each of the two databases."""
    database = Database(store_url)
    migrate.upgrade(database)
    values = DirectoryStore(tmp_path / "objects")
    objects = Objects(database, values, Audit(database, "test"))
    objects.prepare()
    yield Space(objects, values)
    database.close()


def at_once(works: Sequence[Work]) -> None:
    """Run all of them in threads that begin together; raise what one of them raises."""
    barrier = threading.Barrier(len(works))
    failures: list[BaseException] = []

    def run(work: Work) -> None:
        try:
            barrier.wait()
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        raise failure


def while_going_on(change: Work, look: Work) -> None:
    """Change until as much has been looked at as is enough."""
    done = threading.Event()

    def changing() -> None:
        while not done.is_set():
            change()

    def looking() -> None:
        try:
            for _ in range(ROUNDS):
                look()
        finally:
            done.set()

    at_once([changing, looking])


def whole(content: bytes) -> bool:
    return content in VALUES


def delaying(space: Space, at_once: int) -> Objects:
    """The same objects behind a door that leaves larger trees to the worker."""
    database = space.objects.rows.database
    return Objects(database, space.values, Audit(database, "test"), at_once=at_once)


class Turning:
    """Puts one value after another into one object."""

    def __init__(self, space: Space, path: str, encoding: Encoding = Encoding.BASE64) -> None:
        self._space, self._path, self._encoding, self._number = space, path, encoding, 0
        self()

    def __call__(self) -> None:
        self._number += 1
        self._space.put(self._path, VALUES[self._number % len(VALUES)], encoding=self._encoding)


def test_a_reader_gets_one_of_the_values_that_are_being_written_whole(space: Space) -> None:
    space.folder("lab")

    def look() -> None:
        with suppress(Replaced):  # and begins anew
            assert whole(space.read("lab/a"))

    while_going_on(Turning(space, "lab/a"), look)


def test_a_copy_of_what_is_being_written_has_one_of_its_values_whole(space: Space) -> None:
    space.folder("lab")

    def look() -> None:
        space.objects.copy_value(ADA, at("lab/b"), Source(at("lab/a")), {})
        assert whole(space.read("lab/b"))

    while_going_on(Turning(space, "lab/a", Encoding.UTF_8), look)


def test_a_copy_of_a_container_that_is_being_written_in_has_whole_values(space: Space) -> None:
    space.folder("lab")
    space.folder("lab/from")
    numbers = iter(range(1000))

    def look() -> None:
        name = f"lab/copy{next(numbers)}"
        with suppress(AlreadyExists):  # what is to be copied has just gone
            space.objects.copy_container(ADA, at(name), Source(at("lab/from")), {})
            assert whole(space.read(f"{name}/a"))

    while_going_on(Turning(space, "lab/from/a"), look)


def test_a_snapshot_of_a_container_that_is_being_written_in_has_whole_values(space: Space) -> None:
    space.folder("lab")

    def look() -> None:
        space.objects.snapshot(ADA, at("lab"), "now")
        assert whole(space.read("lab/cdmi_snapshots/now/a"))

    while_going_on(Turning(space, "lab/a"), look)


def test_an_object_is_written_down_with_one_of_the_values_that_are_being_written(space: Space) -> None:
    space.folder("lab")

    def look() -> None:
        value = space.objects.whole(ADA, at("lab")).children[0].value
        assert value is not None
        with suppress(Replaced):
            assert whole(b"".join(value.blocks()))

    while_going_on(Turning(space, "lab/a"), look)


def test_a_part_is_written_over_one_of_the_values_that_are_being_written(space: Space) -> None:
    space.folder("lab")
    turning = Turning(space, "lab/a", Encoding.UTF_8)
    patched = {b"xy" + value[2:] for value in VALUES}

    def look() -> None:
        space.objects.write(ADA, at("lab/a"), [b"xy"], {}, start=0)
        with suppress(Replaced):
            assert space.read("lab/a") in patched | set(VALUES)

    while_going_on(turning, look)


def test_what_is_said_of_an_object_is_said_while_it_is_being_written(space: Space) -> None:
    space.folder("lab")
    turning = Turning(space, "lab/a", Encoding.UTF_8)
    while_going_on(
        turning,
        lambda: (
            space.objects.change(
                ADA,
                at("lab/a"),
                lambda _: {"encoding": Encoding.UTF_8, "system": {"cdmi_value_hash": "SHA256"}},
            )
            and None
        ),
    )


def test_a_queue_is_read_while_its_values_are_taken(space: Space) -> None:
    space.folder("lab")
    space.objects.make_queue(ADA, at("lab/q"), {})
    items = [Item(value, "text/plain", Encoding.BASE64) for value in VALUES]

    def turn() -> None:
        space.objects.queue_put(ADA, at("lab/q"), items)
        space.objects.queue_take(ADA, at("lab/q"), lambda first, last: (first, last))

    def look() -> None:
        for waiting in space.objects.queue_read(ADA, at("lab/q"), 10):
            with suppress(Replaced):
                assert b"".join(waiting.value.blocks()) == VALUES[waiting.designator % len(VALUES)]

    while_going_on(turn, look)


def test_a_queue_is_copied_to_an_object_while_its_values_are_taken(space: Space) -> None:
    space.folder("lab")
    space.objects.make_queue(ADA, at("lab/q"), {})
    items = [Item(value, "text/plain", Encoding.BASE64) for value in VALUES]
    tails = {b"".join(VALUES[number:]) for number in range(len(VALUES) + 1)}

    def turn() -> None:
        space.objects.queue_put(ADA, at("lab/q"), items)
        for _ in VALUES:
            space.objects.queue_take(ADA, at("lab/q"), lambda first, _: (first, first))

    def look() -> None:
        space.objects.copy_value(ADA, at("lab/a"), Source(at("lab/q")), {})
        assert space.read("lab/a") in tails

    while_going_on(turn, look)


def test_each_value_of_a_queue_comes_to_one_of_its_takers_and_no_designator_twice(space: Space) -> None:
    space.folder("lab")
    space.objects.make_queue(ADA, at("lab/q"), {})
    taken: list[int] = []

    def put() -> None:
        for _ in range(10):
            space.objects.queue_put(ADA, at("lab/q"), ITEMS)

    def take() -> None:
        chosen = -1

        def choose(first: int, last: int) -> tuple[int, int]:
            nonlocal chosen
            chosen = first
            return first, first

        while len(taken) < 60:
            if space.objects.queue_take(ADA, at("lab/q"), choose):
                taken.append(chosen)

    at_once([put, put, take, take, take])
    queue = space.objects.get(ADA, at("lab/q")).object
    assert isinstance(queue, Queue)
    assert (sorted(taken), queue.next, space.stored()) == (list(range(60)), 60, 0)


def test_an_object_is_either_moved_or_removed(space: Space) -> None:
    space.folder("lab")
    space.folder("lab/to")
    for number in range(ROUNDS):
        made = space.put("lab/a", b"x")
        done: list[str] = []

        def move(number: int = number, done: list[str] = done) -> None:
            with suppress(InvalidRequest):
                space.objects.move(ADA, at(f"lab/to/{number}"), at("lab/a"), {})
                done.append("moved")

        def remove(done: list[str] = done) -> None:
            with suppress(NotFound):
                space.objects.remove(ADA, at("lab/a"))
                done.append("removed")

        at_once([move, remove])
        assert len(done) == 1
        with suppress(NotFound):
            assert space.objects.get(ADA, Place(id=made.id)).path == ("lab", "to", str(number))
            assert done == ["moved"]


def test_an_object_is_removed_once(space: Space) -> None:
    space.folder("lab")
    for _ in range(ROUNDS):
        space.put("lab/a", b"x")
        done: list[str] = []

        def remove(done: list[str] = done) -> None:
            with suppress(NotFound):
                space.objects.remove(ADA, at("lab/a"))
                done.append("removed")

        at_once([remove, remove])
        assert done == ["removed"]


def test_two_containers_never_go_into_each_other(space: Space) -> None:
    space.folder("lab")
    for number in range(ROUNDS):
        one, other = f"a{number}", f"b{number}"
        space.folder(f"lab/{one}")
        space.folder(f"lab/{other}")

        def into(from_: str, to: str) -> None:
            with suppress(InvalidRequest, NotFound, Conflict):
                space.objects.move(ADA, at(f"lab/{to}/{from_}"), at(f"lab/{from_}"), {})

        at_once([lambda a=one, b=other: into(a, b), lambda a=other, b=one: into(a, b)])  # type: ignore[misc]
        [left] = {one, other} & set(space.names("lab"))
        assert space.names(f"lab/{left}") == [other if left == one else one]


def test_a_tree_and_what_is_in_it_are_removed_moved_and_filled_at_once(space: Space) -> None:
    space.folder("lab")
    for _ in range(ROUNDS // 3):
        space.folder("lab/t")
        for name in "abc":
            space.folder(f"lab/t/{name}")
            space.objects.make_queue(ADA, at(f"lab/t/{name}/q"), {})
            for number in range(10):
                space.put(f"lab/t/{name}/{number}", b"x")

        def tolerant(work: Callable[[], object]) -> Work:
            def run() -> None:
                with suppress(NotFound, InvalidRequest, Conflict):
                    work()

            return run

        works: list[Callable[[], object]] = [
            lambda: space.objects.remove(ADA, at("lab/t")),
            lambda: space.objects.remove(ADA, at("lab/t/a")),
            lambda: space.objects.remove(ADA, at("lab/t/b")),
            lambda: space.objects.move(ADA, at("lab/t/b/c"), at("lab/t/c"), {}),
            lambda: space.objects.queue_put(ADA, at("lab/t/a/q"), ITEMS),
            lambda: space.objects.queue_take(ADA, at("lab/t/a/q"), lambda first, last: (first, last)),
            lambda: space.put("lab/t/a/new", b"y"),
            lambda: space.objects.snapshot(ADA, at("lab/t/a"), "s"),
        ]
        at_once([tolerant(work) for work in works])
        assert space.names("lab") == []
        assert space.objects.rows.database.read(EVERYTHING) == [(1,)]


def test_containers_are_moved_to_and_fro_while_they_are_removed(space: Space) -> None:
    space.folder("lab")
    for _ in range(ROUNDS // 3):
        for path in ("lab/a", "lab/a/b", "lab/a/b/c", "lab/d", "lab/d/e"):
            space.folder(path)
        space.objects.move(ADA, at("lab/a/b/d"), at("lab/d"), {})  # older than what it is in

        def tolerant(work: Callable[[], object]) -> Work:
            def run() -> None:
                with suppress(NotFound, InvalidRequest, Conflict, AlreadyExists):
                    work()

            return run

        works: list[Callable[[], object]] = [
            lambda: space.objects.remove(ADA, at("lab/a")),
            lambda: space.objects.remove(ADA, at("lab/a/b")),
            lambda: space.objects.move(ADA, at("lab/a/c"), at("lab/a/b/c"), {}),
            lambda: space.objects.move(ADA, at("lab/a/e"), at("lab/a/b/d/e"), {}),
            lambda: space.objects.copy_over(ADA, at("lab/a/b"), Source(at("lab/a/b/d")), {}),
        ]
        at_once([tolerant(work) for work in works])
        assert space.names("lab") == []


def test_an_object_that_is_written_at_once_by_all_means_is_whole_in_the_end(space: Space) -> None:
    space.folder("lab")
    for start in (None, 0, 2):
        contents = [bytes([65 + number]) * 4 for number in range(6)]

        def write(content: bytes, start: int | None = start) -> None:
            for _ in range(4):
                space.objects.write(ADA, at("lab/a"), [content], {}, start=start)

        at_once([lambda content=content: write(content) for content in contents])  # type: ignore[misc]
        seen = space.objects.get(ADA, at("lab/a")).object
        assert isinstance(seen, DataObject)
        assert space.read("lab/a")[start or 0 :] in contents
        assert seen.size == (start or 0) + 4


def test_a_change_never_comes_to_what_has_got_the_place_of_its_object_in_the_store(space: Space) -> None:
    space.folder("lab")
    space.put("lab/a", b"x")

    def decide(thing: StoredObject) -> Wish:
        with suppress(NotFound):
            space.objects.remove(ADA, at("lab/a"))
            space.put("lab/b", b"y")
        return {"metadata": {"of": str(thing.name)}}

    with pytest.raises(NotFound):
        space.objects.change(ADA, at("lab/a"), decide)
    assert space.objects.get(ADA, at("lab/b")).object.metadata == {}


@pytest.mark.parametrize(
    "wish", [{"system": {"cdmi_retention_period": "soon"}}, {"metadata": {"a": "b"}, "owner": "bob"}]
)
def test_a_move_whose_wish_is_refused_moves_nothing(space: Space, wish: Wish) -> None:
    space.folder("lab")
    space.objects.change(
        ADA, at("lab"), lambda _: {"acl": (*acl.DEFAULT, Ace(AceType.ALLOW, "bob", AceFlag(0), RIGHTS))}
    )
    space.put("lab/a", b"x")
    with pytest.raises((InvalidRequest, Forbidden)):
        space.objects.move(BOB, at("lab/b"), at("lab/a"), wish)
    assert space.names("lab") == ["a"]


def test_a_copy_over_a_container_whose_wish_is_refused_replaces_nothing(space: Space) -> None:
    for name in ("from", "to"):
        space.folder(name)
        space.put(f"{name}/{name}", b"x")
    wish: Wish = {"system": {"cdmi_retention_period": "soon"}}
    with pytest.raises(InvalidRequest):
        space.objects.copy_over(ADA, at("to"), Source(at("from")), wish)
    assert space.names("to") == ["to"]


@pytest.mark.parametrize("number", [1000, 1], ids=["at once", "by the worker"])
def test_a_copy_of_a_container_into_itself_has_what_was_in_it_before(space: Space, number: int) -> None:
    door = delaying(space, number)
    space.folder("lab")
    space.folder("lab/c")
    space.put("lab/c/a", b"x")
    door.copy_container(ADA, at("lab/copy"), Source(at("lab")), {})
    door.work()
    assert (space.names("lab/copy"), space.names("lab/copy/c")) == (["c"], ["a"])


def test_what_is_still_being_made_is_not_copied_with_its_container(space: Space) -> None:
    door = delaying(space, 1)
    space.folder("lab")
    space.folder("lab/c")
    space.put("lab/c/a", b"x")
    door.copy_container(ADA, at("lab/copy"), Source(at("lab/c")), {})
    with pytest.raises(Conflict):
        space.objects.copy_container(ADA, at("other"), Source(at("lab")), {})
    with pytest.raises(Conflict):
        space.objects.snapshot(ADA, at("lab"), "s")
    assert space.names("") == ["lab"]


def test_a_large_copy_goes_on_while_its_source_is_being_written(space: Space) -> None:
    door = delaying(space, 1)
    space.folder("lab")
    space.folder("lab/from")
    space.put("lab/from/b", b"x")
    numbers = iter(range(1000))

    def look() -> None:
        name = f"lab/copy{next(numbers)}"
        door.copy_container(ADA, at(name), Source(at("lab/from")), {})
        door.work()
        assert door.get(ADA, at(name)).object.completion is Completion.COMPLETE
        assert whole(space.read(f"{name}/a"))

    while_going_on(Turning(space, "lab/from/a"), look)


def test_a_worker_that_another_has_taken_over_from_leaves_the_copy_alone(space: Space) -> None:
    space.folder("lab")
    space.folder("lab/from")
    space.put("lab/from/a", b"x")
    first, second = delaying(space, 1), delaying(space, 1)
    first.copy_container(ADA, at("lab/to"), Source(at("lab/from")), {})
    asked: list[int] = []

    def go_on() -> bool:
        asked.append(0)
        if len(asked) == 2:
            second.work()
        return True

    first.work(go_on)
    seen = space.objects.get(ADA, at("lab/to")).object
    assert (seen.completion, space.names("lab/to")) == (Completion.COMPLETE, ["a"])


def test_a_copy_of_more_values_than_files_may_be_open_is_read(space: Space) -> None:
    space.folder("lab")
    space.objects.make_queue(ADA, at("lab/q"), {})
    for _ in range(3):
        space.objects.queue_put(ADA, at("lab/q"), ITEMS * 30)
    space.objects.copy_value(ADA, at("lab/a"), Source(at("lab/q")), {})
    copied = space.objects.rows.whole(space.objects.rows.by_id(space.objects.get(ADA, at("lab/a")).object.id))  # type: ignore[arg-type]
    assert copied is not None
    assert len(copied.parts) <= MAX_EXTENTS
    assert space.read("lab/a") == b"x" * 270
