"""What every operation passes through, to the letter: messages, records, who sees which end of a link."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from gateway.cloud import Cloud, CloudSettings
from gateway.model import (
    Address,
    AddressSpec,
    Attachment,
    AttachmentSpec,
    Compute,
    ComputeSpec,
    Forbidden,
    Interface,
    InterfaceSpec,
    InvalidRequest,
    Network,
    NetworkSpec,
    NotFound,
    QuotaExceeded,
    SecurityGroup,
    SecurityGroupSpec,
    Volume,
    VolumeSpec,
)
from gateway.store.overlay import Holding
from tests.conftest import Site
from tests.gateway.ledger import held
from tests.gateway.test_permissions import ADA, ADMIN, BOB, CHIEF

GIB = 1 << 30
Make = Callable[..., Site]

#: A sandbox whose machines get no network by themselves.
BARE = {"default": {"driver": "sandbox", "default_network": False}}


@pytest.fixture
def cloud(make_site: Make) -> Cloud:
    return make_site(backends=BARE).cloud


def _message(attempt: Callable[[], Any]) -> str:
    with pytest.raises((NotFound, Forbidden, InvalidRequest, QuotaExceeded)) as refused:
        attempt()
    return str(refused.value)


def test_what_is_not_there_is_named(cloud: Cloud) -> None:
    assert _message(lambda: cloud.get(ADA, Compute, "c7")) == "no compute c7"
    assert _message(lambda: cloud.get(ADA, Attachment, "c7~v1")) == "no attachment c7~v1"


def test_what_may_only_be_seen_is_named(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    cloud.share(ADA, Compute, machine, mode=0o604)
    expected = f"compute {machine}: you may see it but have no manage right on it"
    assert _message(lambda: cloud.delete(BOB, Compute, machine)) == expected


def test_each_kind_of_link_is_hidden_by_its_own_end(cloud: Cloud) -> None:
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    network = cloud.create(ADA, Network, NetworkSpec()).resource.id
    disk = AttachmentSpec(volume=volume)
    card = InterfaceSpec(network=network)
    with_disk = cloud.create(ADA, Compute, ComputeSpec(attachments=(disk,))).resource
    with_card = cloud.create(ADA, Compute, ComputeSpec(interfaces=(card,))).resource
    for machine in (with_disk, with_card):
        cloud.share(ADA, Compute, machine.id, mode=0o604)
        seen = cloud.get(BOB, Compute, machine.id).resource
        assert (seen.attachments, seen.interfaces) == ((), ())
    link = with_card.interfaces[0].id
    assert _message(lambda: cloud.get(BOB, Interface, link)) == f"no interface {link}"
    cloud.share(ADA, Volume, volume, mode=0o604)
    assert cloud.get(BOB, Compute, with_disk.id).resource.attachments == with_disk.attachments
    assert cloud.get(BOB, Attachment, with_disk.attachments[0].id).resource == with_disk.attachments[0]
    cloud.share(ADA, Network, network, mode=0o604)
    assert cloud.get(BOB, Compute, with_card.id).resource.interfaces == with_card.interfaces
    assert cloud.get(BOB, Interface, link).resource == with_card.interfaces[0]


def test_a_shared_machine_keeps_its_groups_and_its_console_to_itself(cloud: Cloud) -> None:
    network = cloud.create(ADA, Network, NetworkSpec()).resource.id
    group = cloud.create(ADA, SecurityGroup, SecurityGroupSpec(title="mine")).resource.id
    spec = ComputeSpec(security_groups=(group,), interfaces=(InterfaceSpec(network=network),))
    machine = cloud.create(ADA, Compute, spec).resource
    assert machine.console is not None
    cloud.share(ADA, Compute, machine.id, mode=0o604)
    seen = cloud.get(BOB, Compute, machine.id).resource
    assert (seen.security_groups, seen.console) == ((), None)
    cloud.share(ADA, SecurityGroup, group, mode=0o604)
    cloud.share(ADA, Compute, machine.id, mode=0o606)
    seen = cloud.get(BOB, Compute, machine.id).resource
    assert (seen.security_groups, seen.console) == ((group,), machine.console)


def test_a_shared_machine_keeps_the_reservation_of_its_address_to_itself(make_site: Make) -> None:
    cloud = make_site(
        backends={"default": {"driver": "sandbox", "pools": {"public": "203.0.113.0/28"}}}
    ).cloud
    reserved = cloud.create(ADA, Address, AddressSpec(pool="public")).resource
    cards = (InterfaceSpec(network="default", reservation=reserved.id), InterfaceSpec(network="default"))
    machine = cloud.create(ADA, Compute, ComputeSpec(interfaces=cards)).resource
    cloud.share(ADA, Compute, machine.id, mode=0o604)
    [first, second] = machine.interfaces
    assert first.reservation == reserved.id
    seen = cloud.get(BOB, Compute, machine.id).resource
    assert seen.interfaces == (replace(first, reservation=None), second)
    cloud.share(ADA, Address, reserved.id, mode=0o604)
    assert cloud.get(BOB, Compute, machine.id).resource.interfaces == (first, second)


def test_reading_is_told_to_the_observer_as_get(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    told: list[tuple[str, str, str]] = []
    cloud.door.observer = lambda zone, operation, outcome, seconds: told.append((zone, operation, outcome))
    cloud.get(ADA, Compute, machine)
    with pytest.raises(NotFound):
        cloud.door.fetch(Compute, "nothing")
    assert told == [("default", "compute.get", "ok"), ("default", "compute.get", "not_found")]


def test_two_zones_in_one_request_are_named(make_site: Make) -> None:
    cloud = make_site(
        backends={"default": {"driver": "sandbox"}, "kvm": {"driver": "sandbox", "path": "kvm.db"}}
    ).cloud
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    there = cloud.create(ADA, Compute, ComputeSpec(), zone="kvm").resource.id
    with pytest.raises(InvalidRequest) as refused:
        cloud.create(ADA, Attachment, AttachmentSpec(volume=volume, compute=there))
    assert refused.value.field == "volume"
    assert str(refused.value) == f"volume: {volume} is in zone default, the rest of the request in zone kvm"


def test_the_record_of_a_link_names_the_link_and_the_owner_of_its_machine(cloud: Cloud) -> None:
    network = cloud.create(ADA, Network, NetworkSpec()).resource.id
    cloud.share(ADA, Network, network, mode=0o604)
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    link = cloud.create(CHIEF, Interface, InterfaceSpec(network=network, compute=machine)).resource
    [record] = cloud.audit.query(event="interface.create")
    assert (record["user"], record["owner"], record["resource_id"]) == ("chief", "ada", link.id)
    assert (record["resource_kind"], record["outcome"]) == ("interface", "success")
    assert record["macs"] == [link.mac]


def test_the_record_of_an_interface_tells_the_address_that_it_has(site: Site) -> None:
    machine = site.cloud.create(ADA, Compute, ComputeSpec()).resource.id
    link = site.cloud.create(ADA, Interface, InterfaceSpec(network="default", compute=machine)).resource
    assert link.address is not None
    [record] = site.cloud.audit.query(event="interface.create")
    assert (record["addresses"], record["macs"]) == ([str(link.address)], [link.mac])


def test_what_is_remembered_of_a_link_belongs_to_the_owner_of_its_machine(cloud: Cloud) -> None:
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    cloud.share(ADMIN, Compute, machine, other_tenants=True)
    spec = AttachmentSpec(volume=volume, compute=machine)
    link = cloud.create(CHIEF, Attachment, spec, extra={"attributes": {"a.b": "c"}}).resource.id
    row = cloud.overlays.get("attachment", link, "ada")
    assert row is not None
    assert (row.owner, row.tenant, row.group, row.other_tenants) == ("ada", "bio", "lab", True)
    again = cloud.door.remembered(CHIEF, Attachment, link, {"attributes": {}})
    assert (again.seq, again.extra) == (row.seq, {"attributes": {"a.b": "c"}})


@pytest.mark.parametrize("scope", [("user", "ada"), ("tenant", "bio"), ("group", "lab")])
def test_growth_by_another_is_held_against_every_scope_of_the_owner(
    make_site: Make, scope: tuple[str, str]
) -> None:
    kind, name = scope
    cloud = make_site(quotas={kind: {name: {"vcpus": 1}}}).cloud
    machine = cloud.create(ADA, Compute, ComputeSpec(instance_type="small")).resource.id
    expected = f"quota exceeded: vcpus 0 of 1 ({kind} {name})"
    assert _message(lambda: cloud.update(ADMIN, Compute, machine, {"instance_type": "medium"})) == expected


def test_a_door_that_is_told_nothing_has_the_defaults_and_no_version(cloud: Cloud) -> None:
    door = Cloud(cloud.database, cloud.zones)
    made = door.create(ADA, Compute, ComputeSpec())
    assert made.overlay.mode == 0o600
    [record] = door.audit.query(event="compute.create")
    assert record["version"] == ""


def test_a_door_tells_its_version_in_every_record_and_its_calls_to_its_observer(cloud: Cloud) -> None:
    told: list[str] = []
    door = Cloud(
        cloud.database,
        cloud.zones,
        version="7.1",
        observer=lambda zone, operation, outcome, seconds: told.append(operation),
    )
    door.create(ADA, Compute, ComputeSpec())
    [record] = door.audit.query(event="compute.create")
    assert record["version"] == "7.1"
    assert told == ["compute.create"]


def test_two_requests_that_remember_a_link_at_once_make_one_row(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    disk = AttachmentSpec(volume=volume)
    [link] = cloud.create(ADA, Compute, ComputeSpec(attachments=(disk,))).resource.attachments
    attachments: Any = cloud.zones.collection("default", Attachment)
    read = attachments.get

    def read_while_another_request_remembers(id: str) -> Attachment:
        monkeypatch.setattr(attachments, "get", read)
        cloud.door.remembered(ADA, Attachment, id, {"title": "first"})
        found: Attachment = read(id)
        return found

    monkeypatch.setattr(attachments, "get", read_while_another_request_remembers)
    row = cloud.door.remembered(ADA, Attachment, link.id, {"title": "second"})
    assert row.extra == {"title": "first"}
    assert held(cloud, link.id) == Holding()


def test_growth_by_another_is_held_against_no_group_where_the_owner_has_none(make_site: Make) -> None:
    cloud = make_site(quotas={"group": {"*": {"vcpus": 1}}}).cloud
    machine = cloud.create(BOB, Compute, ComputeSpec(instance_type="small")).resource.id
    assert cloud.update(ADMIN, Compute, machine, {"instance_type": "medium"}).resource.cores == 2


def test_a_door_writes_its_records_into_the_audit_file_too(cloud: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "audit.log"
    door = Cloud(cloud.database, cloud.zones, CloudSettings(audit_file=str(file)))
    machine = door.create(ADA, Compute, ComputeSpec()).resource.id
    [line] = file.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["resource_id"] == machine


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_what_no_back_end_may_raise_is_told_to_the_observer_as_a_bug(
    cloud: Cloud, error: type[BaseException]
) -> None:
    told: list[tuple[str, str]] = []
    cloud.door.observer = lambda zone, operation, outcome, seconds: told.append((operation, outcome))

    def work(collection: Any) -> None:
        raise error

    with pytest.raises(error):
        cloud.door.call("default", Compute, "get", work)
    assert told == [("compute.get", "bug")]


def test_the_observer_is_told_how_many_seconds_a_call_took(cloud: Cloud) -> None:
    told: list[float] = []
    cloud.door.observer = lambda zone, operation, outcome, seconds: told.append(seconds)
    begun = perf_counter()
    cloud.door.call("default", Compute, "get", lambda collection: collection.list())
    [seconds] = told
    assert 0 < seconds < perf_counter() - begun
