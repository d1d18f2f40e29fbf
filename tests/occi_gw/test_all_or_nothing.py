"""What a request asks of several entities is done to all of them or to none (GFD.185 section 3.6.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.model import Compute, Volume
from tests.client import COMPUTE, NETWORK, OGF, STORAGE, Client, action
from tests.conftest import Site
from tests.gateway.test_permissions import ADA

Make = Callable[..., Site]
CRTP = f"{OGF}/infrastructure/compute/template/1.1#"
SMALL = f'small; scheme="{CRTP}"; class="mixin"'


def _named(*paths: str) -> tuple[str, ...]:
    return tuple(f"X-OCCI-Location: {path}" for path in paths)


def _sizes(client: Client, *paths: str) -> list[str]:
    return [client.get(path).attributes["occi.compute.cores"] for path in paths]


def _machines(client: Client, count: int = 3) -> list[str]:
    return [client.create(COMPUTE, mixins=[SMALL]) for _ in range(count)]


def _limited(make_site: Make, **limits: int) -> Site:
    return make_site(quotas={"user": {"ada": limits}})


def _sandbox(**options: Any) -> dict[str, Any]:
    return {"default": {"driver": "sandbox", **options}}


def test_a_quota_that_is_enough_for_one_resizes_none(make_site: Make) -> None:
    ada = _limited(make_site, vcpus=4).client("ada")
    machines = _machines(ada)
    refused = ada.post("/mixin/resource_tpl/medium/", *_named(*machines))
    assert (refused.status, "vcpus" in refused.text) == (403, True)
    assert _sizes(ada, *machines) == ["1", "1", "1"]
    assert ada.post("/mixin/resource_tpl/medium/", *_named(machines[0])).status == 200


def test_what_a_refused_resize_had_reserved_is_free_again(make_site: Make) -> None:
    ada = _limited(make_site, vcpus=4).client("ada")
    machines = _machines(ada)
    ada.post("/mixin/resource_tpl/medium/", *_named(*machines))
    ada.create(COMPUTE, mixins=[SMALL])
    assert ada.post("/compute/", f"Category: {COMPUTE}", f"Category: {SMALL}").status == 403


def test_a_missing_right_on_one_resizes_none(site: Site, ada: Client) -> None:
    machines = _machines(ada)
    site.cloud.share(ADA, Compute, machines[2].rpartition("/")[2], mode=0o400)
    assert ada.post("/mixin/resource_tpl/medium/", *_named(*machines)).status == 403
    assert _sizes(ada, *machines) == ["1", "1", "1"]


def test_a_machine_that_is_going_away_resizes_none(make_site: Make) -> None:
    site = make_site(backends=_sandbox(delay=3600))
    ada = site.client("ada")
    machines = _machines(ada)
    site.cloud.zones.backend("default").computes.delete(machines[2].rpartition("/")[2])
    refused = ada.post("/mixin/resource_tpl/medium/", *_named(*machines))
    assert (refused.status, "deleting" in refused.text) == (400, True), refused.text
    assert _sizes(ada, *machines[:2]) == ["1", "1"]


def test_a_back_end_that_fails_in_the_middle_is_set_back(make_site: Make) -> None:
    ada = make_site(backends=_sandbox(capacity={"cores": 5})).client("ada")
    machines = _machines(ada)
    refused = ada.post("/mixin/resource_tpl/medium/", *_named(*machines))
    assert (refused.status, "capacity" in refused.text) == (403, True)
    assert _sizes(ada, *machines) == ["1", "1", "1"]
    assert all(SMALL in ada.get(path).values("Category") for path in machines)


def test_a_machine_named_twice_is_resized_once(make_site: Make) -> None:
    ada = _limited(make_site, vcpus=2).client("ada")
    [machine] = _machines(ada, 1)
    assert ada.post("/mixin/resource_tpl/medium/", *_named(machine, machine)).status == 200
    assert _sizes(ada, machine) == ["2"]


@pytest.mark.parametrize("mixin", ["os_tpl/alpine-3", "availability_zone/other", "resource_tpl/medium"])
def test_one_machine_that_cannot_take_the_mixin_and_none_has_it(make_site: Make, mixin: str) -> None:
    zones = {"default": {"driver": "sandbox"}, "other": {"driver": "sandbox"}}
    site = make_site(backends=zones)
    ada = site.client("ada")
    fits = ada.create(COMPUTE)
    site.cloud.share(ADA, Compute, fits.rpartition("/")[2], mode=0o400)
    other = ada.create(COMPUTE)
    before = [ada.get(path).text for path in (other, fits)]
    assert ada.post(f"/mixin/{mixin}/", *_named(other, fits)).status == 403
    assert [ada.get(path).text for path in (other, fits)] == before


@pytest.mark.parametrize("kind", [STORAGE, NETWORK], ids=["storage", "network"])
def test_the_zone_of_an_entity_does_not_change(make_site: Make, kind: str) -> None:
    ada = make_site(backends={"default": {"driver": "sandbox"}, "other": {"driver": "sandbox"}}).client("ada")
    entity = ada.create(kind, "occi.storage.size=1") if kind is STORAGE else ada.create(kind)
    assert ada.post("/mixin/availability_zone/other/", *_named(entity)).status == 403
    assert ada.post("/mixin/availability_zone/default/", *_named(entity)).status == 200


def test_an_action_on_a_collection_with_one_that_may_not_be_managed_does_nothing(
    site: Site, ada: Client
) -> None:
    machines = _machines(ada)
    site.cloud.share(ADA, Compute, machines[2].rpartition("/")[2], mode=0o400)
    assert ada.post("/compute/?action=stop", f"Category: {action('compute', 'stop')}").status == 403
    assert {ada.get(path).attributes["occi.compute.state"] for path in machines} == {'"active"'}


def test_volumes_that_would_pass_the_quota_together_are_not_resized(make_site: Make) -> None:
    site = _limited(make_site, volume_bytes=5 << 30)
    ada = site.client("ada")
    volumes = [ada.create(STORAGE, "occi.storage.size=1") for _ in range(2)]
    resize = (f"Category: {action('storage', 'resize')}", "X-OCCI-Attribute: size=3.0")
    refused = ada.post("/storage/?action=resize", *resize)
    assert (refused.status, "volume_bytes" in refused.text) == (403, True)
    assert {ada.get(path).attributes["occi.storage.size"] for path in volumes} == {"1.0"}
    assert ada.post(f"{volumes[0]}?action=resize", *resize).status == 200
    assert [held.resource.size >> 30 for held in site.cloud.list(ADA, Volume)] == [3, 1]
