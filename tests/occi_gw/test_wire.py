"""Media types, versions and headers of every exchange (GFD.185 3.6, GFD.223)."""

from __future__ import annotations

import pytest

from tests.client import COMPUTE, Client
from tests.conftest import Site


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    ada = Site({}, tmp_path_factory.mktemp("site")).client("ada")
    ada.create(COMPUTE)
    return ada


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/*", "text/plain"),
        ("text/plain", "text/plain"),
        ("text/occi+plain", "text/occi+plain"),
        ("text/occi", "text/occi"),
        ("text/uri-list", "text/uri-list"),
        ("application/occi+json", "application/occi+json"),
        ("application/json", "application/json"),
        ("text/plain,text/occi;q=0.2", "text/plain"),
        ("text/plain;q=0.1,text/occi", "text/occi"),
        ("text/occi,text/plain", "text/occi"),
        ("image/png, text/occi;q=0.5", "text/occi"),
        ("text/plain; charset=utf-8", "text/plain"),
    ],
)
def test_the_answer_comes_in_what_accept_prefers(client: Client, accept: str, expected: str) -> None:
    answer = client.get("/compute/", **({"Accept": accept} if accept else {}))
    assert (answer.status, answer.headers["content-type"]) == (200, expected)


@pytest.mark.parametrize("accept", ["image/png", "text/html", "text/plain;q=0"])
def test_what_nobody_writes_is_406_in_text(client: Client, accept: str) -> None:
    for path in ("/compute/", "/-/", "/", "/vms/x"):
        answer = client.get(path, Accept=accept)
        assert (answer.status, answer.headers["content-type"]) == (406, "text/plain")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "text/plain,text/occi", "text/plain; charset=utf-8", "TEXT/PLAIN", "text/occi+plain", ""],
)
def test_a_body_of_lines_is_read_under_every_name_it_has(client: Client, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    for end in ("\n", "\r\n", "\n\r"):
        body = f"Category: {COMPUTE}{end}X-OCCI-Attribute: occi.compute.cores=2{end}{end}"
        made = client.request("POST", "/compute/", body, headers)
        assert made.status == 201, made.text
        assert client.get(made.path).attributes["occi.compute.cores"] == "2"


@pytest.mark.parametrize(
    "content_type", ["text/html", "application/xml", "text/uri-list", "multipart/form-data; boundary=x"]
)
def test_what_nobody_reads_is_406_and_makes_nothing(client: Client, content_type: str) -> None:
    before = client.get("/compute/").body
    answer = client.request("POST", "/compute/", f"Category: {COMPUTE}\n", {"Content-Type": content_type})
    assert (answer.status, "text/plain" in answer.text) == (406, True)
    assert client.get("/compute/").body == before


def test_headers_without_a_content_type_are_read_as_headers(client: Client) -> None:
    assert client.request("POST", "/compute/", b"OK", {"Category": COMPUTE}).status == 201
    assert (
        client.request(
            "POST", "/compute/", b"", {"X-OCCI-Category": COMPUTE, "Content-Type": "text/occi"}
        ).status
        == 201
    )


@pytest.mark.parametrize(
    ("agent", "status"),
    [
        ("curl/8", 200),
        ("x OCCI/1.1", 200),
        ("x OCCI/1.2 y", 200),
        ("x OCCI/1.3", 501),
        ("x OCCI/2.2", 501),
        ("x OCCI/2.2 OCCI/1.2", 200),
        ("fooOCCI/9.9bar", 200),
        ("OCCI/9999.9999", 501),
    ],
)
def test_a_client_of_a_later_version_is_told_so(client: Client, agent: str, status: int) -> None:
    for path in ("/-/", "/compute/", "/", "/vms/x/"):
        answer = client.get(path, User_Agent=agent)
        assert answer.status == status, path


def test_the_types_on_offer_are_told_and_json_only_to_1_1_clients(client: Client) -> None:
    assert client.get("/").headers["accept"] == "text/plain, text/occi, text/uri-list"
    assert "application/occi+json" in client.get("/", User_Agent="x OCCI/1.1").headers["accept"]


def test_every_answer_has_a_request_id_and_a_length(client: Client) -> None:
    for method, path in (("GET", "/-/"), ("GET", "/nowhere"), ("PATCH", "/"), ("GET", "/compute/")):
        answer = client.request(method, path, headers={"X-Request-Id": "abc.DEF-1_2"})
        assert answer.headers["x-request-id"] == "abc.DEF-1_2"
        assert int(answer.headers["content-length"]) == len(answer.body)


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "é", "a\n", "<x>"])
def test_a_request_id_that_is_none_is_replaced(client: Client, given: str) -> None:
    made = client.get("/-/", X_Request_Id=given).headers["x-request-id"]
    assert made != given
    assert len(made) == 32


def test_a_body_shorter_than_its_length_is_400(client: Client) -> None:
    answer = client.request(
        "POST", "/compute/", b"Category", {"Content-Length": "9999", "Content-Type": "text/plain"}
    )
    assert (answer.status, "shorter" in answer.text) == (400, True)


@pytest.mark.parametrize("length", ["-1", "x", "1_0", "²", "9" * 5000])
def test_a_content_length_that_is_no_number_is_400(client: Client, length: str) -> None:
    assert client.request("POST", "/compute/", b"", {"Content-Length": length}).status == 400


def test_a_chunked_body_is_read_up_to_the_limit(client: Client) -> None:
    body = f"Category: {COMPUTE}\n".encode()
    headers = {"Transfer-Encoding": "chunked", "Content-Type": "text/plain", "Content-Length": ""}
    assert client.request("POST", "/compute/", body, headers).status == 201
    assert client.request("POST", "/compute/", body + b" " * (1 << 20), headers).status == 413


@pytest.mark.parametrize("host", ["", "a b", "evil.example/x", "a@b", "x" * 10 + "\n", "[::1", "host:port"])
def test_a_host_that_is_none_is_refused(client: Client, host: str) -> None:
    answer = client.get("/compute/", Host=host)
    assert answer.status == (200 if host == "" else 400)
    assert "evil" not in answer.text


def test_links_begin_with_the_host_that_was_asked(client: Client) -> None:
    for host in ("cloud.example", "[2001:db8::1]:8787", "127.0.0.1:80"):
        for uri in client.get("/compute/", Host=host).values("X-OCCI-Location"):
            assert uri.startswith(f"http://{host}/compute/")
