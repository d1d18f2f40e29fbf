"""Computes: machines that are rows. Their links are read with them, in a fixed number of statements."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from backends.base import ComputeCollection
from gateway.model import (
    COMPUTE_ACTIONS,
    COMPUTE_TRANSITIONS,
    GIB,
    Compute,
    ComputeChanges,
    ComputeSpec,
    ComputeState,
    Image,
    ImageSpec,
    InvalidRequest,
    Measure,
    NotFound,
    Sample,
    Unsupported,
    is_idle,
    next_state,
    shorten,
)

from . import capacity, links, measures
from .database import Connection
from .images import Images
from .nouns import Site, Vanishing, one
from .rows import (
    ATTACHMENT_COLUMNS,
    COMPUTE_COLUMNS,
    INTERFACE_COLUMNS,
    Row,
    by_first,
    compute,
    dumped,
    dumped_keys,
    dumped_tags,
    lasting,
    settled,
)
from .values import CORES, MEMORY, METHODS, checked_parameters, checked_share, checked_speed, hostname, within

USER_DATA_LIMIT = 1 << 20

_ATTACHMENTS = f"SELECT {ATTACHMENT_COLUMNS} FROM attachments"
_INTERFACES = f"SELECT {INTERFACE_COLUMNS} FROM interfaces"
_OF_ONE = "WHERE compute = ? ORDER BY number"
_OF_SOME = "WHERE compute IN (SELECT value FROM json_each(?)) ORDER BY number"
_ATTACHMENTS_OF_ONE, _INTERFACES_OF_ONE = f"{_ATTACHMENTS} {_OF_ONE}", f"{_INTERFACES} {_OF_ONE}"
_ATTACHMENTS_OF_SOME, _INTERFACES_OF_SOME = f"{_ATTACHMENTS} {_OF_SOME}", f"{_INTERFACES} {_OF_SOME}"
_ATTACHMENTS_OF_ALL = f"{_ATTACHMENTS} ORDER BY number"
_INTERFACES_OF_ALL = f"{_INTERFACES} ORDER BY number"

_INSERT = (
    "INSERT INTO computes (id, token, title, summary, state, target, due, state_message, architecture, cores,"
    " memory, disk, speed, share, hostname, instance_type, image, created, started, ran, running_since,"
    " user_data, public_keys, security_groups, tags)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)"
)
_STATE = "SELECT state, target, due, ran, running_since, gone FROM computes WHERE id = ?"

#: A row of ``computes`` with those of its attachments and interfaces.
_Rows = tuple[Row, list[Row], list[Row]]

_CHANGEABLE = frozenset(ComputeChanges.__optional_keys__)


class Computes(Vanishing[Compute, ComputeSpec, ComputeChanges], ComputeCollection):
    table: ClassVar[str] = "computes"
    columns: ClassVar[str] = COMPUTE_COLUMNS

    def __init__(self, site: Site, images: Images) -> None:
        super().__init__(site)
        self._images = images

    def get(self, id: str) -> Compute:
        if self._site.injector:
            self._fail("get", id=id)
        found = self._site.database.memory.recall(("compute", id), lambda: self._read(id))
        return found if isinstance(found, Compute) else _at(id, found, self._site.clock())

    def _read(self, id: str) -> Compute | _Rows | None:
        """The machine where only a write changes it, else the rows that it is made of at a time."""
        with self._site.database.read() as connection:
            rows = self._rows(connection, id)
        now = self._site.clock()
        return _at(id, rows, now) if rows is not None and lasting(rows[0], now) else rows

    def _load(self, connection: Connection, id: str, now: float) -> Compute:
        return _at(id, self._rows(connection, id), now)

    def _rows(self, connection: Connection, id: str) -> _Rows | None:
        row = one(connection, self._one, id)
        if row is None:
            return None
        attachments = connection.execute(_ATTACHMENTS_OF_ONE, (id,)).fetchall()
        interfaces = connection.execute(_INTERFACES_OF_ONE, (id,)).fetchall()
        return row, attachments, interfaces

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[Compute]:
        if ids is None:
            attachments = connection.execute(_ATTACHMENTS_OF_ALL)
            interfaces = connection.execute(_INTERFACES_OF_ALL)
        else:
            attachments = connection.execute(_ATTACHMENTS_OF_SOME, (ids,))
            interfaces = connection.execute(_INTERFACES_OF_SOME, (ids,))
        disks, cards = by_first(attachments.fetchall()), by_first(interfaces.fetchall())
        return [compute(row, disks.get(row[1], []), cards.get(row[1], []), now) for row in rows]

    def create(self, spec: ComputeSpec) -> Compute:
        message = self._fail("create", title=spec.title)
        now = self._site.clock()
        with self._site.database.write() as connection:
            known = self._made(connection, spec.token, now)
            if known is not None:
                return known
            self._purge(connection, now)
            id = self._insert(connection, spec, now, message)
            for attachment in spec.attachments:
                links.attach(connection, self._site.options, id, attachment, now)
            for interface in spec.interfaces:
                links.connect(connection, self._site.options, id, interface)
            if not spec.interfaces and self._site.options.default_network:
                links.connect_default(connection, self._site.options, id)
            return self._load(connection, id, now)

    def _insert(self, connection: Connection, spec: ComputeSpec, now: float, message: str | None) -> str:
        if spec.image is not None:
            self._images.usable(connection, spec.image, now)
        if spec.user_data is not None and len(spec.user_data) > USER_DATA_LIMIT:
            raise InvalidRequest(
                f"user data of {len(spec.user_data)} bytes is longer than {USER_DATA_LIMIT}",
                field="user_data",
            )
        cores, memory, disk = self._shape(spec.instance_type, spec.cores, spec.memory)
        capacity.check(connection, self._site.options.capacity, now, cores=cores, memory=memory, disk=disk)
        _groups_exist(connection, spec.security_groups)
        id = str(uuid.uuid4())
        end = ComputeState.RUNNING if spec.start else ComputeState.STOPPED
        if message is not None:
            end = ComputeState.ERROR
        delay = self._site.options.delay
        running = now + delay if end is ComputeState.RUNNING else None
        connection.execute(
            _INSERT,
            (
                id,
                spec.token or None,
                spec.title,
                spec.summary,
                ComputeState.PENDING.value if delay else end.value,
                end.value if delay else None,
                now + delay if delay else None,
                message,
                spec.architecture or "x64",
                cores,
                memory,
                disk,
                checked_speed(spec.speed),
                checked_share(spec.share),
                hostname(spec.hostname, spec.title, id),
                spec.instance_type,
                spec.image,
                now,
                running,
                running,
                spec.user_data,
                dumped_keys(spec.public_keys),
                dumped(list(spec.security_groups)),
                dumped_tags(spec.tags),
            ),
        )
        return id

    def _shape(self, type_id: str | None, cores: int | None, memory: int | None) -> tuple[int, int, int]:
        """Cores, memory and disk: of the instance type, else as asked for, else one core and 1 GiB.

        A type that is not known here is a name that somebody else gave to cores and memory.
        """
        kind = self._site.options.instance_types.get(type_id or "")
        if kind is not None:
            return kind.cores, kind.memory, kind.disk
        if type_id is not None and (cores is None or memory is None):
            raise NotFound.of("instance type", type_id)
        return (
            within("cores", 1 if cores is None else cores, CORES),
            within("memory", GIB if memory is None else memory, MEMORY),
            0,
        )

    def update(self, id: str, changes: ComputeChanges) -> Compute:
        self._fail("update", id=id)
        self._known(changes, _CHANGEABLE)
        now = self._site.clock()
        with self._site.database.write() as connection:
            present = self._load(connection, id, now)
            if present.state is ComputeState.DELETING:
                next_state(COMPUTE_ACTIONS, present.state, "update", f"compute {id}")
            columns = self._plain_columns(connection, present, changes)
            columns |= self._size_columns(connection, present, changes, now)
            self._change(connection, id, columns)
            return self._load(connection, id, now)

    def _plain_columns(
        self, connection: Connection, present: Compute, changes: ComputeChanges
    ) -> dict[str, Any]:
        columns: dict[str, Any] = {name: changes[name] for name in ("title", "summary") if name in changes}
        if "architecture" in changes:
            columns["architecture"] = changes["architecture"] or "x64"
        if "speed" in changes:
            columns["speed"] = checked_speed(changes["speed"])
        if "share" in changes:
            columns["share"] = checked_share(changes["share"])
        if "hostname" in changes:
            columns["hostname"] = hostname(
                changes["hostname"], changes.get("title", present.title), present.id
            )
        if "public_keys" in changes:
            columns["public_keys"] = dumped_keys(changes["public_keys"])
        if "security_groups" in changes:
            _groups_exist(connection, changes["security_groups"])
            columns["security_groups"] = dumped(list(changes["security_groups"]))
        if "tags" in changes:
            columns["tags"] = dumped_tags(changes["tags"])
        return columns

    def _size_columns(
        self, connection: Connection, present: Compute, changes: ComputeChanges, now: float
    ) -> dict[str, Any]:
        """What a change of size changes. An instance type wins over numbers; other numbers end the type."""
        if not changes.keys() & {"cores", "memory", "instance_type"}:
            return {}
        (old_disk,) = connection.execute("SELECT disk FROM computes WHERE id = ?", (present.id,)).fetchone()
        kind, disk = changes.get("instance_type", present.instance_type), old_disk
        if kind is not None and "instance_type" in changes:
            cores, memory, disk = self._shape(kind, changes.get("cores"), changes.get("memory"))
        else:
            cores = within("cores", changes.get("cores", present.cores), CORES)
            memory = within("memory", changes.get("memory", present.memory), MEMORY)
            if (cores, memory) != (present.cores, present.memory):
                kind = None
        capacity.check(
            connection,
            self._site.options.capacity,
            now,
            cores=cores - present.cores,
            memory=memory - present.memory,
            disk=disk - old_disk,
        )
        return {"cores": cores, "memory": memory, "disk": disk, "instance_type": kind}

    def act(self, id: str, action: str, parameters: Mapping[str, Any] | None = None) -> Compute:
        message = self._fail(f"act:{action}", id=id)
        if action not in METHODS:
            hint = "; call save instead" if action == "save" else ""
            raise Unsupported(f"compute: no action {shorten(action)}{hint}; known are: {', '.join(METHODS)}")
        checked_parameters(action, parameters)
        now = self._site.clock()
        with self._site.database.write() as connection:
            self._act(connection, id, action, message, now)
            return self._load(connection, id, now)

    def _act(self, connection: Connection, id: str, action: str, message: str | None, now: float) -> None:
        stored, target, due, ran, since, gone = self._stored_state(connection, id, now)
        state = ComputeState.DELETING if gone else ComputeState(settled(stored, target, due, now))
        end = next_state(COMPUTE_ACTIONS, state, action, f"compute {id}")
        if is_idle(COMPUTE_ACTIONS, state, action):
            return
        moving = target is not None and state == stored and due is not None and due > now
        if moving and target == end:
            return
        if message is not None and end is ComputeState.RUNNING:
            end = ComputeState.ERROR
        delay = self._site.options.delay
        reached = due if moving else now + delay
        if since is not None and end is not ComputeState.RUNNING:
            ran, since = ran + max(0.0, now - since), None
        if end is ComputeState.RUNNING and since is None:
            since = reached
        on_its_way = reached > now
        passing = state if moving else COMPUTE_TRANSITIONS[action]
        columns = {
            "state": passing.value if on_its_way else end.value,
            "target": end.value if on_its_way else None,
            "due": reached if on_its_way else None,
            "state_message": message,
            "ran": ran,
            "running_since": since,
        }
        if end is ComputeState.RUNNING:
            columns["started"] = reached
        self._change(connection, id, columns)

    def _stored_state(self, connection: Connection, id: str, now: float) -> Row:
        try:
            row: Row | None = connection.execute(_STATE, (id,)).fetchone()
        except UnicodeEncodeError:
            row = None
        if row is None or (row[5] is not None and row[5] <= now):
            raise NotFound.of(self.noun, id)
        return row

    def delete(self, id: str) -> None:
        self._fail("delete", id=id)
        now = self._site.clock()
        with self._site.database.write() as connection:
            gone = self._stored_state(connection, id, now)[5]
            if gone is not None:
                return
            links.detach_all(connection, id)
            links.disconnect_all(connection, id)
            connection.execute("DELETE FROM port_mappings WHERE compute = ?", (id,))
            self._let_go(connection, id, ComputeState.DELETING.value, now)

    def save(self, id: str, name: str | None = None, *, token: str = "") -> Image:
        message = self._fail("save", id=id)
        now = self._site.clock()
        with self._site.database.write() as connection:
            known = self._images.made(connection, token, now)
            if known is not None:
                return known
            present = self._load(connection, id, now)
            next_state(COMPUTE_ACTIONS, present.state, "save", f"compute {id}")
            spec = ImageSpec(
                title=name or f"{present.title or present.hostname} saved",
                compute=id,
                architecture=present.architecture,
                token=token,
            )
            return self._images.insert(connection, spec, now, message)

    def measures(self, id: str) -> Sequence[Measure]:
        self.get(id)
        return measures.MEASURES

    def samples(self, id: str) -> Sequence[Sample]:
        now = self._site.clock()
        with self._site.database.read() as connection:
            present = self._load(connection, id, now)
            row = self._stored_state(connection, id, now)
        return measures.samples(present, ran=row[3], since=row[4], now=now)


def _at(id: str, rows: _Rows | None, now: float) -> Compute:
    """The machine as it is at ``now``. Raises NotFound, also for one that has vanished by then."""
    if rows is None or (rows[0][-1] is not None and rows[0][-1] <= now):
        raise NotFound.of("compute", id)
    return compute(*rows, now)


def _groups_exist(connection: Connection, groups: Sequence[str]) -> None:
    for group in groups:
        if connection.execute("SELECT 1 FROM security_groups WHERE id = ?", (group,)).fetchone() is None:
            raise NotFound.of("security group", group)
