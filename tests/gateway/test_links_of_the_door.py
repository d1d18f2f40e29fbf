"""Attachments and interfaces through the door: listed, remembered, taken away with what they end at."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.cloud import Cloud
from gateway.model import (
    Attachment,
    AttachmentSpec,
    Compute,
    ComputeSpec,
    Conflict,
    Forbidden,
    Interface,
    InterfaceSpec,
    Network,
    NetworkSpec,
    Volume,
    VolumeSpec,
)
from tests.conftest import Site
from tests.gateway.test_permissions import ADA, ADMIN, BOB, EVE

GIB = 1 << 30
Make = Callable[..., Site]

#: A sandbox whose machines get no network by themselves.
BARE = {"default": {"driver": "sandbox", "default_network": False}}


@pytest.fixture
def cloud(make_site: Make) -> Cloud:
    return make_site(backends=BARE).cloud


@pytest.fixture
def volume(cloud: Cloud) -> str:
    """A volume of ada's."""
    return cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id


@pytest.fixture
def network(cloud: Cloud) -> str:
    """A network of ada's."""
    return cloud.create(ADA, Network, NetworkSpec()).resource.id


@pytest.fixture
def machine(cloud: Cloud, volume: str, network: str) -> Compute:
    """A compute of ada's with one disk and one card."""
    spec = ComputeSpec(
        attachments=(AttachmentSpec(volume=volume),), interfaces=(InterfaceSpec(network=network),)
    )
    return cloud.create(ADA, Compute, spec).resource


def _told(cloud: Cloud) -> list[tuple[str, str]]:
    """Operations that back ends are asked for from now on, with their outcome."""
    told: list[tuple[str, str]] = []
    cloud.door.observer = lambda zone, operation, outcome, seconds: told.append((operation, outcome))
    return told


@pytest.mark.parametrize("noun", [Attachment, Interface])
def test_a_listed_link_is_held_as_one_that_is_read(
    cloud: Cloud, machine: Compute, noun: type[Attachment] | type[Interface]
) -> None:
    [link] = machine.attachments if noun is Attachment else machine.interfaces
    read = cloud.get(ADA, noun, link.id)
    assert read.resource == link
    assert (read.overlay.seq, read.overlay.kind, read.overlay.id) == (0, noun.__name__.lower(), link.id)
    assert cloud.list(ADA, noun) == [read]
    assert cloud.locations(ADA, noun) == [(link.id, None)]


@pytest.mark.parametrize("noun", [Attachment, Interface])
def test_a_link_of_which_something_is_remembered_is_listed_with_it(
    cloud: Cloud, machine: Compute, noun: type[Attachment] | type[Interface]
) -> None:
    [link] = machine.attachments if noun is Attachment else machine.interfaces
    remembered = cloud.door.remembered(ADA, noun, link.id, {"attributes": {"a.b": "c"}})
    assert remembered.seq
    [held] = cloud.list(ADA, noun)
    assert (held.overlay.seq, held.overlay.extra) == (remembered.seq, {"attributes": {"a.b": "c"}})


def test_a_link_has_nothing_of_its_machine_but_the_rights(cloud: Cloud, volume: str) -> None:
    extra = {"title": "of the machine", "attributes": {"a.b": 1}}
    spec = ComputeSpec(attachments=(AttachmentSpec(volume=volume),))
    machine = cloud.create(ADA, Compute, spec, path="/my/web", extra=extra).resource.id
    cloud.tags.add("ada", scheme="http://a#", term="b", title=None, rel=None, location="/b/")
    [tag] = cloud.tags.list("ada")
    cloud.tag(ADA, tag, [(Compute, machine)], exact=False)
    [held] = cloud.list(ADA, Attachment)
    assert (held.overlay.path, held.overlay.extra, held.overlay.tags) == (None, {}, ())
    assert (held.overlay.owner, held.overlay.tenant, held.overlay.mode) == ("ada", "bio", 0o600)
    assert cloud.get(ADA, Attachment, held.resource.id) == held


def test_a_remembered_link_has_the_rights_of_its_machine_as_they_are_now(cloud: Cloud, volume: str) -> None:
    spec = ComputeSpec(attachments=(AttachmentSpec(volume=volume),))
    machine = cloud.create(ADA, Compute, spec, path="/my/web", extra={"title": "web"}).resource
    [link] = machine.attachments
    cloud.door.remembered(ADA, Attachment, link.id, {"title": "data"})
    cloud.share(ADMIN, Compute, machine.id, owner="bob", mode=0o640)
    row = cloud.get(BOB, Attachment, link.id).overlay
    assert (row.owner, row.mode, row.kind, row.id) == ("bob", 0o640, "attachment", link.id)
    assert (row.path, row.extra) == (None, {"title": "data"})


