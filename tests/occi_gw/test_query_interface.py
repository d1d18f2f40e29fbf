"""The query interface over HTTP: the model, its filters, and the mixins that users define (GFD.185 3.4.1)."""

from __future__ import annotations

import json
import re

import pytest

from tests.client import BASE, COMPUTE, OGF, Client, action
from tests.conftest import Site

WELL_KNOWN = "/.well-known/org/ogf/occi/-/"
TAG = 'red; scheme="http://site.example/tags#"; class="mixin"'
OCCI = {"Content-Type": "text/occi"}


def _define(client: Client, line: str) -> int:
    return client.request("POST", "/-/", b"", {**OCCI, "Category": line}).status


def test_the_model_has_the_core_first_and_the_providers_mixins_last(ada: Client) -> None:
    terms = [value.split(";")[0] for value in ada.get("/-/").values("Category")]
    assert terms[:4] == ["entity", "resource", "link", "compute"]
    assert terms.index("start") < terms.index("os_tpl") < terms.index("debian-12")
    assert {"network", "storage", "storagelink", "networkinterface", "ipnetwork", "save", "resize"} <= set(
        terms
    )


def test_every_line_of_the_model_has_the_shape_that_clients_parse(ada: Client) -> None:
    shape = re.compile(
        r'[a-z0-9][a-z0-9_-]*; scheme="[a-z0-9:/._#-]+"; class="(kind|mixin|action)"'
        r'(; title="[^";,]+")?(; rel="\S+")?(; location="/\S*/")?(; attributes="[^"]+")?(; actions="[^"]+")?'
    )
    for line in ada.get("/-/").values("Category"):
        assert shape.fullmatch(line), line


def test_the_model_is_the_same_each_time_and_at_the_well_known_place(ada: Client) -> None:
    first = ada.get("/-/")
    assert [ada.get(path).body for path in ("/-/", WELL_KNOWN, "/-")] == [first.body] * 3
    in_headers = [ada.get(path, Accept="text/occi").headers["category"] for path in ("/-/", WELL_KNOWN)]
    assert in_headers[0] == in_headers[1]


def test_the_model_in_json_holds_kinds_actions_and_mixins(ada: Client) -> None:
    model = json.loads(ada.get("/-/", Accept="application/occi+json").body)
    assert set(model) == {"kinds", "actions", "mixins"}
    compute = next(kind for kind in model["kinds"] if kind["term"] == "compute")
    assert (compute["parent"], compute["location"]) == (f"{OGF}/core#resource", "/compute/")
    earlier = json.loads(
        ada.get("/-/", Accept="application/occi+json", User_Agent="rOCCI-core/4.3.6 OCCI/1.1").body
    )
    assert next(k for k in earlier["kinds"] if k["term"] == "compute")["related"] == [f"{OGF}/core#resource"]


@pytest.mark.parametrize(
    "line", [COMPUTE, action("compute", "start"), f'os_tpl; scheme="{OGF}/infrastructure#"; class="mixin"']
)
def test_a_filter_shows_the_category_it_names_and_no_other(ada: Client, line: str) -> None:
    answer = ada.get("/-/", Category=line, Content_Type="text/occi", Accept="text/occi")
    assert answer.headers["category"].startswith(line)
    assert "," not in answer.headers["category"]


def test_a_filter_may_name_several_and_stand_beside_any_content_type(ada: Client) -> None:
    for content_type in ("text/occi", "text/plain", "application/occi+json"):
        wanted = f"{COMPUTE}, {action('compute', 'stop')}"
        shown = ada.get("/-/", Category=wanted, Content_Type=content_type).values("Category")
        assert [line.split(";")[0] for line in shown] == ["compute", "stop"]


def test_a_filter_on_what_is_unknown_is_404_until_it_is_defined(ada: Client) -> None:
    assert ada.get("/-/", Category=TAG).status == 404
    assert _define(ada, f'{TAG}; location="/tag/red/"') == 200
    assert ada.get("/-/", Category=TAG).values("Category")[0].startswith(TAG)


def test_a_defined_mixin_is_shown_as_it_was_sent_also_a_rel_nobody_knows(ada: Client) -> None:
    rel = "http://example.com/occi/something_else#mixin"
    line = f'{TAG}; title="Red things"; rel="{rel}"; location="/my_stuff/"'
    answer = ada.request("POST", "/-/", b"", {**OCCI, "Category": line, "Accept": "text/plain"})
    assert answer.values("Category") == [line]
    assert line in ada.get("/-/").values("Category")
    assert ada.get("/my_stuff/").status == 200


