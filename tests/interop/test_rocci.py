"""What people do with the command line of the EGI Federated Cloud, in the three forms it can speak."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.rocci import INFRASTRUCTURE, JSON, Rocci, Seen
from tests.serving import Server, eventually


@pytest.fixture(params=["text/plain,text/occi", "text/occi", JSON])
def rocci(request: pytest.FixtureRequest, gateway: Server) -> Rocci:
    client = Rocci(gateway.port, "resident", request.param)
    client.start()
    return client


@pytest.fixture
def machine(rocci: Rocci) -> Iterator[str]:
    uri = rocci.create("worker-1", "debian-12", "small")
    yield uri
    if uri in rocci.list("compute"):
        rocci.delete(uri)


@pytest.fixture
def volume(gateway: Server) -> str:
    return gateway.create("storage", "occi.storage.size=1.0", user="resident")


def _state(seen: Seen) -> str:
    return str(seen.attributes["occi.compute.state"])


def _targets(seen: Seen, kind: str) -> list[str]:
    links = (link for link in seen.links if not link["action"])
    return [link["target"] for link in links if link["category"].split()[0] == INFRASTRUCTURE + kind]


@pytest.mark.parametrize("word", ["compute", "network", "storage", "networkinterface", "storagelink"])
def test_it_has_an_idea_what_each_word_is(rocci: Rocci, word: str) -> None:
    assert rocci.kind(word).location == f"/{word}/"


@pytest.mark.parametrize(("family", "term"), [("os_tpl", "debian-12"), ("resource_tpl", "small")])
def test_it_lists_templates_out_of_the_model(rocci: Rocci, family: str, term: str) -> None:
    assert term in [template.term for template in rocci.templates(family)]


def test_it_lists_what_it_has_made(rocci: Rocci, machine: str) -> None:
    assert machine in rocci.list("compute")


def test_it_describes_a_machine_with_its_title_and_hostname(rocci: Rocci, machine: str) -> None:
    found = rocci.describe(machine).attributes
    assert (found["occi.core.title"], found["occi.compute.hostname"]) == ("worker-1", "worker-1")


def test_it_describes_a_machine_with_the_templates_it_chose(rocci: Rocci, machine: str) -> None:
    chosen = {rocci.mixin("os_tpl", "debian-12").identifier, rocci.mixin("resource_tpl", "small").identifier}
    assert chosen <= set(rocci.describe(machine).categories)


def test_its_own_identifier_counts_for_nothing(rocci: Rocci, machine: str) -> None:
    assert rocci.describe(machine).attributes["occi.core.id"].endswith(machine.rpartition("/")[2])


def test_waiting_ends_with_an_active_machine(rocci: Rocci, machine: str) -> None:
    assert eventually(lambda: _state(rocci.describe(machine)) == "active")


def test_links_that_stand_inside_the_request_are_made(rocci: Rocci, volume: str) -> None:
    uri = rocci.create("linked", "debian-12", "small", links=["/network/default", volume])
    seen = rocci.describe(uri)
    rocci.delete(uri)
    assert (_targets(seen, "networkinterface"), _targets(seen, "storagelink")) == (
        ["/network/default"],
        [volume],
    )


def test_a_machine_with_key_and_user_data_is_made(rocci: Rocci) -> None:
    uri = rocci.create("seeded", "debian-12", "small", context=True)
    seen = rocci.describe(uri)
    rocci.delete(uri)
    assert "http://schemas.openstack.org/instance/credentials#public_key" in seen.categories


def test_a_volume_is_linked_afterwards(rocci: Rocci, machine: str, volume: str) -> None:
    rocci.link(machine, volume)
    assert volume in _targets(rocci.describe(machine), "storagelink")


def test_a_link_is_recognized_by_the_path_it_lives_under(rocci: Rocci, machine: str, volume: str) -> None:
    link = rocci.describe(rocci.link(machine, volume))
    assert (link.is_link, link.attributes["occi.core.target"]) == (True, volume)


def test_deleting_a_link_leaves_the_machine(rocci: Rocci, machine: str, volume: str) -> None:
    rocci.delete(rocci.link(machine, volume))
    assert _targets(rocci.describe(machine), "storagelink") == []


@pytest.mark.parametrize(("action", "state"), [("stop", "inactive"), ("suspend", "suspended")])
def test_an_action_changes_the_state(rocci: Rocci, machine: str, action: str, state: str) -> None:
    rocci.trigger(machine, action)
    assert eventually(lambda: _state(rocci.describe(machine)) == state)


def test_starting_what_runs_is_no_error(rocci: Rocci, machine: str) -> None:
    rocci.trigger(machine, "start")
    assert _state(rocci.describe(machine)) == "active"


def test_an_action_takes_its_parameter(rocci: Rocci, machine: str) -> None:
    rocci.trigger(machine, "restart", method="cold")
    assert eventually(lambda: _state(rocci.describe(machine)) == "active")


def test_another_size_template_resizes_the_machine(rocci: Rocci, machine: str) -> None:
    rocci.update(machine, "medium")
    assert float(rocci.describe(machine).attributes["occi.compute.cores"]) == 2


def test_a_deleted_machine_is_not_listed(rocci: Rocci, machine: str) -> None:
    rocci.delete(machine)
    assert machine not in rocci.list("compute")


def test_deleting_the_kind_deletes_all_machines_of_the_user(rocci: Rocci, machine: str) -> None:
    rocci.delete(rocci.kind("compute").location)
    assert rocci.list("compute") == []
