"""Containers and data objects over the wire, as CDMI documents and as plain HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cdmi_gw.conftest import CONTAINER, OBJECT, VERSION, Cdmi, Make
from tests.client import BASE, Client


def test_a_container_is_made_read_and_removed(ada: Cdmi) -> None:
    answer = ada.cdmi("PUT", "/lab/runs/", {"metadata": {"run": "17"}})
    made = json.loads(answer.body)
    assert (answer.status, answer.headers["location"]) == (201, f"{BASE}/cdmi/lab/runs/")
    assert answer.headers["content-type"] == CONTAINER
    assert answer.headers["x-cdmi-specification-version"] == "1.1"
    assert list(made)[-2:] == ["childrenrange", "children"]
    assert made["parentURI"] + made["objectName"] == "/cdmi/lab/runs/"
    assert (made["childrenrange"], made["children"], made["metadata"]["run"]) == ("", [], "17")
    ada.cdmi("PUT", "/lab/runs/a", {"value": "x"})
    read = ada.read("/lab/runs/")
    assert (read["childrenrange"], read["children"], read["objectID"]) == ("0-0", ["a"], made["objectID"])
    assert ada.read("/lab/")["children"] == ["runs/"]
    assert ada.cdmi("DELETE", "/lab/runs/").status == 204
    assert ada.cdmi("GET", "/lab/runs/").status == 404


def test_a_data_object_is_made_read_in_part_patched_and_removed(ada: Cdmi) -> None:
    answer = ada.cdmi(
        "PUT", "/lab/notes.txt", {"mimetype": "text/plain", "metadata": {"run": "17"}, "value": "beam on"}
    )
    made = json.loads(answer.body)
    assert (answer.status, answer.headers["location"]) == (201, f"{BASE}/cdmi/lab/notes.txt")
    assert {"value", "valuerange", "valuetransferencoding"} & made.keys() == set()
    assert (made["metadata"]["cdmi_size"], made["metadata"]["cdmi_owner"]) == ("7", "ada")
    part = json.loads(ada.cdmi("GET", "/lab/notes.txt?valuerange;value:0-3").body)
    assert part == {"valuerange": "0-3", "value": "YmVhbQ=="}
    patched = ada.cdmi(
        "PUT", "/lab/notes.txt?metadata:run;metadata:operator", {"metadata": {"operator": "ada"}}
    )
    assert (patched.status, patched.body) == (204, b"")
    read = ada.read("/lab/notes.txt")
    assert (read["metadata"].get("run"), read["metadata"]["operator"]) == (None, "ada")
    assert (read["value"], read["valuetransferencoding"], list(read)[-1]) == ("beam on", "utf-8", "value")
    assert ada.cdmi("DELETE", "/lab/notes.txt").status == 204
    assert ada.cdmi("GET", "/lab/notes.txt").status == 404


def test_a_part_of_a_value_is_written_as_base64(ada: Cdmi) -> None:
    ada.cdmi("PUT", "/lab/a", {"value": "beam on"})
    answer = ada.cdmi("PUT", "/lab/a?value:5-6", {"value": base64.b64encode(b"up").decode()})
    assert (answer.status, ada.read("/lab/a")["value"]) == (204, "beam up")


def test_the_same_object_is_there_by_plain_http_and_by_its_id(ada: Cdmi) -> None:
    assert ada.http("PUT", "/lab/raw", b"\0\1\2\3", Content_Type="Image/PNG").status == 201
    answer = ada.http("GET", "/lab/raw")
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "image/png", b"\0\1\2\3")
    assert answer.headers["x-content-type-options"] == "nosniff"
    read = ada.read("/lab/raw")
    assert (read["value"], read["mimetype"]) == (base64.b64encode(b"\0\1\2\3").decode(), "image/png")
    assert ada.http("GET", f"/cdmi_objectid/{read['objectID'].lower()}").body == b"\0\1\2\3"
    assert ada.http("PUT", "/lab/raw", b"new").status == 204
    assert (ada.http("HEAD", "/lab/raw").headers["content-length"], ada.http("GET", "/lab/raw").body) == (
        "3",
        b"new",
    )


def test_bytes_that_are_called_text_and_are_none_are_read_as_base64(ada: Cdmi) -> None:
    ada.http("PUT", "/lab/a", b"\xff\xfe", Content_Type="text/plain; charset=utf-8")
    read = ada.read("/lab/a")
    assert (read["valuetransferencoding"], read["value"]) == ("base64", "//4=")
    wanted = ada.cdmi("PUT", "/lab/a", {"valuetransferencoding": "utf-8"})
    assert (wanted.status, ada.read("/lab/a")["value"]) == (400, "//4=")


@pytest.mark.parametrize(
    "metadata",
    [{f"n{n}": "" for n in range(1025)}, {"a": "x" * 65537}, {f"n{n}": "x" * 65000 for n in range(17)}],
)
def test_metadata_beyond_what_is_published_is_refused(ada: Cdmi, metadata: dict[str, str]) -> None:
    assert ada.cdmi("PUT", "/lab/a", {"metadata": metadata}).status == 400
    assert ada.read("/lab/")["children"] == []


@pytest.mark.parametrize(
    ("header", "status", "body", "within"),
    [
        ("bytes=0-1", 206, b"01", "bytes 0-1/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=5-500", 206, b"56789", "bytes 5-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=3-1", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_a_range_of_a_value_is_read_by_http(
    ada: Cdmi, header: str, status: int, body: bytes | None, within: str | None
) -> None:
    ada.http("PUT", "/lab/a", b"0123456789", Content_Type="text/plain")
    answer = ada.http("GET", "/lab/a", Range=header)
    assert (answer.status, answer.headers.get("content-range")) == (status, within)
    assert body is None or answer.body == body


@pytest.mark.parametrize("header", ["bytes 2-4/10", "bytes 2-4/*", "bytes=2-4", "2-4"])
def test_a_part_is_written_by_http_in_each_form_that_clients_send(ada: Cdmi, header: str) -> None:
    ada.http("PUT", "/lab/a", b"0123456789")
    assert ada.http("PUT", "/lab/a", b"abc", Content_Range=header).status == 204
    assert ada.http("GET", "/lab/a").body == b"01abc56789"


@pytest.mark.parametrize(
    ("method", "path", "location"),
    [
        ("GET", "/lab", "/cdmi/lab/"),
        ("DELETE", "/lab", "/cdmi/lab/"),
        ("GET", "/lab?children", "/cdmi/lab/?children"),
        ("GET", "/lab/a/", "/cdmi/lab/a"),
    ],
)
def test_who_has_the_slash_wrong_is_told_the_place(ada: Cdmi, method: str, path: str, location: str) -> None:
    ada.cdmi("PUT", "/lab/a", {"value": ""})
    answer = ada.cdmi(method, path)
    assert (answer.status, answer.headers["location"]) == (301, BASE + location)


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("PUT", "/none/a", b"{}", {"Content-Type": OBJECT}, 404),
        ("PUT", "/lab/a/b", b"x", {}, 404),
        ("PUT", "/lab/new", b"{}", {"Content-Type": CONTAINER}, 400),
        ("PUT", "/lab/new/", b"{}", {"Content-Type": OBJECT}, 400),
        ("PUT", "/lab/new", b"{", {"Content-Type": OBJECT}, 400),
        ("PUT", "/lab/new", b"[]", {"Content-Type": OBJECT}, 400),
        ("PUT", "/lab/new", b'{"value": "a", "value": "b"}', {"Content-Type": OBJECT}, 400),
        ("PUT", "/lab/new", b'{"value": 1}', {"Content-Type": OBJECT}, 400),
        ("PUT", "/lab/new", b'{"value": "\\ud800"}', {"Content-Type": OBJECT}, 400),
        ("PUT", "/lab/new", b'{"copy": "/lab/a", "value": "x"}', {"Content-Type": OBJECT}, 400),
        ("PUT", "/lab/new", b'{"copy": "/lab/nothing"}', {"Content-Type": OBJECT}, 400),
        ("PUT", "/lab/new", b'{"metadata": []}', {"Content-Type": OBJECT}, 400),
        ("PUT", "/lab/new", b'{"metadata": {"cdmi_acl": 1}}', {"Content-Type": OBJECT}, 400),
        (
            "PUT",
            "/lab/new",
            b'{"value": "!", "valuetransferencoding": "base64"}',
            {"Content-Type": OBJECT},
            400,
        ),
        ("PUT", "/lab/new", b'{"mimetype": "a\\nb"}', {"Content-Type": OBJECT}, 400),
        ("PUT", "/lab/new", b"[" * 100_000, {"Content-Type": OBJECT}, 400),
        ("PUT", "/lab/cdmi_mine/", b"{}", {"Content-Type": CONTAINER}, 400),
        ("PUT", "/cdmi_domains/x", b"x", {}, 403),
        ("GET", "/lab/a?value:9-1", b"", {}, 400),
        ("GET", "/lab/?children:5-9", b"", VERSION, 400),
        ("GET", "/lab/a", b"", {"X-CDMI-Specification-Version": "4.0"}, 400),
        ("GET", "/nothing", b"", {"X-CDMI-Specification-Version": "4.0"}, 400),
        ("GET", "/lab/a", b"", {"Accept": "application/cdmi-container", **VERSION}, 406),
        ("PUT", "/lab/a", b"x", {"Content-Range": "bytes 0-5/6"}, 400),
        ("PUT", "/lab/a", b"x", {"Content-Range": "bytes 0-0,2-2/6"}, 400),
        ("PUT", "/lab/a", b"x", {"Content-Length": "5"}, 400),
        ("PUT", "/lab/a", b"x", {"Content-Length": "x"}, 400),
        ("PUT", "/lab/a", b"x", {"If-None-Match": "*"}, 412),
        ("PUT", "/lab/a", b"x", {"If-Match": '"other"'}, 412),
        ("PUT", "/lab/none", b"x", {"X-CDMI-MustExist": "true"}, 404),
        ("PUT", "/lab/a", b"x", {"X-CDMI-NoClobber": "true"}, 409),
        ("DELETE", "/", b"", {}, 400),
        ("DELETE", "/cdmi_capabilities/", b"", {}, 405),
        ("POST", "/lab/", b"x", {}, 400),
        ("GET", "/cdmi_objectid/", b"", {}, 404),
        ("GET", "/cdmi_objectid/../../etc", b"", {}, 404),
        ("GET", "/%FF", b"", {}, 400),
        ("GET", "/lab/%00", b"", {}, 404),
        ("PUT", "/lab/" + "x" * 4096, b"x", {}, 400),
    ],
)
def test_a_wrong_request_is_told_so_and_changes_nothing(
    ada: Cdmi, method: str, path: str, body: bytes, headers: Mapping[str, str], status: int
) -> None:
    ada.cdmi("PUT", "/lab/a", {"value": "as it was"})
    before = [ada.lasting(path) for path in ("/lab/", "/lab/a", "/")]
    answer = ada.client.request(method, f"/cdmi{path}", body, headers)
    assert answer.status == status, answer.text
    if method != "HEAD":
        assert json.loads(answer.body)["error"]
    assert [ada.lasting(path) for path in ("/lab/", "/lab/a", "/")] == before


def test_a_stranger_sees_and_changes_nothing(ada: Cdmi, bob: Cdmi) -> None:
    ada.cdmi("PUT", "/lab/a", {"value": "secret"})
    id = ada.read("/lab/a")["objectID"]
    for path in ("/lab/", "/lab/a", "/lab/nothing", f"/cdmi_objectid/{id}"):
        for answer in (bob.cdmi("GET", path), bob.http("GET", path), bob.cdmi("DELETE", path)):
            assert (answer.status, b"secret" in answer.body) == (403, False)
    assert bob.http("PUT", "/lab/a", b"x").status == 403
    assert ada.read("/lab/a")["value"] == "secret"


def test_an_access_control_list_opens_what_it_names(ada: Cdmi, bob: Cdmi) -> None:
    def entry(who: str, mask: str, flags: str = "NO_FLAGS") -> dict[str, str]:
        return {"acetype": "ALLOW", "identifier": who, "aceflags": flags, "acemask": mask}

    own = entry("OWNER@", "ALL_PERMS", "OBJECT_INHERIT, CONTAINER_INHERIT")
    ada.cdmi("PUT", "/lab/a", {"value": "shown"})
    lists = [own, entry("bob", "0x20")]
    assert ada.cdmi("PUT", "/lab/?metadata:cdmi_acl", {"metadata": {"cdmi_acl": lists}}).status == 204
    assert ada.read("/lab/?metadata:cdmi_acl") == {"metadata": {"cdmi_acl": lists}}
    readable = [own, entry("bob", "READ_OBJECT, READ_ATTRIBUTES")]
    ada.cdmi("PUT", "/lab/a?metadata:cdmi_acl", {"metadata": {"cdmi_acl": readable}})
    read = bob.read("/lab/a")
    assert (read["value"], "metadata" in read) == ("shown", False)
    assert bob.cdmi("GET", "/lab/a?metadata").status == 403
    assert bob.cdmi("GET", "/lab/").status == 403
    assert bob.http("PUT", "/lab/a", b"x").status == 403


def test_capabilities_are_read_by_anybody_and_name_what_is_offered(ada: Cdmi) -> None:
    anybody = Cdmi(Client(ada.client.application, ""))
    for path, expected in (("/cdmi_capabilities/", "cdmi_dataobjects"), ("/cdmi_capabilities", None)):
        answer = anybody.http("GET", path)
        found = json.loads(answer.body)
        assert answer.status == 200
        assert found["children"] == ["container/", "dataobject/", "domain/", "queue/"]
        assert expected is None or found["capabilities"][expected] == "true"
    assert "cdmi_query" not in found["capabilities"]
    assert set(found["capabilities"].values()) <= {"true", "1024", "65536", "1048576"}
    for path in (ada.read("/lab/")["capabilitiesURI"],):
        assert anybody.http("GET", path.removeprefix("/cdmi")).status == 200
    assert anybody.http("GET", "/lab/").status == 401


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("objectID;objectName", {"objectID", "objectName"}),
        ("parentURI;objectName;", {"parentURI", "objectName"}),
        ("metadata:ru", {"metadata"}),
        ("children/", {"children"}),
        ("childrenrange", {"childrenrange"}),
        ("nothing", set()),
        ("objectID&objectName", {"objectID", "objectName"}),
    ],
)
def test_only_the_selected_fields_are_shown(ada: Cdmi, query: str, fields: set[str]) -> None:
    assert set(ada.read(f"/lab/?{query}")) == fields


def test_selectors_without_a_version_are_answered_in_json(ada: Cdmi) -> None:
    answer = ada.http("GET", "/lab/?objectName;objectID;", Accept="application/json")
    assert (answer.status, set(json.loads(answer.body))) == (200, {"objectName", "objectID"})


@pytest.mark.parametrize(
    ("sent", "told"), [("1.0.1h", "1.0.1h"), ("1.0.2", "1.0.2"), ("2.0, 1.1.1", "1.1.1")]
)
def test_a_version_is_told_in_the_spelling_of_the_client(ada: Cdmi, sent: str, told: str) -> None:
    answer = ada.http("GET", "/lab/", X_CDMI_Specification_Version=sent)
    assert answer.headers["x-cdmi-specification-version"] == told


def test_a_value_is_given_to_the_server_as_a_file_and_closed_and_counted_when_it_is_sent(ada: Cdmi) -> None:
    ada.http("PUT", "/lab/a", b"0123456789", Content_Type="text/plain")
    files: list[Any] = []

    class Wrapper:
        """As servers have it, which send what has a file descriptor unread."""

        def __init__(self, file: Any, size: int = 0) -> None:
            self.file = file
            self.close = file.close
            files.append(file)

        def __iter__(self) -> Any:
            return iter(lambda: self.file.read(4), b"")

    answer = ada.client.request("GET", "/cdmi/lab/a", extra={"wsgi.file_wrapper": Wrapper})
    assert (answer.body, answer.headers["content-length"]) == (b"0123456789", "10")
    assert [file.closed for file in files] == [True]


class TestQuotas:
    @pytest.fixture
    def ada(self, make_site: Make) -> Cdmi:
        limits = {"user": {"ada": {"objects": 4, "object_bytes": 10}}}
        site = make_site(frontends={"occi": {}, "cdmi": {}}, quotas=limits)
        cdmi = Cdmi(site.client("ada"))
        assert cdmi.cdmi("PUT", "/lab/", {}).status == 201
        return cdmi

    def test_limit_how_many_objects_there_are(self, ada: Cdmi) -> None:
        for name in ("a", "b", "c"):
            assert ada.cdmi("PUT", f"/lab/{name}", {"value": "x"}).status == 201
        answer = ada.cdmi("PUT", "/lab/d", {"value": ""})
        assert (answer.status, json.loads(answer.body)["error"]) == (
            403,
            "quota exceeded: objects 5 of 4 (user ada)",
        )
        for refused in (
            ada.cdmi("PUT", "/copy/", {"copy": "/lab/"}),
            ada.cdmi("PUT", "/lab/", {"snapshot": "s"}),
            ada.cdmi("PUT", "/lab/e", {"copy": "/lab/a"}),
        ):
            assert refused.status == 403
        assert ada.read("/lab/")["children"] == ["a", "b", "c"]
        ada.cdmi("DELETE", "/lab/a")
        assert ada.cdmi("PUT", "/lab/d", {"value": "x"}).status == 201

    def test_limit_how_many_bytes_there_are(self, ada: Cdmi) -> None:
        assert ada.http("PUT", "/lab/a", b"0123456789").status == 201
        assert ada.http("PUT", "/lab/b", b"x").status == 403
        assert ada.http("PUT", "/lab/a", b"x", Content_Range="bytes 10-10/*").status == 403
        assert ada.value("/lab/a") == b"0123456789"
        assert ada.http("PUT", "/lab/a", b"012345678").status == 204
        assert ada.http("PUT", "/lab/b", b"x").status == 201

    def test_are_not_in_the_way_of_what_takes_no_room(self, ada: Cdmi) -> None:
        ada.http("PUT", "/lab/a", b"0123456789")
        assert ada.cdmi("PUT", "/lab/a", {"metadata": {"a": "b"}}).status == 204
        assert ada.cdmi("PUT", "/lab/b", {"move": "/lab/a"}).status == 201
        assert ada.cdmi("PUT", "/lab/q/", {}).status == 201


def test_containers_without_a_slash_are_served_where_the_site_says_so(make_site: Make) -> None:
    cdmi = Cdmi(make_site(frontends={"occi": {}, "cdmi": {"slashless": True}}).client("ada"))
    headers = {**VERSION, "Content-Type": CONTAINER}
    assert cdmi.client.request("PUT", "/cdmi/lab", b"{}", headers).status == 201
    changed = b'{"metadata": {"a": "b"}}'
    assert cdmi.client.request("PUT", "/cdmi/lab", changed, headers).status == 204
    assert cdmi.read("/lab")["metadata"]["a"] == "b"
    assert cdmi.http("PUT", "/raw", b"x").status == 201
    assert cdmi.value("/raw") == b"x"
    assert cdmi.http("DELETE", "/lab").status == 204
