"""Requests that mean no good, or cost more than they are worth."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cdmi_gw.conftest import OBJECT, VERSION, Cdmi
from tests.cdmi_gw.test_exports import SIZE, storage
from tests.client import Client

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
    assert ada.client.request("PUT", "/cdmi/lab/a", body, headers).status == 201
    values = ada.client.application.gateway.cloud.objects.values
    [key] = values.keys(datetime.now(UTC) + timedelta(days=1))
    assert b"".join(values.read(key)) == b"xx"
    assert ada.http("GET", "/lab/a", Range="bytes=1073741823-").body == b"\0x"
    far = body.replace(b"1073741824", b"999999999999999")
    assert ada.client.request("PUT", "/cdmi/lab/b", far, headers).status == 413


def test_parts_of_an_update_leave_the_rest_as_it_is(ada: Cdmi) -> None:
    ada.http("PUT", "/lab/a", b"0123456789", Content_Type="text/plain")
    headers = {**VERSION, "Content-Type": "multipart/mixed; boundary=z"}
    document = b"--z\r\nContent-Type: application/cdmi-object\r\n\r\n{}\r\n"
    placed = b"--z\r\nContent-Range: bytes 0-0/*\r\n\r\nX\r\n"
    placed += b"--z\r\nContent-Range: bytes 8-8/*\r\n\r\nY\r\n--z--\r\n"
    assert ada.client.request("PUT", "/cdmi/lab/a", document + placed, headers).status == 204
    assert ada.value("/lab/a") == b"X1234567Y9"
    plain = document + b"--z\r\n\r\na\r\n--z\r\n\r\nb\r\n--z--\r\n"
    path = "/cdmi/lab/a?value:0-0;value:9-9"
    assert ada.client.request("PUT", path, plain, headers).status == 204
    assert ada.value("/lab/a") == b"a1234567Yb"
    one = document + b"--z\r\n\r\nc\r\n--z--\r\n"
    assert ada.client.request("PUT", path, one, headers).status == 400
    assert ada.value("/lab/a") == b"a1234567Yb"


def test_a_header_of_a_part_does_not_get_into_an_answer(ada: Cdmi) -> None:
    body = (
        b'--z\r\nContent-Type: application/cdmi-object\r\n\r\n{"valuetransferencoding": "base64"}\r\n'
        b"--z\r\nContent-Type: text/plain\nX-Evil: 1\r\n\r\nx\r\n--z--\r\n"
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


def test_a_snapshot_is_replaced_by_who_may_remove_it(ada: Cdmi, bob: Cdmi) -> None:
    ada.cdmi("PUT", "/lab/c/", {})
    ada.cdmi("PUT", "/lab/c/", {"snapshot": "good"})
    before = ada.read("/lab/c/cdmi_snapshots/good/")["objectID"]
    grant(ada, "/lab/", "0x20")
    grant(ada, "/lab/c/", "0x1AD")
    assert bob.cdmi("PUT", "/lab/c/", {"snapshot": "good"}).status == 403
    assert ada.read("/lab/c/cdmi_snapshots/good/")["objectID"] == before


def test_a_broken_text_does_not_spoil_a_queue(ada: Cdmi) -> None:
    ada.cdmi("PUT", "/lab/o", {"value": "éé"})
    ada.queue("PUT", "/lab/q", {})
    assert ada.queue("POST", "/lab/q", {"copy": "/lab/o?value:0-0"}).status == 204
    read = ada.read("/lab/q")
    assert (read["value"], read["valuetransferencoding"]) == (["ww=="], ["base64"])


def test_nothing_is_nested_deeper_than_it_can_be_read(ada: Cdmi) -> None:
    for levels, status in ((64, 201), (976, 400), (100_000, 400)):
        deep = b"[" * levels + b"]" * levels
        headers = {**VERSION, "Content-Type": OBJECT}
        body = b'{"metadata": {"a": ' + deep + b"}}"
        assert ada.client.request("PUT", f"/cdmi/lab/a{levels}", body, headers).status == status
    assert ada.read("/lab/a64")["metadata"]["a"] != []


def test_no_tree_is_deeper_than_any_path(ada: Cdmi) -> None:
    for top in ("a", "b"):
        path = f"/lab/{top}/"
        for _ in range(65):
            assert ada.cdmi("PUT", path, {}).status == 201
            path += "d/"
    bottom = "/lab/b/" + "d/" * 64
    assert ada.cdmi("PUT", f"{bottom}a/", {"move": "/lab/a/"}).status == 400
    assert ada.cdmi("PUT", f"{bottom}a/", {"copy": "/lab/a/"}).status == 400


def test_what_expires_goes_though_much_before_it_stays(ada: Cdmi) -> None:
    past = "2020-01-01T00:00:00.000000Z/2021-01-01T00:00:00.000000Z"
    going = {"metadata": {"cdmi_retention_period": past, "cdmi_retention_autodelete": "true"}}
    ada.cdmi("PUT", "/lab/held/", {})
    for number in range(101):
        ada.cdmi("PUT", f"/lab/held/{number}", going)
    ada.cdmi("PUT", "/lab/held/?metadata:cdmi_hold_id", {"metadata": {"cdmi_hold_id": ["case"]}})
    ada.cdmi("PUT", "/lab/goes", going)
    ada.client.application.gateway.cloud.objects.work()
    assert ada.children("/lab/") == ["held/"]


def test_what_is_denied_is_on_record(ada: Cdmi, bob: Cdmi) -> None:
    bob.cdmi("GET", "/lab/")
    assert Cdmi(Client(ada.client.application, "")).cdmi("GET", "/lab/").status == 401
    gateway = ada.client.application.gateway
    records = list(gateway.cloud.audit.query(user="bob"))
    assert [(r["event"], r["outcome"]) for r in records] == [("object.read", "denied")]
    assert [r for r in gateway.cloud.audit.query() if r["outcome"] == "denied"] == records


def test_a_capability_object_is_read_by_its_id(ada: Cdmi) -> None:
    entry = ada.read("/cdmi_capabilities/queue/")
    assert ada.read(f"/cdmi_objectid/{entry['objectID']}/") == entry


class TestDomains:
    @pytest.fixture
    def admin(self, admin: Cdmi) -> Cdmi:
        enabled = {"metadata": {"cdmi_domain_enabled": "true"}}
        assert admin.domain("PUT", "/cdmi_domains/bio/", enabled).status == 201
        return admin

    def put_in(self, admin: Cdmi, ada: Cdmi) -> None:
        """Something of ada's in a domain, which is disabled then."""
        ada.cdmi("PUT", "/lab/t/", {})
        ada.cdmi("PUT", "/lab/t/x", {"value": "secret"})
        assert admin.cdmi("PUT", "/lab/t/x", {"domainURI": "/cdmi_domains/bio/"}).status == 204
        off = {"metadata": {"cdmi_domain_enabled": "false"}}
        admin.domain("PUT", "/cdmi_domains/bio/?metadata:cdmi_domain_enabled", off)

    def test_a_disabled_one_is_not_reached_through_a_container(self, admin: Cdmi, ada: Cdmi) -> None:
        self.put_in(admin, ada)
        for document in ({"copy": "/lab/t/"}, {"move": "/lab/t/"}):
            assert ada.cdmi("PUT", "/lab/other/", document).status in (400, 403)
        assert ada.cdmi("PUT", "/lab/all", {"serialize": "/lab/t/"}).status in (400, 403)
        assert ada.cdmi("DELETE", "/lab/t/").status == 403
        assert ada.children("/lab/") == ["t/"]

    def test_members_are_written_and_neither_moved_nor_restored(self, admin: Cdmi) -> None:
        members = "/cdmi_domains/bio/cdmi_domain_members"
        admin.cdmi("PUT", "/x/", {})
        admin.cdmi("PUT", "/x/junk", {"value": "no member"})
        assert admin.cdmi("PUT", "/x/out", {"move": f"{members}/parent"}).status == 400
        assert admin.cdmi("PUT", f"{members}/in", {"move": "/x/junk"}).status == 400
        assert admin.cdmi("PUT", f"{members}/in", {"copy": "/x/junk"}).status == 400
        admin.cdmi("PUT", "/x/backup", {"serialize": "/x/junk"})
        admin.cdmi("DELETE", "/x/junk")
        assert admin.cdmi("PUT", f"{members}/in", {"deserialize": "/x/backup"}).status == 400
        assert admin.children(f"{members}/") == ["parent"]

    def test_what_was_made_in_another_does_not_get_into_a_container(self, admin: Cdmi, ada: Cdmi) -> None:
        headers = {**VERSION, "Content-Type": OBJECT}
        body = b'{"value": "x", "domainURI": "/cdmi_domains/bio/"}'
        made = json.loads(ada.client.request("POST", "/cdmi/cdmi_objectid/", body, headers).body)
        moved = ada.cdmi("PUT", "/lab/x", {"move": f"/cdmi_objectid/{made['objectID']}"})
        assert (moved.status, ada.children("/lab/")) == (403, [])


def test_what_was_done_with_an_object_is_found_by_its_id(ada: Cdmi) -> None:
    made = json.loads(ada.cdmi("PUT", "/lab/a", {"value": "x"}).body)
    ada.cdmi("DELETE", "/lab/a")
    records = ada.client.application.gateway.cloud.audit.query(resource=made["objectID"])
    assert [record["event"] for record in records] == ["dataobject.create", "dataobject.delete"]