def test_links_are_listed_by_name_and_by_owner(cloud: Cloud, machine: Compute, volume: str) -> None:
    other = cloud.create(ADMIN, Volume, VolumeSpec(size=GIB)).resource.id
    theirs = cloud.create(
        ADMIN, Compute, ComputeSpec(attachments=(AttachmentSpec(volume=other),))
    ).resource.attachments
    names = [machine.attachments[0].id, theirs[0].id]
    assert [held.resource.id for held in cloud.list(ADMIN, Attachment)] == names
    assert [held.resource.id for held in cloud.list(ADMIN, Attachment, ids=names[:1])] == names[:1]
    assert [held.resource.id for held in cloud.list(ADMIN, Attachment, owned=True)] == names[1:]
    assert cloud.locations(ADMIN, Attachment, owned=True) == [(names[1], None)]
    assert [id for id, _ in cloud.locations(ADMIN, Attachment)] == names


def test_deleting_a_machine_is_one_call_of_the_back_end(cloud: Cloud, machine: Compute) -> None:
    told = _told(cloud)
    cloud.delete(ADA, Compute, machine.id)
    assert told == [("compute.delete", "ok")]


def test_deleting_a_network_asks_for_interfaces_and_deletes_those_that_end_there(
    cloud: Cloud, machine: Compute, network: str
) -> None:
    elsewhere = cloud.create(ADA, Network, NetworkSpec()).resource.id
    other = cloud.create(ADA, Interface, InterfaceSpec(network=elsewhere, compute=machine.id)).resource
    told = _told(cloud)
    cloud.delete(ADA, Network, network)
    assert told == [("interface.list", "ok"), ("interface.delete", "ok"), ("network.delete", "ok")]
    assert cloud.get(ADA, Compute, machine.id).resource.interfaces == (other,)


def test_the_record_of_a_deletion_names_thing_and_owner(cloud: Cloud, machine: Compute) -> None:
    cloud.delete(ADMIN, Compute, machine.id)
    [record] = cloud.audit.query(event="compute.delete")
    assert (record["user"], record["outcome"], record["owner"]) == ("admin", "success", "ada")
    assert (record["resource_kind"], record["resource_id"]) == ("compute", machine.id)


def test_the_record_of_a_refused_deletion_names_the_thing(cloud: Cloud, machine: Compute) -> None:
    cloud.share(ADA, Compute, machine.id, mode=0o604)
    with pytest.raises(Forbidden):
        cloud.delete(BOB, Compute, machine.id)
    [record] = cloud.audit.query(event="compute.delete")
    assert (record["outcome"], record["reason"], record["resource_id"]) == ("denied", "forbidden", machine.id)


def test_a_network_that_anothers_machine_is_in_is_not_deleted(cloud: Cloud, network: str) -> None:
    cloud.share(ADMIN, Network, network, mode=0o604, other_tenants=True)
    theirs = cloud.create(EVE, Compute, ComputeSpec(interfaces=(InterfaceSpec(network=network),))).resource
    with pytest.raises(Conflict):
        cloud.delete(ADA, Network, network)
    assert cloud.get(EVE, Compute, theirs.id).resource.interfaces == theirs.interfaces


@pytest.mark.parametrize("noun", [Attachment, Interface])
def test_a_remembered_link_of_a_shared_machine_is_listed_as_it_is_read(
    cloud: Cloud, machine: Compute, volume: str, network: str, noun: type[Attachment] | type[Interface]
) -> None:
    [link] = machine.attachments if noun is Attachment else machine.interfaces
    cloud.update(ADA, noun, link.id, {}, extra={"title": "system disk"})
    for shared, id in ((Compute, machine.id), (Volume, volume), (Network, network)):
        cloud.share(ADMIN, shared, id, mode=0o604, other_tenants=True)
    [listed] = cloud.list(EVE, noun)
    assert (listed.resource.title, listed) == ("system disk", cloud.get(EVE, noun, link.id))


def test_a_remembered_link_of_a_machine_that_was_given_away_is_its_new_owners(
    cloud: Cloud, machine: Compute
) -> None:
    [link] = machine.interfaces
    cloud.update(ADA, Interface, link.id, {}, extra={"title": "first card"})
    cloud.share(ADMIN, Compute, machine.id, owner="eve", tenant=EVE.principal.tenant)
    assert [held.overlay.owner for held in cloud.list(ADMIN, Interface)] == ["eve"]


def test_a_link_of_a_shared_machine_is_found_by_the_tag_of_whom_it_is_shared_with(
    cloud: Cloud, machine: Compute, network: str
) -> None:
    [link] = machine.interfaces
    cloud.update(ADA, Interface, link.id, {}, extra={"title": "first card"})
    for shared, id in ((Compute, machine.id), (Network, network)):
        cloud.share(ADMIN, shared, id, mode=0o604, other_tenants=True)
    cloud.tags.add("eve", scheme="http://e.example/#", term="red", title=None, rel=None, location="/red/")
    [tag] = cloud.tags.list("eve")
    cloud.tag(EVE, tag, [(Interface, link.id)], exact=False)
    assert [id for id, _ in cloud.locations(EVE, Interface, tag=tag)] == [link.id]
