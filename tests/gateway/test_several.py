"""Several things in one request: all are changed or acted on, or none; and what is known without asking."""

from __future__ import annotations

import pytest

from gateway.changing import Change
from gateway.cloud import Cloud
from gateway.model import Compute, ComputeSpec, ComputeState, Forbidden, InvalidRequest, NotFound
from tests.conftest import Site
from tests.gateway.test_permissions import ADA, BOB, EVE


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
