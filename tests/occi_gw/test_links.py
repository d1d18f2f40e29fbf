"""Links over HTTP: made inside a compute or by themselves, and gone with either end (GFD.185 3.4.5)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.client import (
    BASE,
    COMPUTE,
    NETWORK,
    NETWORKINTERFACE,
    OGF,
    STORAGE,
    STORAGELINK,
    Answer,
    Client,
    action,
)
from tests.conftest import Site

Make = Callable[..., Site]
INFRA = f"{OGF}/infrastructure#"
JSON = "application/occi+json"


@pytest.fixture
def machine(ada: Client) -> str:
    return ada.create(COMPUTE)


@pytest.fixture
def volume(ada: Client) -> str:
    return ada.create(STORAGE, "occi.storage.size=1")


def _ends(source: str, target: str) -> tuple[str, str]:
    return f'X-OCCI-Attribute: occi.core.source="{source}"', f'X-OCCI-Attribute: occi.core.target="{target}"'


def _link(client: Client, source: str, target: str, *more: str) -> Answer:
    return client.post("/storagelink/", f"Category: {STORAGELINK}", *_ends(source, target), *more)


def _inline(target: str, kind: str = "storage", link: str = "storagelink", more: str = "") -> str:
    return f'<{target}>; rel="{INFRA}{kind}"; category="{INFRA}{link}"{more}'


def _of(client: Client, collection: str) -> list[str]:
    return [uri.removeprefix(BASE) for uri in client.get(collection).values("X-OCCI-Location")]


@pytest.mark.parametrize("form", ["{path}", BASE + "{path}", "urn:uuid"])
def test_the_ends_of_a_link_may_be_paths_or_uris(ada: Client, machine: str, volume: str, form: str) -> None:
    def named(path: str) -> str:
        collection, _, id = path.rpartition("/")
        return f"{collection}/urn:uuid:{id}" if form == "urn:uuid" else form.format(path=path)

    made = _link(ada, named(machine), named(volume))
    assert made.status == 201, made.text
    shown = ada.get(made.path).attributes
    assert (shown["occi.core.source"], shown["occi.core.target"]) == (f'"{machine}"', f'"{volume}"')
    assert shown["occi.storagelink.state"] == '"active"'
    assert shown["occi.storagelink.deviceid"]


def test_a_link_sent_in_one_header_with_an_id_of_the_clients(ada: Client, machine: str, volume: str) -> None:
    attributes = (
        f'occi.core.id="Storagelink_1700000000", occi.core.source="{BASE}{machine}", '
        f'occi.core.target="{BASE}{volume}", occi.storagelink.deviceid="/dev/vdx"'
    )
    headers = {"Content-Type": "text/occi", "Category": STORAGELINK, "X-OCCI-Attribute": attributes}
    made = ada.request("POST", "/storagelink/", b"", headers)
    assert made.status == 201
    assert ada.get(made.path).attributes["occi.storagelink.deviceid"] == '"/dev/vdx"'


def test_a_resource_shows_the_links_that_start_at_it(ada: Client, machine: str, volume: str) -> None:
    link = _link(ada, machine, volume, 'X-OCCI-Attribute: occi.storagelink.mountpoint="/mnt"').path
    shown = next(line for line in ada.get(machine).values("Link") if f"<{volume}>" in line)
    assert f'self="{link}"' in shown
    assert f'category="{INFRA}storagelink"' in shown
    assert 'occi.storagelink.mountpoint="/mnt"' in shown
    assert link not in ada.get(volume).text


@pytest.mark.parametrize(
    ("source", "target", "status"),
    [
        ("{machine}", "/storage/nothing", 404),
        ("/compute/nothing", "{volume}", 404),
        ("{machine}", "{machine}", 400),
        ("{volume}", "{volume}", 400),
        ("{machine}", "/network/default", 400),
        ("{machine}", "no path", 400),
        ("{machine}", "http://other.example/storage/1", 400),
        ("{machine}", "{volume}?action=online", 400),
        ("{machine}", "http://[", 400),
    ],
)
def test_a_link_to_what_it_cannot_join_is_refused(
    ada: Client, machine: str, volume: str, source: str, target: str, status: int
) -> None:
    ends = (text.format(machine=machine, volume=volume) for text in (source, target))
    assert _link(ada, *ends).status == status
    assert _of(ada, "/storagelink/") == []


def test_a_link_without_one_of_its_ends_is_refused(ada: Client, machine: str, volume: str) -> None:
    for line in _ends(machine, volume):
        answer = ada.post("/storagelink/", f"Category: {STORAGELINK}", line)
        assert (answer.status, "is missing" in answer.text) == (400, True)


def test_an_inline_link_becomes_an_entity(ada: Client, volume: str) -> None:
    of_the_client = '; self="/link/storagelink/x"; occi.core.id="x"; occi.core.source="y"'
    more = f'{of_the_client}; occi.storagelink.deviceid="/dev/vdq"'
    machine = ada.create(COMPUTE, links=[_inline(volume, more=more)])
    [link] = _of(ada, "/storagelink/")
    shown = ada.get(link).attributes
    assert (shown["occi.core.source"], shown["occi.storagelink.deviceid"]) == (f'"{machine}"', '"/dev/vdq"')


def test_inline_links_in_headers_and_in_both_forms_of_json(ada: Client, volume: str) -> None:
    kind = f"{INFRA}storagelink"
    headers = {"Content-Type": "text/occi", "Category": COMPUTE, "Link": _inline(volume)}
    flat = {"kind": f"{INFRA}compute", "links": [{"kind": kind, "target": {"location": volume}}]}
    earlier = {
        "resources": [
            {"kind": f"{INFRA}compute", "links": [{"kind": kind, "target": volume, "rel": f"{INFRA}storage"}]}
        ]
    }
    beside = {"resources": [{"kind": f"{INFRA}compute"}], "links": [{"kind": kind, "target": volume}]}
    requests: list[tuple[str, dict[str, str]]] = [("", headers)]
    requests += [(json.dumps(document), {"Content-Type": JSON}) for document in (flat, earlier, beside)]
    for body, sent in requests:
        made = ada.request("POST", "/compute/", body, sent)
        assert made.status == 201, made.text
        assert len(_of(ada, "/storagelink/")) == 1, body
        assert volume in ada.get(made.path).text
        ada.delete(made.path)


def test_a_bad_inline_link_makes_no_machine(ada: Client, volume: str) -> None:
    for link, status in (
        (_inline("/storage/nothing"), 404),
        (_inline(volume, link="networkinterface"), 400),
        (_inline(volume, link="nonsense"), 400),
        (f'<{volume}>; rel="{INFRA}storage"; category="{INFRA}storagelink {INFRA}os_tpl"', 400),
        (_inline(volume, more=f'; com.example.big="{"y" * 66_000}"'), 400),
        (_inline(volume, more="; occi.unknown=1"), 400),
    ):
        assert ada.post("/compute/", f"Category: {COMPUTE}", f"Link: {link}").status == status, link[:120]
    assert _of(ada, "/compute/") == []


def test_an_inline_link_without_a_category_is_told_by_its_target(ada: Client, volume: str) -> None:
    ada.create(COMPUTE, links=[f'<{volume}>; rel="{INFRA}storage"'])
    assert len(_of(ada, "/storagelink/")) == 1


def test_a_partial_update_adds_links(ada: Client, machine: str, volume: str) -> None:
    assert ada.post(machine, f"Link: {_inline(volume)}").status == 200
    assert len(_of(ada, "/storagelink/")) == 1
    assert ada.post(volume, f"Link: {_inline(volume)}").status == 400


def test_foreign_attributes_of_links_are_kept(ada: Client, machine: str, volume: str) -> None:
    link = _link(ada, machine, volume, 'X-OCCI-Attribute: com.example.mark="direct"').path
    assert ada.get(link).attributes["com.example.mark"] == '"direct"'
    ada.delete(link)
    other = ada.create(COMPUTE, links=[_inline(volume, more='; com.example.mark="inline"')])
    [link] = _of(ada, "/storagelink/")
    assert ada.get(link).attributes["com.example.mark"] == '"inline"'
    assert ada.get(link).attributes["occi.core.source"] == f'"{other}"'
    assert ada.post(link, 'X-OCCI-Attribute: com.example.mark="changed"').status == 200
    assert ada.get(link).attributes["com.example.mark"] == '"changed"'


def test_the_ends_of_a_link_do_not_change(ada: Client, machine: str, volume: str) -> None:
    link = _link(ada, machine, volume).path
    other = ada.create(STORAGE, "occi.storage.size=1")
    for line in _ends(other, other):
        assert ada.post(link, line).status == 403
    assert ada.post(link, *_ends(BASE + machine, volume)).status == 200
    assert ada.get(link).attributes["occi.core.target"] == f'"{volume}"'


def test_deleting_a_link_leaves_its_ends(ada: Client, machine: str, volume: str) -> None:
    link = _link(ada, machine, volume).path
    assert ada.delete(link).status == 200
    assert ada.get(link).status == 404
    assert ada.get(machine).status == ada.get(volume).status == 200
    assert volume not in ada.get(machine).text
    assert _link(ada, machine, volume).status == 201


@pytest.mark.parametrize("end", ["source", "target"])
def test_deleting_an_end_deletes_the_link_and_leaves_the_other_end(
    ada: Client, machine: str, volume: str, end: str
) -> None:
    link = _link(ada, machine, volume).path
    gone, left = (machine, volume) if end == "source" else (volume, machine)
    assert ada.delete(gone).status == 200
    assert ada.get(link).status == 404
    assert ada.get(left).status == 200
    assert _of(ada, "/storagelink/") == []


def test_deleting_a_network_takes_its_interfaces_along(ada: Client, machine: str) -> None:
    network = ada.create(NETWORK)
    made = ada.post("/networkinterface/", f"Category: {NETWORKINTERFACE}", *_ends(machine, network))
    assert made.status == 201, made.text
    assert ada.delete(network).status == 200
    assert ada.get(made.path).status == 404
    assert network not in ada.get(machine).text


def test_an_interface_has_an_address_and_its_mixin(ada: Client, machine: str) -> None:
    ipnetwork = f'ipnetwork; scheme="{OGF}/infrastructure/network#"; class="mixin"'
    network = ada.create(NETWORK, 'occi.network.address="192.0.2.0/24"', mixins=[ipnetwork])
    mixin = f'ipnetworkinterface; scheme="{OGF}/infrastructure/networkinterface#"; class="mixin"'
    lines = (f"Category: {NETWORKINTERFACE}", f"Category: {mixin}", *_ends(machine, network))
    made = ada.post(
        "/networkinterface/", *lines, 'X-OCCI-Attribute: occi.networkinterface.address="192.0.2.77"'
    )
    shown = ada.get(made.path)
    assert mixin in shown.values("Category")
    assert shown.attributes["occi.networkinterface.address"] == '"192.0.2.77"'
    assert shown.attributes["occi.networkinterface.mac"]
    assert shown.attributes["occi.networkinterface.interface"]


def test_a_fixed_mac_address_is_for_the_admin(ada: Client, admin: Client, machine: str) -> None:
    line = 'X-OCCI-Attribute: occi.networkinterface.mac="02:00:00:00:00:99"'
    lines = (f"Category: {NETWORKINTERFACE}", *_ends(machine, "/network/default"), line)
    refused = ada.post("/networkinterface/", *lines)
    assert (refused.status, "interface.mac" in refused.text) == (403, True)
    made = admin.post("/networkinterface/", *lines)
    assert admin.get(made.path).attributes["occi.networkinterface.mac"] == '"02:00:00:00:00:99"'


def test_actions_of_links_change_their_state(ada: Client, machine: str, volume: str) -> None:
    link = _link(ada, machine, volume).path
    for term, state in (("offline", "inactive"), ("offline", "inactive"), ("online", "active")):
        assert ada.post(f"{link}?action={term}", f"Category: {action('storagelink', term)}").status == 200
        assert ada.get(link).attributes["occi.storagelink.state"] == f'"{state}"'


def test_links_in_json_tell_both_ends(ada: Client, machine: str, volume: str) -> None:
    link = _link(ada, machine, volume).path
    shown = json.loads(ada.get(link, Accept=JSON).body)
    assert shown["source"] == {"location": machine, "kind": f"{INFRA}compute"}
    assert shown["target"] == {"location": volume, "kind": f"{INFRA}storage"}
    earlier = json.loads(ada.get(link, Accept=JSON, User_Agent="x OCCI/1.1").body)["links"][0]
    assert (earlier["source"], earlier["target"], earlier["rel"]) == (machine, volume, f"{INFRA}storage")


def test_a_link_that_is_there_already_is_a_conflict(ada: Client, machine: str, volume: str) -> None:
    _link(ada, machine, volume)
    assert _link(ada, machine, volume).status == 409
    assert len(_of(ada, "/storagelink/")) == 1


@pytest.fixture
def chosen(ada: Client) -> tuple[str, str]:
    """A machine and a volume at paths of ada's choice."""
    ada.put("/vms/x", f"Category: {COMPUTE}")
    ada.put("/volumes/y", f"Category: {STORAGE}", "X-OCCI-Attribute: occi.storage.size=1")
    return "/vms/x", "/volumes/y"


