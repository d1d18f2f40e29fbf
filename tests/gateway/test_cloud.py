"""The one door: quotas, restricted attributes, failures, idempotency, audit."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from gateway.model import (
    Address,
    AddressSpec,
    Attachment,
    AttachmentSpec,
    BackendUnavailable,
    Compute,
    ComputeSpec,
    Conflict,
    Forbidden,
    GatewayError,
    Image,
    ImageSpec,
    Interface,
    InterfaceSpec,
    InvalidRequest,
    InvalidState,
    Network,
    NetworkSpec,
    NotFound,
    QuotaExceeded,
    Volume,
    VolumeSpec,
)
from gateway.reconcile import Reconciler
from gateway.store.overlay import Holding
from tests.conftest import Site
from tests.gateway.test_permissions import ADA, ADMIN, BOB, EVE

GIB = 1 << 30
Make = Callable[..., Site]


def _failing(**rule: Any) -> dict[str, Any]:
    return {"default": {"driver": "sandbox", "failures": [rule]}}


def test_thirty_creates_at_once_against_a_limit_of_ten_give_exactly_ten(
    make_site: Make, store_url: str
) -> None:
    cloud = make_site(quotas={"user": {"ada": {"instances": 10}}}, store={"url": store_url}).cloud

    def create(number: int) -> bool:
        try:
            cloud.create(ADA, Compute, ComputeSpec(title=str(number)))
        except QuotaExceeded:
            return False
        finally:
            cloud.database.close()
        return True

    with ThreadPoolExecutor(30) as pool:
        assert sum(pool.map(create, range(30))) == 10
    assert len(cloud.locations(ADA, Compute)) == 10


@pytest.mark.parametrize(
    ("limits", "spec", "message"),
    [
        ({"instances": 0}, ComputeSpec(), "quota exceeded: instances 0 of 0 (tenant bio)"),
        ({"vcpus": 3}, ComputeSpec(instance_type="large"), "quota exceeded: vcpus 0 of 3 (tenant bio)"),
        (
            {"memory_bytes": "1GiB"},
            ComputeSpec(instance_type="medium"),
            "quota exceeded: memory_bytes 0 of 1073741824 (tenant bio)",
        ),
        (
            {"instances:small": 0},
            ComputeSpec(instance_type="small"),
            "quota exceeded: instances:small 0 of 0 (tenant bio)",
        ),
    ],
)
def test_a_quota_names_dimension_use_limit_and_scope(
    make_site: Make, limits: dict[str, Any], spec: ComputeSpec, message: str
) -> None:
    cloud = make_site(quotas={"tenant": {"bio": limits}}).cloud
    with pytest.raises(QuotaExceeded) as refused:
        cloud.create(ADA, Compute, spec)
    assert refused.value.message == message
    assert cloud.locations(ADA, Compute) == []
    cloud.create(EVE, Compute, spec)


def test_volumes_have_quotas_of_number_and_of_bytes(make_site: Make) -> None:
    cloud = make_site(quotas={"user": {"*": {"volumes": 2, "volume_bytes": "3GiB"}}}).cloud
    cloud.create(ADA, Volume, VolumeSpec(size=2 * GIB))
    with pytest.raises(QuotaExceeded, match="volume_bytes"):
        cloud.create(ADA, Volume, VolumeSpec(size=2 * GIB))
    cloud.create(ADA, Volume, VolumeSpec(size=GIB))
    with pytest.raises(QuotaExceeded, match="volumes 2 of 2"):
        cloud.create(ADA, Volume, VolumeSpec(size=1))
    cloud.create(BOB, Volume, VolumeSpec(size=2 * GIB))


def test_growing_is_held_against_the_quota_and_a_refused_growth_changes_nothing(make_site: Make) -> None:
    cloud = make_site(quotas={"user": {"ada": {"vcpus": 3, "volume_bytes": "2GiB"}}}).cloud
    machine = cloud.create(ADA, Compute, ComputeSpec(instance_type="small")).resource.id
    cloud.update(ADA, Compute, machine, {"instance_type": "medium"})
    with pytest.raises(QuotaExceeded):
        cloud.update(ADA, Compute, machine, {"instance_type": "large"})
    assert cloud.get(ADA, Compute, machine).resource.cores == 2
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    with pytest.raises(QuotaExceeded):
        cloud.act(ADA, Volume, volume, "resize", {"size": 3 * GIB})
    assert cloud.act(ADA, Volume, volume, "resize", {"size": 2 * GIB}).resource.size == 2 * GIB
    cloud.update(ADA, Compute, machine, {"instance_type": "small"})
    cloud.create(ADA, Compute, ComputeSpec(instance_type="medium"))


def test_a_failed_growth_gives_its_reservation_back(make_site: Make) -> None:
    cloud = make_site(quotas={"user": {"ada": {"volume_bytes": "4GiB"}}}).cloud
    volume = cloud.create(ADA, Volume, VolumeSpec(size=2 * GIB)).resource.id
    with pytest.raises(GatewayError):
        cloud.act(ADA, Volume, volume, "resize", {"size": GIB})
    cloud.create(ADA, Volume, VolumeSpec(size=2 * GIB))


def test_deleting_frees_the_quota(make_site: Make) -> None:
    cloud = make_site(quotas={"user": {"ada": {"instances": 1}}}).cloud
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    cloud.delete(ADA, Compute, machine)
    cloud.create(ADA, Compute, ComputeSpec())


def test_a_change_by_the_admin_counts_for_the_owner(make_site: Make) -> None:
    cloud = make_site(quotas={"user": {"ada": {"vcpus": 1}}}).cloud
    machine = cloud.create(ADA, Compute, ComputeSpec(instance_type="small")).resource.id
    with pytest.raises(QuotaExceeded, match="user ada"):
        cloud.update(ADMIN, Compute, machine, {"instance_type": "medium"})


def test_a_failing_back_end_leaves_no_row_and_no_reservation(make_site: Make) -> None:
    cloud = make_site(
        backends=_failing(noun="compute", operation="create", error="unavailable", every=1),
        quotas={"user": {"ada": {"instances": 1}}},
    ).cloud
    for _ in range(3):
        with pytest.raises(BackendUnavailable):
            cloud.create(ADA, Compute, ComputeSpec())
    assert cloud.locations(ADA, Compute) == []
    assert cloud.overlays.making(1 << 62) == []
    assert [r["outcome"] for r in cloud.audit.query(user="ada")] == ["failure"] * 3


def test_a_fixed_mac_and_a_vlan_need_the_admin_role(make_site: Make) -> None:
    cloud = make_site().cloud
    network = cloud.create(ADA, Network, NetworkSpec()).resource.id
    card = InterfaceSpec(network=network, mac="52:54:00:00:00:01")
    for attempt in (
        lambda: cloud.create(ADA, Compute, ComputeSpec(interfaces=(card,))),
        lambda: cloud.create(ADA, Network, NetworkSpec(vlan=5)),
        lambda: cloud.update(ADA, Network, network, {"vlan": 5}),
    ):
        with pytest.raises(Forbidden, match="only admin may set"):
            attempt()
    cloud.create(ADMIN, Network, NetworkSpec(vlan=5))


def test_a_restricted_value_may_be_sent_back_unchanged(make_site: Make) -> None:
    cloud = make_site().cloud
    network = cloud.create(ADA, Network, NetworkSpec()).resource.id
    cloud.update(ADMIN, Network, network, {"vlan": 7})
    assert cloud.update(ADA, Network, network, {"vlan": 7, "title": "x"}).resource.title == "x"


def test_a_role_can_be_allowed_a_restricted_attribute(make_site: Make) -> None:
    cloud = make_site(restricted={"netadmin": ["network.vlan"]}).cloud
    netadmin = ADA._replace(principal=replace(ADA.principal, roles=frozenset({"netadmin"})))
    assert cloud.create(netadmin, Network, NetworkSpec(vlan=5)).resource.vlan == 5
    with pytest.raises(Forbidden, match="admin or netadmin"):
        cloud.create(BOB, Network, NetworkSpec(vlan=6))


def test_a_named_type_sets_the_size_whatever_else_is_asked(make_site: Make) -> None:
    cloud = make_site().cloud
    made = cloud.create(ADA, Compute, ComputeSpec(instance_type="medium", cores=9, memory=9 * GIB)).resource
    assert (made.cores, made.memory, made.instance_type) == (2, 2 * GIB, "medium")


def test_what_a_request_leaves_open_comes_from_the_configuration(make_site: Make) -> None:
    cloud = make_site(
        defaults={"instance_type": "tiny", "image": "alpine-3", "cores": 3, "memory": "512MiB"},
        instance_types={"tiny": {"cores": 1, "memory": "64MiB"}},
    ).cloud
    made = cloud.create(ADA, Compute, ComputeSpec()).resource
    assert (made.instance_type, made.memory, made.image) == ("tiny", 64 << 20, "alpine-3")
    sized = cloud.create(ADA, Compute, ComputeSpec(cores=2)).resource
    assert (sized.instance_type, sized.cores, sized.memory) == (None, 2, 512 << 20)


def test_templates_can_be_required(make_site: Make) -> None:
    cloud = make_site(defaults={"templates_required": True}).cloud
    with pytest.raises(InvalidRequest):
        cloud.create(ADA, Compute, ComputeSpec(image="debian-12"))
    cloud.create(ADA, Compute, ComputeSpec(image="debian-12", instance_type="small"))


def test_an_unknown_instance_type_is_not_found(make_site: Make) -> None:
    cloud = make_site().cloud
    with pytest.raises(NotFound):
        cloud.create(ADA, Compute, ComputeSpec(instance_type="galactic"))
    assert cloud.locations(ADA, Compute) == []


def test_the_same_idempotency_key_makes_one_machine(make_site: Make, store_url: str) -> None:
    cloud = make_site(store={"url": store_url}).cloud

    def create(_: int) -> str:
        try:
            return cloud.create(ADA, Compute, ComputeSpec(title="x"), idempotency_key="k1").resource.id
        except Conflict:
            return ""  # the first is still running
        finally:
            cloud.database.close()

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(create, range(8))) - {""}
    assert len(made) == 1
    assert create(9) in made
    assert len(cloud.locations(ADA, Compute)) == 1


def test_an_idempotency_key_with_another_request_is_a_conflict(make_site: Make) -> None:
    cloud = make_site().cloud
    cloud.create(ADA, Compute, ComputeSpec(title="x"), idempotency_key="k1")
    with pytest.raises(Conflict):
        cloud.create(ADA, Compute, ComputeSpec(title="y"), idempotency_key="k1")
    with pytest.raises(Conflict):
        cloud.create(ADA, Compute, ComputeSpec(title="x"), idempotency_key="k1", path="/elsewhere")
    with pytest.raises(Conflict):
        cloud.create(
            ADA, Compute, ComputeSpec(title="x"), idempotency_key="k1", extra={"attributes": {"a.b": 1}}
        )
    cloud.create(BOB, Compute, ComputeSpec(title="y"), idempotency_key="k1")


def test_deleting_a_volume_takes_its_attachments_along(make_site: Make) -> None:
    cloud = make_site().cloud
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    machine = cloud.create(
        ADA, Compute, ComputeSpec(attachments=(AttachmentSpec(volume=volume),))
    ).resource.id
    cloud.delete(ADA, Volume, volume)
    assert cloud.get(ADA, Compute, machine).resource.attachments == ()
    assert cloud.locations(ADA, Attachment) == []


def test_deleting_a_network_takes_its_interfaces_along(make_site: Make) -> None:
    cloud = make_site().cloud
    network = cloud.create(ADA, Network, NetworkSpec()).resource.id
    spec = ComputeSpec(interfaces=(InterfaceSpec(network=network),))
    machine = cloud.create(ADA, Compute, spec).resource.id
    cloud.delete(ADA, Network, network)
    assert cloud.get(ADA, Compute, machine).resource.interfaces == ()


def test_a_reserved_address_is_used_by_naming_its_reservation(make_site: Make) -> None:
    pools = {"public": "203.0.113.0/28"}
    cloud = make_site(backends={"default": {"driver": "sandbox", "pools": pools}}).cloud
    reserved = cloud.create(ADA, Address, AddressSpec(pool="public")).resource
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    spec = InterfaceSpec(network="", compute=machine, reservation=reserved.id)
    made = cloud.create(ADA, Interface, spec).resource
    assert (made.address, made.reservation) == (reserved.address, reserved.id)
    assert cloud.get(ADA, Address, reserved.id).resource.compute == machine
    other = cloud.create(EVE, Compute, ComputeSpec()).resource.id
    with pytest.raises(NotFound):
        cloud.create(EVE, Interface, replace(spec, compute=other))


def test_what_a_link_is_remembered_by_goes_with_its_machine(make_site: Make) -> None:
    cloud = make_site().cloud
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    spec = AttachmentSpec(volume=volume, compute=machine)
    link = cloud.create(ADA, Attachment, spec, extra={"attributes": {"a.b": "c"}}).resource.id
    assert cloud.get(ADA, Attachment, link).overlay.extra == {"attributes": {"a.b": "c"}}
    cloud.delete(ADA, Compute, machine)
    assert cloud.overlays.get("attachment", link, "ada") is None


def test_an_action_that_the_state_does_not_allow_names_those_that_it_does(make_site: Make) -> None:
    cloud = make_site().cloud
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    cloud.act(ADA, Compute, machine, "stop")
    with pytest.raises(InvalidState) as refused:
        cloud.act(ADA, Compute, machine, "suspend")
    assert "start" in refused.value.allowed


def test_a_saved_image_is_its_makers_own(make_site: Make) -> None:
    cloud = make_site().cloud
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    image = cloud.create(ADA, Image, ImageSpec(title="mine", compute=machine)).resource
    assert image.title == "mine"
    assert image.id in [id for id, _ in cloud.locations(ADA, Image)]
    assert image.id not in [id for id, _ in cloud.locations(EVE, Image)]
    with pytest.raises(NotFound):
        cloud.create(EVE, Compute, ComputeSpec(image=image.id))


def test_audit_answers_who_ran_an_image_and_who_had_an_address(make_site: Make) -> None:
    cloud = make_site().cloud
    made = cloud.create(ADA, Compute, ComputeSpec(title="web", image="alpine-3")).resource
    [address] = made.addresses
    [record] = cloud.audit.query(text=f'"{address}"')
    assert (record["event"], record["user"], record["image_id"]) == ("compute.create", "ada", "alpine-3")
    assert record["resource_id"] == made.id


def test_a_crash_between_made_and_recorded_is_finished_later(make_site: Make) -> None:
    cloud = make_site().cloud
    with cloud.database.write() as tx:
        cloud.overlays.reserve(
            tx, ADA.principal, kind="compute", zone="default", token="lost", mode=0o600, holding=Holding(1)
        )
        cloud.overlays.reserve(
            tx, ADA.principal, kind="compute", zone="default", token="never", mode=0o600, holding=Holding(1)
        )
    computes = cloud.zones.backend("default").computes
    made = computes.create(ComputeSpec(title="lost", cores=1, memory=GIB, token="lost"))
    report = Reconciler(cloud, stale_seconds=0).run()
    assert (report.finished, report.released, report.adopted) == (1, 1, 0)
    assert cloud.get(ADA, Compute, made.id).resource.title == "lost"
    assert cloud.overlays.making(1 << 62) == []


def test_a_link_that_was_never_made_is_released_later(make_site: Make) -> None:
    cloud = make_site().cloud
    with cloud.database.write() as tx:
        cloud.overlays.reserve(
            tx, ADA.principal, kind="interface", zone="default", token="lost", mode=0o600, holding=Holding()
        )
    assert Reconciler(cloud, stale_seconds=0).run().released == 1
    assert cloud.overlays.making(1 << 62) == []


def test_a_link_lost_by_the_back_end_can_be_made_again_with_a_key(make_site: Make) -> None:
    cloud = make_site().cloud
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    spec = AttachmentSpec(volume=volume, compute=machine)
    first = cloud.create(ADA, Attachment, spec, extra={"attributes": {"a.b": "old"}}).resource.id
    attachments = cloud.zones.backend("default").attachments
    assert attachments is not None
    attachments.delete(first)
    again = cloud.create(ADA, Attachment, spec, idempotency_key="k")
    assert (again.resource.id, again.overlay.extra) == (first, {})


def test_a_machine_made_behind_the_gateway_is_given_to_the_admin_role_only(make_site: Make) -> None:
    cloud = make_site().cloud
    made = cloud.zones.backend("default").computes.create(ComputeSpec(cores=1, memory=GIB))
    assert Reconciler(cloud).run().adopted == 1
    assert cloud.get(ADMIN, Compute, made.id)
    with pytest.raises(NotFound):
        cloud.get(ADA, Compute, made.id)
    assert Reconciler(cloud).run().adopted == 0


def test_what_the_back_end_lost_is_forgotten_and_its_quota_is_free(make_site: Make) -> None:
    cloud = make_site(quotas={"user": {"ada": {"instances": 1}}}).cloud
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    cloud.zones.backend("default").computes.delete(machine)
    with pytest.raises(QuotaExceeded):
        cloud.create(ADA, Compute, ComputeSpec())
    assert Reconciler(cloud).run().forgotten == 1
    cloud.create(ADA, Compute, ComputeSpec())
    [record] = cloud.audit.query(event="compute.forget")
    assert (record["resource_id"], record["owner"]) == (machine, "ada")


def test_a_back_end_that_lost_everything_makes_nobody_lose_the_ownership(make_site: Make) -> None:
    cloud = make_site().cloud
    machines = [cloud.create(ADA, Compute, ComputeSpec()).resource.id for _ in range(5)]
    for machine in machines:
        cloud.zones.backend("default").computes.delete(machine)
    report = Reconciler(cloud).run()
    assert report.forgotten == 0
    assert report.failed == ["default: all 5 of kind compute are gone from the back end; none is forgotten"]
    assert cloud.overlays.ids("compute", "default") == set(machines)


def test_adopting_can_be_switched_off_for_machines(make_site: Make) -> None:
    cloud = make_site().cloud
    cloud.zones.backend("default").computes.create(ComputeSpec(cores=1, memory=GIB))
    assert Reconciler(cloud, adopt="none").run().adopted == 0


def test_two_zones_keep_their_things_apart(make_site: Make) -> None:
    cloud = make_site(
        backends={"default": {"driver": "sandbox"}, "kvm": {"driver": "sandbox", "path": "kvm.db"}}
    ).cloud
    here = cloud.create(ADA, Compute, ComputeSpec()).resource
    there = cloud.create(ADA, Compute, ComputeSpec(), zone="kvm").resource
    assert not here.id.startswith("kvm--")
    assert there.id.startswith("kvm--")
    assert there.image is not None
    assert there.image.startswith("kvm--")
    assert all(i.id.startswith(f"{there.id}~") and i.compute == there.id for i in there.interfaces)
    assert [id for id, _ in cloud.locations(ADA, Compute)] == [here.id, there.id]
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    with pytest.raises(InvalidRequest, match="zone"):
        cloud.create(ADA, Attachment, AttachmentSpec(volume=volume, compute=there.id))
    cloud.delete(ADA, Compute, there.id)
    assert [id for id, _ in cloud.locations(ADA, Compute)] == [here.id]


def test_an_image_of_another_zone_decides_the_zone(make_site: Make) -> None:
    cloud = make_site(
        backends={"default": {"driver": "sandbox"}, "kvm": {"driver": "sandbox", "path": "kvm.db"}}
    ).cloud
    made = cloud.create(ADA, Compute, ComputeSpec(image="kvm--debian-12"))
    assert made.overlay.zone == "kvm"


def test_every_back_end_call_is_told_to_the_observer(make_site: Make) -> None:
    cloud = make_site().cloud
    told: list[tuple[str, str, str]] = []
    cloud.door.observer = lambda zone, operation, outcome, seconds: told.append((zone, operation, outcome))
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    cloud.delete(ADA, Compute, machine)
    assert ("default", "compute.create", "ok") in told
    assert ("default", "compute.delete", "ok") in told


def test_a_listing_of_many_machines_is_one_back_end_call(make_site: Make) -> None:
    cloud = make_site().cloud
    for _ in range(5):
        cloud.create(ADA, Compute, ComputeSpec())
    told: list[str] = []
    cloud.door.observer = lambda zone, operation, outcome, seconds: told.append(operation)
    assert len(cloud.list(ADA, Compute)) == 5
    assert len(cloud.locations(ADA, Compute)) == 5
    assert told == ["compute.list", "compute.list"]
