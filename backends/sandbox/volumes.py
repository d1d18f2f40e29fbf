"""Volumes and snapshots: disks that are numbers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from backends.base import VolumeCollection
from gateway.model import (
    VOLUME_ACTIONS,
    VOLUME_TRANSITIONS,
    Conflict,
    ImageState,
    InvalidRequest,
    InvalidState,
    NotFound,
    Snapshot,
    SnapshotSpec,
    TitleChanges,
    Unsupported,
    Volume,
    VolumeChanges,
    VolumeSpec,
    VolumeState,
    is_idle,
    next_state,
    shorten,
)

from . import capacity
from .database import Connection
from .images import TITLE, Images
from .nouns import Plain, Site, Vanishing
from .rows import ATTACHMENT_COLUMNS, VOLUME_COLUMNS, Row, by_first, dumped_tags, moment, settled, volume
from .values import DISK, within

ACTIONS = ("online", "offline", "backup", "snapshot", "resize")

_INSERT = (
    "INSERT INTO volumes (id, token, title, summary, state, target, due, state_message, size, created, image,"
    " snapshot, tags) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_LINKS = f"SELECT volume, {ATTACHMENT_COLUMNS} FROM attachments"
_CHANGEABLE = frozenset(VolumeChanges.__optional_keys__)


class Volumes(Vanishing[Volume, VolumeSpec, VolumeChanges], VolumeCollection):
    table: ClassVar[str] = "volumes"
    columns: ClassVar[str] = VOLUME_COLUMNS

    def __init__(self, site: Site, images: Images) -> None:
        super().__init__(site)
        self._images = images

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[Volume]:
        if ids is None:
            links = connection.execute(_LINKS)
        else:
            links = connection.execute(f"{_LINKS} WHERE volume IN (SELECT value FROM json_each(?))", (ids,))
        found = {key: [link[1:] for link in group] for key, group in by_first(links.fetchall()).items()}
        return [volume(row, found.get(row[0], []), now) for row in rows]

    def create(self, spec: VolumeSpec) -> Volume:
        message = self._fail("create", title=spec.title)
        now = self._site.clock()
        with self._site.database.write() as connection:
            known = self._made(connection, spec.token, now)
            if known is not None:
                return known
            self._purge(connection, now)
            self._check(connection, spec, now)
            return self._load(connection, self._insert(connection, spec, now, message), now)

    def _check(self, connection: Connection, spec: VolumeSpec, now: float) -> None:
        size = within("size", spec.size, DISK)
        if spec.image is not None and spec.snapshot is not None:
            raise InvalidRequest(
                "a volume is made of an image or of a snapshot, not of both", field="snapshot"
            )
        if spec.image is not None:
            _fits(size, self._images.usable(connection, spec.image, now).size, f"image {spec.image}")
        if spec.snapshot is not None:
            row = connection.execute(
                "SELECT size, state, target, due FROM snapshots WHERE id = ?", (spec.snapshot,)
            ).fetchone()
            if row is None:
                raise NotFound.of("snapshot", spec.snapshot)
            size_then, state, target, due = row
            if settled(state, target, due, now) != ImageState.READY:
                raise Conflict(f"snapshot {spec.snapshot} is not ready: nothing can be made of it")
            _fits(size, size_then, f"snapshot {spec.snapshot}")
        capacity.check(connection, self._site.options.capacity, now, disk=size)

    def _insert(self, connection: Connection, spec: VolumeSpec, now: float, message: str | None) -> str:
        id = str(uuid.uuid4())
        delay = self._site.options.delay
        end = VolumeState.ONLINE if message is None else VolumeState.ERROR
        connection.execute(
            _INSERT,
            (
                id,
                spec.token or None,
                spec.title,
                spec.summary,
                (VolumeState.CREATING if delay else end).value,
                end.value if delay else None,
                now + delay if delay else None,
                message,
                spec.size,
                now,
                spec.image,
                spec.snapshot,
                dumped_tags(spec.tags),
            ),
        )
        return id

    def update(self, id: str, changes: VolumeChanges) -> Volume:
        self._fail("update", id=id)
        self._known(changes, _CHANGEABLE)
        now = self._site.clock()
        with self._site.database.write() as connection:
            present = self._load(connection, id, now)
            if present.state is VolumeState.DELETING:
                raise InvalidState(f"volume {id} is deleting: cannot change it")
            columns: dict[str, Any] = {}
            if "title" in changes:
                columns["title"] = changes["title"]
            if "summary" in changes:
                columns["summary"] = changes["summary"]
            if "tags" in changes:
                columns["tags"] = dumped_tags(changes["tags"])
            if "size" in changes and changes["size"] != present.size:
                columns |= self._grown(connection, present, changes["size"], now)
            self._change(connection, id, columns)
            return self._load(connection, id, now)

    def _grown(self, connection: Connection, present: Volume, size: int, now: float) -> dict[str, Any]:
        """What a new size changes. Raises InvalidRequest for a smaller one."""
        within("size", size, DISK)
        end = next_state(VOLUME_ACTIONS, present.state, "resize", f"volume {present.id}")
        if size < present.size:
            raise InvalidRequest(
                f"size {size} of volume {present.id} is below {present.size}: a volume only grows",
                field="size",
            )
        capacity.check(connection, self._site.options.capacity, now, disk=size - present.size)
        return {"size": size, **self._passing("resize", end, now)}

    def _passing(self, action: str, end: VolumeState, now: float) -> dict[str, Any]:
        """The columns of a state that is reached after the delay, through the state of the action."""
        delay = self._site.options.delay
        if not delay or action not in VOLUME_TRANSITIONS:
            return {"state": end.value, "target": None, "due": None}
        return {"state": VOLUME_TRANSITIONS[action].value, "target": end.value, "due": now + delay}

    def act(self, id: str, action: str, parameters: Mapping[str, Any] | None = None) -> Volume:
        self._fail(f"act:{action}", id=id)
        if action not in ACTIONS:
            raise Unsupported(f"volume: no action {shorten(action)}; known are: {', '.join(ACTIONS)}")
        given = dict(parameters or {})
        size = given.pop("size", None) if action == "resize" else None
        for name in given:
            raise InvalidRequest(f"{action} has no parameter {shorten(name)}", field=shorten(name))
        if action == "resize" and size is None:
            raise InvalidRequest("resize needs parameter size, in bytes", field="size")
        now = self._site.clock()
        with self._site.database.write() as connection:
            present = self._load(connection, id, now)
            end = next_state(VOLUME_ACTIONS, present.state, action, f"volume {id}")
            if is_idle(VOLUME_ACTIONS, present.state, action):
                return present
            if size is not None:
                self._change(connection, id, self._grown(connection, present, size, now))
            else:
                self._change(connection, id, self._passing(action, end, now))
            if action == "snapshot":
                spec = SnapshotSpec(id, title=f"{present.title or id} snapshot")
                insert_snapshot(connection, self._site, spec, present.size, now)
            return self._load(connection, id, now)

    def snapshot_size(self, connection: Connection, id: str, now: float) -> int:
        """The size of a snapshot of the volume. Raises NotFound, Conflict (the volume is not ready)."""
        present = self._load(connection, id, now)
        if "snapshot" not in VOLUME_ACTIONS[present.state]:
            raise Conflict(f"volume {id} is {present.state}: cannot take a snapshot now")
        return present.size

    def delete(self, id: str) -> None:
        self._fail("delete", id=id)
        now = self._site.clock()
        with self._site.database.write() as connection:
            present = self._load(connection, id, now)
            if present.attachments:
                holder = present.attachments[0].compute
                raise InvalidState(f"volume {id} is attached to compute {holder}; detach it first")
            if present.state is VolumeState.DELETING:
                return
            self._let_go(connection, id, VolumeState.DELETING.value, now)


def _fits(size: int, needed: int, what: str) -> None:
    if size < needed:
        raise InvalidRequest(f"size {size} is below the {needed} bytes of {what}", field="size")


def insert_snapshot(connection: Connection, site: Site, spec: SnapshotSpec, size: int, now: float) -> str:
    capacity.check(connection, site.options.capacity, now, disk=size)
    id, delay = str(uuid.uuid4()), site.options.delay
    connection.execute(
        "INSERT INTO snapshots (id, token, title, volume, size, created, state, target, due)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            id,
            spec.token or None,
            spec.title,
            spec.volume,
            size,
            now,
            (ImageState.SAVING if delay else ImageState.READY).value,
            ImageState.READY.value if delay else None,
            now + delay if delay else None,
        ),
    )
    return id


class Snapshots(Plain[Snapshot, SnapshotSpec, TitleChanges]):
    """They outlive their volume."""

    noun = "snapshot"
    table: ClassVar[str] = "snapshots"
    columns: ClassVar[str] = "id, title, volume, size, created, state, target, due"
    changeable = TITLE

    def __init__(self, site: Site, volumes: Volumes) -> None:
        super().__init__(site)
        self._volumes = volumes

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[Snapshot]:
        return [
            Snapshot(id, title, volume, size, moment(created), ImageState(settled(state, target, due, now)))
            for id, title, volume, size, created, state, target, due in rows
        ]

    def _insert(self, connection: Connection, spec: SnapshotSpec, now: float) -> str:
        size = self._volumes.snapshot_size(connection, spec.volume, now)
        return insert_snapshot(connection, self._site, spec, size, now)