def _link_of(client: Client, machine: str, target: str) -> str:
    """The self of the link that a machine shows to a target."""
    [line] = [line for line in client.get(machine).values("Link") if line.startswith(f"<{target}>")]
    return line.partition('self="')[2].partition('"')[0]


def test_a_link_shows_the_paths_that_its_ends_were_given(ada: Client, chosen: tuple[str, str]) -> None:
    machine, volume = chosen
    link = _link(ada, machine, volume).path
    shown = ada.get(link).attributes
    assert (shown["occi.core.source"], shown["occi.core.target"]) == (f'"{machine}"', f'"{volume}"')
    assert _link_of(ada, machine, volume) == link
    for document in (ada.get(link, Accept=JSON), ada.get("/storagelink/", Accept=JSON)):
        found = json.loads(document.body)
        one = found["links"][0] if "links" in found else found
        assert (one["source"]["location"], one["target"]["location"]) == (machine, volume)


def test_other_links_show_the_paths_that_their_ends_were_given(ada: Client) -> None:
    group = f'securitygroup; scheme="{INFRA}"; class="kind"'
    ada.put("/nets/n", f"Category: {NETWORK}")
    ada.put("/groups/g", f"Category: {group}", 'X-OCCI-Attribute: occi.securitygroup.rules="[]"')
    links = [_inline("/nets/n", "network", "networkinterface")]
    links.append(_inline("/groups/g", "securitygroup", "securitygrouplink"))
    ada.put("/vms/x", f"Category: {COMPUTE}", *(f"Link: {link}" for link in links))
    for target in ("/nets/n", "/groups/g"):
        shown = ada.get(_link_of(ada, "/vms/x", target)).attributes
        assert (shown["occi.core.source"], shown["occi.core.target"]) == ('"/vms/x"', f'"{target}"')


