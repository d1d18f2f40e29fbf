"""Nobody reaches another's entities over HTTP, whichever path, list, filter, link or body names them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gateway.cloud import Cloud
from gateway.model import Compute, Network, Resource, Volume
from tests.client import (
    BASE,
    COMPUTE,
    NETWORK,
    NETWORKINTERFACE,
    OGF,
    STORAGE,
    STORAGELINK,
    Client,
    action,
)
from tests.conftest import Site
from tests.gateway.test_permissions import ADA

Make = Callable[..., Site]
IPRESERVATION = f'ipreservation; scheme="{OGF}/infrastructure#"; class="kind"'
SECURITYGROUP = f'securitygroup; scheme="{OGF}/infrastructure#"; class="kind"'
TAG = 'secret; scheme="http://ada.example/tags#"; class="mixin"'
JSON = {"Content-Type": "application/occi+json"}


class Possessions:
    """One of everything, ada's."""

    def __init__(self, ada: Client) -> None:
        self.compute = ada.create(COMPUTE, 'occi.core.title="adas machine"')
        self.storage = ada.create(STORAGE, "occi.storage.size=1", 'occi.core.title="adas volume"')
        self.network = ada.create(NETWORK, 'occi.core.title="adas network"')
        self.link = ada.create(
            STORAGELINK, f'occi.core.source="{self.compute}"', f'occi.core.target="{self.storage}"'
        )
        self.interface = ada.get("/networkinterface/").values("X-OCCI-Location")[0].removeprefix(BASE)
        self.group = ada.create(SECURITYGROUP, 'occi.securitygroup.rules="[]"')
        self.chosen = ada.put("/vms/web/one", f"Category: {COMPUTE}").path
        assert ada.post("/-/", f'Category: {TAG}; location="/adas/tag/"').status == 200
        assert ada.post("/adas/tag/", f"X-OCCI-Location: {self.compute}").status == 200
        self.seen = {path: ada.get(path).text for path in self.entities}

    @property
    def entities(self) -> tuple[str, ...]:
        names = (self.compute, self.storage, self.network, self.link, self.interface, self.group, self.chosen)
        return tuple(names)

    def untouched(self, ada: Client) -> bool:
        return all(ada.get(path).text == text for path, text in self.seen.items())


@pytest.fixture
def adas(ada: Client) -> Possessions:
    return Possessions(ada)


@pytest.fixture(params=["bob", "eve"], ids=["same tenant", "other tenant"])
def stranger(request: pytest.FixtureRequest, site: Site, adas: Possessions) -> Client:
    return site.client(request.param)


@pytest.mark.parametrize("accept", ["text/plain", "text/occi", "text/uri-list", "application/occi+json"])
def test_no_listing_shows_anothers_entity(adas: Possessions, stranger: Client, accept: str) -> None:
    collections = ["/", "/compute/", "/storage/", "/network/", "/storagelink/", "/networkinterface/"]
    collections += ["/securitygroup/", "/compute/consolelink/", "/compute/console/vnc/", "/vms/", "/adas/"]
    collections += ["/mixin/os_tpl/", "/mixin/resource_tpl/small/", "/mixin/availability_zone/default/"]
    for path in collections:
        answer = stranger.get(path, Accept=accept)
        assert answer.status == 200
        shown = answer.text + " ".join(answer.headers.values())
        for entity in adas.entities:
            assert entity.removeprefix("/compute/") not in shown, (path, entity)


def test_no_filter_finds_anothers_entity(adas: Possessions, stranger: Client) -> None:
    for path, name, value in (
        ("/compute/", "X-OCCI-Attribute", 'occi.core.title="adas machine"'),
        ("/", "X-OCCI-Attribute", 'occi.core.title="adas volume"'),
        ("/compute/", "Category", COMPUTE),
        ("/storagelink/", "X-OCCI-Attribute", f'occi.core.target="{adas.storage}"'),
    ):
        assert stranger.get(path, **{name: value}).body == b""


def test_every_method_on_anothers_entity_says_that_it_is_not_there(
    adas: Possessions, ada: Client, stranger: Client
) -> None:
    for path in (*adas.entities, adas.compute.replace("/compute/", "/compute/console/vnc/")):
        kind = path.split("/")[1]
        assert stranger.get(path).status == 404
        assert stranger.request("HEAD", path).status == 404
        assert stranger.delete(path).status == 404
        assert stranger.post(path, 'X-OCCI-Attribute: occi.core.title="mine"').status == 404
        started = stranger.post(f"{path}?action=stop", f"Category: {action('compute', 'stop')}")
        assert started.status == 404
        if kind != "vms":
            assert stranger.put(path, 'X-OCCI-Attribute: occi.core.title="mine"').status in (400, 404)
    assert adas.untouched(ada)


