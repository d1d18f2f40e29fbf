"""What a request asks of several entities is done to all of them or to none (GFD.185 section 3.6.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.model import Compute, Image, Volume
from tests.client import BASE, COMPUTE, NETWORK, OGF, STORAGE, Client, action
from tests.conftest import Site
from tests.gateway.test_permissions import ADA

Make = Callable[..., Site]
NETWORK_LINK = "networkinterface"
SECURITYGROUP = f'securitygroup; scheme="{OGF}/infrastructure#"; class="kind"'
CRTP = f"{OGF}/infrastructure/compute/template/1.1#"
SMALL = f'small; scheme="{CRTP}"; class="mixin"'


def _named(*paths: str) -> tuple[str, ...]:
    return tuple(f"X-OCCI-Location: {path}" for path in paths)


def _sizes(client: Client, *paths: str) -> list[str]:
    return [client.get(path).attributes["occi.compute.cores"] for path in paths]


def _machines(client: Client, count: int = 3) -> list[str]:
    return [client.create(COMPUTE, mixins=[SMALL]) for _ in range(count)]


def _limited(make_site: Make, **limits: int) -> Site:
    return make_site(quotas={"user": {"ada": limits}})


def _sandbox(**options: Any) -> dict[str, Any]:
    return {"default": {"driver": "sandbox", **options}}


def test_a_quota_that_is_enough_for_one_resizes_none(make_site: Make) -> None:
    ada = _limited(make_site, vcpus=4).client("ada")
    machines = _machines(ada)
    refused = ada.post("/mixin/resource_tpl/medium/", *_named(*machines))
    assert (refused.status, "vcpus" in refused.text) == (403, True)
    assert _sizes(ada, *machines) == ["1", "1", "1"]
    assert ada.post("/mixin/resource_tpl/medium/", *_named(machines[0])).status == 200


def test_what_a_refused_resize_had_reserved_is_free_again(make_site: Make) -> None:
    ada = _limited(make_site, vcpus=4).client("ada")
    machines = _machines(ada)
    ada.post("/mixin/resource_tpl/medium/", *_named(*machines))
    ada.create(COMPUTE, mixins=[SMALL])
    assert ada.post("/compute/", f"Category: {COMPUTE}", f"Category: {SMALL}").status == 403


def test_a_missing_right_on_one_resizes_none(site: Site, ada: Client) -> None:
    machines = _machines(ada)
    site.cloud.share(ADA, Compute, machines[2].rpartition("/")[2], mode=0o400)
    assert ada.post("/mixin/resource_tpl/medium/", *_named(*machines)).status == 403
    assert _sizes(ada, *machines) == ["1", "1", "1"]


def test_a_machine_that_is_going_away_resizes_none(make_site: Make) -> None:
    site = make_site(backends=_sandbox(delay=3600))
    ada = site.client("ada")
    machines = _machines(ada)
    site.cloud.zones.backend("default").computes.delete(machines[2].rpartition("/")[2])
    refused = ada.post("/mixin/resource_tpl/medium/", *_named(*machines))
    assert (refused.status, "deleting" in refused.text) == (400, True), refused.text
    assert _sizes(ada, *machines[:2]) == ["1", "1"]


def test_a_back_end_that_fails_in_the_middle_is_set_back(make_site: Make) -> None:
    ada = make_site(backends=_sandbox(capacity={"cores": 5})).client("ada")
    machines = _machines(ada)
    refused = ada.post("/mixin/resource_tpl/medium/", *_named(*machines))
    assert (refused.status, "capacity" in refused.text) == (403, True)
    assert _sizes(ada, *machines) == ["1", "1", "1"]
    assert all(SMALL in ada.get(path).values("Category") for path in machines)


def test_a_machine_named_twice_is_resized_once(make_site: Make) -> None:
    ada = _limited(make_site, vcpus=2).client("ada")
    [machine] = _machines(ada, 1)
    assert ada.post("/mixin/resource_tpl/medium/", *_named(machine, machine)).status == 200
    assert _sizes(ada, machine) == ["2"]


@pytest.mark.parametrize("mixin", ["os_tpl/alpine-3", "availability_zone/other", "resource_tpl/medium"])
def test_one_machine_that_cannot_take_the_mixin_and_none_has_it(make_site: Make, mixin: str) -> None:
    zones = {"default": {"driver": "sandbox"}, "other": {"driver": "sandbox"}}
    site = make_site(backends=zones)
    ada = site.client("ada")
    fits = ada.create(COMPUTE)
    site.cloud.share(ADA, Compute, fits.rpartition("/")[2], mode=0o400)
    other = ada.create(COMPUTE)
    before = [ada.get(path).text for path in (other, fits)]
    assert ada.post(f"/mixin/{mixin}/", *_named(other, fits)).status == 403
    assert [ada.get(path).text for path in (other, fits)] == before


@pytest.mark.parametrize("kind", [STORAGE, NETWORK], ids=["storage", "network"])
def test_the_zone_of_an_entity_does_not_change(make_site: Make, kind: str) -> None:
    ada = make_site(backends={"default": {"driver": "sandbox"}, "other": {"driver": "sandbox"}}).client("ada")
    entity = ada.create(kind, "occi.storage.size=1") if kind is STORAGE else ada.create(kind)
    assert ada.post("/mixin/availability_zone/other/", *_named(entity)).status == 403
    assert ada.post("/mixin/availability_zone/default/", *_named(entity)).status == 200


def test_an_action_on_a_collection_with_one_that_may_not_be_managed_does_nothing(
    site: Site, ada: Client
) -> None:
    machines = _machines(ada)
    site.cloud.share(ADA, Compute, machines[2].rpartition("/")[2], mode=0o400)
    assert ada.post("/compute/?action=stop", f"Category: {action('compute', 'stop')}").status == 403
    assert {ada.get(path).attributes["occi.compute.state"] for path in machines} == {'"active"'}


def test_volumes_that_would_pass_the_quota_together_are_not_resized(make_site: Make) -> None:
    site = _limited(make_site, volume_bytes=5 << 30)
    ada = site.client("ada")
    volumes = [ada.create(STORAGE, "occi.storage.size=1") for _ in range(2)]
    resize = (f"Category: {action('storage', 'resize')}", "X-OCCI-Attribute: size=3.0")
    refused = ada.post("/storage/?action=resize", *resize)
    assert (refused.status, "volume_bytes" in refused.text) == (403, True)
    assert {ada.get(path).attributes["occi.storage.size"] for path in volumes} == {"1.0"}
    assert ada.post(f"{volumes[0]}?action=resize", *resize).status == 200
    assert [held.resource.size >> 30 for held in site.cloud.list(ADA, Volume)] == [3, 1]


def _inline(target: str, kind: str, link: str, *more: str) -> str:
    parts = (f'<{target}>; rel="{OGF}/infrastructure#{kind}"', f'category="{OGF}/infrastructure#{link}"')
    return "Link: " + "; ".join((*parts, *more))


def _attached(volume: str) -> str:
    return _inline(volume, "storage", "storagelink")


def test_an_update_with_one_unknown_link_of_two_changes_nothing(ada: Client) -> None:
    machine, volume = ada.create(COMPUTE), ada.create(STORAGE, "occi.storage.size=1")
    before = ada.get(machine).text
    title = 'X-OCCI-Attribute: occi.core.title="half"'
    assert ada.post(machine, title, _attached(volume), _attached(f"{volume}x")).status == 404
    assert ada.get(machine).text == before


def test_an_update_does_not_link_to_what_the_caller_may_not_see(site: Site, ada: Client) -> None:
    machine, volume = ada.create(COMPUTE), site.client("bob").create(STORAGE, "occi.storage.size=1")
    network, before = ada.create(NETWORK), ada.get(machine).text
    calls: list[str] = []
    site.cloud.door.observer = lambda zone, operation, outcome, seconds: calls.append(operation)
    refused = ada.post(machine, _inline(network, "network", NETWORK_LINK), _attached(volume))
    assert refused.status == 404, refused.text
    assert "interface.create" not in calls
    assert ada.get(machine).text == before


def test_a_link_that_fails_takes_those_made_before_it_along(ada: Client) -> None:
    machine, one = ada.create(COMPUTE), ada.create(STORAGE, "occi.storage.size=1")
    group = ada.create(SECURITYGROUP, 'occi.securitygroup.rules="[]"')
    before = ada.get(machine).text
    grouped = _inline(group, "securitygroup", "securitygrouplink")
    title = 'X-OCCI-Attribute: occi.core.title="half"'
    assert ada.post(machine, title, grouped, _attached(one), _attached(one)).status == 409
    assert ada.get(machine).text == before
    assert ada.get("/storagelink/").text == ""


def test_a_change_that_is_refused_takes_the_links_of_its_request_along(make_site: Make) -> None:
    ada = _limited(make_site, vcpus=2).client("ada")
    [machine], volume = _machines(ada, 1), ada.create(STORAGE, "occi.storage.size=1")
    before = ada.get(machine).text
    large = f'Category: large; scheme="{CRTP}"; class="mixin"'
    assert ada.post(machine, large, _attached(volume)).status == 403
    assert ada.get(machine).text == before


def test_links_of_an_update_are_all_made(ada: Client) -> None:
    machine, volume = ada.create(COMPUTE), ada.create(STORAGE, "occi.storage.size=1")
    title = 'X-OCCI-Attribute: occi.core.title="whole"'
    network = ada.create(NETWORK)
    shown = ada.post(machine, title, _attached(volume), _inline(network, "network", NETWORK_LINK))
    assert (shown.status, shown.attributes["occi.core.title"]) == (200, '"whole"')
    targets = [link.partition(">")[0] for link in shown.values("Link")]
    assert (targets.count(f"<{volume}"), targets.count(f"<{network}")) == (1, 1)


def test_a_link_that_starts_at_a_network_changes_nothing_of_it(ada: Client) -> None:
    network, volume = ada.create(NETWORK), ada.create(STORAGE, "occi.storage.size=1")
    before = ada.get(network).text
    assert ada.post(network, 'X-OCCI-Attribute: occi.core.title="half"', _attached(volume)).status == 400
    assert ada.get(network).text == before


#: The first question after a machine has been made with attributes on its link.
LINK_FAILS = [{"noun": "interface", "operation": "get", "error": "unavailable"}]
REMEMBERED = _inline("/network/default", "network", NETWORK_LINK, 'com.example.x="1"')


def test_a_machine_whose_link_cannot_be_remembered_is_not_made(make_site: Make) -> None:
    ada = make_site(backends=_sandbox(failures=LINK_FAILS)).client("ada")
    assert ada.post("/compute/", f"Category: {COMPUTE}", REMEMBERED).status == 503
    assert ada.get("/compute/").text == ""


def test_a_repeated_key_completes_the_machine_whose_link_could_not_be_remembered(make_site: Make) -> None:
    ada = make_site(backends=_sandbox(failures=[{**LINK_FAILS[0], "every": 3}])).client("ada")
    other = ada.create(COMPUTE)
    assert (
        ada.get(ada.get("/networkinterface/").values("X-OCCI-Location")[0].removeprefix(BASE)).status == 200
    )
    request = ("/compute/", f"Category: {COMPUTE}", REMEMBERED)
    answers = [ada.post(*request, Idempotency_Key="k") for _ in range(2)]
    assert [answer.status for answer in answers] == [503, 201]
    assert ada.get("/compute/").values("X-OCCI-Location") == [BASE + other, BASE + answers[1].path]
    assert "com.example.x" in ada.get("/networkinterface/", Accept="application/occi+json").text


URIS = {"Accept": "text/uri-list"}
TITLE = 'X-OCCI-Attribute: occi.core.title="changed"'


def test_a_change_whose_answer_cannot_be_shown_is_not_made(ada: Client) -> None:
    machine, named = ada.create(COMPUTE), ada.put("/vms/one", f"Category: {COMPUTE}").path
    for path in (machine, named):
        before = ada.get(path).text
        assert ada.post(path, TITLE, **URIS).status == 400
        assert ada.put(path, f"Category: {COMPUTE}", TITLE, **URIS).status == 400
        assert ada.get(path).text == before


def test_a_machine_is_not_saved_where_the_template_cannot_be_shown(site: Site, ada: Client) -> None:
    machine, before = ada.create(COMPUTE), len(site.cloud.list(ADA, Image))
    save = f"Category: {action('compute', 'save')}"
    assert ada.post(f"{machine}?action=save", save, **URIS).status == 400
    assert len(site.cloud.list(ADA, Image)) == before


def test_an_action_that_yields_nothing_is_done_whatever_the_answer_is_to_be(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    assert ada.post(f"{machine}?action=stop", f"Category: {action('compute', 'stop')}", **URIS).status == 200
    assert ada.get(machine).attributes["occi.compute.state"] == '"inactive"'


def test_a_mixin_is_not_defined_where_it_cannot_be_shown(ada: Client) -> None:
    red = 'red; scheme="http://site.example/tags#"; class="mixin"'
    assert ada.post("/-/", f'Category: {red}; location="/red/"', **URIS).status == 400
    assert ada.get("/-/", Category=red).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_change_that_does_not_fit_into_headers_is_told_as_done(ada: Client, method: str) -> None:
    machine, large = ada.create(COMPUTE), "x" * 62_000
    body = f'Category: {COMPUTE}\nX-OCCI-Attribute: com.example.a="{large}"\n'
    headers = {"Content-Type": "text/plain", "Accept": "text/occi"}
    done = ada.request(method, machine, body, headers)
    assert (done.status, done.text, "x-occi-attribute" in done.headers) == (200, "OK", False)
    assert ada.get(machine).attributes["com.example.a"] == f'"{large}"'
    assert ada.get(machine, Accept="text/occi").status == 413


def test_a_mixin_with_the_longest_texts_fits_into_headers(ada: Client) -> None:
    scheme, rel = (f"http://site.example/{'x' * 1000}#" for _ in range(2))
    texts = f'title="{chr(0x1F600) * 255}"; rel="{rel}"; location="/{"l" * 253}/"'
    line = f'Category: {"t" * 255}; scheme="{scheme}"; class="mixin"; {texts}'
    assert ada.post("/-/", line, Accept="text/occi").status == 200
