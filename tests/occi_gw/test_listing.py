"""Filters and pages of listings (GFD.185 3.4.2.3, GFD.223 paging)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.client import BASE, COMPUTE, NETWORK, OGF, STORAGE, STORAGELINK, Client
from tests.conftest import Site

TAG = 'red; scheme="http://site.example/tags#"; class="mixin"'
LARGE = f'large; scheme="{OGF}/infrastructure/compute/template/1.1#"; class="mixin"'


def _found(client: Client, path: str, **headers: str) -> list[str]:
    answer = client.get(path, **headers)
    assert answer.status == 200, answer.text
    return [uri.removeprefix(BASE) for uri in answer.values("X-OCCI-Location")]


def _where(client: Client, path: str, attribute: str, **headers: str) -> list[str]:
    return _found(client, path, X_OCCI_Attribute=attribute, **headers)


@pytest.mark.parametrize(
    "attribute",
    [
        'occi.core.title="the one"',
        'occi.core.summary="a, b; c=d \\"e\\""',
        'occi.compute.hostname="special"',
        "occi.compute.cores=2",
        "occi.compute.cores=2.0",
        'occi.compute.cores="2"',
        "occi.compute.memory=1.5",
        'occi.core.title="the one", occi.compute.cores=2',
        'com.example.mark="x"',
        "com.example.n=5.0",
    ],
)
def test_an_attribute_finds_what_has_its_value(ada: Client, attribute: str) -> None:
    ada.create(COMPUTE)
    wanted = ada.create(
        COMPUTE,
        'occi.core.title="the one"',
        'occi.core.summary="a, b; c=d \\"e\\""',
        'occi.compute.hostname="special"',
        "occi.compute.cores=2",
        "occi.compute.memory=1.5",
        'com.example.mark="x"',
        "com.example.n=5",
    )
    for path in ("/compute/", "/compute"):
        assert _where(ada, path, attribute) == [wanted]
    assert wanted in _where(ada, "/", attribute)
    for content_type in ("text/occi", "text/plain", "application/occi+json"):
        assert _where(ada, "/compute/", attribute, Content_Type=content_type) == [wanted]


@pytest.mark.parametrize(
    "attribute",
    [
        'occi.core.title="the"',
        'occi.core.title="The One"',
        "occi.compute.cores=3",
        'occi.core.title="the one", occi.compute.cores=3',
        'occi.nonsense="x"',
        'com.example.none="x"',
    ],
)
def test_what_matches_nothing_is_an_empty_listing(ada: Client, attribute: str) -> None:
    ada.create(COMPUTE, 'occi.core.title="the one"', "occi.compute.cores=2")
    assert _where(ada, "/compute/", attribute) == []


def test_a_category_finds_the_members_of_kind_template_and_tag(ada: Client) -> None:
    ada.post("/-/", f'Category: {TAG}; location="/tag/red/"')
    plain, large, tagged = (
        ada.create(COMPUTE),
        ada.create(COMPUTE, mixins=[LARGE]),
        ada.create(COMPUTE, mixins=[TAG]),
    )
    volume = ada.create(STORAGE, "occi.storage.size=1", mixins=[TAG])
    assert _found(ada, "/compute/", Category=COMPUTE) == [plain, large, tagged]
    assert _found(ada, "/", Category=COMPUTE) == [plain, large, tagged]
    assert _found(ada, "/compute/", Category=LARGE) == [large]
    assert _found(ada, "/compute/", Category=TAG) == [tagged]
    assert _found(ada, "/", Category=TAG) == [tagged, volume]
    assert _found(ada, "/tag/red/", Category=COMPUTE) == [tagged]
    assert _found(ada, "/compute/", Category=f"{TAG}, {LARGE}") == []
    assert _found(ada, "/storage/", Category=COMPUTE) == []
    assert _found(ada, "/mixin/resource_tpl/large/", Category=COMPUTE) == [large]


def test_links_are_found_by_their_ends(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    one, two = (ada.create(STORAGE, "occi.storage.size=1") for _ in range(2))
    ends = [(f'occi.core.source="{machine}"', f'occi.core.target="{volume}"') for volume in (one, two)]
    first = ada.create(STORAGELINK, *ends[0])
    ada.create(STORAGELINK, *ends[1])
    assert _where(ada, "/storagelink/", ends[0][1]) == [first]
    assert len(_where(ada, "/storagelink/", ends[0][0])) == 2


def test_a_filter_holds_in_every_rendering(ada: Client) -> None:
    ada.create(COMPUTE)
    wanted = ada.create(COMPUTE, 'occi.core.title="the one"')
    headers = {"X_OCCI_Attribute": 'occi.core.title="the one"'}
    assert ada.get("/compute/", Accept="text/uri-list", **headers).lines == [BASE + wanted]
    assert ada.get("/compute/", Accept="text/occi", **headers).headers["x-occi-location"] == BASE + wanted
    listed = json.loads(ada.get("/compute/", Accept="application/occi+json", **headers).body)["resources"]
    assert [entity["title"] for entity in listed] == ["the one"]


@pytest.mark.parametrize(
    "header", [{"Category": "broken"}, {"X_OCCI_Attribute": "=x"}, {"Category": 'x; scheme="'}]
)
def test_a_filter_that_cannot_be_read_is_400(ada: Client, header: dict[str, str]) -> None:
    assert ada.get("/compute/", **header).status == 400


@pytest.fixture
def seven(ada: Client) -> list[str]:
    return [ada.create(COMPUTE) for _ in range(7)]


def test_pages_are_cut_from_the_listing_and_count_from_one(ada: Client, seven: list[str]) -> None:
    pages = [_found(ada, f"/compute/?page={page}&number=3") for page in (1, 2, 3, 4)]
    assert pages == [seven[:3], seven[3:6], seven[6:], []]
    assert _found(ada, "/compute/?number=2;page=2") == seven[2:4]
    assert _found(ada, "/compute/?number=2") == seven[:2]
    assert _found(ada, "/compute/?page=1") == seven
    assert _found(ada, "/compute/?page=999999999999&number=10000") == []


@pytest.mark.parametrize("accept", ["text/uri-list", "text/occi", "application/occi+json"])
def test_pages_hold_in_every_rendering(ada: Client, seven: list[str], accept: str) -> None:
    answer = ada.get("/compute/?page=2&number=2", Accept=accept)
    shown = answer.text + answer.headers.get("x-occi-location", "")
    assert [path for path in seven if path.rpartition("/")[2] in shown] == seven[2:4]


def test_pages_are_cut_after_the_filter(ada: Client, seven: list[str]) -> None:
    for path in seven[::2]:
        ada.post(path, 'X-OCCI-Attribute: occi.core.title="odd"')
    assert _where(ada, "/compute/?page=2&number=2", 'occi.core.title="odd"') == [seven[4], seven[6]]


def test_pages_run_over_all_kinds_at_the_root(ada: Client) -> None:
    for _ in range(2):
        ada.create(COMPUTE)
    ada.create(NETWORK)
    whole = _found(ada, "/")
    assert [
        path for page in range(1, len(whole) + 1) for path in _found(ada, f"/?page={page}&number=1")
    ] == whole


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=x", "page=", "number=0", "number=1.5", "page=1&page=2", "page=%C2%B2"],
)
def test_a_page_that_is_no_number_is_400(ada: Client, query: str) -> None:
    assert ada.get(f"/compute/?{query}").status == 400


def test_a_listing_too_long_for_a_header_is_413_and_says_what_to_do(ada: Client) -> None:
    scheme = f"http://e.example/{'x' * 1000}#"
    for number in range(32):
        texts = f'rel="{scheme}"; location="/big{number}/"'
        assert (
            ada.post("/-/", f'Category: big{number}; scheme="{scheme}"; class="mixin"; {texts}').status == 200
        )
    answer = ada.get("/-/", Accept="text/occi")
    assert (answer.status, "text/plain" in answer.text) == (413, True)
    assert ada.get("/-/").status == 200


@pytest.mark.parametrize(
    ("noun", "path"),
    [
        ("compute", "/compute/"),
        ("compute", "/storagelink/"),
        ("compute", "/compute/console/vnc/"),
        ("compute", "/"),
        ("compute", "/compute/?page=1&number=10"),
        ("compute", "/mixin/resource_tpl/small/"),
        ("volume", "/storage/"),
        ("volume", "/"),
        ("network", "/"),
        ("image", "/network/"),
    ],
)
def test_a_back_end_that_fails_is_told_by_the_status_of_a_listing_in_json(
    make_site: Callable[..., Site], tmp_path: Path, noun: str, path: str
) -> None:
    def sandbox(*failures: dict[str, str]) -> dict[str, Any]:
        options = {"driver": "sandbox", "path": str(tmp_path / "cloud.db"), "failures": list(failures)}
        return {"default": options}

    whole = make_site(backends=sandbox()).client("ada")
    for _ in range(2):  # more than what is rendered before an answer begins
        whole.create(COMPUTE, f'com.example.big="{"x" * 40_000}"')
    whole.create(STORAGE, "occi.storage.size=1")
    failure = {"noun": noun, "operation": "list", "error": "unavailable"}
    ada = make_site(backends=sandbox(failure)).client("ada")
    answer = ada.get(path, Accept="application/occi+json")
    assert (answer.status, json.loads(answer.body)["code"]) == (503, 503)
