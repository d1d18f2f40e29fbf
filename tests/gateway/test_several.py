"""Several things in one request: all are changed or acted on, or none; and what is known without asking."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.changing import Change
from gateway.cloud import Cloud
from gateway.model import (
    BackendError,
    Compute,
    ComputeSpec,
    ComputeState,
    Forbidden,
    InvalidRequest,
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
from tests.gateway.test_permissions import ADA, BOB, EVE

GIB = 1 << 30


@pytest.fixture
def cloud(site: Site) -> Cloud:
    return site.cloud


def _machines(cloud: Cloud, number: int) -> list[str]:
    return [cloud.create(ADA, Compute, ComputeSpec(title="old")).resource.id for _ in range(number)]


def _titles(cloud: Cloud) -> list[str | None]:
    return [held.resource.title for held in cloud.list(ADA, Compute)]


def _states(cloud: Cloud) -> set[ComputeState]:
    return {held.resource.state for held in cloud.list(ADA, Compute)}


def test_all_are_changed(cloud: Cloud) -> None:
    cloud.update_all(ADA, [Change(Compute, id, {"title": "new"}) for id in _machines(cloud, 2)])
    assert _titles(cloud) == ["new", "new"]


@pytest.mark.parametrize("wrong", ["missing", "shared"])
def test_none_is_changed_where_one_must_not_be(cloud: Cloud, wrong: str) -> None:
    one, two = _machines(cloud, 2)
    cloud.share(ADA, Compute, one, mode=0o606)
    cloud.share(ADA, Compute, two, mode=0o604)
    last = two if wrong == "shared" else "missing"
    changes = [Change(Compute, id, {"title": "new"}) for id in (one, last)]
    with pytest.raises(Forbidden if wrong == "shared" else NotFound):
        cloud.update_all(BOB, changes)
    assert _titles(cloud) == ["old", "old"]


def test_none_is_changed_where_the_back_end_refuses_the_last(cloud: Cloud) -> None:
    one, two = _machines(cloud, 2)
    wrong = Change(Compute, two, {"speed": -1.0})
    with pytest.raises(InvalidRequest):
        cloud.update_all(ADA, [Change(Compute, one, {"title": "new"}), wrong])
    assert _titles(cloud) == ["old", "old"]


def test_all_are_acted_on_with_the_parameters_that_are_given(cloud: Cloud) -> None:
    machines = _machines(cloud, 2)
    with pytest.raises(InvalidRequest, match="method"):
        cloud.act_all(ADA, Compute, machines, "stop", {"method": "kick"})
    assert _states(cloud) == {ComputeState.RUNNING}
    cloud.act_all(ADA, Compute, machines, "stop", {"method": "graceful"})
    assert _states(cloud) == {ComputeState.STOPPED}
    cloud.act_all(ADA, Compute, machines, "start")
    assert _states(cloud) == {ComputeState.RUNNING}


def test_none_is_acted_on_where_one_must_not_be(cloud: Cloud) -> None:
    one, two = _machines(cloud, 2)
    cloud.share(ADA, Compute, one, mode=0o606)
    cloud.share(ADA, Compute, two, mode=0o604)
    with pytest.raises(Forbidden):
        cloud.act_all(BOB, Compute, [one, two], "stop")
    assert _states(cloud) == {ComputeState.RUNNING}


def test_what_a_caller_may_use_is_known_without_asking_the_back_end(cloud: Cloud) -> None:
    mine, managed = _machines(cloud, 2)
    cloud.share(ADA, Compute, managed, mode=0o602)  # to manage is not to see
    told: list[str] = []
    cloud.door.observer = lambda zone, operation, outcome, seconds: told.append(operation)
    assert cloud.knows(ADA, Compute, mine) is True
    assert [cloud.knows(caller, Compute, mine) for caller in (BOB, EVE)] == [False, False]
    assert cloud.knows(BOB, Compute, managed) is False
    assert cloud.knows(ADA, Compute, "missing") is False
    cloud.share(ADA, Compute, mine, mode=0o604)
    assert cloud.knows(BOB, Compute, mine) is True
    assert told == []


def test_chosen_paths_are_those_of_what_the_caller_may_use(cloud: Cloud) -> None:
    _machines(cloud, 1)
    chosen = cloud.create(ADA, Compute, ComputeSpec(), path="/my/web").resource.id
    assert cloud.chosen_paths(ADA, Compute) == {chosen: "/my/web"}
    assert cloud.chosen_paths(BOB, Compute) == {}
    cloud.share(ADA, Compute, chosen, mode=0o604)
    assert cloud.chosen_paths(BOB, Compute) == {chosen: "/my/web"}


@pytest.mark.parametrize("zone", ["default", "kvm"])
def test_what_was_changed_before_a_back_end_failed_is_set_back(
    make_site: Callable[..., Site], zone: str
) -> None:
    failing = {"noun": "compute", "operation": "update", "error": "error", "title_matches": "doomed"}
    options = {"driver": "sandbox", "failures": [failing]}
    cloud = make_site(backends={"default": options, "kvm": {**options, "path": "kvm.db"}}).cloud
    size = "small" if zone == "default" else "kvm--small"
    groups = tuple(
        cloud.create(ADA, SecurityGroup, SecurityGroupSpec(title=title), zone=zone).resource.id
        for title in ("old", "new")
    )
    spec = ComputeSpec(instance_type=size, security_groups=groups[:1])
    first = cloud.create(ADA, Compute, spec, zone=zone).resource
    doomed = cloud.create(ADA, Compute, ComputeSpec(title="doomed"), zone=zone).resource
    before = held(cloud, first.id)
    changes = {"instance_type": size.replace("small", "large"), "security_groups": groups[1:], "title": "new"}
    with pytest.raises(BackendError):
        cloud.update_all(
            ADA, [Change(Compute, first.id, changes), Change(Compute, doomed.id, {"title": "x"})]
        )
    assert cloud.get(ADA, Compute, first.id).resource == first
    assert held(cloud, first.id) == before
    cloud.update_all(ADA, [Change(Compute, first.id, changes)])
    after = cloud.get(ADA, Compute, first.id).resource
    assert (after.security_groups, after.title) == (groups[1:], "new")
    assert after.cores > first.cores


def test_what_cannot_be_set_back_counts_as_it_has_become(make_site: Callable[..., Site]) -> None:
    failing = {"noun": "compute", "operation": "update", "error": "error", "title_matches": "doomed"}
    cloud = make_site(backends={"default": {"driver": "sandbox", "failures": [failing]}}).cloud
    grown = cloud.create(ADA, Compute, ComputeSpec(cores=1, memory=GIB)).resource.id
    doomed = cloud.create(ADA, Compute, ComputeSpec(title="doomed", cores=1, memory=GIB)).resource.id
    with pytest.raises(BackendError):
        cloud.update_all(
            ADA,
            [Change(Compute, grown, {"cores": 4, "title": "doomed"}), Change(Compute, doomed, {"cores": 4})],
        )
    assert cloud.get(ADA, Compute, grown).resource.cores == 4
    assert held(cloud, grown) == Holding(4, GIB)
    assert held(cloud, doomed) == Holding(1, GIB)


@pytest.mark.parametrize("several", [False, True])
def test_the_record_of_a_refused_growth_names_the_thing_where_it_is_one(
    make_site: Callable[..., Site], several: bool
) -> None:
    cloud = make_site(quotas={"user": {"*": {"vcpus": 2}}}).cloud
    machines = [cloud.create(ADA, Compute, ComputeSpec()).resource.id for _ in range(2)]
    asked = machines if several else machines[:1]
    with pytest.raises(QuotaExceeded):
        cloud.update_all(ADA, [Change(Compute, id, {"cores": 2}) for id in asked])
    [record] = cloud.audit.query(event="compute.update")
    assert (record["outcome"], record.get("resource_id")) == ("denied", None if several else machines[0])


@pytest.mark.parametrize("several", [False, True])
def test_the_record_of_a_refused_growth_of_volumes_names_the_one(
    make_site: Callable[..., Site], several: bool
) -> None:
    cloud = make_site(quotas={"user": {"*": {"volume_bytes": 3 << 30}}}).cloud
    volumes = [cloud.create(ADA, Volume, VolumeSpec(size=1 << 30)).resource.id for _ in range(2)]
    asked = volumes if several else volumes[:1]
    with pytest.raises(QuotaExceeded):
        cloud.act_all(ADA, Volume, asked, "resize", {"size": 4 << 30})
    [record] = [r for r in cloud.audit.query() if r["outcome"] == "denied"]
    assert record.get("resource_id") == (None if several else volumes[0])
    assert {one.resource.size for one in cloud.list(ADA, Volume)} == {1 << 30}
