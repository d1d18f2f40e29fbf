"""Quotas as people see them: a word when little is left, and how much of each limit is used."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from gateway.app import Application, Gateway
from gateway.cloud import Cloud
from gateway.identity import Caller, Principal
from gateway.metrics import Metrics
from gateway.model import (
    Compute,
    ComputeSpec,
    Forbidden,
    Image,
    ImageSpec,
    InvalidState,
    QuotaExceeded,
    Snapshot,
    Volume,
    VolumeSpec,
)
from gateway.policy.quota import Quotas, Usage
from tests.client import Client
from tests.conftest import Site
from tests.gateway.test_permissions import ADA, ADMIN, BOB, EVE

GIB = 1 << 30
Make = Callable[..., Site]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The warnings about quotas so far."""
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records if record.name == "gateway.quota"]


def _create(cloud: Cloud, number: int, caller: Caller = ADA) -> None:
    for _ in range(number):
        cloud.create(caller, Compute, ComputeSpec(instance_type="small"))


def test_the_create_that_reaches_four_fifths_of_a_limit_is_told_in_the_log(
    make_site: Make, store_url: str, told: Callable[[], list[str]]
) -> None:
    cloud = make_site(quotas={"tenant": {"bio": {"instances": 10}}}, store={"url": store_url}).cloud
    _create(cloud, 7)
    before = told()
    _create(cloud, 1, BOB)
    assert (before, told()) == ([], ["quota of tenant bio: instances 8 of 10 used"])


def test_the_log_tells_of_a_limit_once_and_not_with_each_create(
    make_site: Make, told: Callable[[], list[str]]
) -> None:
    _create(make_site(quotas={"user": {"ada": {"instances": 5}}}).cloud, 5)
    assert told() == ["quota of user ada: instances 4 of 5 used"]


def test_sums_are_told_like_numbers(make_site: Make, told: Callable[[], list[str]]) -> None:
    cloud = make_site(quotas={"user": {"*": {"volume_bytes": "10GiB"}}}).cloud
    cloud.create(ADA, Volume, VolumeSpec(size=9 * GIB))
    assert told() == [f"quota of user ada: volume_bytes {9 * GIB} of {10 * GIB} used"]


@pytest.mark.parametrize("limits", [{"instances": 0}, {"instances": 2, "vcpus": 0}])
def test_a_refused_create_is_not_told_as_a_use(
    make_site: Make, told: Callable[[], list[str]], limits: dict[str, int]
) -> None:
    cloud = make_site(quotas={"user": {"ada": limits}}).cloud
    with pytest.raises(QuotaExceeded):
        _create(cloud, 1)
    assert told() == []


QUOTAS = {
    "tenant": {
        "*": {"instances": 3, "memory_bytes": "8GiB"},
        "bio": {"instances": 10, "vcpus": 20, "volume_bytes": "5GiB", "instances:small": 4},
        "empty": {"volumes": 2},
    },
    "user": {"ada": {"volumes": 1}},
}


@pytest.fixture
def cloud(make_site: Make, store_url: str) -> Cloud:
    cloud = make_site(quotas=QUOTAS, store={"url": store_url}).cloud
    _create(cloud, 2)
    _create(cloud, 1, EVE)
    cloud.create(BOB, Compute, ComputeSpec(instance_type="medium"))
    cloud.create(ADA, Volume, VolumeSpec(size=2 * GIB))
    return cloud


def _used(cloud: Cloud, scope: str, name: str | None = None) -> dict[tuple[str, str], tuple[int, int]]:
    found = cloud.settings.quotas.usage(cloud.database, scope, name)
    return {(usage.name, usage.dimension): (usage.used, usage.limit) for usage in found}


def test_the_use_of_every_limit_of_a_scope_is_added_up(cloud: Cloud) -> None:
    small, medium = (cloud.instance_types()[name] for name in ("small", "medium"))
    assert _used(cloud, "tenant") == {
        ("bio", "instances"): (3, 10),
        ("bio", "memory_bytes"): (2 * small.memory + medium.memory, 8 * GIB),
        ("bio", "vcpus"): (2 * small.cores + medium.cores, 20),
        ("bio", "volume_bytes"): (2 * GIB, 5 * GIB),
        ("bio", "instances:small"): (2, 4),
        ("empty", "instances"): (0, 3),
        ("empty", "memory_bytes"): (0, 8 * GIB),
        ("empty", "volumes"): (0, 2),
        ("evil", "instances"): (1, 3),
        ("evil", "memory_bytes"): (small.memory, 8 * GIB),
    }


def test_the_use_of_one_name_is_told_also_where_it_has_nothing(cloud: Cloud) -> None:
    found = [_used(cloud, "tenant", name) for name in ("evil", "new")]
    small = cloud.instance_types()["small"]
    assert found == [
        {("evil", "instances"): (1, 3), ("evil", "memory_bytes"): (small.memory, 8 * GIB)},
        {("new", "instances"): (0, 3), ("new", "memory_bytes"): (0, 8 * GIB)},
    ]


