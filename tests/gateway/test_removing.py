"""The deleting half of the door: links go along, and nothing goes that another's machine uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.cloud import Cloud
from gateway.door import name_of
from gateway.identity import Caller
from gateway.model import (
    Address,
    AddressSpec,
    Attachment,
    AttachmentSpec,
    Compute,
    ComputeSpec,
    Conflict,
    Forbidden,
    InterfaceSpec,
    Network,
    NetworkSpec,
    NotFound,
    Resource,
    SecurityGroup,
    SecurityGroupSpec,
    Volume,
    VolumeSpec,
)
from tests.conftest import Site
from tests.gateway.test_permissions import ADA, BOB

GIB = 1 << 30
OPTIONS = {"driver": "sandbox", "default_network": False, "pools": {"public": "203.0.113.0/28"}}

#: What can be linked to -> how it is made, and the compute that is linked to it.
ENDS: dict[type[Resource], tuple[Any, Callable[[str], ComputeSpec]]] = {
    Volume: (VolumeSpec(size=GIB), lambda id: ComputeSpec(attachments=(AttachmentSpec(volume=id),))),
    Network: (NetworkSpec(), lambda id: ComputeSpec(interfaces=(InterfaceSpec(network=id),))),
    Address: (AddressSpec("public"), lambda id: ComputeSpec(interfaces=(InterfaceSpec("", reservation=id),))),
    SecurityGroup: (SecurityGroupSpec(title="g"), lambda id: ComputeSpec(security_groups=(id,))),
}

every_end = pytest.mark.parametrize("noun", ENDS, ids=lambda noun: noun.__name__)


@pytest.fixture(params=["default", "kvm"])
def zone(request: pytest.FixtureRequest) -> str:
    """The zone that everything is made in; the names of the second differ inside and outside."""
    name: str = request.param
    return name


@pytest.fixture
def cloud(make_site: Callable[..., Site]) -> Cloud:
    return make_site(backends={"default": OPTIONS, "kvm": {**OPTIONS, "path": "kvm.db"}}).cloud


def _end(cloud: Cloud, zone: str, noun: type[Resource], mode: int = 0o606) -> str:
    """Something of ada's to link to."""
    cloud.create(ADA, Network, NetworkSpec(), zone=zone)  # what a reserved address is used in
    id = cloud.create(ADA, noun, ENDS[noun][0], zone=zone).resource.id
    cloud.share(ADA, noun, id, mode=mode)
    return id


def _linked(cloud: Cloud, caller: Caller, noun: type[Resource], id: str) -> Compute:
    return cloud.create(caller, Compute, ENDS[noun][1](id), zone=cloud.zones.split(id)[0]).resource


def _links(machine: Compute) -> tuple[int, ...]:
    return len(machine.attachments), len(machine.interfaces), len(machine.security_groups)


@every_end
def test_the_own_links_go_along_and_the_machine_stays(cloud: Cloud, zone: str, noun: type[Resource]) -> None:
    id, other = _end(cloud, zone, noun), _end(cloud, zone, noun)
    machine, untouched = _linked(cloud, ADA, noun, id), _linked(cloud, ADA, noun, other)
    assert sum(_links(machine)) == 1
    cloud.delete(ADA, noun, id)
    assert _links(cloud.get(ADA, Compute, machine.id).resource) == (0, 0, 0)
    assert _links(cloud.get(ADA, Compute, untouched.id).resource) == _links(untouched)
    with pytest.raises(NotFound):
        cloud.get(ADA, noun, id)


@pytest.mark.parametrize("noun", [Volume, Network, SecurityGroup])  # an address is for its owner only
@pytest.mark.parametrize("way", ["check", "delete"])
def test_what_anothers_machine_uses_is_refused_without_naming_the_machine(
    cloud: Cloud, zone: str, noun: type[Resource], way: str
) -> None:
    id = _end(cloud, zone, noun)
    mine = [_linked(cloud, ADA, noun, id)] if noun is not Volume else []
    theirs = _linked(cloud, BOB, noun, id)
    with pytest.raises(Conflict) as refused:
        cloud.delete(ADA, noun, id) if way == "delete" else cloud.check_delete(ADA, noun, [id])
    assert (refused.value.reason, refused.value.message) == (
        "in_use",
        f"{name_of(noun)} {id} is linked to machines of other users; nothing was deleted, it can go when"
        " they have removed their links",
    )
    assert cloud.get(BOB, Compute, theirs.id).resource == theirs
    assert [held.resource for held in cloud.list(ADA, Compute)] == mine