def test_an_invisible_entity_and_a_missing_one_answer_alike(adas: Possessions, stranger: Client) -> None:
    missing = "0" * 8 + adas.compute[len("/compute/") + 8 :]
    for method in ("GET", "DELETE", "POST"):
        there = stranger.request(method, adas.compute)
        absent = stranger.request(method, f"/compute/{missing}")
        assert there.status == absent.status == 404
        assert there.text.replace(adas.compute[len("/compute/") :], missing) == absent.text


def test_put_at_anothers_path_neither_replaces_nor_shows_it(
    adas: Possessions, ada: Client, stranger: Client
) -> None:
    taken = stranger.put(adas.chosen, f"Category: {COMPUTE}", 'X-OCCI-Attribute: occi.core.title="mine"')
    assert taken.status == 409
    assert stranger.put(adas.compute, f"Category: {COMPUTE}").status == 400
    assert adas.untouched(ada)
    assert stranger.get("/compute/").body == b""


def test_no_link_leads_to_or_starts_at_anothers_entity(
    adas: Possessions, ada: Client, stranger: Client
) -> None:
    mine = stranger.create(COMPUTE)
    volume = stranger.create(STORAGE, "occi.storage.size=1")
    for source, target in ((mine, adas.storage), (adas.compute, volume), (adas.compute, adas.storage)):
        ends = (
            f'X-OCCI-Attribute: occi.core.source="{source}"',
            f'X-OCCI-Attribute: occi.core.target="{target}"',
        )
        assert stranger.post("/storagelink/", f"Category: {STORAGELINK}", *ends).status == 404
        assert stranger.post("/", f"Category: {STORAGELINK}", *ends).status == 404
    for target, kind, link in (
        (adas.storage, "storage", "storagelink"),
        (adas.network, "network", "networkinterface"),
        (adas.group, "securitygroup", "securitygrouplink"),
    ):
        inline = f'<{target}>; rel="{OGF}/infrastructure#{kind}"; category="{OGF}/infrastructure#{link}"'
        assert stranger.post("/compute/", f"Category: {COMPUTE}", f"Link: {inline}").status == 404
        assert stranger.post(mine, f"Link: {inline}").status == 404
    assert stranger.get("/compute/").values("X-OCCI-Location") == [BASE + mine]
    assert adas.untouched(ada)


def test_json_bodies_reach_no_further_than_text(adas: Possessions, ada: Client, stranger: Client) -> None:
    mine = stranger.create(COMPUTE)
    infra = f"{OGF}/infrastructure#"
    for path, method, document in (
        (
            "/storagelink/",
            "POST",
            {
                "kind": f"{infra}storagelink",
                "source": {"location": mine},
                "target": {"location": adas.storage},
            },
        ),
        (
            "/storagelink/",
            "POST",
            {"kind": f"{infra}storagelink", "source": adas.compute, "target": adas.storage},
        ),
        (
            "/compute/",
            "POST",
            {
                "kind": f"{infra}compute",
                "links": [{"kind": f"{infra}storagelink", "target": {"location": adas.storage}}],
            },
        ),
        ("/compute/", "DELETE", {"resources": [{"id": adas.compute}]}),
        ("/compute/", "DELETE", [BASE + adas.compute]),
        ("/", "DELETE", [mine, adas.storage]),
        (mine, "POST", {"links": [{"kind": f"{infra}storagelink", "target": adas.storage}], "title": "t"}),
    ):
        answer = stranger.request(method, path, json.dumps(document), JSON)
        assert answer.status == 404, (document, answer)
    assert stranger.get(mine).status == 200
    assert adas.untouched(ada)


def test_collection_delete_and_action_leave_what_is_anothers(
    adas: Possessions, ada: Client, stranger: Client
) -> None:
    for path in ("/compute/", "/storage/", "/network/", "/storagelink/", "/vms/", "/"):
        assert stranger.delete(path).status == 200
    for path in ("/compute/", "/vms/", "/", "/mixin/os_tpl/"):
        stopped = stranger.post(f"{path}?action=stop", f"Category: {action('compute', 'stop')}")
        assert stopped.status == 200
    assert adas.untouched(ada)


def test_a_named_delete_with_anothers_entity_deletes_nothing(
    adas: Possessions, ada: Client, stranger: Client
) -> None:
    mine = stranger.create(COMPUTE)
    body = f"X-OCCI-Location: {mine}\nX-OCCI-Location: {adas.compute}\n"
    assert stranger.delete("/compute/", body, Content_Type="text/plain").status == 404
    assert stranger.get(mine).status == 200
    assert adas.untouched(ada)


