"""How long the texts may be that callers send, through every way into the door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway import lengths
from gateway.cloud import Change, Cloud
from gateway.model import (
    AttachmentSpec,
    Compute,
    ComputeSpec,
    Image,
    ImageSpec,
    InvalidRequest,
    NotFound,
    PublicKey,
    Volume,
    VolumeSpec,
)
from gateway.store.overlay import Holding
from tests.conftest import Site
from tests.gateway.test_permissions import ADA, ADMIN

LONG = "x" * 256


@pytest.fixture
def cloud(site: Site) -> Cloud:
    return site.cloud


def _refused(attempt: Callable[[], Any]) -> tuple[str | None, str]:
    with pytest.raises(InvalidRequest) as refused:
        attempt()
    return refused.value.field, refused.value.message


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (ComputeSpec(title=LONG), "title"),
        (ComputeSpec(summary="x" * 4097), "summary"),
        (ComputeSpec(architecture=LONG), "architecture"),
        (ComputeSpec(image=LONG), "image"),
        (ComputeSpec(security_groups=("a", LONG)), "security_groups"),
        (ComputeSpec(attachments=(AttachmentSpec("v", mountpoint=LONG),)), "mountpoint"),
        (ComputeSpec(public_keys=(PublicKey("x" * 16385),)), "data"),
        (ComputeSpec(public_keys=(PublicKey("ssh-rsa AAAA", LONG),)), "name"),
        (ComputeSpec(tags={"colour": LONG}), "colour"),
    ],
)
def test_a_text_of_a_specification_that_is_too_long_is_named(spec: ComputeSpec, field: str) -> None:
    assert _refused(lambda: lengths.check(spec))[0] == field


@pytest.mark.parametrize(
    "spec",
    [
        ComputeSpec(title="x" * 255, summary="x" * 4096, public_keys=(PublicKey("x" * 16384, "x" * 255),)),
        ComputeSpec(user_data=b"x" * 65535),
    ],
)
def test_texts_of_the_largest_length_are_taken(spec: ComputeSpec) -> None:
    lengths.check(spec)


def test_the_message_tells_the_field_and_both_numbers() -> None:
    told = _refused(lambda: lengths.check({"title": "x" * 300}))[1]
    assert told == "title: 300 characters are too many; at most 255 are taken"


def test_a_name_that_is_too_long_itself_is_told_in_short() -> None:
    field, told = _refused(lambda: lengths.check({"x" * 100_000: "1"}))
    assert (len(field or ""), len(told) < 200) == (80, True)


def test_nothing_is_made_with_a_text_that_is_too_long(cloud: Cloud) -> None:
    assert _refused(lambda: cloud.create(ADA, Volume, VolumeSpec(size=1, title=LONG)))[0] == "title"
    assert cloud.list(ADA, Volume) == []


def test_nothing_is_made_at_a_path_that_is_too_long(cloud: Cloud) -> None:
    path = "/" + "x" * 2048
    assert _refused(lambda: cloud.create(ADA, Volume, VolumeSpec(size=1), path=path))[0] == "path"
    assert cloud.list(ADA, Volume) == []


def test_a_machine_is_not_saved_under_a_name_that_is_too_long(cloud: Cloud) -> None:
    machine, before = cloud.create(ADA, Compute, ComputeSpec()).resource.id, len(cloud.list(ADA, Image))
    assert _refused(lambda: cloud.create(ADA, Image, ImageSpec(title=LONG, compute=machine)))[0] == "title"
    assert len(cloud.list(ADA, Image)) == before


def test_one_change_of_several_with_a_text_that_is_too_long_changes_none(cloud: Cloud) -> None:
    one, two = (cloud.create(ADA, Compute, ComputeSpec(title="old")).resource.id for _ in range(2))
    changes = [Change(Compute, one, {"title": "new"}), Change(Compute, two, {"title": LONG})]
    assert _refused(lambda: cloud.update_all(ADA, changes))[0] == "title"
    assert _refused(lambda: cloud.update(ADA, Compute, two, {"title": LONG}))[0] == "title"
    assert [held.resource.title for held in cloud.list(ADA, Compute)] == ["old", "old"]


def test_a_parameter_of_an_action_has_a_limit(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    assert _refused(lambda: cloud.act(ADA, Compute, machine, "stop", {"method": LONG}))[0] == "method"
    assert _refused(lambda: cloud.act_all(ADA, Compute, [machine], "stop", {"method": LONG}))[0] == "method"


@pytest.mark.parametrize(("field", "most"), [("term", 255), ("title", 255), ("scheme", 1024), ("rel", 1024)])
def test_the_texts_of_a_tag_have_limits(cloud: Cloud, field: str, most: int) -> None:
    tag: dict[str, Any] = {"scheme": "http://a/#", "term": "t", "title": None, "rel": None, "location": "/t/"}
    assert _refused(lambda: cloud.tags.add("ada", **{**tag, field: "x" * (most + 1)}))[0] == field
    cloud.tags.add("ada", **{**tag, field: "x" * most})
    assert [getattr(found, field) for found in cloud.tags.list("ada")] == ["x" * most]


def test_nothing_is_shared_with_a_group_whose_name_is_too_long(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    assert _refused(lambda: cloud.share(ADA, Compute, machine, group=LONG))[0] == "group"


@pytest.mark.parametrize(("length", "found"), [(255, True), (256, False)])
def test_an_identifier_longer_than_any_is_not_looked_up(cloud: Cloud, length: int, found: bool) -> None:
    id = "x" * length
    with cloud.database.write() as tx:
        row = cloud.overlays.reserve(
            tx, ADA.principal, kind="compute", zone="default", token="t", mode=0o700, holding=Holding()
        )
        cloud.overlays.bind(tx, row, id)
    assert cloud.knows(ADA, Compute, id) is found
    if not found:
        with pytest.raises(NotFound):
            cloud.get(ADA, Compute, id)


@pytest.mark.parametrize("field", ["group", "owner", "tenant"])
def test_a_share_with_a_name_that_is_too_long_names_the_field(cloud: Cloud, field: str) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    found, message = _refused(lambda: cloud.share(ADMIN, Compute, machine, **{field: LONG}))
    assert (found, message.startswith(f"{field}: 256 characters")) == (field, True)


def test_a_parameter_of_an_action_that_is_too_long_is_named(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    long = {"method": LONG}
    for act in (
        lambda: cloud.act(ADA, Compute, machine, "stop", long),
        lambda: cloud.act_all(ADA, Compute, [machine], "stop", long),
    ):
        field, message = _refused(act)
        assert (field, "256 characters are too many" in message) == ("method", True)