@pytest.mark.parametrize(
    "location", ["/mixin/resource_tpl/extra_large/", "/dyso/", "/a/b-c/d_e/f.g~h/", f"{BASE}/absolute/"]
)
def test_a_location_may_be_any_free_path_or_url_of_here(ada: Client, location: str) -> None:
    assert _define(ada, f'{TAG}; location="{location}"') == 200
    path = location.removeprefix(BASE)
    assert f'location="{path}"' in ada.get("/-/", Category=TAG).text
    assert ada.get(path).status == 200


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (400, ""),
        (400, "relative/"),
        (400, "/no/slash/at/end"),
        (400, "/"),
        (400, "/with blank/"),
        (400, "/a/../b/"),
        (400, "/./"),
        (400, "/%00/"),
        (400, "/query/?x=1"),
        (400, "http://other.example/tags/"),
        (400, f"/{'x' * 255}/"),
        (409, "/-/"),
        (409, "/-/mine/"),
        (409, "/.well-known/org/ogf/occi/-/"),
        (409, "/compute/"),
        (409, "/compute/mine/"),
        (409, "/storagelink/mine/"),
        (409, "/mixin/os_tpl/"),
        (409, "/mixin/os_tpl/debian-12/"),
    ],
)
def test_a_location_that_is_malformed_or_taken_is_refused(ada: Client, status: int, location: str) -> None:
    answer = ada.post("/-/", f'Category: {TAG}; location="{location}"')
    assert answer.status == status, answer.text
    assert ada.get("/-/", Category=TAG).status == 404


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (400, TAG),
        (400, f'{TAG}; location="/tag/red/"; attributes="com.example.a"'),
        (400, f'{TAG}; location="/tag/red/"; actions="http://site.example/#paint"'),
        (400, 'red; scheme="http://site.example/tags#"; class="kind"; location="/tag/red/"'),
        (400, 'red; scheme="http://site.example/tags#"; class="action"; location="/tag/red/"'),
        (400, 'red; class="mixin"; location="/tag/red/"'),
        (400, f'{TAG}; location="/a/", blue; scheme="http://site.example/tags#"; location="/b/"'),
        (409, f'os_tpl; scheme="{OGF}/infrastructure#"; class="mixin"; location="/tag/red/"'),
        (409, f'compute; scheme="{OGF}/infrastructure#"; class="mixin"; location="/tag/red/"'),
    ],
)
def test_a_definition_that_is_none_is_refused(ada: Client, status: int, line: str) -> None:
    before = ada.get("/-/").body
    assert _define(ada, line) == status
    assert ada.get("/-/").body == before


def test_name_and_location_are_taken_once_defined(ada: Client) -> None:
    assert _define(ada, f'{TAG}; location="/tag/red/"') == 200
    assert _define(ada, f'{TAG}; location="/tag/other/"') == 409
    assert (
        _define(ada, 'blue; scheme="http://site.example/tags#"; class="mixin"; location="/tag/red/"') == 409
    )


def test_a_location_where_an_entity_is_would_hide_it_and_is_refused(ada: Client) -> None:
    assert ada.put("/vms/one", f"Category: {COMPUTE}").status == 201
    assert _define(ada, f'{TAG}; location="/vms/one/"') == 409
    assert ada.get("/vms/one").values("Category")


def test_a_removed_mixin_leaves_the_model_and_everything_that_had_it(ada: Client) -> None:
    _define(ada, f'{TAG}; location="/tag/red/"')
    machine = ada.create(COMPUTE, mixins=[TAG])
    assert "red;" in ada.get(machine).text
    without_class = 'red; scheme="http://site.example/tags#"'
    assert ada.request("DELETE", "/-/", b"", {**OCCI, "Category": without_class}).status == 200
    assert "red;" not in ada.get(machine).text
    assert ada.get("/-/", Category=TAG).status == 404
    assert ada.request("DELETE", "/-/", b"", {**OCCI, "Category": TAG}).status == 404


def test_the_providers_categories_stay(ada: Client, admin: Client) -> None:
    for client in (ada, admin):
        for line in (
            f'os_tpl; scheme="{OGF}/infrastructure#"; class="mixin"',
            COMPUTE,
            action("compute", "stop"),
        ):
            assert client.request("DELETE", "/-/", b"", {**OCCI, "Category": line}).status == 403
    assert ada.get("/-/", Category=COMPUTE).status == 200


def test_a_mixin_can_be_defined_and_removed_in_every_rendering(ada: Client) -> None:
    document = {"mixins": [{"term": "red", "scheme": "http://site.example/tags#", "location": "/tag/red/"}]}
    for content_type, body, headers in (
        ("text/plain", f'Category: {TAG}; location="/tag/red/"\n', {}),
        ("text/occi", "", {"Category": f'{TAG}; location="/tag/red/"'}),
        ("application/occi+json", json.dumps(document), {}),
    ):
        sent = {"Content-Type": content_type, **headers}
        assert ada.request("POST", "/-/", body, sent).status == 200, content_type
        assert ada.request("DELETE", "/-/", body, sent).status == 200, content_type


def test_an_action_that_is_no_collections_is_not_found_as_a_kind(ada: Client) -> None:
    assert (
        ada.get("/-/", Category=f'start; scheme="{OGF}/infrastructure/compute/action#"; class="kind"').status
        == 400
    )


def test_two_users_define_the_same_mixin_each_for_themselves(site: Site) -> None:
    ada, bob = site.client("ada"), site.client("bob")
    for client in (ada, bob):
        assert _define(client, f'{TAG}; location="/tag/red/"') == 200
    machine = ada.create(COMPUTE, mixins=[TAG])
    assert ada.get("/tag/red/").values("X-OCCI-Location") == [BASE + machine]
    assert bob.get("/tag/red/").body == b""
