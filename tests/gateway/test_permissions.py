"""One user cannot see, act on or delete another's things, whichever way is tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cloud import Cloud
from gateway.identity import Caller, Principal, Role
from gateway.model import (
    Attachment,
    AttachmentSpec,
    Compute,
    ComputeSpec,
    Conflict,
    Forbidden,
    Image,
    ImageSpec,
    InterfaceSpec,
    InvalidRequest,
    Network,
    NetworkSpec,
    NotFound,
    Snapshot,
    SnapshotSpec,
    Volume,
    VolumeSpec,
)
from gateway.policy.permissions import Right, rights_of
from gateway.store import Database, migrate
from gateway.store.overlay import Holding, Overlay, Overlays
from tests.conftest import PEOPLE, Site

GIB = 1 << 30


def caller(name: str) -> Caller:
    tenant, groups, roles = PEOPLE[name]
    return Caller(Principal(f"local:{name}", name, tenant, groups, frozenset(roles), "basic"))


ADMIN, ADA, BOB, EVE, CHIEF, WATCH = (caller(n) for n in ("admin", "ada", "bob", "eve", "chief", "watch"))


@pytest.fixture
def cloud(site: Site) -> Cloud:
    return site.cloud


@pytest.fixture
def machine(cloud: Cloud) -> str:
    """A compute of ada's."""
    return cloud.create(ADA, Compute, ComputeSpec(title="ada's")).resource.id


@pytest.mark.parametrize("stranger", [BOB, EVE], ids=["same tenant", "other tenant"])
def test_a_stranger_does_not_find_a_private_machine(cloud: Cloud, machine: str, stranger: Caller) -> None:
    with pytest.raises(NotFound):
        cloud.get(stranger, Compute, machine)


@pytest.mark.parametrize("stranger", [BOB, EVE], ids=["same tenant", "other tenant"])
def test_a_stranger_does_not_list_a_private_machine(cloud: Cloud, machine: str, stranger: Caller) -> None:
    assert machine not in [id for id, _ in cloud.locations(stranger, Compute)]
    assert machine not in [held.resource.id for held in cloud.list(stranger, Compute)]