@pytest.mark.parametrize("full", [False, True], ids=["POST", "PUT"])
def test_a_link_between_chosen_paths_may_be_sent_back(
    ada: Client, chosen: tuple[str, str], full: bool
) -> None:
    link = _link(ada, *chosen).path
    shown = ada.get(link).lines
    if not full:
        shown = [line for line in shown if "state" not in line and "occi.core.id" not in line]
    answer = (ada.put if full else ada.post)(link, *shown)
    assert (answer.status, answer.lines) == (200, ada.get(link).lines), answer.text


def test_an_end_of_a_link_may_be_sent_back_by_any_of_its_names(ada: Client, chosen: tuple[str, str]) -> None:
    link = _link(ada, *chosen).path
    id = ada.get("/vms/x").attributes["occi.core.id"].strip('"').removeprefix("urn:uuid:")
    for name in ("/vms/x", f"{BASE}/vms/x", f"/compute/{id}"):
        assert ada.post(link, f'X-OCCI-Attribute: occi.core.source="{name}"').status == 200, name


def test_a_machine_with_links_to_chosen_paths_may_be_put_back(ada: Client, chosen: tuple[str, str]) -> None:
    machine, volume = chosen
    link = _link(ada, machine, volume).path
    id = ada.get(volume).attributes["occi.core.id"].strip('"').removeprefix("urn:uuid:")
    shown = [line for line in ada.get(machine).lines if volume not in line]
    assert ada.put(machine, *shown, f"Link: {_inline(volume)}").status == 200
    assert ada.put(machine, *shown, f"Link: {_inline(f'/storage/{id}')}").status == 200
    assert _of(ada, "/storagelink/") == [link]


