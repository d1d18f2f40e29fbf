"""Collections of mixins: a user's own, and the provider's (GFD.185 3.4.3)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.client import BASE, COMPUTE, NETWORK, STORAGE, Client, action
from tests.conftest import Site

Make = Callable[..., Site]
TAG = 'red; scheme="http://site.example/tags#"; class="mixin"'


def _locations(*paths: str) -> tuple[str, ...]:
    return tuple(f"X-OCCI-Location: {path}" for path in paths)


def _body(*paths: str) -> str:
    return "".join(f"{line}\n" for line in _locations(*paths))


@pytest.fixture
def red(ada: Client) -> Client:
    """ada, who has defined a mixin."""
    assert ada.post("/-/", f'Category: {TAG}; location="/tag/red/"').status == 200
    return ada


def _members(client: Client, path: str = "/tag/red/") -> list[str]:
    return [uri.removeprefix(BASE) for uri in client.get(path).values("X-OCCI-Location")]


def test_associating_adds_and_twice_is_once(red: Client) -> None:
    one, two = red.create(COMPUTE), red.create(COMPUTE)
    assert red.post("/tag/red/", *_locations(one)).status == 200
    assert red.post("/tag/red/", *_locations(two, one, one)).status == 200
    assert sorted(_members(red)) == sorted([one, two])
    assert TAG in red.get(one).values("Category")


def test_a_mixin_without_restriction_goes_on_entities_of_every_kind(red: Client) -> None:
    machine, volume = red.create(COMPUTE), red.create(STORAGE, "occi.storage.size=1")
    interface = _members(red, "/networkinterface/")[0]
    network = red.create(NETWORK)
    things = [machine, volume, network, interface]
    assert red.post("/tag/red/", *_locations(*things)).status == 200
    assert sorted(_members(red)) == sorted(things)
    for thing in things:
        assert TAG in red.get(thing).values("Category")


def test_replacing_leaves_exactly_what_is_named(red: Client) -> None:
    one, two, three = (red.create(COMPUTE) for _ in range(3))
    red.post("/tag/red/", *_locations(one, two))
    assert red.put("/tag/red/", *_locations(two, three)).status == 200
    assert sorted(_members(red)) == sorted([two, three])


def test_dissociating_takes_away_what_is_named_or_all_and_deletes_nothing(red: Client) -> None:
    one, two, three = (red.create(COMPUTE) for _ in range(3))
    red.post("/tag/red/", *_locations(one, two, three))
    assert red.delete("/tag/red/", _body(one), Content_Type="text/plain").status == 200
    assert sorted(_members(red)) == sorted([two, three])
    assert red.delete("/tag/red/").status == 200
    assert _members(red) == []
    assert all(red.get(path).status == 200 for path in (one, two, three))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("status", "bad"), [(404, "/compute/nobody"), (400, "http://other.example/compute/1")]
)
def test_one_bad_name_and_nothing_changes(red: Client, method: str, status: int, bad: str) -> None:
    one, two = red.create(COMPUTE), red.create(COMPUTE)
    red.post("/tag/red/", *_locations(one))
    body = _body(two, one, bad)
    assert red.request(method, "/tag/red/", body, {"Content-Type": "text/plain"}).status == status
    assert _members(red) == [one]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("document", ["[]", '{"resources": []}'])
def test_an_empty_list_is_refused_instead_of_meaning_all(red: Client, method: str, document: str) -> None:
    one = red.create(COMPUTE)
    red.post("/tag/red/", *_locations(one))
    for path in ("/tag/red/", "/compute/") if method == "DELETE" else ("/tag/red/",):
        answer = red.request(method, path, document, {"Content-Type": "application/occi+json"})
        assert answer.status == 400
    assert _members(red) == [one]


def test_a_category_is_not_created_in_a_mixin_collection(red: Client) -> None:
    assert red.post("/tag/red/", f"Category: {COMPUTE}").status == 400
    assert red.get("/compute/").body == b""


def test_names_are_read_in_every_rendering(red: Client) -> None:
    one = red.create(COMPUTE)
    documents = ([BASE + one], {"resources": [{"id": one}]})
    requests: list[tuple[str, dict[str, str]]] = [
        (_body(one), {"Content-Type": "text/plain"}),
        ("", {"Content-Type": "text/occi", "X-OCCI-Location": BASE + one}),
        ("", {"Content-Type": "text/plain", "X-OCCI-Location": one}),
        *((json.dumps(document), {"Content-Type": "application/occi+json"}) for document in documents),
    ]
    for body, headers in requests:
        assert red.request("POST", "/tag/red/", body, headers).status == 200
        assert _members(red) == [one], headers
        assert red.request("DELETE", "/tag/red/", body, headers).status == 200
        assert _members(red) == [], headers


def test_a_uri_list_of_the_collection_is_the_same_uris(red: Client) -> None:
    one = red.create(COMPUTE)
    red.post("/tag/red/", *_locations(one))
    assert red.get("/tag/red/", Accept="text/uri-list").body == f"{BASE}{one}\r\n".encode()
    assert red.get("/tag/red/", Accept="text/occi").headers["x-occi-location"] == BASE + one
    assert red.get("/tag/red").values("X-OCCI-Location") == [BASE + one]


def test_a_tag_can_be_put_on_at_creation_and_by_partial_update_and_goes_by_full_update(red: Client) -> None:
    one = red.create(COMPUTE, mixins=[TAG])
    two = red.create(COMPUTE)
    assert red.post(two, f"Category: {TAG}").status == 200
    assert sorted(_members(red)) == sorted([one, two])
    assert red.put(one, f"Category: {COMPUTE}").status == 200
    assert _members(red) == [two]


def test_an_action_on_a_tag_reaches_its_members_only(red: Client) -> None:
    one, two = red.create(COMPUTE, mixins=[TAG]), red.create(COMPUTE)
    assert red.post("/tag/red/?action=stop", f"Category: {action('compute', 'stop')}").status == 200
    states = [red.get(path).attributes["occi.compute.state"] for path in (one, two)]
    assert states == ['"inactive"', '"active"']


def test_a_deleted_entity_leaves_the_collection(red: Client) -> None:
    one = red.create(COMPUTE, mixins=[TAG])
    red.delete(one)
    assert _members(red) == []


def test_a_parent_template_lists_what_has_any_of_its_templates(ada: Client) -> None:
    small = ada.create(COMPUTE)
    large = ada.create(COMPUTE)
    assert ada.post("/mixin/resource_tpl/large/", *_locations(large)).status == 200
    assert sorted(_members(ada, "/mixin/resource_tpl/")) == sorted([small, large])
    assert _members(ada, "/mixin/resource_tpl/large/") == [large]
    assert _members(ada, "/mixin/resource_tpl/small/") == [small]
    assert len(_members(ada, "/mixin/os_tpl/debian-12/")) == 2
    assert _members(ada, "/mixin/os_tpl/alpine-3/") == []


def test_posting_machines_to_a_size_template_resizes_them(ada: Client) -> None:
    one, two = ada.create(COMPUTE), ada.create(COMPUTE)
    assert ada.post("/mixin/resource_tpl/medium/", *_locations(one, two)).status == 200
    for path in (one, two):
        shown = ada.get(path).attributes
        assert (shown["occi.compute.cores"], shown["occi.compute.memory"]) == ("2", "2.0")


def test_a_provider_mixin_is_not_taken_away_nor_put_where_it_does_not_apply(ada: Client) -> None:
    machine, volume = ada.create(COMPUTE), ada.create(STORAGE, "occi.storage.size=1")
    assert ada.delete("/mixin/os_tpl/debian-12/").status == 403
    assert ada.put("/mixin/resource_tpl/large/", *_locations(machine)).status == 403
    assert ada.post("/mixin/os_tpl/alpine-3/", *_locations(machine)).status == 403
    assert ada.post("/mixin/resource_tpl/large/", *_locations(machine, volume)).status == 400
    assert ada.get(machine).attributes["occi.compute.cores"] == "1"


def test_a_console_takes_no_mixins(red: Client) -> None:
    machine = red.create(COMPUTE)
    console = machine.replace("/compute/", "/compute/console/vnc/")
    assert red.get(console).status == 200
    assert red.post("/tag/red/", *_locations(console)).status == 403


@pytest.mark.parametrize("content_type", ["text/occi", "text/plain"])
def test_members_may_be_named_in_the_location_header_of_rocci_5(red: Client, content_type: str) -> None:
    one, two = red.create(COMPUTE), red.create(COMPUTE)
    headers = {"Content-Type": content_type, "Location": BASE + one}
    assert red.request("POST", "/tag/red/", b"", headers).status == 200
    assert _members(red) == [one]
    assert red.request("DELETE", "/compute/", b"", headers).status == 200
    assert (red.get(one).status, red.get(two).status) == (404, 200)
