"""Requests that mean no good, or cost more than they are worth."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from tests.cdmi_gw.conftest import OBJECT, VERSION, Cdmi
from tests.cdmi_gw.test_exports import SIZE, storage

OWN = {"acetype": "ALLOW", "identifier": "OWNER@", "aceflags": "0x0", "acemask": "0x1F07FF"}


def grant(ada: Cdmi, path: str, mask: str) -> None:
    """Give bob these rights, and no others."""
    lists = [OWN, {**OWN, "identifier": "bob", "acemask": mask}]
    put = ada.queue if path.endswith("/q") else ada.cdmi
    answer = put("PUT", f"{path}?metadata:cdmi_acl", {"metadata": {"cdmi_acl": lists}})
    assert answer.status == 204, answer.text


@pytest.mark.parametrize(
    ("query", "document", "headers"),
    [
        ("", {}, {"X_CDMI_Partial": "true"}),
        ("?metadata:k", {"metadata": {"k": "v"}}, {}),
        ("?metadata:cdmi_owner", {"metadata": {"cdmi_owner": "ada"}}, {}),
        ("", {"note": "mine"}, {}),
        ("", {"capabilitiesURI": "/cdmi_capabilities/dataobject/"}, {}),
    ],
)
def test_who_may_change_nothing_does_not_even_repeat_what_is_there(
    ada: Cdmi, bob: Cdmi, query: str, document: dict[str, Any], headers: dict[str, str]
) -> None:
    ada.cdmi("PUT", "/lab/a", {"value": "x", "metadata": {"k": "v"}})
    grant(ada, "/lab/", "0x20")
    before = ada.lasting("/lab/a")
    assert bob.cdmi("PUT", f"/lab/a{query}", document, **headers).status == 403
    assert ada.lasting("/lab/a") == before


def test_a_refused_delete_leaves_the_disks_of_machines(ada: Cdmi) -> None:
    ada.cdmi("PUT", "/lab/vol/", {"metadata": SIZE, "exports": {"OCCI/iSCSI": {}}})
    ada.cdmi("PUT", "/lab/kept", {"metadata": {"cdmi_hold_id": ["case"]}})
    assert ada.cdmi("DELETE", "/lab/").status == 403
    assert len(storage(ada)) == 1


def test_a_name_that_stands_twice_is_found_at_once(ada: Cdmi) -> None:
    body = ",".join(f'"n{number}": 1' for number in range(20_000)) + ', "n19999": 1'
    begun = time.process_time()
    answer = ada.client.request(
        "PUT", "/cdmi/lab/a", f"{{{body}}}".encode(), {**VERSION, "Content-Type": OBJECT}
    )
    assert answer.status == 400
    assert time.process_time() - begun < 2


def test_a_gap_between_parts_is_not_written_out(ada: Cdmi) -> None:
    body = (
        b"--z\r\nContent-Type: application/cdmi-object\r\n\r\n{}\r\n--z\r\n\r\nx\r\n"
        b"--z\r\nContent-Range: bytes 1073741824-1073741824/*\r\n\r\nx\r\n--z--\r\n"
    )
    headers = {**VERSION, "Content-Type": "multipart/mixed; boundary=z"}
    assert ada.client.request("PUT", "/cdmi/lab/a", body, headers).status == 400


def test_a_sparse_value_is_not_written_out_by_anything(ada: Cdmi) -> None:
    far = (1 << 42) - 1
    assert ada.http("PUT", "/lab/a", b"x", Content_Range=f"bytes 0-0/{far}").status == 201
    assert ada.http("PUT", "/lab/a", b"x", Content_Range=f"bytes {far}-{far}/*").status == 204
    assert ada.cdmi("PUT", "/lab/copy", {"copy": "/lab/a"}).status == 201
    assert ada.cdmi("PUT", "/lab/backup", {"serialize": "/lab/a"}).status == 400
    hashed = {"metadata": {"cdmi_value_hash": "SHA256"}}
    assert ada.cdmi("PUT", "/lab/a?metadata:cdmi_value_hash", hashed).status == 400
    assert ada.cdmi("GET", "/lab/a?value").status == 413
    assert ada.http("GET", "/lab/copy", Range=f"bytes={far}-").body == b"x"
    huge = 999999999999999999
    assert ada.http("PUT", "/lab/a", b"x", Content_Range=f"bytes {huge}-{huge}/*").status == 413


@pytest.mark.parametrize("name", ["%0d%0aSet-Cookie:%20a=b", "%C3%A9", "a%20b"])
def test_what_follows_a_reference_stays_escaped(ada: Cdmi, name: str) -> None:
    ada.cdmi("PUT", "/lab/ref/", {"reference": "http://x.example/y/"})
    location = ada.http("GET", f"/lab/ref/{name}").headers["location"]
    assert location.lower() == f"http://x.example/y/{name}".lower().replace(
        "set-cookie:", "set-cookie%3a"
    ).replace("a=b", "a%3db")


def test_of_two_who_change_what_they_have_both_read_one_is_told(ada: Cdmi) -> None:
    ada.http("PUT", "/lab/a", b"0", Content_Type="text/plain")
    tag = ada.http("GET", "/lab/a").headers["etag"]
    met = threading.Barrier(2)
    statuses: list[int] = []

    class Slow:
        """A body that both have begun to send before either has ended."""

        def __init__(self) -> None:
            self.left = [b"", b"new"]

        def read(self, size: int = -1) -> bytes:
            if len(self.left) == 2:
                met.wait(10)
            return self.left.pop() if self.left else b""

    def put() -> None:
        headers = {"Content-Type": "text/plain", "If-Match": tag, "Content-Length": "3"}
        answer = ada.client.request("PUT", "/cdmi/lab/a", b"", headers, {"wsgi.input": Slow()})
        statuses.append(answer.status)

    threads = [threading.Thread(target=put) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [204, 412]


def test_a_queue_that_is_still_being_copied_takes_no_value(ada: Cdmi) -> None:
    objects = ada.client.application.gateway.cloud.objects
    objects._trees._at_once = 1
    ada.queue("PUT", "/lab/q", {})
    ada.queue("POST", "/lab/q", {"value": ["a", "b"]})
    assert ada.queue("PUT", "/lab/p", {"copy": "/lab/q"}).status == 202
    assert ada.queue("POST", "/lab/p", {"value": ["c"]}).status == 409
    objects.work()
    assert ada.queue("POST", "/lab/p", {"value": ["c"]}).status == 204
    assert ada.read("/lab/p?values:9")["value"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "document",
    [
        {"metadata": {"k": "new"}, "exports": {"OCCI/iSCSI": {"permissions": ["/compute/none"]}}},
        {"metadata": {"k": "new"}, "exports": {"OCCI/NFS": {}}},
        {"metadata": {"k": "new"}, "snapshot": "a/b"},
        {"metadata": {"k": "new"}, "snapshot": "good"},
        {"metadata": {"k": "new"}, "copy": "/lab/none/"},
        {"metadata": {"k": "new", "cdmi_hold_id": 7}},
    ],
)
def test_a_refused_update_of_a_container_changes_nothing_of_it(ada: Cdmi, document: dict[str, Any]) -> None:
    ada.cdmi("PUT", "/lab/c/", {"metadata": {"k": "old", **SIZE}})
    assert ada.cdmi("PUT", "/lab/c/", document).status == 400
    assert ada.read("/lab/c/")["metadata"]["k"] == "old"
    assert storage(ada) == []


@pytest.mark.parametrize(
    "query", ["children:9999999999999999998-9999999999999999999", "value:0-99999999999999999999"]
)
def test_a_number_that_no_database_takes_is_no_range(ada: Cdmi, query: str) -> None:
    assert ada.cdmi("GET", f"/lab/?{query}").status == 400


def test_half_a_character_is_no_name(ada: Cdmi) -> None:
    body = b'{"snapshot": "\\ud800"}'
    headers = {**VERSION, "Content-Type": "application/cdmi-container"}
    assert ada.client.request("PUT", "/cdmi/lab/", body, headers).status == 400


def test_a_number_that_is_no_number_does_not_get_in(ada: Cdmi) -> None:
    headers = {**VERSION, "Content-Type": OBJECT}
    for text in (b"1e999", b"-1e999", b"NaN", b"Infinity"):
        body = b'{"metadata": {"a": %s}}' % text
        assert ada.client.request("PUT", "/cdmi/lab/a", body, headers).status == 400


@pytest.mark.parametrize("field", ["mimetype", "valuetransferencoding", "metadata", "value"])
def test_copying_a_field_takes_the_right_to_see_it(ada: Cdmi, bob: Cdmi, field: str) -> None:
    ada.cdmi("PUT", "/lab/a", {"value": "x", "mimetype": "text/x-secret"})
    grant(ada, "/lab/", "0x20")
    bob.cdmi("PUT", "/bob/", {})
    assert bob.cdmi("PUT", "/bob/a", {"copy": f"/lab/a?{field}"}).status == 400


def test_an_empty_list_lets_nobody_in(ada: Cdmi) -> None:
    ada.cdmi("PUT", "/lab/a", {"value": "x", "metadata": {"cdmi_acl": []}})
    assert ada.cdmi("GET", "/lab/a").status == 403


def test_a_list_has_an_end(ada: Cdmi) -> None:
    assert ada.cdmi("PUT", "/lab/a", {"metadata": {"cdmi_acl": [OWN] * 257}}).status == 400


def test_what_a_queue_holds_takes_the_right_to_see_it(ada: Cdmi, bob: Cdmi) -> None:
    ada.queue("PUT", "/lab/q", {})
    grant(ada, "/lab/", "0x20")
    grant(ada, "/lab/q", "0x8")
    assert "queueValues" not in json.loads(bob.cdmi("GET", "/lab/q").body)


def test_a_queue_that_others_fill_is_copied_by_its_owner(ada: Cdmi, bob: Cdmi) -> None:
    ada.queue("PUT", "/lab/q", {})
    grant(ada, "/lab/", "0x20")
    grant(ada, "/lab/q", "0x2")
    assert bob.queue("POST", "/lab/q", {"value": ["from bob"]}).status == 204
    assert ada.queue("PUT", "/lab/p", {"copy": "/lab/q"}).status == 201
    assert ada.read("/lab/p")["value"] == ["from bob"]


def test_a_copy_of_the_metadata_alone_makes_an_object(ada: Cdmi) -> None:
    ada.cdmi("PUT", "/lab/a", {"value": "x", "metadata": {"k": "v"}})
    assert ada.cdmi("PUT", "/lab/b", {"copy": "/lab/a?metadata"}).status == 201
    read = ada.read("/lab/b")
    assert (read["value"], read["metadata"]["k"]) == ("", "v")
