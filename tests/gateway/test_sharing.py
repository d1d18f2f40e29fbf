"""Changing owner, group and permission bits: who may, what is kept, what the audit record says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.cloud import Cloud
from gateway.model import Compute, ComputeSpec, Forbidden, Image, ImageSpec, InvalidRequest, NotFound
from tests.conftest import Site
from tests.gateway.test_permissions import ADA, ADMIN, BOB, CHIEF, EVE, WATCH


@pytest.fixture
def cloud(site: Site) -> Cloud:
    return site.cloud


@pytest.fixture
def machine(cloud: Cloud) -> str:
    """A compute of ada's."""
    return cloud.create(ADA, Compute, ComputeSpec()).resource.id


@pytest.mark.parametrize("mode", [0o000, 0o777])
def test_every_mode_of_three_octal_digits_is_taken(cloud: Cloud, machine: str, mode: int) -> None:
    assert cloud.share(ADA, Compute, machine, mode=mode).mode == mode
    assert cloud.get(ADMIN, Compute, machine).overlay.mode == mode


@pytest.mark.parametrize("mode", [-1, 0o1000])
def test_a_mode_of_another_form_is_refused_by_its_name(cloud: Cloud, machine: str, mode: int) -> None:
    with pytest.raises(InvalidRequest) as refused:
        cloud.share(ADA, Compute, machine, mode=mode)
    assert refused.value.message == "mode: three octal digits, 000 to 777"
    assert refused.value.field == "mode"
    assert cloud.get(ADA, Compute, machine).overlay.mode == 0o600


def test_an_owner_gives_a_machine_to_an_own_group_and_takes_it_back(cloud: Cloud, machine: str) -> None:
    assert cloud.share(ADA, Compute, machine, group="").group == ""
    assert cloud.get(ADA, Compute, machine).overlay.group == ""
    assert cloud.share(ADA, Compute, machine, group="lab").group == "lab"
    assert cloud.get(ADA, Compute, machine).overlay.group == "lab"


@pytest.mark.parametrize(
    "change",
    [{"owner": "bob"}, {"tenant": "evil"}, {"other_tenants": False}, {"group": "wheel"}],
    ids=lambda change: next(iter(change)),
)
def test_what_takes_the_admin_right_is_refused_to_the_owner_with_the_machines_name(
    cloud: Cloud, machine: str, change: dict[str, Any]
) -> None:
    before = cloud.get(ADA, Compute, machine).overlay
    with pytest.raises(Forbidden) as refused:
        cloud.share(ADA, Compute, machine, **change)
    assert refused.value.message == f"compute {machine}: you may see it but have no admin right on it"
    assert cloud.get(ADA, Compute, machine).overlay == before
    [record] = cloud.audit.query(event="compute.share")
    assert (record["outcome"], record["resource_id"], record["reason"]) == ("denied", machine, "forbidden")


def test_one_who_may_use_a_machine_cannot_share_it_on(cloud: Cloud, machine: str) -> None:
    cloud.share(ADA, Compute, machine, mode=0o606)
    with pytest.raises(Forbidden):
        cloud.share(BOB, Compute, machine, mode=0o607)
    with pytest.raises(Forbidden):
        cloud.share(WATCH, Compute, machine, mode=0o607)


def test_the_admin_right_passes_a_machine_on(cloud: Cloud, machine: str) -> None:
    given = cloud.share(CHIEF, Compute, machine, owner="eve", tenant="evil")
    assert (given.owner, given.tenant, given.group, given.mode) == ("eve", "evil", "lab", 0o600)
    assert cloud.get(EVE, Compute, machine).overlay == given
    cloud.share(ADMIN, Compute, machine, group="")
    with pytest.raises(NotFound):
        cloud.get(ADA, Compute, machine)


def test_other_tenants_can_be_let_in_and_shut_out_again(cloud: Cloud, machine: str) -> None:
    assert cloud.share(ADMIN, Compute, machine, other_tenants=True, mode=0o604).other_tenants is True
    assert cloud.share(ADA, Compute, machine, mode=0o604).other_tenants is True
    assert cloud.get(EVE, Compute, machine).overlay.other_tenants is True
    assert cloud.share(ADMIN, Compute, machine, other_tenants=False).other_tenants is False
    with pytest.raises(NotFound):
        cloud.get(EVE, Compute, machine)


def test_the_record_of_sharing_tells_what_it_was_and_what_it_became(cloud: Cloud, machine: str) -> None:
    cloud.share(ADMIN, Compute, machine, mode=0o044, group="wheel", owner="eve", tenant="evil")
    [record] = cloud.audit.query(event="compute.share")
    assert (record["user"], record["outcome"]) == ("admin", "success")
    assert (record["resource_kind"], record["resource_id"], record["owner"]) == ("compute", machine, "ada")
    assert record["before"] == {
        "owner": "ada",
        "tenant": "bio",
        "group": "lab",
        "mode": "600",
        "other_tenants": False,
    }
    assert record["after"] == {
        "owner": "eve",
        "tenant": "evil",
        "group": "wheel",
        "mode": "044",
        "other_tenants": False,
    }


def _generation_moves(cloud: Cloud, change: Callable[[], object]) -> bool:
    before = cloud.generations().catalogue
    change()
    return cloud.generations().catalogue != before


def test_workers_forget_what_they_derived_of_images_when_an_image_is_made_shared_or_deleted(
    cloud: Cloud, machine: str
) -> None:
    made: list[str] = []

    def save() -> None:
        made.append(cloud.create(ADA, Image, ImageSpec(title="mine", compute=machine)).resource.id)

    assert _generation_moves(cloud, save)
    assert _generation_moves(cloud, lambda: cloud.share(ADA, Image, made[0], mode=0o604))
    assert _generation_moves(cloud, lambda: cloud.update(ADA, Image, made[0], {"title": "ours"}))
    assert _generation_moves(cloud, lambda: cloud.delete(ADA, Image, made[0]))


def test_workers_keep_what_they_derived_of_images_when_a_machine_changes(cloud: Cloud, machine: str) -> None:
    def live() -> None:
        other = cloud.create(ADA, Compute, ComputeSpec()).resource.id
        cloud.share(ADA, Compute, other, mode=0o604)
        cloud.update(ADA, Compute, other, {"title": "web"})
        cloud.delete(ADA, Compute, other)

    assert not _generation_moves(cloud, live)
