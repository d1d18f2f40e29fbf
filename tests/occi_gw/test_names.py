"""The names of an entity: its path, its URI, its id with and without ``urn:uuid:``, its id in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from gateway.store.overlay import Holding
from tests.client import BASE, COMPUTE, NETWORKINTERFACE, OGF, STORAGE, STORAGELINK, Client
from tests.conftest import Site
from tests.gateway.test_permissions import ADA

INFRA = f"{OGF}/infrastructure#"
JSON = "application/occi+json"
URN = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TAG = 'red; scheme="http://site.example/tags#"; class="mixin"; location="/red/"'

FORMS: dict[str, Callable[[str], str]] = {
    "path": lambda path: path,
    "URI": lambda path: BASE + path,
    "URN": lambda path: "urn:uuid:" + path.rpartition("/")[2],
    "id": lambda path: path.rpartition("/")[2],
}


@pytest.fixture
def machine(ada: Client) -> str:
    return ada.create(COMPUTE)


@pytest.fixture
def volume(ada: Client) -> str:
    return ada.create(STORAGE, "occi.storage.size=1")


def _json(client: Client, path: str, **headers: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(client.get(path, Accept=JSON, **headers).body)
    return found


@pytest.mark.parametrize("form", FORMS)
def test_an_end_of_a_link_may_be_named_in_every_form(
    ada: Client, machine: str, volume: str, form: str
) -> None:
    source, target = FORMS[form](machine), FORMS[form](volume)
    link = ada.create(STORAGELINK, f'occi.core.source="{source}"', f'occi.core.target="{target}"')
    shown = ada.get(link).attributes
    assert (shown["occi.core.source"], shown["occi.core.target"]) == (f'"{machine}"', f'"{volume}"')
    assert ada.post(link, f'X-OCCI-Attribute: occi.core.target="{target}"').status == 200


@pytest.mark.parametrize("form", FORMS)
def test_an_inline_link_may_name_its_target_in_every_form(ada: Client, volume: str, form: str) -> None:
    target = FORMS[form](volume)
    machine = ada.create(COMPUTE, links=[f'<{target}>; rel="{INFRA}storage"'])
    assert f"<{volume}>" in ada.get(machine).text
    document = {"kind": f"{INFRA}compute", "links": [{"kind": f"{INFRA}storagelink", "target": target}]}
    ada.delete(machine)
    assert ada.request("POST", "/compute/", json.dumps(document), {"Content-Type": JSON}).status == 201


@pytest.mark.parametrize("form", FORMS)
def test_an_association_may_name_its_members_in_every_form(ada: Client, machine: str, form: str) -> None:
    ada.post("/-/", f"Category: {TAG}")
    name = FORMS[form](machine)
    requests: list[tuple[str, str]] = [
        (json.dumps([name]), JSON),
        (json.dumps({"resources": [{"id": name}]}), JSON),
        (f"X-OCCI-Location: {name}\n", "text/plain"),
    ]
    for body, content_type in requests:
        assert ada.request("PUT", "/red/", body, {"Content-Type": content_type}).status == 200, body
        assert ada.get("/red/").values("X-OCCI-Location") == [BASE + machine]
        ada.delete("/red/")


def test_the_network_without_a_uuid_is_found_by_its_id(ada: Client, machine: str) -> None:
    for name in ("default", _json(ada, "/network/default")["id"]):
        link = ada.create(NETWORKINTERFACE, f'occi.core.source="{machine}"', f'occi.core.target="{name}"')
        assert ada.get(link).attributes["occi.core.target"] == '"/network/default"'


def test_an_id_that_two_entities_have_is_refused(site: Site, ada: Client, machine: str) -> None:
    with site.cloud.database.write() as tx:
        row = site.cloud.overlays.reserve(
            tx, ADA.principal, kind="volume", zone="default", token="t", mode=0o600, holding=Holding()
        )
        site.cloud.overlays.bind(tx, row, machine.rpartition("/")[2])
    refused = ada.post("/mixin/resource_tpl/small/", f"X-OCCI-Location: {FORMS['id'](machine)}")
    assert (refused.status, "give the path" in refused.text) == (400, True)


@pytest.mark.parametrize("name", ["urn:uuid:{}", "{}"])
def test_an_id_of_anothers_entity_names_nothing(site: Site, machine: str, volume: str, name: str) -> None:
    bob = site.client("bob")
    mine = bob.create(COMPUTE)
    target = name.format(volume.rpartition("/")[2])
    ends = (
        f'X-OCCI-Attribute: occi.core.{end}="{uri}"' for end, uri in (("source", mine), ("target", target))
    )
    assert bob.post("/storagelink/", f"Category: {STORAGELINK}", *ends).status == 404
    body = f"X-OCCI-Location: {name.format(machine.rpartition('/')[2])}\n"
    assert bob.delete("/compute/", body, Content_Type="text/plain").status == 404


@pytest.mark.parametrize("path", ["/", "/compute/", "/network/", "/storagelink/", "/networkinterface/"])
def test_every_id_in_json_is_a_urn_of_its_own(ada: Client, machine: str, volume: str, path: str) -> None:
    ada.create(STORAGELINK, f'occi.core.source="{machine}"', f'occi.core.target="{volume}"')
    listed = _json(ada, path)
    entities = [entity for of in ("resources", "links") for entity in listed.get(of, [])]
    entities = [e for e in entities if not e["kind"].endswith("_console")]  # these have their machine's
    ids = [entity["id"] for entity in entities]
    assert ids
    assert len(set(ids)) == len(ids)
    assert all(URN.fullmatch(id) for id in ids)
    inline = [link["id"] for entity in entities for link in entity.get("links", [])]
    assert all(URN.fullmatch(id) for id in inline)
    assert path != "/" or set(inline) <= set(ids)


def test_a_link_is_named_by_its_id_in_json(ada: Client, machine: str, volume: str) -> None:
    ada.post("/-/", f"Category: {TAG}")
    link = ada.create(STORAGELINK, f'occi.core.source="{machine}"', f'occi.core.target="{volume}"')
    id = _json(ada, link)["id"]
    document = json.dumps({"links": [{"id": id}]})
    assert ada.request("POST", "/red/", document, {"Content-Type": JSON}).status == 200
    assert ada.get("/red/").values("X-OCCI-Location") == [BASE + link]
    assert ada.request("DELETE", "/storagelink/", document, {"Content-Type": JSON}).status == 200
    assert ada.get(link).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("agent", ["", "x OCCI/1.1"])
def test_json_may_be_sent_back_as_it_was_read(
    ada: Client, machine: str, volume: str, method: str, agent: str
) -> None:
    link = ada.create(STORAGELINK, f'occi.core.source="{machine}"', f'occi.core.target="{volume}"')
    for path in (link, machine):
        shown = ada.get(path, Accept=JSON, User_Agent=agent).body
        headers = {"Content-Type": JSON, "Accept": JSON, "User-Agent": agent}
        answer = ada.request(method, path, shown, headers)
        assert (answer.status, answer.body) == (200, shown), answer.text


def test_ids_of_the_earlier_json_are_as_in_text(ada: Client, machine: str, volume: str) -> None:
    link = ada.create(STORAGELINK, f'occi.core.source="{machine}"', f'occi.core.target="{volume}"')
    [shown] = _json(ada, link, User_Agent="x OCCI/1.1")["links"]
    assert shown["id"] == link.rpartition("/")[2]
    assert ada.get(link).attributes["occi.core.id"] == f'"{shown["id"]}"'


@pytest.mark.parametrize("form", ["URN", "id"])
def test_a_filter_by_id_takes_the_id_as_it_is_shown(ada: Client, machine: str, form: str) -> None:
    ada.create(COMPUTE)
    answer = ada.get("/compute/", X_OCCI_Attribute=f'occi.core.id="{FORMS[form](machine)}"')
    assert answer.values("X-OCCI-Location") == [BASE + machine]