def test_tags_are_their_owners_alone(adas: Possessions, ada: Client, stranger: Client) -> None:
    assert "secret" not in stranger.get("/-/").text
    assert stranger.get("/-/", Category=TAG, Content_Type="text/occi").status == 404
    assert (
        stranger.request("DELETE", "/-/", b"", {"Content-Type": "text/occi", "Category": TAG}).status == 404
    )
    assert stranger.get("/adas/tag/").body == b""
    assert stranger.get("/compute/", Category=TAG).status == 404
    assert stranger.post("/-/", f'Category: {TAG}; location="/adas/tag/"').status == 200
    assert stranger.get("/adas/tag/").body == b""
    assert stranger.post("/adas/tag/", f"X-OCCI-Location: {adas.compute}").status == 404
    assert ada.get("/adas/tag/").values("X-OCCI-Location") == [BASE + adas.compute]
    assert adas.untouched(ada)


def test_provider_mixins_are_not_put_on_anothers_entity(
    adas: Possessions, ada: Client, stranger: Client
) -> None:
    for path in ("/mixin/resource_tpl/large/", "/mixin/ssh_key/"):
        assert stranger.post(path, f"X-OCCI-Location: {adas.compute}").status == 404
    assert adas.untouched(ada)


def _share(cloud: Cloud, noun: type[Resource], path: str, mode: int) -> None:
    cloud.share(ADA, noun, path.rpartition("/")[2], mode=mode)


def test_what_is_shared_for_use_is_seen_but_not_changed(site: Site, adas: Possessions, ada: Client) -> None:
    _share(site.cloud, Compute, adas.compute, 0o604)
    bob, eve = site.client("bob"), site.client("eve")
    assert bob.get(adas.compute).status == 200
    assert bob.get("/compute/").values("X-OCCI-Location") == [BASE + adas.compute]
    assert eve.get(adas.compute).status == 404
    for answer in (
        bob.delete(adas.compute),
        bob.post(adas.compute, 'X-OCCI-Attribute: occi.core.title="mine"'),
        bob.put(adas.compute, f"Category: {COMPUTE}", 'X-OCCI-Attribute: occi.core.title="mine"'),
        bob.post(f"{adas.compute}?action=stop", f"Category: {action('compute', 'stop')}"),
        bob.delete("/compute/", f"X-OCCI-Location: {adas.compute}\n", Content_Type="text/plain"),
    ):
        assert answer.status == 403, answer
    assert bob.delete("/compute/").status == 200
    assert adas.untouched(ada)


def test_a_named_delete_of_what_one_may_not_delete_deletes_nothing(site: Site, adas: Possessions) -> None:
    _share(site.cloud, Compute, adas.compute, 0o604)
    bob = site.client("bob")
    mine = bob.create(COMPUTE)
    body = f"X-OCCI-Location: {mine}\nX-OCCI-Location: {adas.compute}\n"
    assert bob.delete("/compute/", body, Content_Type="text/plain").status == 403
    assert bob.get(mine).status == 200


def test_a_shared_machine_shows_no_link_to_what_is_not_shared(site: Site, adas: Possessions) -> None:
    _share(site.cloud, Compute, adas.compute, 0o604)
    assert adas.storage not in site.client("bob").get(adas.compute).text
    _share(site.cloud, Volume, adas.storage, 0o604)
    assert adas.storage in site.client("bob").get(adas.compute).text


def test_a_tag_on_a_shared_entity_is_seen_by_its_owner_only(
    site: Site, adas: Possessions, ada: Client
) -> None:
    _share(site.cloud, Network, adas.network, 0o604)
    bob = site.client("bob")
    bob.post("/-/", 'Category: bobs; scheme="http://bob.example/#"; class="mixin"; location="/bobs/"')
    assert bob.post("/bobs/", f"X-OCCI-Location: {adas.network}").status == 200
    assert "bobs;" in bob.get(adas.network).text
    assert "bobs;" not in ada.get(adas.network).text
    assert adas.untouched(ada)


def test_a_monitor_sees_everything_and_changes_nothing(site: Site, adas: Possessions, ada: Client) -> None:
    watch = site.client("watch")
    assert BASE + adas.compute in watch.get("/compute/").values("X-OCCI-Location")
    assert watch.delete(adas.compute).status == 403
    assert watch.delete("/compute/").status == 200
    assert adas.untouched(ada)


def test_a_shared_machine_hides_the_reserved_address_of_its_interface(make_site: Make) -> None:
    site = make_site(backends={"default": {"driver": "sandbox", "pools": {"public": "192.0.2.0/24"}}})
    ada, bob = site.client("ada"), site.client("bob")
    machine, reservation = ada.create(COMPUTE), ada.create(IPRESERVATION)
    ends = (f'occi.core.source="{machine}"', f'occi.core.target="{reservation}"')
    interface = ada.create(NETWORKINTERFACE, *ends)
    site.cloud.share(ADA, Compute, machine.rpartition("/")[2], mode=0o604)
    assert ada.get(interface).attributes["occi.core.target"] == f'"{reservation}"'
    assert bob.get(interface).attributes["occi.core.target"] == '"/network/default"'
    assert reservation not in bob.get(interface).text
