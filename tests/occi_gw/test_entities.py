"""One entity over HTTP: read, full update, partial update, delete, in every rendering (GFD.185 3.4.4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.client import BASE, COMPUTE, NETWORK, OGF, STORAGE, Answer, Client

JSON = "application/occi+json"
ROCCI = "rOCCI-core/4.3.6 rOCCI-api/4.3.14 OCCI/1.1"
IPNETWORK = f'ipnetwork; scheme="{OGF}/infrastructure/network#"; class="mixin"'


def _post_json(client: Client, path: str, document: Any, **headers: str) -> Answer:
    return client.request(
        "POST", path, json.dumps(document), {"Content-Type": JSON, "Accept": JSON, **headers}
    )


def _json(client: Client, path: str, **headers: str) -> Any:
    return json.loads(client.get(path, Accept=JSON, **headers).body)


def test_an_entity_shows_the_same_in_text_and_in_headers(ada: Client) -> None:
    machine = ada.create(COMPUTE, 'occi.core.title="a, b; \\"c\\""', "occi.compute.memory=3.6")
    plain, headers = ada.get(machine), ada.get(machine, Accept="text/occi")
    for name in ("Category", "Link", "X-OCCI-Attribute"):
        assert headers.headers[name.lower()] == ", ".join(plain.values(name))
    assert headers.body == b"OK"
    assert plain.attributes["occi.core.title"] == '"a, b; \\"c\\""'
    assert plain.attributes["occi.compute.memory"] == "3.6"
    assert plain.lines[0] == f"Category: {COMPUTE}"


def test_an_entity_in_json_is_flat_or_nested_by_the_version_of_the_client(ada: Client) -> None:
    machine = ada.create(COMPUTE, 'occi.core.title="t"')
    flat = _json(ada, machine)
    assert (flat["kind"], flat["title"]) == (f"{OGF}/infrastructure#compute", "t")
    assert flat["attributes"]["occi.compute.cores"] == 1
    nested = _json(ada, machine, User_Agent=ROCCI)["resources"][0]
    assert nested["attributes"]["occi"]["compute"]["cores"] == 1
    assert nested["attributes"]["occi"]["core"]["title"] == "t"


def test_an_entity_is_created_from_flat_nested_bare_and_wrapped_json(ada: Client) -> None:
    kind = f"{OGF}/infrastructure#compute"
    attributes = {"occi.compute.cores": 2, "occi.compute.hostname": "h"}
    nested = {"occi": {"compute": {"cores": 2, "hostname": "h"}}}
    for document in (
        {"kind": kind, "attributes": attributes},
        {"kind": kind, "attributes": nested},
        {"resources": [{"kind": kind, "attributes": attributes}]},
        {"resources": [{"kind": kind, "attributes": nested, "id": "of the client"}]},
    ):
        made = _post_json(ada, "/compute/", document)
        assert made.status == 201, document
        shown = ada.get(made.path).attributes
        assert (shown["occi.compute.cores"], shown["occi.compute.hostname"]) == ("2", '"h"')


def test_an_entity_is_created_from_headers_joined_or_not(ada: Client) -> None:
    headers = {
        "Content-Type": "text/occi",
        "Category": COMPUTE,
        "X-OCCI-Attribute": 'occi.compute.memory=3.6, occi.core.title="what? \\", occi.compute.memory=1.0"',
    }
    made = ada.request("POST", "/compute/", b"", headers)
    shown = ada.get(made.path).attributes
    assert shown["occi.compute.memory"] == "3.6"
    assert shown["occi.core.title"] == '"what? \\", occi.compute.memory=1.0"'


def test_non_ascii_text_survives_every_rendering(ada: Client) -> None:
    title = "Größe 日本 😀"
    machine = ada.create(COMPUTE, f'occi.core.title="{title}"')
    assert title in ada.get(machine).text
    assert (
        title in ada.get(machine, Accept="text/occi").headers["x-occi-attribute"].encode("latin-1").decode()
    )
    assert _json(ada, machine)["title"] == title
    headers = {
        "Content-Type": "text/occi",
        "X-OCCI-Attribute": f'occi.core.title="{title}"'.encode().decode("latin-1"),
    }
    assert ada.request("POST", machine, b"", headers).attributes["occi.core.title"] == f'"{title}"'


@pytest.mark.parametrize("accept", ["text/plain", "text/occi", JSON])
def test_deleting_is_200_then_404(ada: Client, accept: str) -> None:
    machine = ada.create(COMPUTE)
    assert ada.delete(machine, Accept=accept).status == 200
    assert ada.get(machine, Accept=accept).status == 404
    assert ada.delete(machine, Accept=accept).status == 404


def test_everything_read_can_be_put_back_unchanged(ada: Client) -> None:
    volume = ada.create(STORAGE, "occi.storage.size=0.1", 'occi.core.title="v"')
    link = f'<{volume}>; rel="{OGF}/infrastructure#storage"; category="{OGF}/infrastructure#storagelink"'
    machine = ada.create(COMPUTE, 'com.example.mark="x"', links=[link])
    network = ada.create(NETWORK, 'occi.network.address="192.0.2.0/24"', mixins=[IPNETWORK])
    links = ada.get("/storagelink/").values("X-OCCI-Location") + ada.get("/networkinterface/").values(
        "X-OCCI-Location"
    )
    for path in (volume, machine, network, *(uri.removeprefix(BASE) for uri in links)):
        before = ada.get(path)
        answer = ada.put(path, *before.lines)
        assert answer.status == 200, (path, answer.text)
        assert answer.body == ada.get(path).body == before.body
        whole = ada.get(path, Accept=JSON).body
        again = ada.request("PUT", path, whole, {"Content-Type": JSON, "Accept": JSON})
        assert (again.status, again.body) == (200, whole), path
        old = ada.get(path, Accept=JSON, User_Agent=ROCCI).body
        kept = ada.request("PUT", path, old, {"Content-Type": JSON, "Accept": JSON, "User-Agent": ROCCI})
        assert (kept.status, kept.body) == (200, old), path
        occi = ada.get(path, Accept="text/occi")
        sent = {n: v for n, v in occi.headers.items() if n in ("category", "link", "x-occi-attribute")}
        put = ada.request("PUT", path, b"", {"Content-Type": "text/occi", **sent})
        assert (put.status, ada.get(path).body) == (200, before.body), path


def test_a_full_update_clears_what_is_left_out_and_may_be_cleared(ada: Client) -> None:
    machine = ada.create(COMPUTE, 'occi.core.title="t"', 'occi.core.summary="s"', 'com.example.mark="x"')
    answer = ada.put(machine, f"Category: {COMPUTE}", 'X-OCCI-Attribute: com.example.other="y"')
    shown = answer.attributes
    assert "occi.core.title" not in shown
    assert "occi.core.summary" not in shown
    assert "com.example.mark" not in shown
    assert shown["com.example.other"] == '"y"'
    assert shown["occi.compute.cores"] == "1"
    assert "/networkinterface/" in answer.text


def test_a_full_update_needs_no_kind_but_takes_no_other(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    assert ada.put(machine, 'X-OCCI-Attribute: occi.core.title="t"').status == 200
    assert ada.put(machine, f"Category: {STORAGE}", "X-OCCI-Attribute: occi.storage.size=1").status == 400
    assert ada.post(machine, f"Category: {NETWORK}").status == 400
    assert ada.get(machine).attributes["occi.core.title"] == '"t"'


def test_a_full_update_makes_no_links_and_breaks_none(ada: Client) -> None:
    volume = ada.create(STORAGE, "occi.storage.size=1")
    link = f'<{volume}>; rel="{OGF}/infrastructure#storage"; category="{OGF}/infrastructure#storagelink"'
    machine = ada.create(COMPUTE)
    assert ada.put(machine, f"Category: {COMPUTE}", f"Link: {link}").status == 400
    assert ada.get("/storagelink/").body == b""
    assert ada.post(machine, f"Link: {link}").status == 200
    assert ada.put(machine, f"Category: {COMPUTE}").status == 200
    assert volume in ada.get(machine).text


def test_a_full_update_ignores_state_and_id_that_have_moved(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    lines = ('X-OCCI-Attribute: occi.compute.state="suspended"', 'X-OCCI-Attribute: occi.core.id="mine"')
    answer = ada.put(machine, f"Category: {COMPUTE}", *lines)
    assert answer.status == 200
    assert answer.attributes["occi.compute.state"] == '"active"'
    assert answer.attributes["occi.core.id"] == f'"urn:uuid:{machine.rpartition("/")[2]}"'


def test_a_partial_update_changes_what_it_names_only(ada: Client) -> None:
    machine = ada.create(COMPUTE, 'occi.core.title="t"', 'occi.core.summary="s"', 'com.example.mark="x"')
    answer = ada.post(machine, 'X-OCCI-Attribute: occi.core.title="new"')
    assert answer.status == 200
    shown = answer.attributes
    assert (shown["occi.core.title"], shown["occi.core.summary"], shown["com.example.mark"]) == (
        '"new"',
        '"s"',
        '"x"',
    )
    assert ada.get(machine).body == answer.body


def test_an_empty_partial_update_changes_nothing(ada: Client) -> None:
    machine = ada.create(COMPUTE, 'occi.core.title="t"')
    before = ada.get(machine)
    assert ada.post(machine).body == before.body


def test_a_title_that_is_the_urn_of_the_entity_is_a_title(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    urn = f"urn:uuid:{machine.rpartition('/')[2]}"
    assert (
        ada.post(machine, f'X-OCCI-Attribute: occi.core.title="{urn}"').attributes["occi.core.title"]
        == f'"{urn}"'
    )


@pytest.mark.parametrize(
    ("category", "made_with", "attribute"),
    [
        (COMPUTE, (), 'occi.compute.state="inactive"'),
        (COMPUTE, (), 'occi.compute.state.message="x"'),
        (COMPUTE, (), 'occi.core.id="other"'),
        (COMPUTE, (), 'occi.compute.userdata="aGVsbG8="'),
        (COMPUTE, (), "occi.compute.ephemeral_storage.size=1.0"),
        (STORAGE, ("occi.storage.size=1",), 'occi.storage.state="offline"'),
        (NETWORK, (), 'occi.network.state="inactive"'),
    ],
)
def test_a_partial_update_of_what_only_the_server_sets_is_403(
    ada: Client, category: str, made_with: tuple[str, ...], attribute: str
) -> None:
    entity = ada.create(category, *made_with)
    before = ada.get(entity).body
    assert ada.post(entity, f"X-OCCI-Attribute: {attribute}").status == 403
    assert ada.get(entity).body == before


def test_an_update_is_all_or_nothing(ada: Client) -> None:
    machine = ada.create(COMPUTE, 'occi.core.title="t"')
    bad = ada.post(
        machine, 'X-OCCI-Attribute: occi.core.title="new"', "X-OCCI-Attribute: occi.compute.cores=many"
    )
    assert bad.status == 400
    assert ada.get(machine).attributes["occi.core.title"] == '"t"'


def test_every_attribute_of_the_kinds_is_kept_as_it_was_sent(ada: Client, admin: Client) -> None:
    sent = {
        "occi.core.title": '"t"',
        "occi.core.summary": '"s"',
        "occi.compute.architecture": '"x86"',
        "occi.compute.cores": "3",
        "occi.compute.hostname": '"host-1"',
        "occi.compute.speed": "2.5",
        "occi.compute.share": "512",
        "occi.compute.memory": "1.5",
    }
    machine = ada.create(COMPUTE, *(f"{name}={value}" for name, value in sent.items()))
    assert sent.items() <= ada.get(machine).attributes.items()
    network = {
        "occi.network.vlan": "7",
        "occi.network.label": '"dmz"',
        "occi.network.address": '"192.0.2.0/24"',
        "occi.network.gateway": '"192.0.2.1"',
        "occi.network.allocation": '"static"',
    }
    path = admin.create(NETWORK, *(f"{name}={value}" for name, value in network.items()), mixins=[IPNETWORK])
    assert network.items() <= admin.get(path).attributes.items()
    volume = ada.create(STORAGE, "occi.storage.size=0.1")
    assert ada.get(volume).attributes["occi.storage.size"] == "0.1"


def test_storage_is_resized_by_update(ada: Client) -> None:
    volume = ada.create(STORAGE, "occi.storage.size=1")
    assert (
        ada.post(volume, "X-OCCI-Attribute: occi.storage.size=2.5").attributes["occi.storage.size"] == "2.5"
    )


@pytest.mark.parametrize(
    "attribute",
    [
        "occi.compute.cores=0",
        "occi.compute.cores=9223372036854775808",
        "occi.compute.memory=0",
        "occi.compute.memory=-1",
        "occi.compute.memory=8589934592",
        "occi.compute.memory=1e300",
        "occi.compute.share=18446744073709551616",
        "occi.compute.speed=0",
        'occi.compute.memory="much"',
        "occi.compute.cores=true",
        f'occi.compute.hostname="{"h" * 300}"',
        f'com.example.big="{"y" * 66_000}"',
    ],
)
def test_a_value_that_cannot_be_is_refused_and_makes_nothing(ada: Client, attribute: str) -> None:
    answer = ada.post("/compute/", f"Category: {COMPUTE}", f"X-OCCI-Attribute: {attribute}")
    assert answer.status == 400, answer.text
    assert ada.get("/compute/").body == b""


def test_foreign_attributes_of_every_type_are_kept(ada: Client) -> None:
    document = {
        "kind": f"{OGF}/infrastructure#compute",
        "attributes": {"com.example.list": [1, {"a": None}], "com.example.flag": True, "com.example.n": 1.5},
    }
    made = _post_json(ada, "/compute/", document)
    assert document["attributes"].items() <= _json(ada, made.path)["attributes"].items()  # type: ignore[attr-defined]  # a literal
    assert ada.get(made.path).attributes["com.example.flag"] == "true"


def test_numbers_in_quotes_are_numbers(ada: Client) -> None:
    machine = ada.create(COMPUTE, 'occi.compute.memory="3.6"', 'occi.compute.cores="2"')
    shown = ada.get(machine).attributes
    assert (shown["occi.compute.memory"], shown["occi.compute.cores"]) == ("3.6", "2")
