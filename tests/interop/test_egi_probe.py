"""check_occi_compute_create 0.0.4 of the EGI monitoring, with each of its options."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.rocci import INFRASTRUCTURE, Rocci
from tests.serving import Server, eventually

OK, WARNING, CRITICAL = 0, 1, 2
CONTEXT = (
    "http://schemas.openstack.org/compute/instance#user_data",
    "http://schemas.openstack.org/instance/credentials#public_key",
)


class Probe:
    """One run: the model, its checks, clean-up, create, wait, delete."""

    def __init__(self, gateway: Server) -> None:
        self.rocci = Rocci(gateway.port, "probe")
        self.steps = 0
        self.machine = ""

    def run(self, os_tpl: str, resource_tpl: str, *, checks_only: bool = False) -> int:
        self.rocci.start()
        known = {category.identifier for category in self.rocci.model}
        if not {f"{INFRASTRUCTURE}{term}" for term in ("compute", "network", "storage")} <= known:
            return CRITICAL
        if not {f"{INFRASTRUCTURE}{term}" for term in ("os_tpl", "resource_tpl")} <= known:
            return CRITICAL
        if not known.issuperset(CONTEXT):
            return WARNING if checks_only else CRITICAL
        if checks_only:
            return OK
        self.clean_up()
        self.machine = self.rocci.create("egi-monitoring", os_tpl, resource_tpl)
        state = eventually(self._settled, seconds=180)
        if state == "error":
            return CRITICAL
        self.rocci.delete(self.machine)
        return OK

    def clean_up(self) -> None:
        """Every machine of the credential; what the server says is ignored."""
        self.rocci.call("DELETE", "/compute/")

    def _settled(self) -> str:
        state = self.rocci.describe(self.machine).attributes["occi.compute.state"]
        return state if state in ("active", "error") else ""


@pytest.fixture
def probe(gateway: Server) -> Probe:
    return Probe(gateway)


@pytest.fixture
def resident(gateway: Server) -> Iterator[tuple[Rocci, str]]:
    """Another user of the same tenant, and a machine of that user."""
    client = Rocci(gateway.port, "resident")
    client.start()
    machine = client.create("resident", "alpine-3", "small")
    yield client, machine
    client.delete(machine)


def test_the_checks_of_the_model_are_satisfied(probe: Probe) -> None:
    assert probe.run("debian-12", "small", checks_only=True) == OK


def test_a_machine_becomes_active_without_a_start_and_is_deleted(probe: Probe) -> None:
    assert probe.run("debian-12", "small") == OK


def test_every_template_can_be_named_by_its_term(probe: Probe) -> None:
    probe.rocci.start()
    terms = [template.term for template in probe.rocci.templates("resource_tpl")]
    assert [probe.run("alpine-3", term) for term in terms] == [OK] * len(terms)


def test_nothing_of_the_probe_is_left_behind(probe: Probe) -> None:
    probe.run("debian-12", "small")
    assert probe.rocci.list("compute") == []


def test_what_an_earlier_run_left_is_cleaned_up(probe: Probe) -> None:
    probe.rocci.start()
    left = probe.rocci.create("left", "debian-12", "small")
    probe.clean_up()
    assert left not in probe.rocci.list("compute")


def test_the_machine_of_another_user_survives_the_clean_up(probe: Probe, resident: tuple[Rocci, str]) -> None:
    probe.run("debian-12", "small")
    client, machine = resident
    assert machine in client.list("compute")