@every_end
def test_a_check_lets_pass_what_the_own_machines_use_and_what_is_gone(
    cloud: Cloud, zone: str, noun: type[Resource]
) -> None:
    id = _end(cloud, zone, noun)
    machine = _linked(cloud, ADA, noun, id)
    cloud.check_delete(ADA, noun, ["missing", id])
    assert cloud.get(ADA, Compute, machine.id).resource == machine


def test_a_check_refuses_what_the_caller_may_only_use(cloud: Cloud, zone: str) -> None:
    id = _end(cloud, zone, Network, mode=0o604)
    with pytest.raises(Forbidden):
        cloud.check_delete(BOB, Network, [id])


def test_a_check_is_one_call_of_each_zone(cloud: Cloud) -> None:
    ids = [_end(cloud, zone, Volume) for zone in ("default", "kvm", "default")]
    told: list[tuple[str, str]] = []
    cloud.door.observer = lambda zone, operation, outcome, seconds: told.append((zone, operation))
    cloud.check_delete(ADA, Volume, ids)
    assert sorted(told) == [("default", "volume.list"), ("kvm", "volume.list")]


@every_end
def test_nothing_is_asked_for_the_uses_of_what_nothing_is_linked_to(
    cloud: Cloud, zone: str, noun: type[Resource]
) -> None:
    machine = _linked(cloud, ADA, noun, _end(cloud, zone, noun)).id
    told: list[str] = []
    cloud.door.observer = lambda zone, operation, outcome, seconds: told.append(operation)
    cloud.delete(ADA, Compute, machine)
    assert told == ["compute.delete"]


def test_leaving_a_security_group_is_recorded_as_a_change_of_the_machine(cloud: Cloud, zone: str) -> None:
    group = _end(cloud, zone, SecurityGroup)
    machine = _linked(cloud, ADA, SecurityGroup, group)
    told: list[str] = []
    cloud.door.observer = lambda zone, operation, outcome, seconds: told.append(operation)
    cloud.delete(ADA, SecurityGroup, group)
    assert told == ["compute.list", "compute.update", "security_group.delete"]
    [record] = cloud.audit.query(event="compute.update")
    assert (record["outcome"], record["resource_id"], record["owner"]) == ("success", machine.id, "ada")
    assert (record["user"], record["before"]) == ("ada", {"security_groups": group})


def test_a_machine_keeps_its_other_security_groups(cloud: Cloud, zone: str) -> None:
    groups = tuple(_end(cloud, zone, SecurityGroup) for _ in range(3))
    machine = cloud.create(ADA, Compute, ComputeSpec(security_groups=groups), zone=zone).resource
    cloud.delete(ADA, SecurityGroup, groups[1])
    assert cloud.get(ADA, Compute, machine.id).resource.security_groups == (groups[0], groups[2])


def test_a_volume_alone_is_asked_for_who_uses_it(
    cloud: Cloud, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, _ = _end(cloud, zone, Volume), _end(cloud, zone, Volume)
    volumes: Any = cloud.zones.collection(zone, Volume)
    asked: list[Any] = []
    answer = volumes.list
    monkeypatch.setattr(volumes, "list", lambda ids=None: [asked.append(ids), answer(ids)][1])
    cloud.delete(ADA, Volume, id)
    assert [list(ids) for ids in asked] == [[cloud.zones.split(id)[1]]]


def test_a_link_that_is_removed_meanwhile_does_not_stop_the_removal(
    cloud: Cloud, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = _end(cloud, zone, Volume)
    machine = _linked(cloud, ADA, Volume, id)
    volumes: Any = cloud.zones.collection(zone, Volume)
    answer = volumes.list

    def overtaken(ids: Any = None) -> Any:
        found = answer(ids)
        link = cloud.zones.split(machine.attachments[0].id)[1]
        cloud.zones.collection(zone, Attachment).delete(link)
        return found

    monkeypatch.setattr(volumes, "list", overtaken)
    cloud.delete(ADA, Volume, id)
    with pytest.raises(NotFound):
        cloud.get(ADA, Volume, id)
