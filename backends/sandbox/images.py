"""Images and instance types: the configured ones, and images that were saved or registered."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection as Identifiers
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from backends.base import Collection
from gateway.model import (
    GIB,
    Conflict,
    Image,
    ImageSpec,
    ImageState,
    InstanceType,
    InvalidRequest,
    NotFound,
    Origin,
    TitleChanges,
    Unsupported,
)

from . import capacity
from .database import Connection
from .nouns import Stored
from .options import Options
from .rows import Row, dumped, dumped_tags, mapping, moment, settled

TITLE = frozenset({"title"})

_INSERT = (
    "INSERT INTO images (id, token, title, summary, state, target, due, state_message, size, architecture,"
    " origin, compute, created, tags) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Images(Stored[Image, ImageSpec, TitleChanges]):
    """Configured images come first and can be neither changed nor deleted here."""

    noun = "image"
    table: ClassVar[str] = "images"
    columns: ClassVar[str] = (
        "id, title, summary, state, target, due, state_message, size, architecture, origin, compute,"
        " created, tags"
    )

    def list(self, ids: Identifiers[str] | None = None) -> Sequence[Image]:
        return [*self._configured(ids), *super().list(ids)]

    def ids(self, ids: Identifiers[str] | None = None) -> Sequence[str]:
        return [*(image.id for image in self._configured(ids)), *super().ids(ids)]

    def _configured(self, ids: Identifiers[str] | None) -> Sequence[Image]:
        known = self._site.options.images
        wanted = known if ids is None else set(ids)
        return [image for id, image in known.items() if id in wanted]

    def _load(self, connection: Connection, id: str, now: float) -> Image:
        return self._site.options.images.get(id) or super()._load(connection, id, now)

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[Image]:
        return [_image(row, now) for row in rows]

    def create(self, spec: ImageSpec) -> Image:
        message = self._fail("create", title=spec.title)
        now = self._site.clock()
        with self._site.database.write() as connection:
            return self.made(connection, spec.token, now) or self.insert(connection, spec, now, message)

    def made(self, connection: Connection, token: str, now: float) -> Image | None:
        return self._made(connection, token, now)

    def insert(self, connection: Connection, spec: ImageSpec, now: float, message: str | None) -> Image:
        """Raises NotFound (the compute), InvalidRequest (size), QuotaExceeded."""
        size = self._size(connection, spec, now)
        capacity.check(connection, self._site.options.capacity, now, disk=size)
        delay = self._site.options.delay
        end = ImageState.READY if message is None else ImageState.ERROR
        id = str(uuid.uuid4())
        connection.execute(
            _INSERT,
            (
                id,
                spec.token or None,
                spec.title,
                spec.summary,
                (ImageState.SAVING if delay else end).value,
                end.value if delay else None,
                now + delay if delay else None,
                message,
                size,
                spec.architecture or "x64",
                dumped(_origin_fields(spec.origin)),
                spec.compute,
                now,
                dumped_tags(spec.tags),
            ),
        )
        return self._load(connection, id, now)

    def _size(self, connection: Connection, spec: ImageSpec, now: float) -> int:
        """The size of the spec, else that of the compute's disk."""
        if spec.size is not None:
            if not 0 <= spec.size <= 1 << 50:
                raise InvalidRequest(f"size {spec.size} is not in 0 to {1 << 50}", field="size")
            return spec.size
        if spec.compute is None:
            raise InvalidRequest("an image is made of a compute, or has a size", field="size")
        row = connection.execute(
            "SELECT disk, image FROM computes WHERE id = ? AND (gone IS NULL OR gone > ?)",
            (spec.compute, now),
        ).fetchone()
        if row is None:
            raise NotFound.of("compute", spec.compute)
        disk, image = row
        known = self._site.options.images.get(image)
        return int(disk) or (known.size if known else GIB)

    def usable(self, connection: Connection, id: str, now: float) -> Image:
        """Raises NotFound, and Conflict for an image that is not ready."""
        image = self._load(connection, id, now)
        if image.state is not ImageState.READY:
            raise Conflict(f"image {id} is {image.state}: nothing can be made of it")
        return image

    def update(self, id: str, changes: TitleChanges) -> Image:
        self._fail("update", id=id)
        self._known(changes, TITLE)
        self._own(id, "change")
        with self._site.database.write() as connection:
            now = self._site.clock()
            self._load(connection, id, now)
            self._change(connection, id, dict(changes))
            return self._load(connection, id, now)

    def delete(self, id: str) -> None:
        self._fail("delete", id=id)
        self._own(id, "delete")
        with self._site.database.write() as connection:
            self._load(connection, id, self._site.clock())
            connection.execute("DELETE FROM images WHERE id = ?", (id,))

    def _own(self, id: str, verb: str) -> None:
        if id in self._site.options.images:
            raise Unsupported(f"image {id} is configured: {verb} it in option images")


def _origin_fields(origin: Origin | None) -> list[str | None] | None:
    if origin is None:
        return None
    return [origin.identifier, origin.checksum, origin.endorser, origin.location]


def _image(row: Row, now: float) -> Image:
    (id, title, summary, state, target, due, message, size, architecture, origin, compute, created, tags) = (
        row
    )
    shown = ImageState(settled(state, target, due, now))
    return Image(
        id,
        title,
        summary,
        shown,
        message if shown is ImageState.ERROR else None,
        size,
        architecture,
        Origin(*json.loads(origin)) if origin else None,
        moment(created),
        compute,
        mapping(tags),
    )


class InstanceTypes(Collection[InstanceType, InstanceType, TitleChanges]):
    """The configured sizes; they change in the configuration only."""

    noun = "instance type"

    def __init__(self, options: Options) -> None:
        self._known: Mapping[str, Any] = options.instance_types

    def list(self, ids: Identifiers[str] | None = None) -> Sequence[InstanceType]:
        wanted = self._known if ids is None else set(ids)
        return [kind for id, kind in self._known.items() if id in wanted]

    def get(self, id: str) -> InstanceType:
        try:
            kind: InstanceType = self._known[id]
        except KeyError:
            raise NotFound.of(self.noun, id) from None
        return kind
