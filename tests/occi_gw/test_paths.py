"""Collections of kinds, the root, unbound paths and paths of a client's choice (GFD.185 3.4.2)."""

from __future__ import annotations

import json

import pytest

from tests.client import BASE, COMPUTE, NETWORK, STORAGE, STORAGELINK, Client, action


def _below(client: Client, path: str) -> list[str]:
    return [uri.removeprefix(BASE) for uri in client.get(path).values("X-OCCI-Location")]


@pytest.mark.parametrize("accept", ["text/plain", "text/occi+plain", "text/occi", "text/uri-list"])
def test_an_empty_collection_is_200_and_empty(ada: Client, accept: str) -> None:
    for path in ("/compute/", "/nothing/here/", "/mixin/os_tpl/"):
        answer = ada.get(path, Accept=accept)
        assert (answer.status, answer.headers["content-type"]) == (200, accept)
        assert answer.body == (b"OK" if accept == "text/occi" else b"")
        assert "x-occi-location" not in answer.headers


def test_an_empty_collection_in_json_says_of_what(ada: Client) -> None:
    for path, expected in (
        ("/compute/", {"resources": []}),
        ("/storagelink/", {"links": []}),
        ("/nothing/here/", {"resources": []}),
    ):
        assert json.loads(ada.get(path, Accept="application/occi+json").body) == expected


def test_the_created_uri_is_the_listed_uri_in_every_rendering(ada: Client) -> None:
    answer = ada.post("/compute/", f"Category: {COMPUTE}")
    uri = answer.headers["location"]
    assert uri.startswith(f"{BASE}/compute/")
    assert answer.lines == [f"X-OCCI-Location: {uri}"]
    for path in ("/compute/", "/"):
        assert uri in ada.get(path).values("X-OCCI-Location")
        assert uri in ada.get(path, Accept="text/occi").headers["x-occi-location"].split(", ")
        assert uri in ada.get(path, Accept="text/uri-list").lines
    listed = json.loads(ada.get("/compute/", Accept="application/occi+json").body)["resources"]
    assert [entity["id"] for entity in listed] == [f"urn:uuid:{uri.rpartition('/')[2]}"]


