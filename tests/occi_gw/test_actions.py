"""Actions over HTTP: on one entity and on collections, idempotent, all or nothing (GFD.185 3.4.4.6)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.client import BASE, COMPUTE, NETWORK, OGF, STORAGE, Answer, Client, action
from tests.conftest import Site

Make = Callable[..., Site]
JSON = {"Content-Type": "application/occi+json", "Accept": "application/occi+json"}


def _do(client: Client, path: str, kind: str, term: str, *attributes: str) -> Answer:
    lines = (f"X-OCCI-Attribute: {attribute}" for attribute in attributes)
    return client.post(f"{path}?action={term}", f"Category: {action(kind, term)}", *lines)


def _state(client: Client, path: str) -> str:
    return client.get(path).attributes[f"occi.{path.split('/')[1]}.state"].strip('"')


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("compute", "start:active stop:inactive stop:inactive start:active suspend:suspended start:active"),
        ("network", "up:active down:inactive down:inactive up:active"),
        (
            "storage",
            "online:online offline:offline offline:offline online:online backup:online snapshot:online",
        ),
    ],
)
def test_actions_lead_to_their_states_and_are_idempotent(ada: Client, kind: str, steps: str) -> None:
    category, made_with = {
        "compute": (COMPUTE, ()),
        "network": (NETWORK, ()),
        "storage": (STORAGE, ("occi.storage.size=1",)),
    }[kind]
    entity = ada.create(category, *made_with)
    for step in steps.split():
        term, state = step.split(":")
        answer = _do(ada, entity, kind, term)
        assert (answer.status, answer.body) == (200, b"OK"), step
        assert _state(ada, entity) == state, step


@pytest.mark.parametrize(
    ("term", "methods"),
    [
        ("stop", ("graceful", "acpioff", "poweroff")),
        ("restart", ("graceful", "warm", "cold")),
        ("suspend", ("hibernate", "suspend")),
    ],
)
def test_every_method_of_an_action_is_taken_and_no_other(
    ada: Client, term: str, methods: tuple[str, ...]
) -> None:
    machine = ada.create(COMPUTE)
    refused = _do(ada, machine, "compute", term, 'method="kindly"')
    assert (refused.status, all(method in refused.text for method in methods)) == (400, True)
    assert _state(ada, machine) == "active"
    for method in methods:
        assert _do(ada, machine, "compute", term, f'method="{method}"').status == 200
        _do(ada, machine, "compute", "start")


def test_the_actions_shown_are_those_that_do_something_now(ada: Client) -> None:
    machine = ada.create(COMPUTE)

    def shown() -> list[str]:
        links = ada.get(machine).values("Link")
        return [link.split("?action=")[1].split(">")[0] for link in links if "?action=" in link]

    assert shown() == ["stop", "restart", "suspend", "save"]
    _do(ada, machine, "compute", "stop")
    assert shown()[0] == "start"
    assert ada.get(machine).values("Link")[0].startswith(f"<{machine}?action=start>; rel=")


@pytest.mark.parametrize(
    ("first", "then"), [("stop", "suspend"), ("stop", "restart"), ("suspend", "restart")]
)
def test_an_action_that_the_state_forbids_is_400_and_names_what_is_allowed(
    ada: Client, first: str, then: str
) -> None:
    machine = ada.create(COMPUTE)
    _do(ada, machine, "compute", first)
    before = _state(ada, machine)
    refused = _do(ada, machine, "compute", then)
    assert (refused.status, "start" in refused.text) == (400, True)
    assert _state(ada, machine) == before


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("{machine}?action=stop", action("compute", "start")),
        ("{machine}?action=up", action("network", "up")),
        ("{machine}?action=", action("compute", "stop")),
        ("{machine}?action=stop&action=start", action("compute", "stop")),
        ("{machine}?action=stop", COMPUTE),
        ("{machine}?action=stop", f"{action('compute', 'stop')}, {action('compute', 'start')}"),
        ("{machine}?action=stop", f"{action('compute', 'stop')}, {COMPUTE}"),
        ("{machine}", action("compute", "stop")),
    ],
)
def test_query_and_category_must_agree_and_stand_alone(ada: Client, path: str, line: str) -> None:
    machine = ada.create(COMPUTE)
    assert ada.post(path.format(machine=machine), f"Category: {line}").status == 400
    assert _state(ada, machine) == "active"


def test_an_action_that_nobody_knows_is_404_and_one_with_unknown_attributes_400(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    assert (
        ada.post(
            f"{machine}?action=fly", f'Category: fly; scheme="{OGF}/infrastructure/compute/action#"'
        ).status
        == 404
    )
    assert _do(ada, machine, "compute", "stop", 'speed="high"').status == 400
    assert _do(ada, "/compute/nobody", "compute", "stop").status == 404
    assert _state(ada, machine) == "active"


def test_an_action_comes_in_headers_and_in_json(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    headers = {
        "Content-Type": "text/occi",
        "Category": action("compute", "stop"),
        "X-OCCI-Attribute": 'method="graceful"',
    }
    assert ada.request("POST", f"{machine}?action=stop", b"", headers).status == 200
    assert _state(ada, machine) == "inactive"
    document = json.dumps({"action": f"{OGF}/infrastructure/compute/action#start", "attributes": {}})
    answer = ada.request("POST", f"{machine}?action=start", document, JSON)
    assert (answer.status, answer.body) == (200, b"{}")
    assert _state(ada, machine) == "active"


def test_storage_is_resized_by_its_action(ada: Client) -> None:
    volume = ada.create(STORAGE, "occi.storage.size=1")
    assert _do(ada, volume, "storage", "resize", "size=2.5").status == 200
    assert ada.get(volume).attributes["occi.storage.size"] == "2.5"
    for bad in ((), ("size=0",), ('size="big"',), ("size=8589934592",)):
        assert _do(ada, volume, "storage", "resize", *bad).status == 400
    assert ada.get(volume).attributes["occi.storage.size"] == "2.5"


def test_save_answers_with_a_template_that_can_be_used_at_once(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    answer = _do(ada, machine, "compute", "save", 'method="hot"', 'name="golden, master; 1"')
    assert answer.status == 200
    [template] = answer.values("Category")
    assert 'title="golden master 1"' in template
    assert f'rel="{OGF}/infrastructure#os_tpl"' in template
    assert template in ada.get("/-/").values("Category")
    name = template.split('; title="')[0]
    copy = ada.create(COMPUTE, mixins=[name])
    assert name in ada.get(copy).values("Category")
    assert _state(ada, machine) == "active"


def test_a_saved_template_is_its_owners_alone(site: Site) -> None:
    ada, eve = site.client("ada"), site.client("eve")
    machine = ada.create(COMPUTE)
    [template] = _do(ada, machine, "compute", "save").values("Category")
    name = template.split('; title="')[0]
    assert eve.get("/-/", Category=name).status == 404
    assert eve.post("/compute/", f"Category: {COMPUTE}", f"Category: {name}").status == 404
    assert ada.get("/-/", Category=name).status == 200


def test_save_without_a_name_and_of_a_stopped_machine(ada: Client) -> None:
    machine = ada.create(COMPUTE, 'occi.core.title="box"')
    _do(ada, machine, "compute", "stop")
    assert _do(ada, machine, "compute", "save").values("Category")
    assert _state(ada, machine) == "inactive"
    assert _do(ada, machine, "compute", "save", 'method="warm"').status == 400


def test_an_action_on_a_collection_reaches_every_member(ada: Client) -> None:
    machines = [ada.create(COMPUTE) for _ in range(3)]
    assert _do(ada, "/compute/", "compute", "stop").status == 200
    assert [_state(ada, machine) for machine in machines] == ["inactive"] * 3
    assert _do(ada, "/compute/", "compute", "start").status == 200
    assert [_state(ada, machine) for machine in machines] == ["active"] * 3


def test_an_action_on_a_collection_is_done_on_all_or_on_none(ada: Client) -> None:
    running, stopped = ada.create(COMPUTE), ada.create(COMPUTE)
    _do(ada, stopped, "compute", "stop")
    assert _do(ada, "/compute/", "compute", "suspend").status == 400
    assert [_state(ada, path) for path in (running, stopped)] == ["active", "inactive"]


def test_an_action_on_an_empty_collection_must_still_be_one_of_its_kind(ada: Client) -> None:
    assert _do(ada, "/compute/", "compute", "stop").status == 200
    assert _do(ada, "/compute/", "network", "up").status == 400


def test_an_action_of_another_kind_is_refused_everywhere(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    for path in (machine, "/compute/", "/"):
        answer = _do(ada, path, "network", "down")
        assert answer.status == 400, path
    assert _state(ada, machine) == "active"


def test_a_machine_that_failed_tells_why_and_can_be_started_again(make_site: Make) -> None:
    failing = {"noun": "compute", "operation": "create", "error": "state-error", "every": 1}
    ada = make_site(backends={"default": {"driver": "sandbox", "failures": [failing]}}).client("ada")
    machine = ada.create(COMPUTE)
    shown = ada.get(machine).attributes
    assert shown["occi.compute.state"] == '"error"'
    assert len(shown["occi.compute.state.message"]) > 2
    assert _do(ada, machine, "compute", "start").status == 200
    assert _state(ada, machine) == "active"


def test_an_action_in_headers_is_answered_in_headers(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    uri = ada.get("/compute/").values("X-OCCI-Location")[0]
    assert uri == BASE + machine
    headers = {"Content-Type": "text/occi", "Accept": "text/occi", "Category": action("compute", "suspend")}
    answer = ada.request("POST", f"{machine}?action=suspend", b"", headers)
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "text/occi", b"OK")
