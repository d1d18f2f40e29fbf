"""What volumes, snapshots, images and instance types promise."""

from __future__ import annotations

import pytest

from backends.base import Backend, Capability
from gateway.model import (
    GIB,
    VOLUME_ACTIONS,
    ImageSpec,
    ImageState,
    InvalidRequest,
    InvalidState,
    NotFound,
    Origin,
    SnapshotSpec,
    Unsupported,
    VolumeSpec,
    VolumeState,
)

from .common import UNKNOWN
from .workshop import Workshop

STAYING = (VolumeState.ONLINE, VolumeState.OFFLINE)
ACTIONS = ("online", "offline", "backup", "snapshot")
ALLOWED = [(s, a, VOLUME_ACTIONS[s][a]) for s in STAYING for a in ACTIONS]
IDLE = [(VolumeState.ONLINE, "online"), (VolumeState.OFFLINE, "offline")]


def volume_in(workshop: Workshop, state: VolumeState) -> str:
    workshop.noun("volumes")
    workshop.need(Capability.VOLUME_ACTIONS)
    volume = workshop.volume()
    if state is VolumeState.OFFLINE:
        workshop.noun("volumes").act(volume.id, "offline")
        workshop.reaches("volumes", volume.id, state)
    return volume.id


class VolumeTests:
    def test_a_volume_has_the_size_asked_for(self, workshop: Workshop) -> None:
        assert workshop.volume().size == workshop.options.volume_size

    @pytest.mark.parametrize("size", [0, -1])
    def test_a_volume_without_room_is_an_invalid_request(self, workshop: Workshop, size: int) -> None:
        volumes = workshop.noun("volumes")
        before = volumes.ids()
        with pytest.raises(InvalidRequest) as caught:
            workshop.create("volumes", VolumeSpec(size=size))
        assert caught.value.field == "size"
        assert volumes.ids() == before

    @pytest.mark.parametrize("field", ["image", "snapshot"])
    def test_a_volume_of_what_does_not_exist_is_not_found(self, workshop: Workshop, field: str) -> None:
        volumes = workshop.noun("volumes")
        before = volumes.ids()
        with pytest.raises(NotFound):
            workshop.create("volumes", VolumeSpec(workshop.options.volume_size, **{field: UNKNOWN}))  # type: ignore[arg-type]  # both fields are texts
        assert volumes.ids() == before

    @pytest.mark.parametrize(("state", "action", "end"), ALLOWED)
    def test_an_action_on_a_volume_leads_where_the_table_says(
        self, workshop: Workshop, state: VolumeState, action: str, end: VolumeState
    ) -> None:
        id = volume_in(workshop, state)
        workshop.noun("volumes").act(id, action)
        assert workshop.reaches("volumes", id, end).state is end

    @pytest.mark.parametrize(("state", "action"), IDLE)
    def test_an_idle_action_on_a_volume_succeeds_and_changes_nothing(
        self, workshop: Workshop, state: VolumeState, action: str
    ) -> None:
        id = volume_in(workshop, state)
        before = workshop.noun("volumes").get(id)
        assert workshop.noun("volumes").act(id, action) == before
        assert workshop.noun("volumes").get(id) == before

    def test_an_action_on_a_volume_that_does_not_exist_is_not_found(self, workshop: Workshop) -> None:
        workshop.need(Capability.VOLUME_ACTIONS)
        with pytest.raises(NotFound):
            workshop.noun("volumes").act(UNKNOWN, "online")

    @pytest.mark.parametrize("way", ["update", "act"])
    def test_a_volume_grows(self, workshop: Workshop, way: str) -> None:
        workshop.need(Capability.VOLUME_RESIZE)
        volume = workshop.volume()
        resize(workshop, volume.id, 2 * volume.size, way)
        assert workshop.reaches("volumes", volume.id, VolumeState.ONLINE).size == 2 * volume.size

    @pytest.mark.parametrize("way", ["update", "act"])
    def test_a_volume_never_shrinks(self, workshop: Workshop, way: str) -> None:
        workshop.need(Capability.VOLUME_RESIZE)
        volume = workshop.volume()
        with pytest.raises(InvalidRequest) as caught:
            resize(workshop, volume.id, volume.size // 2, way)
        assert caught.value.field == "size"
        assert workshop.noun("volumes").get(volume.id) == volume

    def test_resizing_without_a_size_is_an_invalid_request(self, workshop: Workshop) -> None:
        workshop.need(Capability.VOLUME_RESIZE)
        with pytest.raises(InvalidRequest):
            workshop.noun("volumes").act(workshop.volume().id, "resize")

    def test_a_change_of_a_volume_with_one_wrong_value_changes_nothing(self, workshop: Workshop) -> None:
        workshop.need(Capability.RENAME, Capability.VOLUME_RESIZE)
        volume = workshop.volume()
        with pytest.raises(InvalidRequest):
            workshop.noun("volumes").update(volume.id, {"title": "new", "size": volume.size // 2})
        assert workshop.noun("volumes").get(volume.id) == volume

    def test_tags_of_a_volume_are_kept_and_replaced_as_a_whole(self, workshop: Workshop) -> None:
        workshop.need(Capability.TAGS)
        volume = workshop.volume(tags={"a": "1", "b": "2"})
        assert volume.tags == {"a": "1", "b": "2"}
        assert workshop.noun("volumes").update(volume.id, {"tags": {"b": "3"}}).tags == {"b": "3"}

    def test_an_attached_volume_is_not_deleted(self, workshop: Workshop) -> None:
        workshop.noun("attachments")
        volume, machine = workshop.volume(), workshop.compute(start=False)
        workshop.attach(machine.id, volume.id)
        with pytest.raises(InvalidState):
            workshop.noun("volumes").delete(volume.id)
        assert workshop.noun("volumes").get(volume.id).attachments[0].compute == machine.id

    def test_a_volume_that_was_detached_is_deleted(self, workshop: Workshop) -> None:
        workshop.noun("attachments")
        volume, machine = workshop.volume(), workshop.compute(start=False)
        link = workshop.attach(machine.id, volume.id)
        workshop.remove("attachments", link.id)
        workshop.remove("volumes", volume.id)
        assert workshop.noun("volumes").list([volume.id]) == []

    def test_a_list_shows_the_attachments(self, workshop: Workshop) -> None:
        workshop.noun("attachments")
        attached, free = workshop.volume(), workshop.volume()
        link = workshop.attach(workshop.compute(start=False).id, attached.id)
        listed = workshop.noun("volumes").list([attached.id, free.id])
        assert [[entry.id for entry in volume.attachments] for volume in listed] == [[link.id], []]


def resize(workshop: Workshop, id: str, size: int, way: str) -> None:
    if way == "update":
        workshop.noun("volumes").update(id, {"size": size})
    else:
        workshop.noun("volumes").act(id, "resize", {"size": size})


class SnapshotTests:
    def test_a_snapshot_tells_its_volume_and_size(self, workshop: Workshop) -> None:
        workshop.noun("snapshots")
        volume = workshop.volume()
        snapshot = workshop.snapshot(volume.id)
        assert (snapshot.volume, snapshot.size) == (volume.id, volume.size)

    def test_a_volume_is_made_of_a_snapshot(self, workshop: Workshop) -> None:
        workshop.noun("snapshots")
        snapshot = workshop.snapshot(workshop.volume().id)
        assert workshop.volume(snapshot=snapshot.id).snapshot == snapshot.id

    def test_a_snapshot_of_what_does_not_exist_is_not_found(self, workshop: Workshop) -> None:
        snapshots = workshop.noun("snapshots")
        before = snapshots.ids()
        with pytest.raises(NotFound):
            workshop.create("snapshots", SnapshotSpec(UNKNOWN))
        assert snapshots.ids() == before


class ImageTests:
    def test_images_are_ready_and_known_by_their_identifier(self, backend: Backend) -> None:
        for image in backend.images.list():
            assert backend.images.get(image.id) == image
            assert image.state in ImageState

    def test_an_image_is_registered_with_size_and_origin(self, workshop: Workshop) -> None:
        origin = Origin(identifier="market:1", checksum="sha256:00", endorser="me")
        image = workshop.register(ImageSpec(title="golden", size=GIB, origin=origin, tags={"os": "x"}))
        assert (image.title, image.size, image.origin) == ("golden", GIB, origin)
        assert workshop.backend.images.get(image.id).tags == {"os": "x"}

    def test_the_title_of_an_image_can_change(self, workshop: Workshop) -> None:
        workshop.need(Capability.RENAME)
        image = workshop.register(ImageSpec(title="one", size=GIB))
        assert workshop.backend.images.update(image.id, {"title": "two"}).title == "two"
        assert workshop.backend.images.get(image.id).title == "two"

    def test_an_image_of_a_compute_that_does_not_exist_is_not_found(self, workshop: Workshop) -> None:
        before = workshop.backend.images.ids()
        with pytest.raises((NotFound, Unsupported)):
            workshop.backend.images.create(ImageSpec(compute=UNKNOWN))
        assert workshop.backend.images.ids() == before

    def test_a_saved_image_can_be_deleted(self, workshop: Workshop) -> None:
        image = workshop.save(workshop.compute().id)
        workshop.remove("images", image.id)
        with pytest.raises(NotFound):
            workshop.backend.images.get(image.id)

    def test_images_are_listed_by_identifier(self, workshop: Workshop) -> None:
        image = workshop.save(workshop.compute().id)
        known = [entry.id for entry in workshop.backend.images.list()]
        assert [entry.id for entry in workshop.backend.images.list([UNKNOWN, image.id])] == [image.id]
        assert [entry.id for entry in workshop.backend.images.list(known[::-1])] == known


class InstanceTypeTests:
    def test_an_instance_type_is_known_by_its_identifier_and_has_a_size(self, workshop: Workshop) -> None:
        types = workshop.noun("instance_types")
        for kind in workshop.instance_types():
            assert types.get(kind.id) == kind
            assert list(types.list([kind.id, UNKNOWN])) == [kind]
            assert kind.cores > 0
            assert kind.memory > 0
