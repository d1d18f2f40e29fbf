"""Listings of the door: what is in them, what they leave out, what they cost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest

from backends.base import Capability
from gateway.cloud import Cloud
from gateway.model import (
    AttachmentSpec,
    Compute,
    ComputeSpec,
    InterfaceSpec,
    Network,
    NetworkSpec,
    Resource,
    Task,
    Volume,
    VolumeSpec,
)
from tests.conftest import Site
from tests.gateway.test_permissions import ADA, ADMIN, BOB

GIB = 1 << 30
Make = Callable[..., Site]
POOLS = {"public": "203.0.113.0/28"}
TWO_ZONES = {
    "default": {"driver": "sandbox", "pools": POOLS},
    "kvm": {"driver": "sandbox", "path": "kvm.db", "pools": POOLS},
}


@pytest.fixture
def cloud(site: Site) -> Cloud:
    return site.cloud


def _machines(cloud: Cloud, number: int, zone: str | None = None) -> list[str]:
    return [cloud.create(ADA, Compute, ComputeSpec(), zone=zone).resource.id for _ in range(number)]


def _asked(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, noun: type[Resource], zone: str = "default"
) -> list[Collection[str] | None]:
    """What the back end is asked to list from now on; it answers as ever."""
    asked: list[Collection[str] | None] = []
    collection: Any = cloud.zones.collection(zone, noun)

    def heard(answer: Callable[[Collection[str] | None], Sequence[Any]]) -> Callable[..., Sequence[Any]]:
        def ask(ids: Collection[str] | None = None) -> Sequence[Any]:
            asked.append(ids)
            return answer(ids)

        return ask

    for name in ("ids", "list"):
        monkeypatch.setattr(collection, name, heard(getattr(collection, name)))
    return asked


def test_a_listing_is_of_what_one_may_use_unless_only_the_own_is_asked_for(cloud: Cloud) -> None:
    shared, private = _machines(cloud, 2)
    cloud.share(ADA, Compute, shared, mode=0o604)
    own = cloud.create(BOB, Compute, ComputeSpec()).resource.id
    assert [held.resource.id for held in cloud.list(BOB, Compute)] == [shared, own]
    assert [held.resource.id for held in cloud.list(BOB, Compute, owned=True)] == [own]
    assert [held.resource.id for held in cloud.list(ADMIN, Compute)] == [shared, private, own]


def test_a_listing_can_be_of_named_things_only(cloud: Cloud) -> None:
    one, _, three = _machines(cloud, 3)
    assert [held.resource.id for held in cloud.list(ADA, Compute, ids={three, one, "nothing"})] == [
        one,
        three,
    ]
    assert cloud.list(ADA, Compute, ids=()) == []


def test_what_is_listed_is_held_as_what_is_read(cloud: Cloud) -> None:
    machines = _machines(cloud, 2)
    assert cloud.list(ADA, Compute) == [cloud.get(ADA, Compute, machine) for machine in machines]


@pytest.mark.parametrize("zone", ["default", "kvm"])
def test_a_back_end_is_asked_only_for_what_the_caller_may_use(
    make_site: Make, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    cloud = make_site(backends=TWO_ZONES).cloud
    other = "kvm" if zone == "default" else "default"
    elsewhere, machines = _machines(cloud, 1, other), _machines(cloud, 2, zone)
    cloud.create(BOB, Compute, ComputeSpec(), zone=zone)
    asked = _asked(cloud, monkeypatch, Compute, zone)
    expected = [cloud.zones.split(machine)[1] for machine in machines]
    assert {id for id, _ in cloud.locations(ADA, Compute)} == {*elsewhere, *machines}
    assert [set(ids or ()) for ids in asked] == [set(expected)] * len(asked)
    asked.clear()
    assert {held.resource.id for held in cloud.list(ADA, Compute)} == {*elsewhere, *machines}
    assert [set(ids or ()) for ids in asked] == [set(expected)]


def test_a_back_end_with_nothing_of_the_callers_is_not_asked(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    _machines(cloud, 1)
    asked = _asked(cloud, monkeypatch, Compute)
    assert cloud.locations(BOB, Compute) == []
    assert cloud.list(BOB, Compute) == []
    assert asked == []


def test_a_listing_of_shared_machines_asks_once_for_each_kind_of_end(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    network = cloud.create(ADA, Network, NetworkSpec()).resource.id
    card, disk = InterfaceSpec(network=network), AttachmentSpec(volume=volume)
    for machine in _machines(cloud, 3):
        cloud.share(ADA, Compute, machine, mode=0o604)
    shared = cloud.create(ADA, Compute, ComputeSpec(interfaces=(card,), attachments=(disk,))).resource.id
    cloud.share(ADA, Compute, shared, mode=0o604)
    asked: list[str] = []
    answer = cloud.overlays.places

    def heard(principal: Any, kind: str, **narrowed: Any) -> Any:
        asked.append(kind)
        return answer(principal, kind, **narrowed)

    monkeypatch.setattr(cloud.overlays, "places", heard)
    assert len(cloud.list(BOB, Compute)) == 4
    assert sorted(asked) == ["network", "volume"]


def test_a_noun_of_one_zone_is_one_of_the_cloud(cloud: Cloud) -> None:
    assert cloud.has(Volume)
    assert not cloud.has(Task)


def test_a_capability_of_one_zone_is_one_of_the_cloud(cloud: Cloud) -> None:
    assert cloud.can(Capability.SUSPEND)
    assert cloud.can(Capability.CONSOLE)


def test_zones_their_pools_and_their_instance_types_are_told_by_their_outside_names(make_site: Make) -> None:
    cloud = make_site(backends=TWO_ZONES).cloud
    assert cloud.zone_names() == ("default", "kvm")
    assert cloud.pools() == ["public", "kvm--public"]
    assert {"small", "kvm--small"} <= set(cloud.instance_types())
    assert cloud.catalogue.instance_type("kvm--small").id == "kvm--small"


def test_what_its_back_end_has_lost_is_not_located(cloud: Cloud) -> None:
    lost, kept = _machines(cloud, 2)
    chosen = cloud.create(ADA, Compute, ComputeSpec(), path="/my/web").resource.id
    cloud.zones.collection("default", Compute).delete(lost)
    assert cloud.locations(ADA, Compute) == [(kept, None), (chosen, "/my/web")]


def test_what_the_back_ends_of_two_zones_have_lost_is_not_located(make_site: Make) -> None:
    cloud = make_site(backends=TWO_ZONES).cloud
    here, there = _machines(cloud, 2), _machines(cloud, 2, "kvm")
    cloud.zones.collection("kvm", Compute).delete(cloud.zones.split(there[0])[1])
    assert [id for id, _ in cloud.locations(ADA, Compute)] == [*here, there[1]]