def test_a_stranger_cannot_change_act_on_or_delete_a_private_machine(cloud: Cloud, machine: str) -> None:
    for attempt in (
        lambda: cloud.update(EVE, Compute, machine, {"title": "mine"}),
        lambda: cloud.act(EVE, Compute, machine, "stop"),
        lambda: cloud.delete(EVE, Compute, machine),
        lambda: cloud.share(EVE, Compute, machine, mode=0o777),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert cloud.get(ADA, Compute, machine).resource.title == "ada's"


def test_a_machine_that_is_not_there_and_one_that_is_anothers_look_the_same(
    cloud: Cloud, machine: str
) -> None:
    with pytest.raises(NotFound) as hidden:
        cloud.get(EVE, Compute, machine)
    with pytest.raises(NotFound) as missing:
        cloud.get(EVE, Compute, "0" * 36)
    assert hidden.value.message.replace(machine, "X") == missing.value.message.replace("0" * 36, "X")


def test_admin_and_tenant_admin_pass_and_a_monitor_only_looks(cloud: Cloud, machine: str) -> None:
    for who in (ADMIN, CHIEF, WATCH):
        assert cloud.get(who, Compute, machine).resource.id == machine
        assert machine in [id for id, _ in cloud.locations(who, Compute)]
    with pytest.raises(Forbidden):
        cloud.act(WATCH, Compute, machine, "stop")
    cloud.act(CHIEF, Compute, machine, "stop")


@pytest.mark.parametrize("role", ["monitor", "auditor"])
class TestARoleThatOnlyLooks:
    """It sees everything; what is in a volume or an image is not for it (use without content)."""

    @pytest.fixture
    def looker(self, role: str) -> Caller:
        return Caller(Principal("local:look", "look", "site", roles=frozenset({role})))

    def test_sees_what_is_private(self, cloud: Cloud, machine: str, looker: Caller) -> None:
        assert cloud.get(looker, Compute, machine).resource.id == machine
        assert machine in [id for id, _ in cloud.locations(looker, Compute)]

    def test_makes_no_copy_of_a_private_volume(self, cloud: Cloud, looker: Caller) -> None:
        volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
        with pytest.raises(Forbidden, match="volume"):
            cloud.create(looker, Snapshot, SnapshotSpec(volume=volume))

    def test_boots_no_private_image(self, cloud: Cloud, machine: str, looker: Caller) -> None:
        image = cloud.create(ADA, Image, ImageSpec(title="i", compute=machine)).resource.id
        with pytest.raises(Forbidden, match="image"):
            cloud.create(looker, Compute, ComputeSpec(image=image))

    def test_reads_no_private_volume(self, cloud: Cloud, looker: Caller) -> None:
        volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
        attachment = AttachmentSpec(volume=volume, read_only=True)
        with pytest.raises(Forbidden, match="volume"):
            cloud.create(looker, Compute, ComputeSpec(attachments=(attachment,)))

    def test_joins_no_private_network(self, cloud: Cloud, looker: Caller) -> None:
        network = cloud.create(ADA, Network, NetworkSpec()).resource.id
        with pytest.raises(Forbidden, match="network"):
            cloud.create(looker, Compute, ComputeSpec(interfaces=(InterfaceSpec(network=network),)))

    def test_does_not_find_what_is_not_there(self, cloud: Cloud, looker: Caller) -> None:
        with pytest.raises(NotFound):
            cloud.create(looker, Compute, ComputeSpec(image="none"))

    def test_uses_what_is_shared_with_it_like_anybody(self, cloud: Cloud, looker: Caller) -> None:
        network = cloud.create(ADA, Network, NetworkSpec()).resource.id
        cloud.share(ADMIN, Network, network, mode=0o604, other_tenants=True)
        spec = ComputeSpec(interfaces=(InterfaceSpec(network=network),))
        assert cloud.create(looker, Compute, spec).resource.interfaces[0].network == network

    def test_makes_machines_of_the_first_image_that_everybody_may_use(
        self, cloud: Cloud, machine: str, looker: Caller
    ) -> None:
        images = [id for id, _ in cloud.locations(ADMIN, Image)]
        for id in images[:-1]:
            cloud.share(ADMIN, Image, id, mode=0o600)
        assert cloud.create(looker, Compute, ComputeSpec()).resource.image == images[-1]


def test_use_without_manage_sees_but_does_not_touch(cloud: Cloud, machine: str) -> None:
    cloud.share(ADA, Compute, machine, mode=0o604)
    assert cloud.get(BOB, Compute, machine).resource.id == machine
    with pytest.raises(Forbidden):
        cloud.delete(BOB, Compute, machine)
    with pytest.raises(NotFound):
        cloud.get(EVE, Compute, machine)


def test_manage_without_use_is_enough_to_attach(cloud: Cloud, machine: str) -> None:
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    cloud.share(ADA, Volume, volume, mode=0o200)
    made = cloud.create(ADA, Attachment, AttachmentSpec(volume=volume, compute=machine))
    assert made.resource.volume == volume


def test_group_rights_go_to_the_group_only(cloud: Cloud, machine: str) -> None:
    cloud.share(ADA, Compute, machine, mode=0o660, group="lab")
    mate = Caller(Principal("local:mate", "mate", "chem", ("lab",)))
    cloud.update(mate, Compute, machine, {"title": "ours"})
    with pytest.raises(NotFound):
        cloud.get(BOB, Compute, machine)


def test_an_owner_cannot_give_a_machine_to_a_group_the_owner_is_not_in(cloud: Cloud, machine: str) -> None:
    with pytest.raises(Forbidden):
        cloud.share(ADA, Compute, machine, group="wheel")


def test_only_the_admin_right_opens_a_machine_to_other_tenants(cloud: Cloud, machine: str) -> None:
    with pytest.raises(Forbidden):
        cloud.share(ADA, Compute, machine, other_tenants=True)
    cloud.share(ADMIN, Compute, machine, other_tenants=True, mode=0o604)
    assert cloud.get(EVE, Compute, machine).resource.id == machine


def test_anothers_volume_cannot_be_attached_by_guessing_its_name(cloud: Cloud) -> None:
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    mine = cloud.create(EVE, Compute, ComputeSpec()).resource.id
    with pytest.raises(NotFound):
        cloud.create(EVE, Attachment, AttachmentSpec(volume=volume, compute=mine))
    with pytest.raises(NotFound):
        cloud.create(EVE, Compute, ComputeSpec(attachments=(AttachmentSpec(volume=volume),)))
    assert [id for id, _ in cloud.locations(EVE, Compute)] == [mine]


def test_anothers_network_cannot_be_joined(cloud: Cloud) -> None:
    network = cloud.create(ADA, Network, NetworkSpec()).resource.id
    with pytest.raises(NotFound):
        cloud.create(EVE, Compute, ComputeSpec(interfaces=(InterfaceSpec(network=network),)))


def test_a_pool_address_without_its_reservation_is_refused(cloud: Cloud) -> None:
    from ipaddress import ip_address

    spec = InterfaceSpec(network="default", pool="public", address=ip_address("203.0.113.9"))
    with pytest.raises(InvalidRequest):
        cloud.create(EVE, Compute, ComputeSpec(interfaces=(spec,)))


def test_a_shared_machine_does_not_show_links_to_what_the_viewer_may_not_see(cloud: Cloud) -> None:
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    network = cloud.create(ADA, Network, NetworkSpec()).resource.id
    spec = ComputeSpec(
        attachments=(AttachmentSpec(volume=volume),), interfaces=(InterfaceSpec(network=network),)
    )
    machine = cloud.create(ADA, Compute, spec).resource.id
    cloud.share(ADA, Compute, machine, mode=0o604)
    for seen in (cloud.get(BOB, Compute, machine), *cloud.list(BOB, Compute)):
        assert (seen.resource.attachments, seen.resource.interfaces) == ((), ())
    assert len(cloud.get(ADA, Compute, machine).resource.attachments) == 1


def test_links_are_listed_and_read_only_by_those_who_see_the_machine(cloud: Cloud) -> None:
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    link = cloud.create(ADA, Attachment, AttachmentSpec(volume=volume, compute=machine)).resource.id
    assert [id for id, _ in cloud.locations(EVE, Attachment)] == []
    for attempt in (
        lambda: cloud.get(EVE, Attachment, link),
        lambda: cloud.delete(EVE, Attachment, link),
        lambda: cloud.act(EVE, Attachment, link, "offline"),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert [id for id, _ in cloud.locations(ADA, Attachment)] == [link]


def test_a_link_to_what_the_viewer_may_not_see_is_not_found_by_its_own_name(cloud: Cloud) -> None:
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    machine = cloud.create(ADA, Compute, ComputeSpec(attachments=(AttachmentSpec(volume=volume),))).resource
    cloud.share(ADA, Compute, machine.id, mode=0o604)
    [link] = machine.attachments
    with pytest.raises(NotFound):
        cloud.get(BOB, Attachment, link.id)
    assert [id for id, _ in cloud.locations(BOB, Attachment)] == []
    cloud.share(ADA, Volume, volume, mode=0o604)
    assert cloud.get(BOB, Attachment, link.id).resource.volume == volume


def test_a_volume_of_mine_on_a_machine_of_anothers_is_not_pulled_away(cloud: Cloud) -> None:
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    cloud.share(ADMIN, Volume, volume, mode=0o606)
    machine = cloud.create(BOB, Compute, ComputeSpec()).resource.id
    cloud.create(BOB, Attachment, AttachmentSpec(volume=volume, compute=machine))
    with pytest.raises(Conflict):
        cloud.delete(ADA, Volume, volume)
    assert cloud.get(BOB, Compute, machine).resource.attachments


def test_an_owned_listing_leaves_out_what_is_only_shared(cloud: Cloud, machine: str) -> None:
    cloud.share(ADA, Compute, machine, mode=0o606)
    assert machine in [id for id, _ in cloud.locations(BOB, Compute)]
    assert machine not in [id for id, _ in cloud.locations(BOB, Compute, owned=True)]
    assert cloud.locations(ADMIN, Compute, owned=True) == []


def test_a_look_at_anothers_machine_is_in_the_audit_record(cloud: Cloud, machine: str) -> None:
    with pytest.raises(NotFound):
        cloud.get(EVE, Compute, machine)
    [record] = cloud.audit.query(user="eve")
    assert (record["outcome"], record["reason"], record["resource_id"]) == ("denied", "invisible", machine)


_NAMES = st.sampled_from(["", "a", "b", "c"])


@st.composite
def _rows(draw: st.DrawFn) -> dict[str, object]:
    return {
        "owner": draw(_NAMES),
        "tenant": draw(_NAMES),
        "group": draw(_NAMES),
        "mode": draw(st.integers(0, 0o777)),
        "other_tenants": draw(st.booleans()),
    }


_PRINCIPALS = st.builds(
    Principal,
    subject=st.just("x"),
    user=_NAMES,
    tenant=_NAMES,
    groups=st.lists(_NAMES, unique=True, max_size=3).map(tuple),
    roles=st.frozensets(st.sampled_from([role.value for role in Role]), max_size=2),
)


@given(
    rows=st.lists(_rows(), min_size=1, max_size=8), principals=st.lists(_PRINCIPALS, min_size=1, max_size=4)
)
def test_a_listing_shows_exactly_what_the_use_right_allows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]], principals: list[Principal]
) -> None:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}")
    migrate.upgrade(database)
    overlays = Overlays(database)
    expected: list[tuple[str, Overlay]] = []
    for number, row in enumerate(rows):
        owner = Principal("x", str(row["owner"]), str(row["tenant"]))
        with database.write() as tx:
            held = overlays.reserve(
                tx,
                owner,
                kind="compute",
                zone="default",
                token=f"t{number}",
                mode=int(str(row["mode"])),
                holding=Holding(),
                group=str(row["group"]),
                other_tenants=bool(row["other_tenants"]),
            )
            overlays.bind(tx, held, f"c{number}")
        made = overlays.get("compute", f"c{number}", "")
        assert made is not None
        expected.append((f"c{number}", made))
    for principal in principals:
        seen = [row.id for row in overlays.visible(principal, "compute")]
        assert seen == [id for id, row in expected if rights_of(principal, row) & Right.USE]
        assert [id for id, _ in overlays.places(principal, "compute").all] == seen
    database.close()


