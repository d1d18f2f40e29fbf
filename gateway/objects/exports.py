"""Containers as disks of machines: the export ``OCCI/iSCSI`` of CDMI 13 is a volume of the same gateway.

What is exported is a volume of the container's assigned size; whom it is exported to are the machines that
the volume is attached to. Nothing of that is remembered twice: the container's row has the volume's
identifier, and the back end has the attachments. So a link made or removed through any front end shows at
once, and a volume or a machine that is gone leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from gateway.identity import GATEWAY, Caller
from gateway.model import (
    AceMask,
    Attachment,
    AttachmentSpec,
    Compute,
    Conflict,
    Container,
    Forbidden,
    GatewayError,
    InvalidRequest,
    NotFound,
    StoredObject,
    Unsupported,
    Volume,
    VolumeSpec,
    Wish,
)
from gateway.objects.names import Place, Seen
from gateway.objects.ways import Ways, effective, require, require_changeable
from gateway.objects.writing import Writer
from gateway.policy.system import ASSIGNED_SIZE
from gateway.store.object_rows import Held

if TYPE_CHECKING:
    from gateway.cloud import Cloud

#: What a volume is attached by; file systems are not exported.
PROTOCOLS = ("OCCI/iSCSI",)

_OWN = Caller(GATEWAY)


class Exports:
    """The exports of all containers."""

    def __init__(self, cloud: Cloud, writer: Writer, ways: Ways) -> None:
        self._cloud, self._writer, self._ways, self._rows = cloud, writer, ways, writer.rows

    @property
    def offered(self) -> bool:
        """Whether there are machines with disks."""
        return self._cloud.has(Volume)

    def of(self, container: Container) -> Mapping[str, Sequence[str]]:
        """Protocol -> identifiers of the machines that the container is exported to."""
        found = {}
        for protocol, export in container.exports.items():
            volume = self._volume(export["volume"])
            if volume is not None:
                found[protocol] = [attachment.compute for attachment in volume.attachments]
        return found

    def _volume(self, id: str) -> Volume | None:
        try:
            return self._cloud.get(_OWN, Volume, id).resource
        except NotFound:
            return None

    def volume_of(self, caller: Caller, place: Place) -> str:
        """The volume that a container is exported as. Raises NotFound where it is not."""
        thing = self._ways.walk(caller, place)[-1].object
        for export in (thing.exports if isinstance(thing, Container) else {}).values():
            return str(export["volume"])
        raise NotFound(f"{place} is not exported to machines")

    def set(
        self,
        caller: Caller,
        place: Place,
        wanted: Mapping[str, Sequence[str] | None],
        decide: Callable[[StoredObject], Wish] = lambda _: {},
    ) -> Seen:
        """Export a container by these protocols only, each to these machines (None: to those that it is).

        ``decide`` says what else is wished of it; that comes true with the exports or not at all.

        Raises InvalidRequest (size, machine), Unsupported (protocol), Conflict (an export that goes is in
        use), and what making volumes and links raises.
        """
        way = self._ways.walk(caller, place)
        require(caller, way[-1], AceMask.WRITE_ATTRIBUTES, place)
        require_changeable(way, place)
        thing = way[-1].object
        if not isinstance(thing, Container):
            raise Conflict(f"{place} is no container")
        self._require_possible(caller, wanted)
        last = self._writer.wished(caller, way, place, {**decide(thing), "exports": {}})
        way = [*way[:-1], last]
        present = {
            name: one for name, one in thing.exports.items() if self._volume(one["volume"]) is not None
        }
        for protocol in present.keys() - wanted.keys():
            self._release(caller, present[protocol]["volume"], place)
        exports = {}
        for protocol, computes in wanted.items():
            volume = present[protocol]["volume"] if protocol in present else None
            made = volume is None
            if volume is None:
                volume = self._make(caller, way, protocol)
            try:
                if computes is not None:
                    self._attach(caller, volume, computes)
            except BaseException:
                if made:
                    with suppress(GatewayError):  # the first error is the one to tell
                        self._cloud.delete(_OWN, Volume, volume)
                raise
            exports[protocol] = {"volume": volume}
        return self._writer.change(caller, place, lambda now: {**decide(now), "exports": exports})

    def _require_possible(self, caller: Caller, wanted: Mapping[str, Sequence[str] | None]) -> None:
        for protocol, computes in wanted.items():
            if protocol not in PROTOCOLS or not self.offered:
                raise Unsupported(f"exports: {protocol[:80]} is not offered here")
            for id in computes or ():
                try:
                    self._cloud.get(caller, Compute, id)
                except (NotFound, Forbidden):
                    raise InvalidRequest(f"exports: no machine {id[:80]}", field="exports") from None

    def _make(self, caller: Caller, way: Sequence[Held], protocol: str) -> str:
        """The volume of a container that had none."""
        thing = way[-1].object
        size = int(effective(way).get(ASSIGNED_SIZE, 0))
        if not size:
            raise InvalidRequest(f"exports: {ASSIGNED_SIZE} of the container says how large", field="exports")
        title = (thing.name or "root")[:255]
        spec = VolumeSpec(size=size, title=title, summary=f"CDMI container {thing.id}")
        # Asked again after a crash it is the same volume.
        key = f"export {protocol} {thing.id}"
        return self._cloud.create(caller, Volume, spec, idempotency_key=key).resource.id

    def _attach(self, caller: Caller, volume: str, computes: Sequence[str]) -> None:
        """Make and remove links until the volume is attached to these machines; on an error as it was."""
        present = {one.compute: one.id for one in self._cloud.get(_OWN, Volume, volume).resource.attachments}
        made: list[str] = []
        try:
            for id in dict.fromkeys(computes):
                if id not in present:
                    spec = AttachmentSpec(volume=volume, compute=id)
                    made.append(self._cloud.create(caller, Attachment, spec).resource.id)
        except BaseException:
            for link in made:
                with suppress(GatewayError):  # the first error is the one to tell
                    self._cloud.delete(_OWN, Attachment, link)
            raise
        for compute, link in present.items():
            if compute not in computes:
                self._cloud.delete(caller, Attachment, link)

    def _release(self, caller: Caller, volume: str, place: Place) -> None:
        """Remove the volume of an export. Raises Conflict where a machine uses it."""
        found = self._volume(volume)
        if found is not None:
            _require_free(found, place)
            self._cloud.delete(caller if caller.principal.user else _OWN, Volume, volume)

    def release_all(self, held: Held, place: Place) -> None:
        """Before a container goes: remove the volumes of its exports. Raises Conflict (one is in use)."""
        exported = self._rows.exported_in(held)
        volumes = [export["volume"] for one in exported for export in _exports(one).values()]
        for volume in volumes:
            found = self._volume(volume)
            if found is not None:
                _require_free(found, place)
        for volume in volumes:
            with suppress(NotFound):
                self._cloud.delete(_OWN, Volume, volume)


def _require_free(volume: Volume, place: Place) -> None:
    if volume.attachments:
        machine = volume.attachments[0].compute
        raise Conflict(f"{place}: exported to the machine {machine}; detach it first")


def _exports(held: Held) -> Mapping[str, Mapping[str, str]]:
    return held.object.exports if isinstance(held.object, Container) else {}
