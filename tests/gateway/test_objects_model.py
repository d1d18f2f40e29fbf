"""Stored objects against a model of a few lines: whatever is done, both agree on what there is."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from backends.values import DirectoryStore
from gateway.identity import Caller
from gateway.model import (
    Ace,
    AceFlag,
    AceType,
    Container,
    DataObject,
    Encoding,
    GatewayError,
    ObjectKind,
    Queue,
    Reference,
)
from gateway.objects.names import NEW, Place
from gateway.objects.queues import Item
from gateway.objects.space import Objects
from gateway.objects.trees import Source
from gateway.policy import acl
from gateway.store import Database, migrate
from gateway.store.audit import Audit
from tests.gateway.test_objects import Space
from tests.gateway.test_permissions import ADA, ADMIN, BOB

SNAPSHOTS = "cdmi_snapshots"
PERIODS = {
    "over": "2020-01-01T00:00:00.000000Z/2021-01-01T00:00:00.000000Z",
    "on": "2020-01-01T00:00:00.000000Z/9000-01-01T00:00:00.000000Z",
}
BOTH = AceFlag.OBJECT_INHERIT | AceFlag.CONTAINER_INHERIT
PEOPLE = {"ada": ADA, "bob": BOB}


@dataclass(eq=False)
class Node:
    """An object as the model has it."""

    kind: ObjectKind
    owner: str
    shared: frozenset[str] = frozenset()  # who else may do everything
    id: str = ""
    name: str | None = None
    above: Node | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    value: bytes = b""
    below: dict[str, Node] = field(default_factory=dict)
    waiting: dict[int, bytes] = field(default_factory=dict)
    next: int = 0
    holds: set[str] = field(default_factory=set)
    period: str = ""

    def way(self) -> list[Node]:
        return [*(self.above.way() if self.above else ()), self]

    def tree(self) -> Iterator[Node]:
        yield self
        for node in self.below.values():
            yield from node.tree()

    def opens_to(self, user: str) -> bool:
        return user == self.owner or user in self.shared

    @property
    def is_protected(self) -> bool:
        return bool(self.holds or self.period)

    @property
    def is_kept(self) -> bool:
        return bool(self.holds) or self.period == "on"

    def like(self, above: Node, name: str, owner: str | None) -> Node:
        """A copy with all below it but snapshots; without ``owner`` one that keeps owners and lists."""
        shared = above.shared if owner is not None else self.shared
        made = Node(
            self.kind, owner or self.owner, shared, name=name, above=above, metadata=dict(self.metadata)
        )
        made.value, made.waiting, made.next = self.value, dict(self.waiting), self.next
        made.below = {n: one.like(made, n, owner) for n, one in self.below.items() if n != SNAPSHOTS}
        return made


class Refused(Exception):
    """The model does not allow it."""


def need(truth: object) -> None:
    if not truth:
        raise Refused


class Model:
    """What there is, and who may do what with it."""

    def __init__(self) -> None:
        self.root = Node(ObjectKind.CONTAINER, "")
        self.loose: list[Node] = []  # without a path

    def every(self) -> list[Node]:
        return [*self.root.tree(), *self.loose]

    def walk(self, user: str, node: Node) -> None:
        need(all(above is self.root or above.opens_to(user) for above in node.way()[:-1]))

    def may(self, user: str, node: Node) -> None:
        self.walk(user, node)
        need(node.opens_to(user))

    def addable(self, user: str, parent: Node, name: str) -> None:
        """Whether something may be made there; that nothing is there is for the caller."""
        self.walk(user, parent)
        need(parent.kind is ObjectKind.CONTAINER)
        need(parent is self.root or parent.opens_to(user))
        need(not any(one.holds or one.name == SNAPSHOTS for one in parent.way()))

    def changeable(self, node: Node) -> None:
        need(not any(one.is_protected or one.name == SNAPSHOTS for one in node.way()))

    def removable(self, user: str, node: Node) -> None:
        self.walk(user, node)
        need(node is not self.root and node.name != SNAPSHOTS)
        above = node.above
        need(node.opens_to(user) or (above is not None and above is not self.root and above.opens_to(user)))

    def put(self, user: str, parent: Node, name: str) -> Node:
        """The data object that a write makes or changes."""
        there = parent.below.get(name)
        if there is None:
            self.addable(user, parent, name)
            made = Node(ObjectKind.DATA_OBJECT, user, parent.shared, name=name, above=parent)
            parent.below[name] = made
            return made
        self.may(user, there)
        need(there.kind is ObjectKind.DATA_OBJECT)
        self.changeable(there)
        return there

    def make(self, user: str, parent: Node, name: str, kind: ObjectKind) -> Node:
        self.addable(user, parent, name)
        need(name not in parent.below)
        made = Node(kind, user, parent.shared, name=name, above=parent)
        parent.below[name] = made
        return made

    def remove(self, node: Node) -> None:
        if node.above is not None and node.name is not None:
            del node.above.below[node.name]
        else:
            self.loose.remove(node)


INDEX = st.integers(0, 30)
USER = st.sampled_from(["ada", "ada", "ada", "bob"])
NAME = st.sampled_from(["a", "b", "é", "Z"])
CONTENT = st.binary(max_size=20)


class Machine(RuleBasedStateMachine):
    """Does the same with both."""

    url: Callable[[Path], str]
    parent: Path

    def __init__(self) -> None:
        super().__init__()
        folder = self.parent / uuid.uuid4().hex
        folder.mkdir()
        database = Database(type(self).url(folder))
        migrate.upgrade(database)
        values = DirectoryStore(folder / "objects")
        self.space = Space(Objects(database, values, Audit(database, "test")), values)
        self.objects = self.space.objects
        self.objects.prepare()
        self.database = database
        self.model = Model()
        self.model.root.id = self.objects.root_id()

    def teardown(self) -> None:
        for node in [*self.model.root.below.values(), *self.model.loose]:
            if not any(one.is_kept for one in node.tree()):
                self.objects.remove(ADMIN, Place(id=node.id))
                self.model.remove(node)
        assert self.space.stored() == len(self._keys())
        self.database.close()

    def _keys(self) -> set[str]:
        held = [self.objects.rows.by_id(node.id) for node in self.model.every()]
        wholes = [one for top in held if top is not None for one in self.objects.rows.tree(top)]
        return {part.key for one in wholes for part in one.parts}

    # Choosing

    def any(self, index: int, *kinds: ObjectKind) -> Node:
        nodes = [node for node in self.model.every() if not kinds or node.kind in kinds]
        return nodes[index % len(nodes)] if nodes else self.model.root

    def place(self, node: Node, name: str | None = None, *, by_id: bool = False) -> Place:
        more = () if name is None else (name,)
        way = node.way()
        if by_id or way[0] is not self.model.root:
            return Place(more, node.id)
        return Place((*(str(one.name) for one in way[1:]), *more))

    def both(self, model: Callable[[], Any], real: Callable[[Caller], Any], user: str) -> Any:
        """Do it with both; what the real one gave, or None where it was refused."""
        try:
            model()
        except Refused:
            with pytest.raises(GatewayError):
                real(PEOPLE[user])
            return None
        return real(PEOPLE[user])

    # Doing

    @rule(user=USER, index=INDEX, name=NAME, kind=st.sampled_from(["container", "queue", "reference"]))
    def make(self, user: str, index: int, name: str, kind: str) -> None:
        parent, wanted = self.any(index, ObjectKind.CONTAINER), ObjectKind(kind)
        place = self.place(parent, name)
        makers: dict[ObjectKind, Callable[[Caller], Any]] = {
            ObjectKind.CONTAINER: lambda who: self.objects.make_container(who, place, {}),
            ObjectKind.QUEUE: lambda who: self.objects.make_queue(who, place, {}),
            ObjectKind.REFERENCE: lambda who: self.objects.make_reference(who, place, "/x"),
        }
        seen = self.both(lambda: self.model.make(user, parent, name, wanted), makers[wanted], user)
        if seen:
            parent.below[name].id = seen.object.id

    @rule(user=USER, index=INDEX, name=NAME, content=CONTENT, start=st.none() | st.integers(0, 25))
    def write(self, user: str, index: int, name: str, content: bytes, start: int | None) -> None:
        parent = self.any(index, ObjectKind.CONTAINER)

        def model() -> None:
            node = self.model.put(user, parent, name)
            if start is None:
                node.value = content
            elif content:
                node.value = node.value.ljust(start, b"\0")
                node.value = node.value[:start] + content + node.value[start + len(content) :]

        place = self.place(parent, name)
        seen = self.both(model, lambda who: self.objects.write(who, place, [content], {}, start=start), user)
        if seen:
            parent.below[name].id = parent.below[name].id or seen[0].object.id
            assert seen[0].object.id == parent.below[name].id

    @rule(user=USER, content=CONTENT)
    def write_without_a_path(self, user: str, content: bytes) -> None:
        seen, _ = self.objects.write(PEOPLE[user], Place(id=NEW), [content], {})
        self.model.loose.append(Node(ObjectKind.DATA_OBJECT, user, id=seen.object.id, value=content))

    @rule(user=USER, source=INDEX, index=INDEX, name=NAME, first=st.integers(0, 9), by_id=st.booleans())
    def copy_value(self, user: str, source: int, index: int, name: str, first: int, by_id: bool) -> None:
        from_ = self.any(source, ObjectKind.DATA_OBJECT, ObjectKind.QUEUE)
        parent = self.any(index, ObjectKind.CONTAINER)

        def model() -> None:
            self.model.may(user, from_)
            need(from_.kind in (ObjectKind.DATA_OBJECT, ObjectKind.QUEUE))
            value = (
                b"".join(from_.waiting.values()) if from_.kind is ObjectKind.QUEUE else from_.value[first:]
            )
            metadata = dict(from_.metadata)
            node = self.model.put(user, parent, name)
            node.value, node.metadata = value, metadata

        what = Source(self.place(from_, by_id=by_id), first=first)
        place = self.place(parent, name)
        seen = self.both(model, lambda who: self.objects.copy_value(who, place, what, {}), user)
        if seen:
            parent.below[name].id = seen[0].object.id

    @rule(user=USER, source=INDEX, index=INDEX, name=NAME)
    def copy_tree(self, user: str, source: int, index: int, name: str) -> None:
        from_ = self.any(source, ObjectKind.CONTAINER, ObjectKind.QUEUE)
        parent = self.any(index, ObjectKind.CONTAINER)

        def model() -> None:
            if from_ is not self.model.root:
                self.model.may(user, from_)
            self.model.addable(user, parent, name)
            need(name not in parent.below and len(self.model.every()) < 60)
            below = [node for node in self._copied(from_) if node is not from_]
            need(all(node.opens_to(user) for node in below))
            parent.below[name] = from_.like(parent, name, user)

        if len(self.model.every()) < 60:
            copy = self.objects.copy_queue if from_.kind is ObjectKind.QUEUE else self.objects.copy_container
            what, place = Source(self.place(from_)), self.place(parent, name)
            seen = self.both(model, lambda who: copy(who, place, what, {}), user)
            if seen:
                self._learn(parent.below[name], seen.object.id)

    def _copied(self, node: Node) -> Iterator[Node]:
        yield node
        for name, one in node.below.items():
            if name != SNAPSHOTS:
                yield from self._copied(one)

    def _learn(self, node: Node, id: str) -> None:
        """The new IDs of a copy: nobody has them, and none is of another."""
        known = {one.id for one in self.model.every()}
        assert id not in known
        node.id = id
        for name, one in node.below.items():
            held = self.objects.rows.by_id(id)
            assert held is not None
            child = self.objects.rows.child(held, name)
            assert child is not None
            self._learn(one, child.object.id)

    @rule(user=USER, source=INDEX, index=INDEX, name=NAME, by_id=st.booleans(), loose=st.integers(0, 5))
    def move(self, user: str, source: int, index: int, name: str, by_id: bool, loose: int) -> None:
        node, parent = self.any(source), self.any(index, ObjectKind.CONTAINER)
        to = Place(id=NEW) if loose == 0 else self.place(parent, name)
        from_ = self.place(node, by_id=by_id)

        def model() -> None:
            self.model.removable(user, node)
            self.model.changeable(node)
            if loose == 0:
                need(node.kind is not ObjectKind.CONTAINER)
                self.model.remove(node)
                node.above = node.name = None
                self.model.loose.append(node)
                return
            self.model.addable(user, parent, name)
            need(node not in parent.way())
            need(parent.below.get(name) in (None, node))
            self.model.remove(node)
            parent.below[name] = node
            node.above, node.name = parent, name

        self.both(model, lambda who: self.objects.move(who, to, from_, {}), user)

    @rule(user=USER, index=INDEX, by_id=st.booleans())
    def remove(self, user: str, index: int, by_id: bool) -> None:
        node = self.any(index)
        place = self.place(node, by_id=by_id)

        def model() -> None:
            self.model.removable(user, node)
            way = node.way()
            need(not any(one.name == SNAPSHOTS for one in way[:-2]))
            need(not any(one.is_kept for one in [*way, *node.tree()]))
            self.model.remove(node)

        self.both(model, lambda who: self.objects.remove(who, place), user)

    @rule(user=USER, index=INDEX, name=st.sampled_from(["s", "t"]))
    def snapshot(self, user: str, index: int, name: str) -> None:
        node = self.any(index, ObjectKind.CONTAINER)
        place = self.place(node)

        def model() -> None:
            self.model.may(user, node)
            need(not any(one.name == SNAPSHOTS for one in node.way()))
            image = node.like(node, name, None)
            above = node.below.get(SNAPSHOTS)
            if above is None:
                above = Node(ObjectKind.CONTAINER, node.owner, node.shared, name=SNAPSHOTS, above=node)
                node.below[SNAPSHOTS] = above
            image.above = above
            above.below[name] = image

        if len(self.model.every()) < 60:
            seen = self.both(model, lambda who: self.objects.snapshot(who, place, name), user)
            if seen:
                above = node.below[SNAPSHOTS]
                above.id = seen.object.parent
                self._learn(above.below[name], seen.object.id)

    @rule(user=USER, index=INDEX, contents=st.lists(CONTENT, max_size=3))
    def enqueue(self, user: str, index: int, contents: list[bytes]) -> None:
        node = self.any(index, ObjectKind.QUEUE)

        def model() -> None:
            self.model.may(user, node)
            need(node.kind is ObjectKind.QUEUE)
            self.model.changeable(node)
            for content in contents:
                node.waiting[node.next] = content
                node.next += 1

        items = [Item(content, "text/plain", Encoding.BASE64) for content in contents]
        self.both(model, lambda who: self.objects.queue_put(who, self.place(node), items), user)

    @rule(user=USER, index=INDEX, source=INDEX, number=st.integers(1, 3), moving=st.booleans())
    def pour(self, user: str, index: int, source: int, number: int, moving: bool) -> None:
        node = self.any(index, ObjectKind.QUEUE)
        from_ = self.any(source, ObjectKind.QUEUE, ObjectKind.DATA_OBJECT)

        def model() -> None:
            self.model.may(user, node)
            need(node.kind is ObjectKind.QUEUE)
            self.model.changeable(node)
            self.model.may(user, from_)
            need(from_ is not node and from_.kind in (ObjectKind.QUEUE, ObjectKind.DATA_OBJECT))
            if moving:
                self.model.changeable(from_)
            queued = list(from_.waiting)[:number]
            contents = (
                [from_.waiting[one] for one in queued] if from_.kind is ObjectKind.QUEUE else [from_.value]
            )
            for content in contents:
                node.waiting[node.next] = content
                node.next += 1
            if moving and from_.kind is ObjectKind.DATA_OBJECT:
                self.model.remove(from_)
            elif moving:
                for one in queued:
                    del from_.waiting[one]

        to, what = self.place(node), self.place(from_)
        self.both(model, lambda who: self.objects.queue_pour(who, to, what, number, moving=moving), user)

    @rule(user=USER, index=INDEX, number=st.integers(1, 4))
    def dequeue(self, user: str, index: int, number: int) -> None:
        node = self.any(index, ObjectKind.QUEUE)
        gone: list[int] = []

        def model() -> None:
            self.model.may(user, node)
            need(node.kind is ObjectKind.QUEUE)
            self.model.changeable(node)
            gone.extend(list(node.waiting)[:number])
            for one in gone:
                del node.waiting[one]

        def choose(first: int, last: int) -> tuple[int, int]:
            return first, min(last, first + number - 1)

        taken = self.both(model, lambda who: self.objects.queue_take(who, self.place(node), choose), user)
        assert (taken or 0) == len(gone)

    @rule(user=USER, index=INDEX, metadata=st.dictionaries(st.sampled_from("xyz"), NAME, max_size=2))
    def describe(self, user: str, index: int, metadata: dict[str, str]) -> None:
        node = self.any(index)
        if node is self.model.root:
            return  # everybody has some right to it
        need_change = node.metadata != metadata

        def model() -> None:
            need(node.kind is not ObjectKind.REFERENCE)
            self.model.may(user, node)
            if need_change or not any(one.is_protected for one in node.way()):
                self.model.changeable(node)
            need(not any(one.name == SNAPSHOTS for one in node.way()))
            node.metadata = dict(metadata)

        self.both(
            model,
            lambda who: self.objects.change(who, self.place(node), lambda _: {"metadata": metadata}),
            user,
        )

    @rule(user=USER, index=INDEX, other=st.sampled_from(["ada", "bob", ""]))
    def share(self, user: str, index: int, other: str) -> None:
        node = self.any(index)
        entries = [Ace(AceType.ALLOW, other, BOTH, acl.ALL_PERMS)] if other else []

        def model() -> None:
            need(node.kind is not ObjectKind.REFERENCE)
            self.model.may(user, node)
            held = self.objects.rows.by_id(node.id)
            if held is not None and held.object.acl == wish["acl"]:
                need(not any(one.name == SNAPSHOTS for one in node.way()))  # nothing is changed
            else:
                self.model.changeable(node)
            node.shared = frozenset({other} - {""})

        wish: Any = {"acl": (*acl.DEFAULT, *entries)}
        self.both(model, lambda who: self.objects.change(who, self.place(node), lambda _: wish), user)

    @rule(user=USER, index=INDEX, hold=st.none() | st.sampled_from("hi"), seldom=st.integers(0, 2))
    def protect(self, user: str, index: int, hold: str | None, seldom: int) -> None:
        """A hold, or a retention that is over; both forbid changes for ever."""
        node = self.any(index, ObjectKind.DATA_OBJECT, ObjectKind.QUEUE)
        if seldom:
            return

        def model() -> None:
            need(node.kind in (ObjectKind.DATA_OBJECT, ObjectKind.QUEUE))
            self.model.may(user, node)
            need(not any(one.name == SNAPSHOTS for one in node.way()))
            if hold is None:
                node.period = node.period or "over"
            else:
                node.holds.add(hold)

        def wish(thing: Any) -> Any:
            if hold is None:
                return {"system": {"cdmi_retention_period": PERIODS["over"], **thing.system}}
            return {
                "system": {
                    **thing.system,
                    "cdmi_hold_id": sorted({*thing.system.get("cdmi_hold_id", ()), hold}),
                }
            }

        self.both(model, lambda who: self.objects.change(who, self.place(node), wish), user)

    # Comparing

    @invariant()
    def they_agree(self) -> None:
        for node in [self.model.root, *self.model.loose]:
            self._compare(node)

    def _compare(self, node: Node) -> None:
        if node.kind is ObjectKind.REFERENCE:
            held = self.objects.rows.by_id(node.id)
            assert held is not None
            assert isinstance(held.object, Reference)
            return
        place = self.place(node)
        seen = self.objects.get(ADMIN, place)
        thing = seen.object
        if node is not self.model.root:
            assert (thing.id, thing.owner, thing.metadata) == (node.id, node.owner, node.metadata)
            assert {ace.who for ace in thing.acl} == {"OWNER@", *node.shared}
        by_id = self.objects.get(ADMIN, Place(id=node.id))
        assert (by_id.object.id, by_id.path) == (thing.id, seen.path)
        if node.kind is ObjectKind.CONTAINER:
            assert isinstance(thing, Container)
            names = [name for name, _ in self.objects.children(ADMIN, place, 0, 1000)]
            assert names == sorted(node.below, key=str.encode)
            for child in node.below.values():
                self._compare(child)
        elif node.kind is ObjectKind.DATA_OBJECT:
            assert isinstance(thing, DataObject)
            content = b"".join(self.objects.open(ADMIN, place).blocks())
            assert (content, thing.size) == (node.value, len(node.value))
        else:
            assert isinstance(thing, Queue)
            assert thing.next == node.next
            waiting = self.objects.queue_read(ADMIN, place, 1000)
            found = {one.designator: b"".join(one.value.blocks()) for one in waiting}
            assert list(found.items()) == list(node.waiting.items())
            ends = (min(node.waiting), max(node.waiting)) if node.waiting else None
            assert self.objects.queue_range(ADMIN, place) == ends


@pytest.mark.parametrize(("store", "examples"), [("sqlite", 45), ("postgresql", 10)])
def test_what_there_is_agrees_with_the_model_after_each_step(
    request: pytest.FixtureRequest, tmp_path: Path, store: str, examples: int
) -> None:
    class Here(Machine):
        parent = tmp_path

        @staticmethod
        def url(folder: Path) -> str:
            if store == "sqlite":
                return f"sqlite:///{folder / 'store.db'}"
            return str(request.getfixturevalue("postgres").new_database())

    run_state_machine_as_test(
        Here, settings=settings(max_examples=examples, stateful_step_count=30, deadline=None)
    )
