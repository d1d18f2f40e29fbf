"""Updates and actions through the door: where changes go, what is held against quotas, what is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from backends.base import Capability
from gateway.cloud import Cloud
from gateway.model import (
    Attachment,
    AttachmentSpec,
    BackendUnavailable,
    Compute,
    ComputeSpec,
    Forbidden,
    InvalidRequest,
    InvalidState,
    Network,
    NetworkSpec,
    NotFound,
    QuotaExceeded,
    SecurityGroup,
    SecurityGroupSpec,
    Unsupported,
    Volume,
    VolumeSpec,
)
from gateway.store.overlay import Holding
from tests.conftest import Site
from tests.gateway.ledger import held
from tests.gateway.test_permissions import ADA, ADMIN, BOB, CHIEF, EVE

GIB = 1 << 30
Make = Callable[..., Site]
TWO_ZONES = {"default": {"driver": "sandbox"}, "kvm": {"driver": "sandbox", "path": "kvm.db"}}


@pytest.fixture
def cloud(site: Site) -> Cloud:
    return site.cloud


def _failing(noun: str, operation: str) -> dict[str, Any]:
    rule = {"noun": noun, "operation": operation, "error": "unavailable"}
    return {"default": {"driver": "sandbox", "failures": [rule]}}


def _machine(cloud: Cloud, **wanted: Any) -> str:
    return cloud.create(ADA, Compute, ComputeSpec(**wanted)).resource.id


def _volume(cloud: Cloud, size: int = GIB) -> str:
    return cloud.create(ADA, Volume, VolumeSpec(size=size)).resource.id


def _without_rename(cloud: Cloud) -> None:
    backend = cloud.zones.backend("default")
    backend.capabilities -= {Capability.RENAME}


def test_what_only_the_gateway_keeps_is_replaced_where_given_and_left_where_not(cloud: Cloud) -> None:
    machine = _machine(cloud)
    first, second = {"attributes": {"a.b": 1}}, {"attributes": {"a.b": 2}}
    assert cloud.update(ADA, Compute, machine, {}, extra=first).overlay.extra == first
    assert cloud.update(ADA, Compute, machine, {"title": "web"}).overlay.extra == first
    assert cloud.update(ADA, Compute, machine, {}, extra=second).overlay.extra == second
    assert cloud.get(ADA, Compute, machine).overlay.extra == second
    assert cloud.update(ADA, Compute, machine, {}, extra={}).overlay.extra == {}
    assert cloud.get(ADA, Compute, machine).overlay.extra == {}


def test_what_is_changed_of_a_link_is_remembered_of_it(cloud: Cloud) -> None:
    disk = AttachmentSpec(volume=_volume(cloud))
    [link] = cloud.create(ADA, Compute, ComputeSpec(attachments=(disk,))).resource.attachments
    changed = cloud.update(ADA, Attachment, link.id, {}, extra={"attributes": {"a.b": 1}})
    assert changed.overlay.seq
    assert cloud.get(ADA, Attachment, link.id).overlay == changed.overlay
    assert changed.overlay.extra == {"attributes": {"a.b": 1}}
    again = cloud.update(ADA, Attachment, link.id, {"mountpoint": "/srv"}, extra={"attributes": {"a.b": 2}})
    assert (again.overlay.seq, again.overlay.extra) == (changed.overlay.seq, {"attributes": {"a.b": 2}})
    assert cloud.get(ADA, Attachment, link.id).overlay.extra == {"attributes": {"a.b": 2}}
    assert again.resource.mountpoint == "/srv"


def test_a_link_of_which_nothing_is_to_be_remembered_gets_no_row(cloud: Cloud) -> None:
    disk = AttachmentSpec(volume=_volume(cloud))
    [link] = cloud.create(ADA, Compute, ComputeSpec(attachments=(disk,))).resource.attachments
    changed = cloud.update(ADA, Attachment, link.id, {"mountpoint": "/srv"}, extra={})
    assert changed.overlay.seq == 0
    assert cloud.overlays.get("attachment", link.id, "ada") is None


def test_a_change_of_a_link_that_cannot_be_remembered_is_recorded_as_failed(make_site: Make) -> None:
    second = {"noun": "attachment", "operation": "get", "error": "unavailable", "every": 2}
    cloud = make_site(backends={"default": {"driver": "sandbox", "failures": [second]}}).cloud
    disk = AttachmentSpec(volume=_volume(cloud))
    [link] = cloud.create(ADA, Compute, ComputeSpec(attachments=(disk,))).resource.attachments
    with pytest.raises(BackendUnavailable):
        cloud.update(ADA, Attachment, link.id, {}, extra={"attributes": {"a.b": 1}})
    [record] = cloud.audit.query(event="attachment.update")
    assert (record["outcome"], record["reason"]) == ("failure", "backend_unavailable")
    assert (record["user"], record["resource_id"]) == ("ada", link.id)


def test_titles_that_a_back_end_cannot_keep_are_kept_by_the_gateway(cloud: Cloud) -> None:
    machine = _machine(cloud, title="first", summary="one")
    _without_rename(cloud)
    changed = cloud.update(ADA, Compute, machine, {"title": "web", "summary": "two", "hostname": "www"})
    assert (changed.resource.title, changed.resource.summary, changed.resource.hostname) == (
        "web",
        "two",
        "www",
    )
    assert changed.overlay.extra == {"title": "web", "summary": "two"}
    assert cloud.get(ADA, Compute, machine) == changed
    assert cloud.list(ADA, Compute) == [changed]
    inside = cloud.zones.backend("default").computes.get(machine)
    assert (inside.title, inside.summary, inside.hostname) == ("first", "one", "www")


def test_a_title_kept_by_the_gateway_stays_when_other_things_change(cloud: Cloud) -> None:
    machine = _machine(cloud, title="first")
    _without_rename(cloud)
    cloud.update(ADA, Compute, machine, {"title": "web"})
    changed = cloud.update(ADA, Compute, machine, {"hostname": "www"})
    assert (changed.resource.title, changed.overlay.extra) == ("web", {"title": "web"})
    stopped = cloud.act(ADA, Compute, machine, "stop")
    assert (stopped.resource.title, stopped.overlay.extra) == ("web", {"title": "web"})


def test_titles_that_a_back_end_keeps_are_not_kept_twice(cloud: Cloud) -> None:
    machine = _machine(cloud, title="first")
    assert cloud.update(ADA, Compute, machine, {"title": "web", "summary": "two"}).overlay.extra == {}
    assert cloud.zones.backend("default").computes.get(machine).title == "web"


def test_an_update_that_changes_nothing_of_the_back_end_only_reads_there(cloud: Cloud) -> None:
    machine = _machine(cloud)
    told: list[tuple[str, str]] = []
    cloud.door.observer = lambda zone, operation, outcome, seconds: told.append((zone, operation))
    cloud.update(ADA, Compute, machine, {}, extra={"attributes": {"a.b": 1}})
    assert told == [("default", "compute.get")]
    cloud.update(ADA, Compute, machine, {"title": "web"})
    cloud.act(ADA, Compute, machine, "stop")
    assert told[1:] == [
        ("default", "compute.get"),
        ("default", "compute.update"),
        ("default", "compute.stop"),
    ]


def test_the_groups_of_a_machine_are_changed_to_those_that_the_caller_may_use(cloud: Cloud) -> None:
    machine = _machine(cloud)
    mine = cloud.create(ADA, SecurityGroup, SecurityGroupSpec(title="mine")).resource.id
    theirs = cloud.create(EVE, SecurityGroup, SecurityGroupSpec(title="theirs")).resource.id
    changed = cloud.update(ADA, Compute, machine, {"security_groups": (mine,)})
    assert changed.resource.security_groups == (mine,)
    with pytest.raises(NotFound) as refused:
        cloud.update(ADA, Compute, machine, {"security_groups": (mine, theirs)})
    assert refused.value.message == f"no security_group {theirs}"
    assert cloud.update(ADA, Compute, machine, {"security_groups": ()}).resource.security_groups == ()


def test_a_machine_of_a_zone_is_changed_by_the_outside_names_of_that_zone(make_site: Make) -> None:
    cloud = make_site(backends=TWO_ZONES, instance_types={"tiny": {"cores": 3, "memory": "64MiB"}}).cloud
    machine = cloud.create(ADA, Compute, ComputeSpec(), zone="kvm").resource.id
    group = cloud.create(ADA, SecurityGroup, SecurityGroupSpec(title="g"), zone="kvm").resource.id
    changes = {"security_groups": (group,), "instance_type": "kvm--medium"}
    changed = cloud.update(ADA, Compute, machine, changes).resource
    assert (changed.id, changed.security_groups, changed.instance_type) == (machine, (group,), "kvm--medium")
    assert (changed.cores, changed.memory) == (2, 2 * GIB)
    assert cloud.get(ADA, Compute, machine).resource == changed
    assert cloud.act(ADA, Compute, machine, "stop").resource.id == machine
    elsewhere = cloud.create(ADA, SecurityGroup, SecurityGroupSpec(title="g")).resource.id
    with pytest.raises(InvalidRequest) as refused:
        cloud.update(ADA, Compute, machine, {"security_groups": (elsewhere,)})
    assert refused.value.field == "security_groups"


def test_a_machine_can_take_a_type_of_the_configuration(make_site: Make) -> None:
    cloud = make_site(instance_types={"tiny": {"cores": 3, "memory": "64MiB"}}).cloud
    machine = _machine(cloud, instance_type="small")
    changed = cloud.update(ADA, Compute, machine, {"instance_type": "tiny"}).resource
    assert (changed.instance_type, changed.cores, changed.memory) == ("tiny", 3, 64 << 20)
    assert held(cloud, machine) == Holding(3, 64 << 20, 0, "tiny")


def test_a_type_of_the_configuration_may_be_called_as_if_it_were_of_a_zone(make_site: Make) -> None:
    types = {"kvm--tiny": {"cores": 3, "memory": "64MiB"}}
    cloud = make_site(backends=TWO_ZONES, instance_types=types).cloud
    machine = _machine(cloud, instance_type="small")
    changed = cloud.update(ADA, Compute, machine, {"instance_type": "kvm--tiny"}).resource
    assert (changed.instance_type, changed.cores) == ("kvm--tiny", 3)
    assert held(cloud, machine) == Holding(3, 64 << 20, 0, "kvm--tiny")


def test_a_type_that_is_not_offered_is_not_taken(cloud: Cloud) -> None:
    machine = _machine(cloud, instance_type="small")
    with pytest.raises(NotFound) as refused:
        cloud.update(ADA, Compute, machine, {"instance_type": "galactic"})
    assert refused.value.message == "no instance type galactic"
    assert held(cloud, machine) == Holding(1, GIB, 0, "small")


@pytest.mark.parametrize("changes", [{"cores": 2}, {"memory": 2 * GIB}, {"instance_type": "medium"}])
def test_a_zone_that_does_not_change_sizes_changes_everything_else(
    cloud: Cloud, changes: Mapping[str, Any]
) -> None:
    machine = _machine(cloud, instance_type="small")
    cloud.zones.backend("default").capabilities -= {Capability.RESIZE}
    with pytest.raises(Unsupported) as refused:
        cloud.update(ADA, Compute, machine, changes)
    assert refused.value.message == f"compute {machine}: zone default does not change sizes"
    assert held(cloud, machine) == Holding(1, GIB, 0, "small")
    assert cloud.update(ADA, Compute, machine, {"title": "web"}).resource.title == "web"


def test_a_machine_that_is_going_away_keeps_its_size(make_site: Make) -> None:
    cloud = make_site(backends={"default": {"driver": "sandbox", "delay": 3600}}).cloud
    machine = _machine(cloud, instance_type="small")
    cloud.zones.backend("default").computes.delete(machine)
    with pytest.raises(InvalidState) as refused:
        cloud.update(ADA, Compute, machine, {"cores": 2})
    assert refused.value.message == f"compute {machine} is deleting: its size does not change"
    assert held(cloud, machine) == Holding(1, GIB, 0, "small")


def test_a_changed_size_is_what_counts_from_then_on(cloud: Cloud) -> None:
    machine = _machine(cloud, cores=2, memory=GIB)
    cloud.update(ADA, Compute, machine, {"cores": 1})
    assert held(cloud, machine) == Holding(1, GIB)
    cloud.update(ADA, Compute, machine, {"memory": 2 * GIB})
    assert held(cloud, machine) == Holding(1, 2 * GIB)
    cloud.update(ADA, Compute, machine, {"instance_type": "medium"})
    assert held(cloud, machine) == Holding(2, 2 * GIB, 0, "medium")
    volume = _volume(cloud)
    cloud.update(ADA, Volume, volume, {"size": 2 * GIB})
    assert held(cloud, volume) == Holding(bytes=2 * GIB)
    cloud.act(ADA, Volume, volume, "resize", {"size": 3 * GIB})
    assert held(cloud, volume) == Holding(bytes=3 * GIB)


@pytest.mark.parametrize("changes", [{"cores": 4}, {"memory": 4 * GIB}, {"instance_type": "large"}])
def test_a_change_of_size_that_fails_counts_as_before(make_site: Make, changes: Mapping[str, Any]) -> None:
    cloud = make_site(backends=_failing("compute", "update")).cloud
    machine = _machine(cloud, instance_type="small")
    with pytest.raises(BackendUnavailable):
        cloud.update(ADA, Compute, machine, changes)
    assert held(cloud, machine) == Holding(1, GIB, 0, "small")
    [record] = cloud.audit.query(event="compute.update")
    assert (record["outcome"], record["reason"]) == ("failure", "backend_unavailable")
    assert record["resource_id"] == machine


def test_a_volume_that_fails_to_grow_counts_as_before(make_site: Make) -> None:
    cloud = make_site(backends=_failing("volume", "act:resize")).cloud
    volume = _volume(cloud)
    with pytest.raises(BackendUnavailable):
        cloud.act(ADA, Volume, volume, "resize", {"size": 2 * GIB})
    assert held(cloud, volume) == Holding(bytes=GIB)
    [record] = cloud.audit.query(event="volume.resize")
    assert (record["outcome"], record["resource_id"]) == ("failure", volume)


def test_until_the_back_end_has_answered_the_larger_of_each_counts(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, volume = _machine(cloud, cores=4, memory=GIB), _volume(cloud, 4 * GIB)
    counted: list[Holding] = []

    def watch(noun: Any, method: str, id: str) -> None:
        collection: Any = cloud.zones.collection("default", noun)
        work = getattr(collection, method)

        def watched(*given: Any) -> Any:
            counted.append(held(cloud, id))
            return work(*given)

        monkeypatch.setattr(collection, method, watched)

    watch(Compute, "update", machine)
    watch(Volume, "act", volume)
    cloud.update(ADA, Compute, machine, {"cores": 1, "memory": 4 * GIB})
    cloud.update(ADA, Compute, machine, {"instance_type": "medium"})
    cloud.act(ADA, Volume, volume, "resize", {"size": 5 * GIB})
    with pytest.raises(InvalidRequest):
        cloud.act(ADA, Volume, volume, "resize", {"size": GIB})
    assert counted == [
        Holding(4, 4 * GIB),
        Holding(2, 4 * GIB, 0, "medium"),
        Holding(bytes=5 * GIB),
        Holding(bytes=5 * GIB),
    ]


def test_what_is_over_a_lowered_quota_can_still_be_changed_in_other_ways(make_site: Make) -> None:
    machine = _machine(make_site().cloud, instance_type="medium")
    cloud = make_site(quotas={"user": {"ada": {"vcpus": 1}}}).cloud
    cloud.update(ADA, Compute, machine, {"cores": 2, "title": "web"})
    with pytest.raises(QuotaExceeded):
        cloud.update(ADA, Compute, machine, {"memory": GIB})


def test_a_growth_is_counted_besides_the_others_and_not_besides_itself(make_site: Make) -> None:
    cloud = make_site(quotas={"user": {"ada": {"vcpus": 5}}}).cloud
    machine = _machine(cloud, instance_type="small")
    _machine(cloud, instance_type="small")
    assert cloud.update(ADA, Compute, machine, {"cores": 4}).resource.cores == 4
    with pytest.raises(QuotaExceeded) as refused:
        cloud.update(ADA, Compute, machine, {"cores": 5})
    assert refused.value.message == "quota exceeded: vcpus 1 of 5 (user ada)"


def test_a_change_that_is_not_of_the_size_does_not_count_anew(cloud: Cloud) -> None:
    volume = _volume(cloud)
    volumes = cloud.zones.backend("default").volumes
    assert volumes is not None
    volumes.update(volume, {"size": 2 * GIB})
    cloud.update(ADA, Volume, volume, {"title": "data"})
    assert held(cloud, volume) == Holding(bytes=GIB)


def test_a_parameter_called_size_is_no_growth_in_another_action(cloud: Cloud) -> None:
    volume, machine = _volume(cloud), _machine(cloud)
    with pytest.raises(InvalidRequest):
        cloud.act(ADA, Volume, volume, "offline", {"size": 9 * GIB})
    with pytest.raises((InvalidRequest, InvalidState)):
        cloud.act(ADA, Compute, machine, "stop", {"size": 9 * GIB})
    assert held(cloud, volume) == Holding(bytes=GIB)


def test_a_resize_that_names_no_size_is_the_back_ends_to_refuse(cloud: Cloud) -> None:
    volume = _volume(cloud)
    for parameters in (None, {}):
        with pytest.raises(InvalidRequest) as refused:
            cloud.act(ADA, Volume, volume, "resize", parameters)
        assert refused.value.field == "size"


def test_the_record_of_an_update_tells_what_was_and_what_became(cloud: Cloud) -> None:
    machine = _machine(cloud, title="first", cores=1, memory=GIB)
    cloud.update(ADMIN, Compute, machine, {"title": "web", "cores": 2})
    [record] = cloud.audit.query(event="compute.update")
    assert (record["user"], record["outcome"], record["owner"]) == ("admin", "success", "ada")
    assert (record["resource_kind"], record["resource_id"]) == ("compute", machine)
    assert record["before"] == {"title": "first", "cores": 1}
    assert record["after"] == {"title": "web", "cores": 2}


def test_the_record_of_an_action_tells_machine_owner_and_parameters(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec(title="web", image="alpine-3")).resource
    cloud.act(CHIEF, Compute, machine.id, "stop", {"method": "acpioff"})
    [record] = cloud.audit.query(event="compute.stop")
    assert (record["user"], record["outcome"], record["owner"]) == ("chief", "success", "ada")
    assert (record["resource_kind"], record["resource_id"]) == ("compute", machine.id)
    assert (record["resource_title"], record["image_id"]) == ("web", "alpine-3")
    assert record["after"] == {"method": "acpioff"}


def test_a_refused_change_and_a_refused_action_are_recorded_with_the_machine(cloud: Cloud) -> None:
    machine = _machine(cloud)
    cloud.share(ADA, Compute, machine, mode=0o604)
    with pytest.raises(Forbidden):
        cloud.update(BOB, Compute, machine, {"title": "mine"})
    with pytest.raises(Forbidden):
        cloud.act(BOB, Compute, machine, "stop")
    for event in ("compute.update", "compute.stop"):
        [record] = cloud.audit.query(event=event)
        assert (record["outcome"], record["user"], record["resource_id"]) == ("denied", "bob", machine)


def test_who_may_only_see_ends_gets_no_links_back_from_a_change_or_an_action(cloud: Cloud) -> None:
    disk = AttachmentSpec(volume=_volume(cloud))
    machine = cloud.create(ADA, Compute, ComputeSpec(attachments=(disk,))).resource.id
    cloud.share(ADA, Compute, machine, mode=0o606)
    assert cloud.update(BOB, Compute, machine, {"title": "ours"}).resource.attachments == ()
    assert cloud.act(BOB, Compute, machine, "stop").resource.attachments == ()
    assert len(cloud.update(ADA, Compute, machine, {"title": "mine"}).resource.attachments) == 1


def test_a_network_has_no_weight_and_changes_without_one(cloud: Cloud) -> None:
    network = cloud.create(ADA, Network, NetworkSpec()).resource.id
    assert cloud.update(ADA, Network, network, {"title": "lan"}).resource.title == "lan"
    assert held(cloud, network) == Holding()