def test_the_ends_of_a_security_group_link_do_not_change(ada: Client, machine: str) -> None:
    group = f'securitygroup; scheme="{INFRA}"; class="kind"'
    one, other = (ada.create(group, 'occi.securitygroup.rules="[]"') for _ in range(2))
    link = f'securitygrouplink; scheme="{INFRA}"; class="kind"'
    made = ada.post("/securitygrouplink/", f"Category: {link}", *_ends(machine, one)).path
    assert ada.post(made, *_ends(machine, other)).status == 403
    assert ada.post(made, *_ends(machine, one)).status == 200


def test_a_filter_finds_links_by_any_name_of_an_end(ada: Client, chosen: tuple[str, str]) -> None:
    link = _link(ada, *chosen).path
    for name in (chosen[1], BASE + chosen[1]):
        answer = ada.get("/storagelink/", X_OCCI_Attribute=f'occi.core.target="{name}"')
        assert answer.values("X-OCCI-Location") == [BASE + link], name
    assert ada.get("/storagelink/", X_OCCI_Attribute='occi.core.target="/storage/other"').body == b""


def _keyed(client: Client, kind: str, source: str, target: str, key: str, *more: str) -> Answer:
    lines = (f"Category: {kind}", *_ends(source, target), *more)
    return client.post(f"/{kind.partition(';')[0]}/", *lines, Idempotency_Key=key)


