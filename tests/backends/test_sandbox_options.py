"""The options of the sandbox: what they do, and what is said about wrong ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from backends.sandbox import SandboxBackend
from backends.sandbox.options import size
from gateway.model import (
    GIB,
    BackendUnavailable,
    ComputeSpec,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    VolumeSpec,
)

SMALL = ComputeSpec(title="web", instance_type="small")


@pytest.fixture
def made() -> Iterator[list[SandboxBackend]]:
    clouds: list[SandboxBackend] = []
    yield clouds
    for cloud in clouds:
        cloud.close()


@pytest.mark.parametrize(
    ("options", "field", "words"),
    [
        ({"dealy": 1}, "dealy", "did you mean delay?"),
        ({"xyzzy": 1}, "xyzzy", "known are: "),
        ({"delay": -1}, "delay", "seconds"),
        ({"delay": "soon"}, "delay", "seconds"),
        ({"delay": True}, "delay", "seconds"),
        ({"capacity": 4}, "capacity", "table"),
        ({"capacity": {"core": 4}}, "core", "did you mean cores?"),
        ({"capacity": {"memory": "4 potatoes"}}, "capacity.memory", "4GiB"),
        ({"capacity": {"cores": 0}}, "capacity.cores", "positive"),
        ({"images": {"Debian 12": {}}}, "images", "identifier"),
        ({"instance_types": {"tiny": {"ram": "1GiB"}}}, "ram", "instance_types.tiny"),
        ({"pools": {"public": "203.0.113.1/24"}}, "pools.public", "network"),
        ({"public_address": "here"}, "public_address", "address"),
        ({"default_network": "yes"}, "default_network", "true or false"),
        ({"path": ""}, "path", "text"),
        ({"failures": {}}, "failures", "list"),
        ({"failures": [3]}, "failures[0]", "table"),
        ({"failures": [{}]}, "failures[0].error", "missing"),
        ({"failures": [{"error": "boom"}]}, "failures[0].error", "unavailable"),
        ({"failures": [{"error": "error", "noun": "cat"}]}, "failures[0].noun", "compute"),
        ({"failures": [{"error": "error", "operation": "fly"}]}, "failures[0].operation", "create"),
        ({"failures": [{"error": "error", "every": 0}]}, "failures[0].every", "positive"),
        ({"failures": [{"error": "error", "probability": 2}]}, "failures[0].probability", "0 to 1"),
        ({"failures": [{"error": "error", "title_matches": "("}]}, "failures[0].title_matches", "regular"),
        ({"failures": [{"error": "state-error"}]}, "failures[0].error", "compute create"),
        ({"failures": [{"error": "error", "evry": 2}]}, "failures[0]", "known are"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_allowed(
    tmp_path: Path, options: Mapping[str, Any], field: str, words: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        SandboxBackend.from_options(options, data=str(tmp_path))
    assert caught.value.field == field
    assert words in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (5, 5),
        ("5", 5),
        ("1KiB", 1024),
        ("1.5 GiB", 3 * GIB // 2),
        ("2GB", 2 * 10**9),
        ("1TiB", 2**40),
    ],
)
def test_a_size_is_bytes_or_a_number_with_a_unit(value: object, expected: int) -> None:
    assert size("x", value) == expected


@pytest.mark.parametrize("value", [-1, 1.5, True, None, "", "GiB", "-1GiB", "1gib", "1 GiB GiB", [1]])
def test_what_is_no_size_is_refused(value: object) -> None:
    with pytest.raises(InvalidRequest):
        size("x", value)


def test_without_a_path_the_file_lies_in_the_data_directory(
    tmp_path: Path, made: list[SandboxBackend]
) -> None:
    made.append(SandboxBackend.from_options({}, data=str(tmp_path)))
    assert (tmp_path / "sandbox.db").exists()


def test_a_relative_path_lies_in_the_data_directory(tmp_path: Path, made: list[SandboxBackend]) -> None:
    made.append(SandboxBackend.from_options({"path": "cloud.db"}, data=str(tmp_path)))
    assert (tmp_path / "cloud.db").exists()


def test_without_options_the_usual_images_and_sizes_are_on_offer(
    tmp_path: Path, made: list[SandboxBackend]
) -> None:
    made.append(SandboxBackend.from_options({}, data=str(tmp_path)))
    assert made[0].images.ids() == ["debian-12", "alpine-3"]
    shapes = [(t.id, t.cores, t.memory, t.disk) for t in made[0].instance_types.list()]
    assert shapes == [
        ("small", 1, GIB, 10 * GIB),
        ("medium", 2, 2 * GIB, 20 * GIB),
        ("large", 4, 4 * GIB, 40 * GIB),
    ]


def test_configured_images_and_sizes_replace_the_usual_ones(
    tmp_path: Path, made: list[SandboxBackend]
) -> None:
    options = {
        "images": {"plan-9": {"title": "Plan 9", "size": "300MiB", "tags": {"os": "plan9"}}},
        "instance_types": {"tiny": {"cores": 1, "memory": "64MiB", "disk": 0, "tags": {"price": 1}}},
    }
    made.append(SandboxBackend.from_options(options, data=str(tmp_path)))
    image, kind = made[0].images.get("plan-9"), made[0].instance_types.get("tiny")
    assert (image.title, image.size, image.tags) == ("Plan 9", 300 << 20, {"os": "plan9"})
    assert (kind.title, kind.memory, kind.tags) == ("tiny", 64 << 20, {"price": "1"})
    assert made[0].images.ids() == ["plan-9"]


def test_a_file_that_cannot_be_made_is_said_to_be_unavailable(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="unable to open"):
        SandboxBackend(tmp_path / "missing" / "cloud.db")


def test_check_tells_that_the_file_is_missing(tmp_path: Path, made: list[SandboxBackend]) -> None:
    made.append(SandboxBackend(tmp_path / "cloud.db"))
    (tmp_path / "cloud.db").unlink()
    with pytest.raises(BackendUnavailable, match="missing"):
        made[0].check()


@pytest.mark.parametrize(
    ("capacity", "dimension"),
    [({"cores": 2}, "cores"), ({"memory": "2GiB"}, "memory"), ({"disk": "20GiB"}, "disk")],
)
def test_capacity_is_used_up_and_given_back(
    tmp_path: Path, made: list[SandboxBackend], capacity: Mapping[str, Any], dimension: str
) -> None:
    cloud = SandboxBackend(tmp_path / "cloud.db", capacity=capacity)
    made.append(cloud)
    first, _ = cloud.computes.create(SMALL), cloud.computes.create(SMALL)
    with pytest.raises(QuotaExceeded) as caught:
        cloud.computes.create(SMALL)
    assert (caught.value.dimension, caught.value.scope) == (dimension, "sandbox capacity")
    assert caught.value.used == caught.value.limit
    cloud.computes.delete(first.id)
    assert cloud.computes.create(SMALL).id in cloud.computes.ids()


def test_capacity_bounds_volumes_and_growth(tmp_path: Path, made: list[SandboxBackend]) -> None:
    cloud = SandboxBackend(tmp_path / "cloud.db", capacity={"disk": 3 * GIB, "cores": 2})
    made.append(cloud)
    volume = cloud.volumes.create(VolumeSpec(2 * GIB))
    with pytest.raises(QuotaExceeded):
        cloud.volumes.create(VolumeSpec(2 * GIB))
    with pytest.raises(QuotaExceeded):
        cloud.volumes.update(volume.id, {"size": 4 * GIB})
    assert cloud.volumes.update(volume.id, {"size": 3 * GIB}).size == 3 * GIB
    machine = cloud.computes.create(ComputeSpec(cores=2))
    with pytest.raises(QuotaExceeded):
        cloud.computes.update(machine.id, {"cores": 3})
    assert cloud.computes.update(machine.id, {"cores": 1}).cores == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cores": 257}, "cores"),
        ({"memory": (16 << 20) - 1}, "memory"),
        ({"memory": (4 << 40) + 1}, "memory"),
    ],
)
def test_a_machine_has_limits_that_are_named(
    tmp_path: Path, made: list[SandboxBackend], fields: Mapping[str, Any], field: str
) -> None:
    made.append(SandboxBackend(tmp_path / "cloud.db"))
    with pytest.raises(InvalidRequest, match=r"is not in \d+ to \d+") as caught:
        made[0].computes.create(ComputeSpec(**fields))
    assert caught.value.field == field


def test_an_instance_type_of_somebody_else_names_cores_and_memory(
    tmp_path: Path, made: list[SandboxBackend]
) -> None:
    made.append(SandboxBackend(tmp_path / "cloud.db"))
    machine = made[0].computes.create(ComputeSpec(instance_type="of-the-gateway", cores=3, memory=GIB))
    assert (machine.instance_type, machine.cores, machine.memory) == ("of-the-gateway", 3, GIB)
    with pytest.raises(NotFound):
        made[0].computes.create(ComputeSpec(instance_type="of-the-gateway", cores=3))


def test_other_numbers_end_the_instance_type_and_the_same_numbers_do_not(
    tmp_path: Path, made: list[SandboxBackend]
) -> None:
    made.append(SandboxBackend(tmp_path / "cloud.db"))
    machine = made[0].computes.create(SMALL)
    assert made[0].computes.update(machine.id, {"cores": 1, "memory": GIB}).instance_type == "small"
    assert made[0].computes.update(machine.id, {"cores": 2}).instance_type is None


@pytest.mark.parametrize(("option", "networks"), [(True, ["default"]), (False, [])])
def test_a_machine_without_interfaces_is_in_the_default_network_if_the_site_wants_it(
    tmp_path: Path, made: list[SandboxBackend], option: bool, networks: list[str]
) -> None:
    made.append(SandboxBackend(tmp_path / "cloud.db", default_network=option))
    assert [link.network for link in made[0].computes.create(SMALL).interfaces] == networks


def test_a_machine_is_made_without_a_network_where_the_default_one_is_down(
    tmp_path: Path, made: list[SandboxBackend]
) -> None:
    made.append(SandboxBackend(tmp_path / "cloud.db"))
    made[0].networks.act("default", "down")
    assert made[0].computes.create(SMALL).interfaces == ()
    made[0].networks.delete("default")
    assert made[0].computes.create(SMALL).interfaces == ()