def test_whoever_has_no_name_is_not_the_nobody_who_owns_a_thing() -> None:
    unowned = Overlay(1, "image", "i", "default", "", "", "", 0o666, False, None)
    assert rights_of(Principal("anonymous:", "", ""), unowned) == 0
    assert rights_of(Principal("local:x", "x", "", ("",)), unowned) == 0


def test_rights_add_up_over_owner_group_and_other() -> None:
    row = Overlay(1, "compute", "c", "default", "ada", "bio", "lab", 0o421, False, None)
    assert rights_of(ADA.principal, row) == Right.USE | Right.MANAGE | Right.ADMIN
    assert rights_of(BOB.principal, row) == Right.ADMIN
    assert rights_of(EVE.principal, row) == 0


def test_a_mode_beyond_nine_bits_is_refused(cloud: Cloud, machine: str) -> None:
    with pytest.raises(InvalidRequest):
        cloud.share(ADA, Compute, machine, mode=0o1777)


def test_the_umask_of_the_configuration_sets_the_first_bits(
    make_site: Callable[..., Site], tmp_path: Path
) -> None:
    cloud = make_site(tenancy={"umask": "133"}).cloud
    held = cloud.create(ADA, Compute, ComputeSpec())
    assert held.overlay.mode == 0o644
    assert cloud.get(BOB, Compute, held.resource.id)
