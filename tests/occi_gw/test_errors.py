"""The error table: one status for each mistake, told in one line in the rendering that was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.client import COMPUTE, NETWORK, OGF, STORAGE, Client, action
from tests.conftest import Site

Make = Callable[..., Site]
Ask = Callable[..., object]

PLAIN = {"Content-Type": "text/plain"}

#: (status, method, path, headers, body, part of the message)
MISTAKES = [
    (400, "POST", "/compute/", PLAIN, "", "no kind"),
    (400, "POST", "/compute/", PLAIN, "no structure at all\n", "body line 1"),
    (400, "POST", "/compute/", PLAIN, f"Category: {STORAGE}\n", "is not made in /compute/"),
    (400, "POST", "/compute/", PLAIN, f"Category: {COMPUTE}\nCategory: {STORAGE}\n", "two kinds"),
    (
        400,
        "POST",
        "/compute/",
        PLAIN,
        f'Category: compute; scheme="{OGF}/infrastructure#"; class="mixin"\n',
        "is a kind",
    ),
    (
        400,
        "POST",
        "/compute/",
        PLAIN,
        f"Category: {COMPUTE}\nX-OCCI-Attribute: occi.unknown=1\n",
        "occi.unknown",
    ),
    (
        400,
        "POST",
        "/compute/",
        PLAIN,
        f"Category: {COMPUTE}\nX-OCCI-Attribute: occi.compute.cores=1.5\n",
        "occi.compute.cores",
    ),
    (400, "POST", "/storage/", PLAIN, f"Category: {STORAGE}\n", "occi.storage.size is missing"),
    (
        400,
        "POST",
        "/network/",
        PLAIN,
        f'Category: {NETWORK}\nX-OCCI-Attribute: occi.network.allocation="x"\n',
        "dynamic",
    ),
    (400, "POST", "/compute/?action=stop", PLAIN, "", "no action"),
    (
        400,
        "POST",
        "/compute/?action=stop",
        PLAIN,
        f"Category: {action('compute', 'start')}\n",
        "do not agree",
    ),
    (400, "POST", "/compute/", PLAIN, f"Category: {action('compute', 'start')}\n", "no kind"),
    (
        400,
        "POST",
        "/storage/?action=start",
        PLAIN,
        f"Category: {action('compute', 'start')}\n",
        "is no action of a storage",
    ),
    (400, "GET", "/compute/?page=0", {}, "", "page"),
    (400, "GET", "/compute/?number=x", {}, "", "number"),
    (400, "GET", "/compute/", {"Category": "broken"}, "", "header Category"),
    (400, "GET", "/-/", {"Category": "broken"}, "", "header Category"),
    (400, "GET", "/-/", {"Accept": "text/uri-list"}, "", "text/uri-list"),
    (400, "POST", "/compute/", {"Content-Type": "application/occi+json"}, "{", "not JSON"),
    (400, "POST", "/mixin/ssh_key/", PLAIN, "", "X-OCCI-Location is missing"),
    (404, "GET", "/compute/nobody", {}, "", "nobody"),
    (404, "GET", "/nothing/here", {}, "", "/nothing/here"),
    (404, "GET", "/compute/", {"Category": 'x; scheme="http://x.example/#"'}, "", "http://x.example/#x"),
    (
        404,
        "POST",
        "/compute/",
        PLAIN,
        f'Category: {COMPUTE}\nCategory: x; scheme="http://x.example/#"\n',
        "not known",
    ),
    (404, "POST", "/vms/", PLAIN, f"Category: {COMPUTE}\n", "POST to that of a kind"),
    (405, "PUT", "/compute/", PLAIN, f"Category: {COMPUTE}\n", "PUT"),
    (405, "PUT", "/-/", PLAIN, "", "PUT"),
    (405, "PUT", "/", PLAIN, f"Category: {COMPUTE}\n", "PUT"),
    (405, "PATCH", "/compute/nobody", PLAIN, "", "PATCH"),
    (405, "PATCH", "/nothing/here", PLAIN, "", "PATCH"),
    (406, "GET", "/compute/", {"Accept": "image/png"}, "", "text/plain"),
    (406, "POST", "/compute/", {"Content-Type": "text/html"}, "<p>", "text/plain"),
    (413, "GET", "/compute/?number=10001", {}, "", "10000"),
    (413, "POST", "/compute/", PLAIN, " " * (1 << 20) + "x", "1048576"),
    (
        403,
        "POST",
        "/compute/consolelink/",
        PLAIN,
        'Category: console; scheme="http://schemas.ogf.org/infrastructure/compute#"\n',
        "provider",
    ),
    (
        403,
        "POST",
        "/network/",
        PLAIN,
        f"Category: {NETWORK}\nX-OCCI-Attribute: occi.network.vlan=7\n",
        "admin",
    ),
    (501, "GET", "/compute/", {"User-Agent": "curl OCCI/2.2"}, "", "OCCI/2.2"),
]
_NAMES = [f"{status} {method} {path} {told}" for status, method, path, _, _, told in MISTAKES]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Site({}, tmp_path_factory.mktemp("site")).client("ada")


@pytest.mark.parametrize(("status", "method", "path", "headers", "body", "told"), MISTAKES, ids=_NAMES)
def test_a_mistake_has_its_status_and_one_line(
    client: Client, status: int, method: str, path: str, headers: dict[str, str], body: str, told: str
) -> None:
    answer = client.request(method, path, body, headers)
    assert (answer.status, answer.headers["content-type"]) == (status, "text/plain")
    assert told in answer.text
    assert answer.text.endswith("\n")
    assert answer.text[:-1].isprintable()


@pytest.mark.parametrize("accept", ["text/occi", "text/occi+plain", "text/uri-list", "application/occi+json"])
@pytest.mark.parametrize(
    ("status", "method", "path", "headers", "body", "told"), MISTAKES[:3] + MISTAKES[20:24]
)
def test_an_error_comes_in_the_rendering_that_was_asked_for(
    client: Client,
    accept: str,
    status: int,
    method: str,
    path: str,
    headers: dict[str, str],
    body: str,
    told: str,
) -> None:
    answer = client.request(method, path, body, {**headers, "Accept": accept})
    assert answer.status == status
    if accept == "application/occi+json":
        document = json.loads(answer.body)
        assert set(document) == {"code", "message"}
        assert (document["code"], told in document["message"]) == (status, True)
    elif accept == "text/occi":
        assert told in answer.headers["x-occi-error"]
        assert answer.text.strip() == answer.headers["x-occi-error"]
    expected = "text/plain" if accept == "text/uri-list" else accept
    assert (answer.headers["content-type"], told in answer.text) == (expected, True)


def test_a_405_names_the_methods_that_there_are(client: Client) -> None:
    for path, allowed in (
        ("/compute/", {"GET", "HEAD", "POST", "DELETE"}),
        ("/compute/x", {"GET", "HEAD", "POST", "PUT", "DELETE"}),
        ("/vms/x", {"GET", "HEAD", "POST", "PUT", "DELETE"}),
        ("/vms/", {"GET", "HEAD", "POST", "DELETE"}),
        ("/mixin/os_tpl/", {"GET", "HEAD", "POST", "PUT", "DELETE"}),
        ("/-/", {"GET", "HEAD", "POST", "DELETE"}),
    ):
        answer = client.request("PATCH", path)
        assert answer.status == 405
        assert set(answer.headers["allow"].replace(" ", "").split(",")) - {"OPTIONS"} == allowed, path


def test_hostile_text_in_a_request_comes_back_harmless(client: Client) -> None:
    for name in ("%1B[31m", "%0D%0ASet-Cookie:x=1", "%C2%9B31m", "%E2%80%A8", "<script>"):
        answer = client.get(f"/compute/{name}")
        assert answer.status == 404
        assert answer.text[:-1].isprintable()
        assert "set-cookie" not in answer.headers
        assert answer.headers["content-type"] == "text/plain"


def test_a_long_value_is_shortened_in_the_message(client: Client) -> None:
    answer = client.post(
        "/compute/", f"Category: {COMPUTE}", f'X-OCCI-Attribute: occi.compute.cores="{"9" * 5000}x"'
    )
    assert answer.status == 400
    assert len(answer.text) < 300


def test_a_request_without_credentials_is_asked_for_them_everywhere(client: Client) -> None:
    nobody = Client(client.application, "")
    for path in ("/", "/-/", "/compute/", "/compute/x", "/vms/x", "/vms/", "/mixin/os_tpl/"):
        answer = nobody.get(path)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert answer.lines == ["sign in first"]


def test_an_immutable_attribute_and_an_impossible_transition_are_told_apart(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    immutable = ada.post(machine, 'X-OCCI-Attribute: occi.compute.state="inactive"')
    assert (immutable.status, "immutable" in immutable.text) == (403, True)
    ada.post(f"{machine}?action=stop", f"Category: {action('compute', 'stop')}")
    impossible = ada.post(f"{machine}?action=suspend", f"Category: {action('compute', 'suspend')}")
    assert (impossible.status, "cannot suspend" in impossible.text) == (400, True)


def test_a_mixin_that_does_not_apply_is_403_for_1_1_and_400_for_the_rest(ada: Client) -> None:
    lines = (
        f"Category: {STORAGE}",
        "X-OCCI-Attribute: occi.storage.size=1",
        f'Category: os_tpl; scheme="{OGF}/infrastructure#"',
    )
    assert ada.post("/storage/", *lines).status == 400
    assert ada.post("/storage/", *lines, User_Agent="x OCCI/1.2").status == 400
    assert ada.post("/storage/", *lines, User_Agent="x OCCI/1.1").status == 403


def test_over_quota_is_403_and_names_dimension_and_limit(make_site: Make) -> None:
    ada = make_site(quotas={"user": {"ada": {"instances": 1}}}).client("ada")
    ada.create(COMPUTE)
    answer = ada.post("/compute/", f"Category: {COMPUTE}")
    assert (answer.status, answer.lines) == (403, ["quota exceeded: instances 1 of 1 (user ada)"])


def test_a_back_end_that_is_down_is_503_with_retry_after_and_leaves_nothing(make_site: Make) -> None:
    failing = {"noun": "compute", "operation": "create", "error": "unavailable", "every": 1}
    ada = make_site(backends={"default": {"driver": "sandbox", "failures": [failing]}}).client("ada")
    answer = ada.post("/compute/", f"Category: {COMPUTE}")
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert ada.get("/compute/").body == b""


def test_an_error_in_the_store_is_no_traceback(make_site: Make) -> None:
    site = make_site()
    site.gateway.database.close()
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        (site.config.data / name).unlink(missing_ok=True)
    (site.config.data / "store.db").mkdir()
    answer = site.client("ada").get("/compute/")
    assert answer.status == 503
    assert answer.lines == ["the gateway's store cannot be reached now"]