def test_a_scope_without_limits_has_no_use_to_tell(cloud: Cloud) -> None:
    assert _used(cloud, "group") == {}


def test_a_caller_is_told_of_every_scope_that_applies(cloud: Cloud) -> None:
    caller = Principal("local:ada", "ada", "empty", ("lab",))
    assert cloud.settings.quotas.of(cloud.database, caller) == [
        Usage("tenant", "empty", "instances", 0, 3),
        Usage("tenant", "empty", "memory_bytes", 0, 8 * GIB),
        Usage("tenant", "empty", "volumes", 0, 2),
        Usage("user", "ada", "volumes", 1, 1),
    ]


def test_without_quotas_the_store_is_not_asked(make_site: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = make_site().cloud
    monkeypatch.setattr(cloud.database, "read", lambda *_, **__: pytest.fail("asked"))
    assert Quotas().usage(cloud.database, "tenant") == []


# The page of metrics


@pytest.fixture
def page(make_site: Make) -> Callable[..., list[str]]:
    """The lines about quotas on the page of metrics of a site with these settings."""

    def lines(metrics: dict[str, Any], **tables: Any) -> list[str]:
        site = make_site(metrics=metrics, **tables)
        site.gateway = Gateway(site.config, metrics=Metrics("1.2"))
        client = Client(Application(site.gateway))
        _create(site.cloud, 2)
        text = client.get("/metrics").text
        return [line for line in text.splitlines() if line.startswith("stratusgate_quota")]

    return lines


def test_the_metrics_tell_limit_and_use_of_each_tenant(page: Callable[..., list[str]]) -> None:
    assert page({}, quotas={"tenant": {"bio": {"instances": 5}}, "user": {"ada": {"vcpus": 50}}}) == [
        'stratusgate_quota_limit{dimension="instances",tenant="bio"} 5.0',
        'stratusgate_quota_used{dimension="instances",tenant="bio"} 2.0',
    ]


def test_a_site_may_keep_its_tenants_out_of_the_metrics(page: Callable[..., list[str]]) -> None:
    assert page({"quotas": False}, quotas={"tenant": {"bio": {"instances": 5}}}) == []


def test_saved_images_count_with_the_size_that_they_have(make_site: Make) -> None:
    size = make_site().cloud.list(ADMIN, Image)[0].resource.size
    limits = {"images_bytes": size}
    cloud = make_site(quotas={"user": {"ada": limits}}).cloud
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    saved = cloud.create(ADA, Image, ImageSpec(compute=machine)).resource
    with pytest.raises(QuotaExceeded, match="images_bytes"):
        cloud.create(ADA, Image, ImageSpec(compute=machine))
    [usage] = cloud.settings.quotas.of(cloud.database, ADA.principal)
    assert usage.used == saved.size > 0
    cloud.delete(ADA, Image, saved.id)
    cloud.create(ADA, Image, ImageSpec(compute=machine))


def test_the_snapshot_that_an_action_takes_is_its_takers_and_counts(make_site: Make) -> None:
    cloud = make_site(quotas={"user": {"ada": {"snapshots": 1}}}).cloud
    one, two = (cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id for _ in range(2))
    assert cloud.act(ADA, Volume, one, "snapshot").resource.id == one
    [taken] = cloud.list(ADA, Snapshot)
    assert (taken.resource.volume, taken.overlay.owner) == (one, "ada")
    with pytest.raises(QuotaExceeded, match="snapshots 1 of 1"):
        cloud.act(ADA, Volume, two, "snapshot")
    cloud.delete(ADA, Snapshot, taken.resource.id)
    with pytest.raises(QuotaExceeded):
        cloud.act_all(ADA, Volume, [one, two], "snapshot")
    assert cloud.list(ADA, Snapshot) == []


def test_who_may_not_manage_a_volume_takes_no_snapshot_of_it(make_site: Make) -> None:
    cloud = make_site().cloud
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    cloud.share(ADA, Volume, volume, mode=0o604)
    with pytest.raises(Forbidden):
        cloud.act(BOB, Volume, volume, "snapshot")
    assert cloud.list(ADMIN, Snapshot) == []
    [record] = cloud.audit.query(event="volume.snapshot")
    assert (record["outcome"], record["resource_id"]) == ("denied", volume)


def test_no_snapshot_is_taken_of_a_volume_that_is_not_ready(make_site: Make) -> None:
    cloud = make_site(backends={"default": {"driver": "sandbox", "delay": 3600}}).cloud
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    with pytest.raises(InvalidState, match=f"^volume {volume} is "):
        cloud.act(ADA, Volume, volume, "snapshot")
