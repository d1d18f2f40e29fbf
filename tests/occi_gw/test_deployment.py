"""What the configuration changes on the wire: prefix, public URL, switches; and repeated creates."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.config import ConfigError
from tests.client import BASE, COMPUTE, OGF, STORAGE, STORAGELINK, Client, action
from tests.conftest import Site

Make = Callable[..., Site]
WELL_KNOWN = "/.well-known/org/ogf/occi/-/"
TAG = 'red; scheme="http://site.example/tags#"; class="mixin"'


@pytest.fixture
def prefixed(make_site: Make) -> Client:
    return make_site(frontends={"occi": {"prefix": "/occi"}}).client("ada")


def _post(client: Client, path: str, *lines: str) -> str:
    answer = client.post(path, *lines)
    assert answer.status == 201, answer.text
    return answer.path


def test_below_a_prefix_every_link_and_location_carries_it(prefixed: Client) -> None:
    machine = _post(prefixed, "/occi/compute/", f"Category: {COMPUTE}")
    volume = _post(prefixed, "/occi/", f"Category: {STORAGE}", "X-OCCI-Attribute: occi.storage.size=1")
    ends = (
        f'X-OCCI-Attribute: occi.core.source="{BASE}{machine}"',
        f'X-OCCI-Attribute: occi.core.target="{volume}"',
    )
    link = _post(prefixed, "/occi/storagelink/", f"Category: {STORAGELINK}", *ends)
    assert [path.split("/")[1] for path in (machine, volume, link)] == ["occi"] * 3
    for line in prefixed.get("/occi/-/").values("Category"):
        assert "location=" not in line or 'location="/occi/' in line
    for line in prefixed.get(machine).values("Link"):
        assert line.startswith("</occi/")
        assert 'self="/' not in line or 'self="/occi/' in line
    for uri in prefixed.get("/occi/").values("X-OCCI-Location"):
        assert uri.startswith(f"{BASE}/occi/")
    shown = prefixed.get(link).attributes
    assert (shown["occi.core.source"], shown["occi.core.target"]) == (f'"{machine}"', f'"{volume}"')


def test_below_a_prefix_everything_works_as_without(prefixed: Client) -> None:
    machine = _post(prefixed, "/occi/compute", f"Category: {COMPUTE}")
    assert prefixed.put(machine, *prefixed.get(machine).lines).status == 200
    assert prefixed.post(f"{machine}?action=stop", f"Category: {action('compute', 'stop')}").status == 200
    chosen = prefixed.put("/occi/vms/one", f"Category: {COMPUTE}")
    assert chosen.path == "/occi/vms/one"
    assert prefixed.get("/occi/vms/").values("X-OCCI-Location") == [f"{BASE}/occi/vms/one"]
    assert prefixed.post("/occi/mixin/resource_tpl/large/", f"X-OCCI-Location: {machine}").status == 200
    assert prefixed.delete("/occi/vms/").status == 200
    assert (
        prefixed.delete("/occi/compute/", f"X-OCCI-Location: {machine}\n", Content_Type="text/plain").status
        == 200
    )
    assert prefixed.get("/occi/compute/").body == b""


def test_the_prefix_with_and_without_slash_is_the_root_and_what_is_outside_is_nothing(
    prefixed: Client,
) -> None:
    assert prefixed.get("/occi").body == prefixed.get("/occi/").body != b""
    for path in ("/compute/", "/-/", "/occiX/-/", "/"):
        assert prefixed.get(path).status == 404


def test_the_well_known_place_is_below_the_authority(prefixed: Client) -> None:
    assert prefixed.get(WELL_KNOWN).body == prefixed.get("/occi/-/").body
    assert 'location="/occi/compute/"' in prefixed.get(WELL_KNOWN).text


@pytest.mark.parametrize(
    ("location", "status"),
    [
        ("/tag/red/", 200),
        ("/occi/tag/red/", 200),
        ("/occi/", 409),
        ("/occi/-/", 409),
        ("/occi/compute/x/", 409),
    ],
)
def test_a_mixin_is_defined_below_the_prefix(prefixed: Client, location: str, status: int) -> None:
    assert prefixed.post("/occi/-/", f'Category: {TAG}; location="{location}"').status == status
    if status == 200:
        assert prefixed.get("/occi/tag/red/").status == 200
        assert 'location="/occi/tag/red/"' in prefixed.get("/occi/-/", Category=TAG).text


def test_a_public_url_is_the_base_of_every_uri_whatever_the_host(make_site: Make) -> None:
    site = make_site(server={"public_url": "https://cloud.site.example/gw/"})
    ada = site.client("ada")
    made = ada.post("/compute/", f"Category: {COMPUTE}", Host="internal:8787")
    assert made.headers["location"].startswith("https://cloud.site.example/")
    assert ada.get("/compute/").values("X-OCCI-Location") == [made.headers["location"]]
    uri = made.headers["location"]
    assert ada.delete("/compute/", f"X-OCCI-Location: {uri}\n", Content_Type="text/plain").status == 200
    foreign = f"X-OCCI-Location: {BASE}/compute/x\n"
    assert ada.delete("/compute/", foreign, Content_Type="text/plain").status == 400


def test_only_the_model_can_be_opened_to_everybody(make_site: Make) -> None:
    site = make_site(auth={"anonymous_model": True})
    nobody = Client(site.application, "")
    for path in ("/-/", WELL_KNOWN):
        answer = nobody.get(path)
        assert (answer.status, "compute;" in answer.text) == (200, True)
    for method, path in (
        ("GET", "/"),
        ("GET", "/compute/"),
        ("POST", "/-/"),
        ("DELETE", "/-/"),
        ("GET", "/mixin/os_tpl/"),
    ):
        assert nobody.request(method, path).status == 401
    assert site.client("ada").get("/-/").body == nobody.get("/-/").body
    assert Client(site.application, "ada", "wrong").get("/-/").status == 401


def test_what_is_private_is_not_in_the_model_of_everybody(make_site: Make) -> None:
    site = make_site(auth={"anonymous_model": True})
    ada, nobody = site.client("ada"), Client(site.application, "")
    ada.post("/-/", f'Category: {TAG}; location="/tag/red/"')
    machine = ada.create(COMPUTE)
    ada.post(
        f"{machine}?action=save", f"Category: {action('compute', 'save')}", 'X-OCCI-Attribute: name="mine"'
    )
    assert 'title="mine"' in ada.get("/-/").text
    shown = nobody.get("/-/").text
    assert "red;" not in shown
    assert 'title="mine"' not in shown


def test_deleting_collections_can_be_switched_off(make_site: Make) -> None:
    ada = make_site(tenancy={"collection_delete": "off"}).client("ada")
    machine = ada.create(COMPUTE)
    ada.put("/vms/one", f"Category: {COMPUTE}")
    for path in ("/compute/", "/", "/vms/"):
        answer = ada.delete(path)
        assert (answer.status, "one entity at a time" in answer.text) == (409, True)
    assert ada.delete(machine).status == ada.delete("/vms/one").status == 200


def test_a_scheme_of_the_sites_own_names_its_templates(make_site: Make) -> None:
    ada = make_site(frontends={"occi": {"scheme": "https://cloud.site.example/x/"}}).client("ada")
    assert (
        'debian-12; scheme="https://cloud.site.example/x/occi/infrastructure/os_tpl#"' in ada.get("/-/").text
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"schema": "x"}, "did you mean scheme?"),
        ({"scheme": "ftp://x"}, "is not a URL"),
        ({"scheme": "http://Upper.example"}, "is not a URL"),
        ({"scheme": 7}, "is not a URL"),
        ({"prefix": "no/slash"}, "is not a path"),
        ({"prefix": "/a b"}, "is not a path"),
    ],
)
def test_a_wrong_option_of_the_front_end_is_told(
    make_site: Make, options: dict[str, object], told: str
) -> None:
    with pytest.raises(ConfigError, match=r"frontends\.occi") as refused:
        make_site(frontends={"occi": options})
    assert told in str(refused.value)


def _create(client: Client, key: str, *attributes: str) -> tuple[int, str]:
    lines = (f"X-OCCI-Attribute: {attribute}" for attribute in attributes)
    answer = client.post("/compute/", f"Category: {COMPUTE}", *lines, **{"Idempotency-Key": key})
    return answer.status, answer.headers.get("location", "")


def test_a_create_repeated_with_its_key_gives_the_first_result(ada: Client) -> None:
    first = _create(ada, "key-1", "occi.compute.cores=2")
    assert first[0] == 201
    assert _create(ada, "key-1", "occi.compute.cores=2") == first
    assert _create(ada, "key-1", "occi.compute.cores=3")[0] == 409
    assert _create(ada, "key-2", "occi.compute.cores=2") != first
    assert len(ada.get("/compute/").lines) == 2


def test_a_key_is_its_users_own(site: Site) -> None:
    first, second = (_create(site.client(user), "key") for user in ("ada", "bob"))
    assert first[0] == second[0] == 201
    assert first[1] != second[1]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x00b", "a\x85b"])
def test_a_key_that_is_none_is_400(ada: Client, key: str) -> None:
    assert _create(ada, key)[0] == 400
    assert ada.get("/compute/").body == b""


def test_the_profile_of_templates_is_claimed_only_where_they_are(make_site: Make) -> None:
    from occi_gw import frontend

    site = make_site()
    assert frontend.server_tokens(site.cloud) == ("OCCI/1.1", "OCCI/1.2", "OCCI-CRTP/1.1")


def test_other_sizes_claim_no_profile(make_site: Make) -> None:
    from occi_gw import frontend

    types = {name: {"cores": 8} for name in ("small", "medium", "large")}
    site = make_site(instance_types=types)
    assert frontend.server_tokens(site.cloud) == ("OCCI/1.1", "OCCI/1.2")
    assert f'scheme="{OGF}/infrastructure/compute/template' not in site.client("ada").get("/-/").text
