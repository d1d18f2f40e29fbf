"""What the OGF working group's test_occi_11 asks beyond doyouspeakOCCI: the model of the infrastructure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pytest

from tests.interop.suites import OGF, Suite
from tests.serving import Server

INFRASTRUCTURE = f"{OGF}/infrastructure#"

#: term, scheme -> names that ``attributes`` must contain.
ATTRIBUTES: Mapping[tuple[str, str], Sequence[str]] = {
    ("compute", INFRASTRUCTURE): [
        "occi.compute.architecture",
        "occi.compute.cores",
        "occi.compute.hostname",
        "occi.compute.speed",
        "occi.compute.memory",
        "occi.compute.state",
    ],
    ("network", INFRASTRUCTURE): ["occi.network.vlan", "occi.network.label", "occi.network.state"],
    ("storage", INFRASTRUCTURE): ["occi.storage.size", "occi.storage.state"],
    ("storagelink", INFRASTRUCTURE): [
        "occi.storagelink.deviceid",
        "occi.storagelink.mountpoint",
        "occi.storagelink.state",
    ],
    ("networkinterface", INFRASTRUCTURE): [
        "occi.networkinterface.interface",
        "occi.networkinterface.mac",
        "occi.networkinterface.state",
    ],
    ("ipnetwork", f"{OGF}/infrastructure/network#"): [
        "occi.network.address",
        "occi.network.gateway",
        "occi.network.allocation",
    ],
    ("stop", f"{OGF}/infrastructure/compute/action#"): ["method"],
    ("restart", f"{OGF}/infrastructure/compute/action#"): ["method"],
    ("suspend", f"{OGF}/infrastructure/compute/action#"): ["method"],
    ("resize", f"{OGF}/infrastructure/storage/action#"): ["size"],
    ("start", f"{OGF}/infrastructure/compute/action#"): [],
    ("up", f"{OGF}/infrastructure/network/action#"): [],
    ("down", f"{OGF}/infrastructure/network/action#"): [],
    ("online", f"{OGF}/infrastructure/storage/action#"): [],
    ("offline", f"{OGF}/infrastructure/storage/action#"): [],
    ("backup", f"{OGF}/infrastructure/storage/action#"): [],
    ("snapshot", f"{OGF}/infrastructure/storage/action#"): [],
}
ACTIONS: Mapping[str, Sequence[str]] = {
    "compute": ["start", "stop", "restart", "suspend"],
    "network": ["up", "down"],
    "storage": ["online", "offline", "backup", "snapshot", "resize"],
}


@pytest.fixture
def suite(gateway: Server) -> Suite:
    return Suite(gateway.port, "resident", "test_occi_11 OCCI/1.1")


@pytest.fixture
def model(suite: Suite) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """Parameters by term and scheme, read line by line and cut at every semicolon."""
    found = {}
    for line in suite.call("GET", "/-/", "text/plain").text.splitlines():
        term, scheme, *rest = line.removeprefix("Category: ").split(";")
        match = re.fullmatch(r'\s*scheme="(.+)"', scheme)
        assert match, line
        pairs = (piece.strip().split("=", 1) for piece in rest if piece.strip())
        found[term, match[1]] = {name: value.strip('"') for name, value in pairs}
    return found


def _names(attributes: str) -> set[str]:
    return set(re.sub(r"\{[^}]*\}", "", attributes).split())


@pytest.mark.parametrize("entry", ATTRIBUTES, ids=lambda entry: entry[0])
def test_the_model_has_every_entry_with_its_attributes(
    model: Mapping[tuple[str, str], Mapping[str, str]], entry: tuple[str, str]
) -> None:
    assert _names(model[entry].get("attributes", "")) >= set(ATTRIBUTES[entry])


@pytest.mark.parametrize("term", ACTIONS)
def test_a_kind_names_its_actions(model: Mapping[tuple[str, str], Mapping[str, str]], term: str) -> None:
    offered = model[term, INFRASTRUCTURE]["actions"].split()
    assert set(offered) >= {f"{OGF}/infrastructure/{term}/action#{action}" for action in ACTIONS[term]}


@pytest.mark.parametrize(
    ("term", "parent"),
    [
        ("compute", "resource"),
        ("network", "resource"),
        ("storage", "resource"),
        ("storagelink", "link"),
        ("networkinterface", "link"),
    ],
)
def test_a_kind_names_its_parent(
    model: Mapping[tuple[str, str], Mapping[str, str]], term: str, parent: str
) -> None:
    assert model[term, INFRASTRUCTURE]["rel"] == f"{OGF}/core#{parent}"


def test_ipnetwork_has_no_relation_which_the_suite_would_take_for_a_link(
    model: Mapping[tuple[str, str], Mapping[str, str]],
) -> None:
    assert "rel" not in model["ipnetwork", f"{OGF}/infrastructure/network#"]
