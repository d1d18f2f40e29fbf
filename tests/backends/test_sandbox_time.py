"""The sandbox over time: states on their way, restarts, measures, failures on demand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backends.sandbox import SandboxBackend
from gateway.model import (
    GIB,
    BackendError,
    BackendUnavailable,
    ComputeSpec,
    ComputeState,
    Conflict,
    ImageState,
    InvalidState,
    NotFound,
    QuotaExceeded,
    SnapshotSpec,
    VolumeSpec,
    VolumeState,
)

from .test_sandbox import Clock

SMALL = ComputeSpec(title="web", instance_type="small", image="debian-12")
DELAY = 10.0

Maker = Callable[..., SandboxBackend]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud_with(tmp_path: Path, clock: Clock) -> Iterator[Maker]:
    """Opens the one file with given options; as often as it is called."""
    clouds: list[SandboxBackend] = []

    def maker(**options: Any) -> SandboxBackend:
        clouds.append(SandboxBackend(tmp_path / "cloud.db", clock=clock, **options))
        return clouds[-1]

    yield maker
    for cloud in clouds:
        cloud.close()


@pytest.fixture
def cloud(cloud_with: Maker) -> SandboxBackend:
    return cloud_with(delay=DELAY)


def started(cloud: SandboxBackend, clock: Clock) -> str:
    id = cloud.computes.create(SMALL).id
    clock.now += DELAY
    return id


def test_a_new_machine_is_pending_until_the_delay_is_over(cloud: SandboxBackend, clock: Clock) -> None:
    machine = cloud.computes.create(SMALL)
    assert (machine.state, machine.started, machine.console) == (ComputeState.PENDING, None, None)
    clock.now += DELAY - 0.001
    assert cloud.computes.get(machine.id).state is ComputeState.PENDING
    clock.now += 0.001
    seen = cloud.computes.get(machine.id)
    assert seen.state is ComputeState.RUNNING
    assert seen.started is not None
    assert seen.started.timestamp() == clock.now


@pytest.mark.parametrize(
    ("action", "passing", "end"),
    [
        ("stop", ComputeState.STOPPING, ComputeState.STOPPED),
        ("suspend", ComputeState.SUSPENDING, ComputeState.SUSPENDED),
        ("restart", ComputeState.RESTARTING, ComputeState.RUNNING),
    ],
)
def test_an_action_shows_its_passing_state_first(
    cloud: SandboxBackend, clock: Clock, action: str, passing: ComputeState, end: ComputeState
) -> None:
    id = started(cloud, clock)
    assert cloud.computes.act(id, action).state is passing
    clock.now += DELAY
    assert cloud.computes.get(id).state is end


def test_a_stopped_machine_is_starting_first(cloud: SandboxBackend, clock: Clock) -> None:
    id = started(cloud, clock)
    cloud.computes.act(id, "stop")
    clock.now += DELAY
    assert cloud.computes.act(id, "start").state is ComputeState.STARTING


def test_asking_again_for_what_is_on_its_way_does_not_prolong_it(cloud: SandboxBackend, clock: Clock) -> None:
    id = started(cloud, clock)
    cloud.computes.act(id, "stop")
    clock.now += DELAY / 2
    assert cloud.computes.act(id, "stop").state is ComputeState.STOPPING
    clock.now += DELAY / 2
    assert cloud.computes.get(id).state is ComputeState.STOPPED


def test_a_machine_made_to_be_stopped_can_be_started_while_it_is_made(
    cloud: SandboxBackend, clock: Clock
) -> None:
    id = cloud.computes.create(ComputeSpec(start=False)).id
    assert cloud.computes.act(id, "start").state is ComputeState.PENDING
    clock.now += DELAY
    assert cloud.computes.get(id).state is ComputeState.RUNNING


def test_an_action_that_the_passing_state_does_not_allow_is_refused(
    cloud: SandboxBackend, clock: Clock
) -> None:
    id = started(cloud, clock)
    cloud.computes.act(id, "stop")
    with pytest.raises(InvalidState, match="stopping"):
        cloud.computes.act(id, "start")


def test_a_machine_being_deleted_shows_and_then_is_gone(cloud: SandboxBackend, clock: Clock) -> None:
    id = started(cloud, clock)
    cloud.computes.delete(id)
    machine = cloud.computes.get(id)
    assert (machine.state, machine.interfaces) == (ComputeState.DELETING, ())
    assert cloud.computes.ids([id]) == [id]
    with pytest.raises(InvalidState):
        cloud.computes.act(id, "start")
    with pytest.raises(InvalidState):
        cloud.computes.update(id, {"title": "x"})
    clock.now += DELAY
    assert cloud.computes.ids([id]) == cloud.computes.ids() == []
    assert cloud.computes.list() == []
    with pytest.raises(NotFound):
        cloud.computes.get(id)
    with pytest.raises(NotFound):
        cloud.computes.act(id, "start")


def test_what_is_on_its_way_arrives_over_a_restart(cloud_with: Maker, clock: Clock) -> None:
    first = cloud_with(delay=DELAY)
    id = started(first, clock)
    first.computes.act(id, "suspend")
    first.close()
    second = cloud_with()
    assert second.computes.get(id).state is ComputeState.SUSPENDING
    clock.now += DELAY
    assert second.computes.get(id).state is ComputeState.SUSPENDED


def test_volumes_snapshots_and_images_take_their_time_too(cloud: SandboxBackend, clock: Clock) -> None:
    machine = started(cloud, clock)
    volume = cloud.volumes.create(VolumeSpec(GIB))
    assert volume.state is VolumeState.CREATING
    with pytest.raises(InvalidState):
        cloud.volumes.act(volume.id, "offline")
    clock.now += DELAY
    assert cloud.volumes.act(volume.id, "backup").state is VolumeState.BACKUP
    clock.now += DELAY
    assert cloud.volumes.update(volume.id, {"size": 2 * GIB}).state is VolumeState.RESIZING
    clock.now += DELAY
    assert cloud.volumes.act(volume.id, "snapshot").state is VolumeState.SNAPSHOT
    (snapshot,) = cloud.snapshots.list()
    image = cloud.computes.save(machine)
    assert (snapshot.state, image.state) == (ImageState.SAVING, ImageState.SAVING)
    with pytest.raises(Conflict):
        cloud.volumes.create(VolumeSpec(2 * GIB, snapshot=snapshot.id))
    with pytest.raises(Conflict):
        cloud.computes.create(ComputeSpec(image=image.id))
    clock.now += DELAY
    assert cloud.snapshots.get(snapshot.id).state is ImageState.READY
    assert cloud.images.get(image.id).state is ImageState.READY
    cloud.volumes.delete(volume.id)
    assert cloud.volumes.get(volume.id).state is VolumeState.DELETING
    with pytest.raises(Conflict):
        cloud.snapshots.create(SnapshotSpec(volume.id))
    clock.now += DELAY
    assert cloud.volumes.list() == []


def values(cloud: SandboxBackend, id: str) -> dict[str, float]:
    return {sample.measure: sample.value for sample in cloud.computes.samples(id)}


COUNTERS = ("disk.read.bytes", "disk.write.bytes", "net.in.bytes", "net.out.bytes")


def test_counters_grow_while_a_machine_runs_and_stand_still_while_it_is_stopped(
    cloud_with: Maker, clock: Clock
) -> None:
    cloud = cloud_with()
    id = cloud.computes.create(SMALL).id
    clock.now += 60
    first = values(cloud, id)
    clock.now += 60
    second = values(cloud, id)
    cloud.computes.act(id, "stop")
    clock.now += 60
    third = values(cloud, id)
    cloud.computes.act(id, "start")
    clock.now += 60
    fourth = values(cloud, id)
    for name in COUNTERS:
        assert 0 < first[name] < second[name] == third[name] < fourth[name]


def test_load_moves_while_a_machine_runs_and_is_nothing_while_it_does_not(
    cloud_with: Maker, clock: Clock
) -> None:
    cloud = cloud_with()
    machine = cloud.computes.create(SMALL)
    loads = []
    for _ in range(10):
        clock.now += 30
        seen = values(cloud, machine.id)
        loads.append(seen["cpu.utilization"])
        assert 0 < seen["memory.used"] < machine.memory
    assert len(set(loads)) > 1
    assert all(0 < load < 100 for load in loads)
    cloud.computes.act(machine.id, "stop")
    assert values(cloud, machine.id)["cpu.utilization"] == values(cloud, machine.id)["memory.used"] == 0


def test_every_third_call_fails_whichever_process_makes_it(cloud_with: Maker) -> None:
    rule = {"noun": "compute", "operation": "create", "error": "unavailable", "every": 3}
    clouds = [cloud_with(failures=[rule]), cloud_with(failures=[rule])]
    outcomes = []
    for number in range(9):
        try:
            outcomes.append(bool(clouds[number % 2].computes.create(SMALL)))
        except BackendUnavailable:
            outcomes.append(False)
    assert outcomes == [True, True, False] * 3
    assert len(clouds[0].computes.ids()) == 6


@pytest.mark.parametrize(
    ("name", "kind"), [("unavailable", BackendUnavailable), ("error", BackendError), ("quota", QuotaExceeded)]
)
def test_a_failing_creation_makes_nothing(cloud_with: Maker, name: str, kind: type[Exception]) -> None:
    cloud = cloud_with(failures=[{"noun": "volume", "operation": "create", "error": name}])
    with pytest.raises(kind):
        cloud.volumes.create(VolumeSpec(GIB))
    assert cloud.volumes.ids() == []
    assert cloud.computes.create(SMALL).state is ComputeState.RUNNING


@pytest.mark.parametrize("operation", ["get", "list", "update", "delete", "act:stop", "act", "any", "save"])
def test_the_operation_of_the_rule_fails(cloud_with: Maker, operation: str) -> None:
    id = cloud_with().computes.create(SMALL).id
    computes = cloud_with(failures=[{"noun": "compute", "operation": operation, "error": "error"}]).computes
    calls: dict[str, Callable[[], Any]] = {
        "get": lambda: computes.get(id),
        "list": lambda: (computes.list(), computes.ids()),
        "update": lambda: computes.update(id, {}),
        "delete": lambda: computes.delete(id),
        "act:stop": lambda: computes.act(id, "stop"),
        "act": lambda: computes.act(id, "stop"),
        "any": lambda: computes.get(id),
        "save": lambda: computes.save(id),
    }
    with pytest.raises(BackendError):
        calls[operation]()


def test_a_rule_strikes_by_title_and_by_action(cloud_with: Maker) -> None:
    plain = cloud_with()
    bad, good = (plain.computes.create(ComputeSpec(title=title)).id for title in ("bad apple", "good one"))
    rule = {"noun": "compute", "operation": "act:stop", "error": "error", "title_matches": "^bad"}
    computes = cloud_with(failures=[rule]).computes
    with pytest.raises(BackendError):
        computes.act(bad, "stop")
    assert computes.act(good, "stop").state is ComputeState.STOPPED
    assert computes.act(bad, "suspend").state is ComputeState.SUSPENDED


def test_probability_one_always_strikes_and_zero_never(cloud_with: Maker) -> None:
    rules = [
        {"noun": "network", "error": "error", "probability": 0},
        {"noun": "volume", "error": "error", "probability": 1.0},
    ]
    cloud = cloud_with(failures=rules)
    assert cloud.networks.ids() == ["default"]
    with pytest.raises(BackendError):
        cloud.volumes.ids()


def test_a_spoiled_machine_ends_in_error_with_a_message_and_can_be_started(
    cloud_with: Maker, clock: Clock
) -> None:
    rule = {"noun": "compute", "operation": "create", "error": "state-error", "title_matches": "sour"}
    cloud = cloud_with(failures=[rule], delay=DELAY)
    machine = cloud.computes.create(ComputeSpec(title="sour"))
    assert (machine.state, machine.state_message) == (ComputeState.PENDING, None)
    clock.now += DELAY
    machine = cloud.computes.get(machine.id)
    assert machine.state is ComputeState.ERROR
    assert machine.state_message
    cloud.computes.act(machine.id, "start")
    clock.now += DELAY
    machine = cloud.computes.get(machine.id)
    assert (machine.state, machine.state_message) == (ComputeState.RUNNING, None)


def test_a_machine_may_fail_to_start(cloud_with: Maker) -> None:
    cloud = cloud_with(failures=[{"noun": "compute", "operation": "act:start", "error": "state-error"}])
    id = cloud.computes.create(ComputeSpec(start=False)).id
    assert cloud.computes.act(id, "start").state is ComputeState.ERROR


def test_spoiled_volumes_and_images_end_in_error(cloud_with: Maker) -> None:
    rules = [
        {"noun": "volume", "operation": "create", "error": "state-error"},
        {"noun": "compute", "operation": "save", "error": "state-error"},
    ]
    cloud = cloud_with(failures=rules)
    volume, image = (
        cloud.volumes.create(VolumeSpec(GIB)),
        cloud.computes.save(cloud.computes.create(SMALL).id),
    )
    assert (volume.state, image.state) == (VolumeState.ERROR, ImageState.ERROR)
    assert volume.state_message
    assert image.state_message


def test_the_caller_waits_for_a_slow_failure(cloud_with: Maker) -> None:
    cloud = cloud_with(failures=[{"noun": "compute", "error": "error", "after_delay": 0.05}])
    begin = time.monotonic()
    with pytest.raises(BackendError):
        cloud.computes.ids()
    assert time.monotonic() - begin >= 0.05