@pytest.mark.parametrize("accept", ["text/plain", "text/occi", "text/uri-list", "application/occi+json"])
def test_a_create_answers_201_with_location_in_the_rendering_asked_for(ada: Client, accept: str) -> None:
    answer = ada.post("/compute/", f"Category: {COMPUTE}", Accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (201, accept)
    uri = answer.headers["location"]
    if accept == "text/occi":
        assert (answer.headers["x-occi-location"], answer.body) == (uri, b"OK")
    elif accept == "text/uri-list":
        assert answer.lines == [uri]
    elif accept == "text/plain":
        assert answer.lines == [f"X-OCCI-Location: {uri}"]
    else:
        assert json.loads(answer.body)["id"] == f"urn:uuid:{uri.rpartition('/')[2]}"


def test_order_of_creation_is_the_order_of_listing(ada: Client) -> None:
    made = [ada.create(COMPUTE) for _ in range(5)]
    assert _below(ada, "/compute/") == made


def test_a_forgotten_slash_is_forgiven(ada: Client) -> None:
    made = ada.post("/compute", f"Category: {COMPUTE}")
    assert made.status == 201
    assert _below(ada, "/compute") == [made.path]
    other = ada.post("", f"Category: {COMPUTE}")
    assert other.status == 201
    assert {made.path, other.path} <= set(_below(ada, ""))


def test_every_kind_can_be_created_at_the_root_without_a_class(ada: Client) -> None:
    def create(line: str, *attributes: str) -> str:
        headers = {"Content-Type": "text/occi", "Category": line.replace('; class="kind"', "")}
        if attributes:
            headers["X-OCCI-Attribute"] = ", ".join(attributes)
        answer = ada.request("POST", "/", b"OK", headers)
        assert answer.status == 201, answer.text
        return answer.path

    machine, volume = create(COMPUTE), create(STORAGE, "occi.storage.size=1.0")
    network = create(NETWORK)
    link = create(STORAGELINK, f'occi.core.source="{BASE}{machine}"', f'occi.core.target="{BASE}{volume}"')
    assert {machine, volume, network, link} <= set(_below(ada, "/"))
    assert [path.split("/")[1] for path in (machine, volume, network, link)] == [
        "compute",
        "storage",
        "network",
        "storagelink",
    ]


def test_deleting_a_collection_deletes_its_members_and_nothing_else(ada: Client) -> None:
    ada.create(COMPUTE)
    ada.create(COMPUTE)
    volume = ada.create(STORAGE, "occi.storage.size=1")
    answer = ada.delete("/compute/")
    assert (answer.status, answer.body) == (200, b"OK")
    assert _below(ada, "/compute/") == []
    assert _below(ada, "/storage/") == [volume]
    assert ada.delete("/compute/").status == 200


def test_deleting_the_root_deletes_everything_that_is_ones_own(ada: Client) -> None:
    machine, volume = ada.create(COMPUTE), ada.create(STORAGE, "occi.storage.size=1")
    ada.create(STORAGELINK, f'occi.core.source="{machine}"', f'occi.core.target="{volume}"')
    ada.create(NETWORK)
    assert ada.delete("/").status == 200
    assert _below(ada, "/") == ["/network/default"]


@pytest.mark.parametrize(
    ("content_type", "in_header"), [("text/plain", False), ("text/occi", True), ("text/plain", True)]
)
def test_deleting_named_members_deletes_only_them(ada: Client, content_type: str, in_header: bool) -> None:
    one, two, three = (ada.create(COMPUTE) for _ in range(3))
    headers = {"Content-Type": content_type}
    body = ""
    if in_header:
        headers["X-OCCI-Location"] = f"{BASE}{one}, {two}"
    else:
        body = f"X-OCCI-Location: {BASE}{one}\nX-OCCI-Location: {two}\n"
    assert ada.request("DELETE", "/compute/", body, headers).status == 200
    assert _below(ada, "/compute/") == [three]


@pytest.mark.parametrize(("status", "bad"), [(404, "/compute/nobody"), (400, "VOLUME")])
def test_one_wrong_name_and_nothing_is_deleted(ada: Client, status: int, bad: str) -> None:
    one, volume = ada.create(COMPUTE), ada.create(STORAGE, "occi.storage.size=1")
    body = f"X-OCCI-Location: {one}\nX-OCCI-Location: {bad.replace('VOLUME', volume)}\n"
    assert ada.delete("/compute/", body, Content_Type="text/plain").status == status
    assert _below(ada, "/compute/") == [one]
    assert _below(ada, "/storage/") == [volume]


@pytest.mark.parametrize("junk", ["Category", "X-OCCI-Attribute", "Link"])
def test_a_delete_with_a_filter_is_refused_instead_of_deleting_all(ada: Client, junk: str) -> None:
    one = ada.create(COMPUTE)
    value = {"Category": COMPUTE, "X-OCCI-Attribute": 'occi.core.title="x"', "Link": '<http://x>; rel="y"'}[
        junk
    ]
    for content_type in ("text/occi", "text/plain"):
        assert (
            ada.request("DELETE", "/compute/", b"", {"Content-Type": content_type, junk: value}).status == 400
        )
    assert _below(ada, "/compute/") == [one]


@pytest.mark.parametrize("path", ["/123", "/vms/web/one", "/compute/name", "/a/b/c/d/e/f/g/h"])
def test_an_entity_is_made_at_the_path_that_a_client_chooses(ada: Client, path: str) -> None:
    made = ada.put(path, f"Category: {COMPUTE}", 'X-OCCI-Attribute: com.example.do_you="i_do"')
    assert (made.status, made.headers["location"]) == (201, BASE + path)
    shown = ada.get(path)
    assert shown.attributes["com.example.do_you"] == '"i_do"'
    assert f"<{path}?action=stop>" in shown.text
    assert _below(ada, "/compute/") == [path]
    assert ada.put(path, f"Category: {COMPUTE}", 'X-OCCI-Attribute: occi.core.title="t"').status == 200
    assert ada.get(path).attributes["occi.core.title"] == '"t"'
    assert ada.post(f"{path}?action=stop", f"Category: {action('compute', 'stop')}").status == 200
    assert ada.delete(path).status == 200
    assert ada.get(path).status == 404
    assert ada.put(path, f"Category: {COMPUTE}").status == 201


def test_what_is_at_a_chosen_path_is_also_found_by_its_id(ada: Client) -> None:
    ada.put("/vms/one", f"Category: {COMPUTE}")
    id = ada.get("/vms/one").attributes["occi.core.id"].strip('"').removeprefix("urn:uuid:")
    for name in (id, f"urn:uuid:{id}"):
        assert ada.get(f"/compute/{name}").body == ada.get("/vms/one").body


@pytest.mark.parametrize(
    ("status", "path"),
    [
        (400, "/storage/name"),
        (400, "/storagelink/name"),
        (400, "/compute/7"),
        (400, "/compute/00000000-0000-0000-0000-000000000000"),
        (400, "/compute/a~b"),
        (400, "/compute/kvm--7"),
        (400, "/a b"),
        (400, "/é"),
        (400, "/../x"),
        (400, "/x/../y"),
        (400, "//x"),
        (400, "/a/b/c/d/e/f/g/h/i"),
        (400, "/" + "x" * 129),
        (405, "/vms/"),
        (405, "/compute/"),
        (405, "/storage"),
        (400, "/mixin/os_tpl"),
    ],
)
def test_a_path_that_cannot_be_chosen_is_refused(ada: Client, status: int, path: str) -> None:
    assert ada.put(path, f"Category: {COMPUTE}").status == status
    assert _below(ada, "/compute/") == []


def test_a_link_is_not_made_at_a_path_of_choice(ada: Client) -> None:
    machine, volume = ada.create(COMPUTE), ada.create(STORAGE, "occi.storage.size=1")
    ends = (
        f'X-OCCI-Attribute: occi.core.source="{machine}"',
        f'X-OCCI-Attribute: occi.core.target="{volume}"',
    )
    for path in ("/storagelink/mine", "/mine"):
        assert ada.put(path, f"Category: {STORAGELINK}", *ends).status == 400
    assert _below(ada, "/storagelink/") == []


def test_an_unbound_path_is_the_union_of_what_is_below_it(ada: Client) -> None:
    for path in ("/vms/web/one", "/vms/web/two", "/vms/db"):
        assert ada.put(path, f"Category: {COMPUTE}").status == 201
    assert ada.put("/vms/disk", f"Category: {STORAGE}", "X-OCCI-Attribute: occi.storage.size=1").status == 201
    assert _below(ada, "/vms/web/") == ["/vms/web/one", "/vms/web/two"]
    assert sorted(_below(ada, "/vms/")) == ["/vms/db", "/vms/disk", "/vms/web/one", "/vms/web/two"]
    assert ada.post("/vms/web/?action=stop", f"Category: {action('compute', 'stop')}").status == 200
    states = {path: ada.get(path).attributes["occi.compute.state"] for path in ("/vms/web/one", "/vms/db")}
    assert states == {"/vms/web/one": '"inactive"', "/vms/db": '"active"'}
    assert ada.delete("/vms/web/").status == 200
    assert sorted(_below(ada, "/vms/")) == ["/vms/db", "/vms/disk"]


def test_an_action_on_a_path_with_members_of_other_kinds_does_nothing(ada: Client) -> None:
    ada.put("/vms/one", f"Category: {COMPUTE}")
    ada.put("/vms/disk", f"Category: {STORAGE}", "X-OCCI-Attribute: occi.storage.size=1")
    assert ada.post("/vms/?action=stop", f"Category: {action('compute', 'stop')}").status == 400
    assert ada.get("/vms/one").attributes["occi.compute.state"] == '"active"'


def test_head_answers_as_get_without_a_body(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    ada.put("/vms/one", f"Category: {COMPUTE}")
    for path in ("/-/", "/", "/compute/", machine, "/vms/one", "/vms/", "/mixin/os_tpl/"):
        head, get = ada.request("HEAD", path), ada.get(path)
        assert (head.status, head.headers["content-type"]) == (get.status, get.headers["content-type"])
        assert head.body == b""