def test_a_link_made_again_with_its_key_is_the_first_link(ada: Client, machine: str, volume: str) -> None:
    network = ada.create(NETWORK)
    mark = 'X-OCCI-Attribute: com.example.mark="x"'
    for kind, target in ((STORAGELINK, volume), (NETWORKINTERFACE, network)):
        first = _keyed(ada, kind, machine, target, f"key {target}", mark)
        again = _keyed(ada, kind, machine, target, f"key {target}", mark)
        assert (first.status, again.status, again.path) == (201, 201, first.path), again.text
        assert ada.get(first.path).attributes["com.example.mark"] == '"x"'
    assert len(_of(ada, "/storagelink/")) == 1
    assert len([line for line in ada.get(machine).values("Link") if f"<{network}>" in line]) == 1


def test_a_key_of_another_link_is_a_conflict(ada: Client, machine: str, volume: str) -> None:
    _keyed(ada, STORAGELINK, machine, volume, "key")
    other = ada.create(STORAGE, "occi.storage.size=1")
    refused = _keyed(ada, STORAGELINK, machine, other, "key")
    assert (refused.status, "Idempotency-Key" in refused.text) == (409, True)
    assert _keyed(ada, STORAGELINK, machine, volume, "another key").status == 409
    assert len(_of(ada, "/storagelink/")) == 1


def test_a_key_of_a_link_that_was_not_made_is_free(ada: Client, machine: str, volume: str) -> None:
    link = _link(ada, machine, volume).path
    assert _keyed(ada, STORAGELINK, machine, volume, "key").status == 409
    ada.delete(link)
    made = _keyed(ada, STORAGELINK, machine, volume, "key")
    assert made.status == 201
    ada.delete(made.path)
    assert _keyed(ada, STORAGELINK, machine, volume, "key").status == 201


def test_a_link_made_with_a_key_goes_with_its_machine(ada: Client, machine: str, volume: str) -> None:
    made = _keyed(ada, STORAGELINK, machine, volume, "key")
    assert ada.delete(machine).status == 200
    assert ada.get(made.path).status == 404
    assert _of(ada, "/storagelink/") == []


def test_a_security_group_link_may_be_asked_for_again_with_a_key(ada: Client, machine: str) -> None:
    group = ada.create(f'securitygroup; scheme="{INFRA}"; class="kind"', 'occi.securitygroup.rules="[]"')
    link = f'securitygrouplink; scheme="{INFRA}"; class="kind"'
    first, again = (_keyed(ada, link, machine, group, "key") for _ in range(2))
    assert (first.status, again.status, again.path) == (201, 201, first.path)
    assert ada.post("/securitygrouplink/", f"Category: {link}", *_ends(machine, group)).status == 409
