"""User-defined mixins through the door: put on, taken off, listed by; and paths of a client's choice."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.cloud import Cloud
from gateway.identity import Caller
from gateway.model import Attachment, AttachmentSpec, Compute, ComputeSpec, NotFound, Volume, VolumeSpec
from gateway.store.tags import Tag
from tests.conftest import Site
from tests.gateway.test_permissions import ADA, ADMIN, BOB, EVE

GIB = 1 << 30


@pytest.fixture
def cloud(site: Site) -> Cloud:
    return site.cloud


def _tag(cloud: Cloud, caller: Caller, term: str = "web") -> Tag:
    user = caller.principal.user
    cloud.tags.add(
        user, scheme="http://example.org/t#", term=term, title=None, rel=None, location=f"/{user}/{term}/"
    )
    [tag] = [tag for tag in cloud.tags.list(user) if tag.term == term]
    return tag


def _machines(cloud: Cloud, number: int, caller: Caller = ADA) -> list[str]:
    return [cloud.create(caller, Compute, ComputeSpec()).resource.id for _ in range(number)]


def _tagged(cloud: Cloud, caller: Caller, tag: Tag, noun: Any = Compute, *, owned: bool = False) -> list[str]:
    """What has the tag, in the words of the listing of names and of that of things."""
    names = [id for id, _ in cloud.locations(caller, noun, tag=tag, owned=owned)]
    assert [held.resource.id for held in cloud.list(caller, noun, tag=tag, owned=owned)] == names
    return names


def test_a_tag_is_put_on_and_taken_off_what_is_named(cloud: Cloud) -> None:
    tag, (one, two, three) = _tag(cloud, ADA), _machines(cloud, 3)
    cloud.tag(ADA, tag, [(Compute, one), (Compute, two)], exact=False)
    cloud.tag(ADA, tag, [(Compute, three)], exact=False)
    assert _tagged(cloud, ADA, tag) == [one, two, three]
    cloud.untag(ADA, tag, [(Compute, one), (Compute, three)])
    assert _tagged(cloud, ADA, tag) == [two]
    assert cloud.get(ADA, Compute, two).overlay.tags == (tag.seq,)


def test_an_exact_tagging_takes_the_tag_off_everything_else(cloud: Cloud) -> None:
    tag, (one, two, three) = _tag(cloud, ADA), _machines(cloud, 3)
    cloud.tag(ADA, tag, [(Compute, one), (Compute, two)], exact=False)
    cloud.tag(ADA, tag, [(Compute, two), (Compute, three)], exact=True)
    assert _tagged(cloud, ADA, tag) == [two, three]


def test_a_tag_can_be_taken_off_everything_and_stays_defined(cloud: Cloud) -> None:
    tag, other, machines = _tag(cloud, ADA), _tag(cloud, ADA, "db"), _machines(cloud, 2)
    for each in (tag, other):
        cloud.tag(ADA, each, [(Compute, machine) for machine in machines], exact=False)
    cloud.untag(ADA, tag, None)
    assert _tagged(cloud, ADA, tag) == []
    assert _tagged(cloud, ADA, other) == machines
    assert tag in cloud.tags.list("ada")


def test_taking_a_tag_off_nothing_changes_nothing(cloud: Cloud) -> None:
    tag, [machine] = _tag(cloud, ADA), _machines(cloud, 1)
    cloud.tag(ADA, tag, [(Compute, machine)], exact=False)
    cloud.untag(ADA, tag, [])
    assert _tagged(cloud, ADA, tag) == [machine]


def test_what_may_only_be_seen_can_be_tagged_and_untagged(cloud: Cloud) -> None:
    tag, [machine] = _tag(cloud, BOB), _machines(cloud, 1)
    cloud.share(ADA, Compute, machine, mode=0o604)
    cloud.tag(BOB, tag, [(Compute, machine)], exact=False)
    assert _tagged(cloud, BOB, tag) == [machine]
    assert _tagged(cloud, BOB, tag, owned=True) == []
    assert cloud.get(ADA, Compute, machine).overlay.tags == ()
    cloud.untag(BOB, tag, [(Compute, machine)])
    assert _tagged(cloud, BOB, tag) == []


def test_a_tagging_that_names_something_hidden_changes_nothing(cloud: Cloud) -> None:
    tag, [mine], [hidden] = _tag(cloud, EVE), _machines(cloud, 1, EVE), _machines(cloud, 1)
    cloud.tag(EVE, tag, [(Compute, mine)], exact=False)
    for attempt in (
        lambda: cloud.tag(EVE, tag, [(Compute, hidden)], exact=True),
        lambda: cloud.untag(EVE, tag, [(Compute, mine), (Compute, hidden)]),
    ):
        with pytest.raises(NotFound):
            attempt()
        assert _tagged(cloud, EVE, tag) == [mine]


def test_a_link_can_be_tagged_and_listed_by_its_tag(cloud: Cloud) -> None:
    tag = _tag(cloud, ADA)
    volumes = [cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id for _ in range(3)]
    disks = tuple(AttachmentSpec(volume=volume) for volume in volumes)
    machine = cloud.create(ADA, Compute, ComputeSpec(attachments=disks)).resource
    first, second, third = (link.id for link in machine.attachments)
    cloud.door.remembered(ADA, Attachment, first, {"title": "data"})
    cloud.tag(ADA, tag, [(Attachment, second), (Attachment, third)], exact=False)
    assert _tagged(cloud, ADA, tag, Attachment) == [second, third]
    assert cloud.get(ADA, Attachment, second).overlay.tags == (tag.seq,)
    cloud.untag(ADA, tag, [(Attachment, second)])
    assert _tagged(cloud, ADA, tag, Attachment) == [third]


def test_an_untagged_kind_is_not_listed_by_a_tag(cloud: Cloud) -> None:
    tag, [machine] = _tag(cloud, ADA), _machines(cloud, 1)
    cloud.create(ADA, Volume, VolumeSpec(size=GIB))
    cloud.tag(ADA, tag, [(Compute, machine)], exact=False)
    assert _tagged(cloud, ADA, tag, Volume) == []


def test_a_path_of_a_clients_choice_leads_to_who_may_use_what_is_there(cloud: Cloud) -> None:
    tag = _tag(cloud, ADA)
    machine = cloud.create(ADA, Compute, ComputeSpec(), path="/my/web").resource.id
    cloud.tag(ADA, tag, [(Compute, machine)], exact=False)
    row = cloud.by_path(ADA, "/my/web")
    assert row is not None
    assert (row.id, row.path, row.tags) == (machine, "/my/web", (tag.seq,))
    assert row == cloud.get(ADA, Compute, machine).overlay
    assert cloud.locations(ADA, Compute) == [(machine, "/my/web")]
    assert cloud.by_path(BOB, "/my/web") is None
    assert cloud.by_path(ADA, "/my/other") is None
    found = cloud.by_path(ADMIN, "/my/web")
    assert found is not None
    assert found.tags == ()


def test_generations_tell_that_a_tag_was_defined(cloud: Cloud) -> None:
    before = cloud.generations()
    _tag(cloud, ADA)
    after = cloud.generations()
    assert after.tags == before.tags + 1
    assert (after.users, after.catalogue) == (before.users, before.catalogue)


@pytest.mark.parametrize("gone", ["machine", "tag"])
def test_a_tag_on_what_is_deleted_at_this_moment_is_not_found(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    tag, [machine] = _tag(cloud, ADA), _machines(cloud, 1)
    put = cloud.tags.put

    def late(tx: Any, seq: int, resources: Any) -> None:
        tables = {"machine": "DELETE FROM resources WHERE id = ?", "tag": "DELETE FROM tags WHERE seq = ?"}
        tx._cursor.execute(tables[gone], [machine if gone == "machine" else seq])
        put(tx, seq, resources)

    monkeypatch.setattr(cloud.tags, "put", late)
    with pytest.raises(NotFound) as refused:
        cloud.tag(ADA, tag, [(Compute, machine)], exact=False)
    told = "the mixin, or something that was to have it, has just been deleted"
    assert refused.value.message == told
