"""How much one request may ask for, and how long what it says may be."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from occi_gw import scene as scenes
from tests.client import BASE, COMPUTE, NETWORK, NETWORKINTERFACE, OGF, Answer, Client, action
from tests.conftest import Site

JSON = "application/occi+json"

TAG = 'red; scheme="http://site.example/tags#"; class="mixin"; location="/red/"'


@pytest.mark.parametrize(("attribute", "most"), [("title", 255), ("summary", 4096)])
def test_a_text_that_is_too_long_is_refused_and_named(ada: Client, attribute: str, most: int) -> None:
    name = f"X-OCCI-Attribute: occi.core.{attribute}"
    refused = ada.post("/compute/", f"Category: {COMPUTE}", f'{name}="{"x" * (most + 1)}"')
    assert (refused.status, refused.text.startswith(f"{attribute}: {most + 1} characters")) == (400, True)
    assert ada.get("/compute/").text == ""
    assert ada.post("/compute/", f"Category: {COMPUTE}", f'{name}="{"x" * most}"').status == 201


def test_an_update_with_a_text_that_is_too_long_changes_nothing(ada: Client) -> None:
    machine = ada.create(COMPUTE, 'occi.core.title="old"')
    long = f'X-OCCI-Attribute: occi.core.title="{"x" * 256}"'
    assert ada.post(machine, long, "X-OCCI-Attribute: com.example.a=1").status == 400
    assert ada.put(machine, f"Category: {COMPUTE}", long).status == 400
    shown = ada.get(machine).attributes
    assert (shown["occi.core.title"], "com.example.a" in shown) == ('"old"', False)


def test_the_name_of_a_saved_image_leaves_the_model_fit_for_headers(ada: Client, admin: Client) -> None:
    machine, before = ada.create(COMPUTE), admin.get("/-/").text
    save = (f"{machine}?action=save", f"Category: {action('compute', 'save')}")
    refused = ada.post(*save, f'X-OCCI-Attribute: name="{"n" * 62000}"')
    assert (refused.status, refused.text.startswith("name: 62000 characters")) == (400, True)
    assert admin.get("/-/").text == before
    assert ada.post(*save, f'X-OCCI-Attribute: name="{"n" * 255}"').status == 200
    assert admin.get("/-/", Accept="text/occi").status == 200


@pytest.mark.parametrize("text", ["title", "rel"])
def test_a_mixin_with_a_text_that_is_too_long_is_not_defined(ada: Client, text: str) -> None:
    refused = ada.post("/-/", f'Category: {TAG}; {text}="{"http://x/#" + "x" * 1024}"')
    assert (refused.status, refused.text.startswith(f"{text}: 1034 characters")) == (400, True)
    assert ada.get("/-/", Category=TAG).status == 404


@pytest.mark.parametrize("length", [256, 3000, 900_000])
@pytest.mark.parametrize("prefix", ["", "/compute/", "/", "http://gw.example:8787/compute/"])
def test_an_id_longer_than_any_is_not_there(ada: Client, prefix: str, length: int) -> None:
    machine = ada.create(COMPUTE)
    answer = ada.delete("/compute/", f"X-OCCI-Location: {prefix}{'a' * length}", Content_Type="text/plain")
    assert (answer.status, len(answer.text) < 200) == (404, True)
    assert ada.get(machine).status == 200


def _named(client: Client, method: str, path: str, names: Sequence[str]) -> Answer:
    return client.request(method, path, json.dumps(names), {"Content-Type": JSON})


def _calls(site: Site) -> list[str]:
    """The operations of back ends from now on."""
    found: list[str] = []
    site.cloud.door.observer = lambda zone, operation, outcome, seconds: found.append(operation)
    return found


def test_one_request_names_ten_thousand_entities_at_most(ada: Client) -> None:
    ada.post("/-/", f"Category: {TAG}")
    names = [f"/compute/x{number}" for number in range(10_001)]
    for method, path in (("DELETE", "/compute/"), ("DELETE", "/"), ("PUT", "/red/"), ("POST", "/red/")):
        refused = _named(ada, method, path, names)
        assert (refused.status, "at most 10000" in refused.text) == (413, True), refused.text
    assert _named(ada, "DELETE", "/compute/", names[:-1]).status == 404


def test_a_name_that_is_repeated_counts_once(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    assert _named(ada, "DELETE", "/compute/", [machine] * 10_001).status == 200
    assert ada.get(machine).status == 404


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_an_entity_that_is_named_again_and_again_is_asked_for_once(
    site: Site, ada: Client, method: str
) -> None:
    machine = ada.create(COMPUTE)
    ada.post("/-/", f"Category: {TAG}")
    calls = _calls(site)
    assert _named(ada, method, "/red/", [machine, BASE + machine] * 20).status == 200
    assert calls.count("compute.get") == 1, calls


def test_a_deletion_that_names_an_entity_again_and_again_asks_for_it_once(site: Site, ada: Client) -> None:
    machine = ada.create(COMPUTE)
    calls = _calls(site)
    assert _named(ada, "DELETE", "/compute/", [machine, BASE + machine] * 20).status == 200
    assert (calls.count("compute.get"), calls.count("compute.delete")) == (1, 1), calls


def test_links_named_by_their_derived_ids_are_derived_once(
    ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada.post("/-/", f"Category: {TAG}")
    for _ in range(8):
        ada.create(COMPUTE)
    listed = json.loads(ada.get("/networkinterface/", Accept=JSON).body)["links"]
    derived: list[str] = []
    derive = scenes.entity_urn

    def counted(kind: str, id: str) -> str:
        derived.append(id)
        return derive(kind, id)

    monkeypatch.setattr(scenes, "entity_urn", counted)
    assert _named(ada, "PUT", "/red/", [link["id"] for link in listed]).status == 200
    assert len(listed) == 8
    assert len(derived) == len(set(derived)), "an id is derived again for each name"
    assert len(ada.get("/red/").lines) == 8


def _links(count: int, target: str = "/network/default") -> list[str]:
    return [f'Link: <{target}>; rel="{OGF}/infrastructure#network"'] * count


def test_a_machine_is_made_with_64_links_at_most(site: Site, ada: Client) -> None:
    calls = _calls(site)
    refused = ada.post("/compute/", f"Category: {COMPUTE}", *_links(65))
    assert (refused.status, "at most 64 links" in refused.text) == (400, True), refused.text
    assert "compute.create" not in calls
    made = ada.post("/compute/", f"Category: {COMPUTE}", *_links(64))
    assert made.status == 201
    assert len(ada.get("/networkinterface/").lines) == 64


def test_an_update_makes_64_links_at_most(ada: Client) -> None:
    machine, network = ada.create(COMPUTE), ada.create(NETWORK)
    refused = ada.post(machine, *_links(65, network))
    assert (refused.status, "at most 64 links" in refused.text) == (400, True), refused.text
    assert network not in ada.get(machine).text


def test_a_machine_with_more_links_than_one_request_makes_may_be_sent_back(ada: Client) -> None:
    machine = ada.post("/compute/", f"Category: {COMPUTE}", *_links(64)).path
    ends = (f'occi.core.source="{machine}"', 'occi.core.target="/network/default"')
    ada.create(NETWORKINTERFACE, *ends)
    shown = ada.get(machine)
    assert len([link for link in shown.values("Link") if link.startswith("</network/")]) == 65
    assert ada.put(machine, *shown.lines).status == 200
