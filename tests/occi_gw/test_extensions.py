"""What EGI clients use beyond the standard: reserved addresses, security groups, consoles."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gateway.model import Network
from tests.client import BASE, COMPUTE, NETWORK, NETWORKINTERFACE, OGF, Answer, Client, action
from tests.conftest import Site
from tests.gateway.test_permissions import ADMIN, BOB

Make = Callable[..., Site]
INFRA = f"{OGF}/infrastructure#"
RESERVATION = f'ipreservation; scheme="{INFRA}"; class="kind"'
GROUP = f'securitygroup; scheme="{INFRA}"; class="kind"'
GROUPLINK = f'securitygrouplink; scheme="{INFRA}"; class="kind"'
POOL = 'public; scheme="http://schemas.openstack.org/network/floatingippool#"; class="mixin"'
RULE = {"protocol": "tcp", "type": "inbound", "port": "22", "range": "0.0.0.0/0"}
JSON = {"Content-Type": "application/occi+json", "Accept": "application/occi+json"}


@pytest.fixture
def pooled(make_site: Make) -> Client:
    pools = {"default": {"driver": "sandbox", "pools": {"public": "203.0.113.0/24"}}}
    return make_site(backends=pools).client("ada")


def _ends(source: str, target: str) -> tuple[str, str]:
    return f'occi.core.source="{source}"', f'occi.core.target="{target}"'


def test_an_address_of_the_pool_is_reserved_and_given_back(pooled: Client) -> None:
    path = pooled.create(RESERVATION, mixins=[POOL])
    shown = pooled.get(path)
    assert POOL in shown.values("Category")
    assert shown.attributes["occi.ipreservation.address"].startswith('"203.0.113.')
    assert shown.attributes["occi.ipreservation.used"] == "false"
    assert pooled.get("/mixin/floatingippool/public/").values("X-OCCI-Location") == [BASE + path]
    assert pooled.delete(path).status == 200
    assert pooled.get("/ipreservation/").body == b""


def test_the_only_pool_need_not_be_named_and_an_address_may_be(pooled: Client) -> None:
    path = pooled.create(RESERVATION, 'occi.ipreservation.address="203.0.113.77"')
    assert pooled.get(path).attributes["occi.ipreservation.address"] == '"203.0.113.77"'
    again = pooled.post(
        "/ipreservation/",
        f"Category: {RESERVATION}",
        'X-OCCI-Attribute: occi.ipreservation.address="203.0.113.77"',
    )
    assert again.status == 409
    outside = pooled.post(
        "/ipreservation/",
        f"Category: {RESERVATION}",
        'X-OCCI-Attribute: occi.ipreservation.address="192.0.2.1"',
    )
    assert outside.status == 400


def test_a_reserved_address_is_used_by_a_link_whose_target_is_the_reservation(pooled: Client) -> None:
    reservation, machine = pooled.create(RESERVATION), pooled.create(COMPUTE)
    address = pooled.get(reservation).attributes["occi.ipreservation.address"]
    link = pooled.create(NETWORKINTERFACE, *_ends(machine, reservation))
    shown = pooled.get(link).attributes
    assert shown["occi.core.target"] == f'"{reservation}"'
    assert shown["occi.networkinterface.address"] == address
    assert pooled.get(reservation).attributes["occi.ipreservation.used"] == "true"
    [line] = [line for line in pooled.get(machine).values("Link") if f"<{reservation}>" in line]
    assert f'rel="{INFRA}ipreservation"' in line
    assert f'self="{link}"' in line


def test_a_reservation_outlives_its_link_and_its_machine(pooled: Client) -> None:
    reservation, machine = pooled.create(RESERVATION), pooled.create(COMPUTE)
    link = pooled.create(NETWORKINTERFACE, *_ends(machine, reservation))
    assert pooled.delete(link).status == 200
    assert pooled.get(reservation).attributes["occi.ipreservation.used"] == "false"
    pooled.create(NETWORKINTERFACE, *_ends(machine, reservation))
    assert pooled.delete(machine).status == 200
    assert pooled.get(reservation).attributes["occi.ipreservation.used"] == "false"


def test_a_reservation_is_linked_inline(pooled: Client) -> None:
    reservation = pooled.create(RESERVATION)
    link = f'<{reservation}>; rel="{INFRA}ipreservation"; category="{INFRA}networkinterface"'
    machine = pooled.create(COMPUTE, links=[link])
    assert f"<{reservation}>" in pooled.get(machine).text


def test_an_interface_may_take_any_address_of_a_pool(pooled: Client) -> None:
    machine = pooled.create(COMPUTE)
    link = pooled.create(NETWORKINTERFACE, *_ends(machine, "/network/default"), mixins=[POOL])
    assert pooled.get(link).attributes["occi.networkinterface.address"].startswith('"203.0.113.')


def test_anothers_reservation_cannot_be_used(make_site: Make) -> None:
    site = make_site(backends={"default": {"driver": "sandbox", "pools": {"public": "203.0.113.0/24"}}})
    ada, eve = site.client("ada"), site.client("eve")
    reservation, machine = ada.create(RESERVATION), eve.create(COMPUTE)
    lines = (f"X-OCCI-Attribute: {end}" for end in _ends(machine, reservation))
    assert eve.post("/networkinterface/", f"Category: {NETWORKINTERFACE}", *lines).status == 404
    assert eve.get("/ipreservation/").body == b""


def test_without_a_pool_nothing_can_be_reserved(ada: Client) -> None:
    assert ada.post("/ipreservation/", f"Category: {RESERVATION}").status == 400


def _group(client: Client, rules: object = None) -> Answer:
    attributes = {"occi.securitygroup.rules": [RULE] if rules is None else rules}
    document = {"kind": f"{INFRA}securitygroup", "title": "web", "attributes": attributes}
    return client.request("POST", "/securitygroup/", json.dumps(document), JSON)


def test_a_security_group_keeps_its_rules_in_json_and_in_text(ada: Client) -> None:
    rules = [
        RULE,
        {"protocol": "udp", "type": "outbound", "port": "8000-8080"},
        {"protocol": "any", "type": "inbound"},
    ]
    path = _group(ada, rules).path
    assert (
        json.loads(ada.get(path, Accept=JSON["Accept"]).body)["attributes"]["occi.securitygroup.rules"]
        == rules
    )
    text = ada.get(path).attributes["occi.securitygroup.rules"]
    again = ada.create(GROUP, f"occi.securitygroup.rules={text}")
    assert ada.get(again).attributes["occi.securitygroup.rules"] == text


@pytest.mark.parametrize(
    "rules",
    [
        "no list",
        [1],
        [[]],
        [{"protocol": "gre"}],
        [{"type": "sideways"}],
        [{"port": "70000"}],
        [{"port": "20-10"}],
        [{"range": "everywhere"}],
        [{"range": 5.5}],
        [{"range": ["0.0.0.0/0"]}],
        [{"action": "allow"}],
        [{}] * 201,
    ],
)
def test_rules_that_are_none_are_refused(ada: Client, rules: object) -> None:
    assert _group(ada, rules).status == 400
    assert ada.get("/securitygroup/").body == b""


def test_the_rules_of_a_group_can_be_changed_but_must_be_given(ada: Client) -> None:
    assert ada.post("/securitygroup/", f"Category: {GROUP}").status == 400
    path = _group(ada).path
    changed = ada.post(path, 'X-OCCI-Attribute: occi.securitygroup.rules="[]"')
    assert (changed.status, changed.attributes["occi.securitygroup.rules"]) == (200, '"[]"')


def test_a_group_is_linked_to_a_machine_and_unlinked(ada: Client) -> None:
    machine, group = ada.create(COMPUTE), _group(ada).path
    link = ada.create(GROUPLINK, *_ends(machine, group))
    assert ada.get(link).attributes["occi.core.target"] == f'"{group}"'
    assert f"<{group}>" in ada.get(machine).text
    assert ada.get("/securitygrouplink/").values("X-OCCI-Location") == [BASE + link]
    again = ada.post(
        "/securitygrouplink/",
        f"Category: {GROUPLINK}",
        *(f"X-OCCI-Attribute: {e}" for e in _ends(machine, group)),
    )
    assert again.status == 409
    assert ada.delete(link).status == 200
    assert ada.get(link).status == 404
    assert f"<{group}>" not in ada.get(machine).text
    assert ada.get(group).status == 200


def test_a_group_is_linked_inline_and_the_collection_deletes_the_links(ada: Client) -> None:
    group = _group(ada).path
    link = f'<{group}>; rel="{INFRA}securitygroup"; category="{INFRA}securitygrouplink"'
    machine = ada.create(COMPUTE, links=[link])
    assert f"<{group}>" in ada.get(machine).text
    assert ada.delete("/securitygrouplink/").status == 200
    assert f"<{group}>" not in ada.get(machine).text


@pytest.mark.parametrize(
    ("target", "status"),
    [("/securitygroup/nothing", 404), ("/network/default", 400), ("x", 404), ("x y", 400)],
)
def test_a_group_link_to_what_is_no_group_is_refused(ada: Client, target: str, status: int) -> None:
    machine = ada.create(COMPUTE)
    lines = (f"X-OCCI-Attribute: {end}" for end in _ends(machine, target))
    assert ada.post("/securitygrouplink/", f"Category: {GROUPLINK}", *lines).status == status


def test_a_machine_shows_its_consoles(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    id = machine.rpartition("/")[2]
    for protocol in ("ssh", "vnc"):
        console = f"/compute/console/{protocol}/{id}"
        assert f"<{console}>" in ada.get(machine).text
        assert ada.get(console).attributes[f"org.openstack.compute.console.{protocol}"].startswith('"')
        assert ada.get(f"/compute/console/{protocol}/").values("X-OCCI-Location") == [BASE + console]
        link = f"/compute/consolelink/{id}~{protocol}"
        shown = ada.get(link).attributes
        assert (shown["occi.core.source"], shown["occi.core.target"]) == (f'"{machine}"', f'"{console}"')


def test_a_console_goes_with_its_machine_and_not_before(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    console = machine.replace("/compute/", "/compute/console/vnc/")
    before = ada.get(console)
    assert ada.delete(console).status == 403
    assert ada.delete("/compute/console/vnc/").status == 200
    assert ada.post(console, 'X-OCCI-Attribute: occi.core.title="mine"').status == 403
    assert ada.put(console, *before.lines).status == 200
    assert ada.get(console).body == before.body
    named = f"X-OCCI-Location: {console}\n"
    assert ada.delete("/compute/console/vnc/", named, Content_Type="text/plain").status == 403
    assert ada.delete(machine).status == 200
    assert ada.get(console).status == 404


def test_a_reservation_takes_its_actions(pooled: Client) -> None:
    reservation, machine = pooled.create(RESERVATION), pooled.create(COMPUTE)
    pooled.create(NETWORKINTERFACE, *_ends(machine, reservation))
    refused = pooled.post(f"{reservation}?action=start", f"Category: {action('compute', 'start')}")
    assert refused.status == 400


FEDCLOUD = "http://schemas.fedcloud.egi.eu/occi/infrastructure"
CONNECTED = f'default_connectivity; scheme="{FEDCLOUD}/compute#"; class="mixin"'
IPNETWORK = f'ipnetwork; scheme="{OGF}/infrastructure/network#"; class="mixin"'
OSNETWORK = 'osnetwork; scheme="http://schemas.openstack.org/infrastructure/network#"; class="mixin"'


def _net(client: Client, term: str) -> str:
    return client.create(NETWORK, mixins=[f'{term}; scheme="{FEDCLOUD}/network#"; class="mixin"'])


def _connected(client: Client, connectivity: str, *links: str) -> Answer:
    attribute = f'X-OCCI-Attribute: eu.egi.fedcloud.compute.default_connectivity="{connectivity}"'
    lines = (
        f"Category: {COMPUTE}",
        f"Category: {CONNECTED}",
        attribute,
        *(f"Link: {link}" for link in links),
    )
    return client.post("/compute/", *lines)


def test_a_machine_is_put_in_the_network_of_the_connectivity_it_asks_for(ada: Client) -> None:
    networks = {name: _net(ada, f"{name}_net") for name in ("private", "public", "nat")}
    for name, network in networks.items():
        made = _connected(ada, name)
        shown = ada.get(made.path)
        assert "</network/default>" not in shown.text
        assert f"<{network}>" in shown.text
        assert CONNECTED in shown.values("Category")
        assert shown.attributes["eu.egi.fedcloud.compute.default_connectivity"] == f'"{name}"'


def test_a_connectivity_that_no_network_has_or_that_is_none_makes_no_machine(ada: Client) -> None:
    _net(ada, "public_net")
    for wanted in ("nat", "carrier pigeon"):
        refused = _connected(ada, wanted)
        assert (refused.status, "default_connectivity" in refused.text) == (400, True)
    assert ada.get("/compute/").body == b""


def test_a_link_to_a_network_wins_over_the_connectivity(ada: Client) -> None:
    public = _net(ada, "public_net")
    made = _connected(ada, "public", f'</network/default>; rel="{OGF}/infrastructure#network"')
    assert f"<{public}>" not in ada.get(made.path).text


def test_a_connectivity_leads_nobody_into_a_network_that_another_shares(site: Site, ada: Client) -> None:
    theirs = _net(site.client("bob"), "public_net")
    site.cloud.share(BOB, Network, theirs.rpartition("/")[2], mode=0o604)
    assert ada.get(theirs).status == 200
    assert _connected(ada, "public").status == 400
    site.cloud.share(ADMIN, Network, theirs.rpartition("/")[2], other_tenants=True)
    assert f"<{theirs}>" in ada.get(_connected(ada, "public").path).text


def test_the_connectivity_of_a_machine_does_not_change(ada: Client) -> None:
    _net(ada, "public_net")
    made = _connected(ada, "public").path
    for wanted, status in (("nat", 403), ("public", 200)):
        line = f'X-OCCI-Attribute: eu.egi.fedcloud.compute.default_connectivity="{wanted}"'
        assert ada.post(made, line).status == status


@pytest.mark.parametrize(("range", "version"), [("192.0.2.0/24", 4), ("2001:db8::/64", 6)])
def test_an_openstack_network_tells_the_version_of_its_addresses(
    ada: Client, range: str, version: int
) -> None:
    lines = (f"Category: {NETWORK}", f"Category: {IPNETWORK}", f"Category: {OSNETWORK}")
    address = f'X-OCCI-Attribute: occi.network.address="{range}"'
    attribute = "X-OCCI-Attribute: org.openstack.network.ip_version={}"
    assert ada.post("/network/", *lines, address, attribute.format(10 - version)).status == 400
    made = ada.post("/network/", *lines, address, attribute.format(version))
    shown = ada.get(made.path)
    assert shown.attributes["org.openstack.network.ip_version"] == str(version)
    assert OSNETWORK in shown.values("Category")
    assert ada.put(made.path, *shown.lines).status == 200
    assert ada.post(made.path, attribute.format(10 - version)).status == 403
