"""Retention, holds, hashes and snapshots: what may not be changed, and what tells that it was not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cdmi_gw.conftest import Cdmi

PAST = "2020-01-01T00:00:00.000000Z/2021-01-01T00:00:00.000000Z"
FUTURE = "2020-01-01T00:00:00.000000Z/2090-01-01T00:00:00.000000Z"
LATER = "2020-01-01T00:00:00.000000Z/2091-01-01T00:00:00.000000Z"


def kept(ada: Cdmi, **metadata: Any) -> None:
    answer = ada.cdmi("PUT", "/lab/kept", {"value": "as it was", "metadata": {"own": "1", **metadata}})
    assert answer.status == 201, answer.text


CHANGES: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("PUT", "/lab/kept", {"value": "new"}),
    ("PUT", "/lab/kept?value:0-0", {"value": "eA=="}),
    ("PUT", "/lab/kept", {"mimetype": "text/x"}),
    ("PUT", "/lab/kept", {"copy": "/lab/other"}),
    ("PUT", "/lab/kept?metadata:own", {"metadata": {"own": "2"}}),
    ("PUT", "/lab/kept?metadata:cdmi_acl", {"metadata": {"cdmi_acl": []}}),
    ("DELETE", "/lab/kept", {}),
    ("DELETE", "/lab/", {}),
)


@pytest.mark.parametrize("items", [{"cdmi_retention_period": FUTURE}, {"cdmi_hold_id": ["case"]}])
@pytest.mark.parametrize(("method", "path", "document"), CHANGES)
def test_what_is_retained_or_held_is_neither_changed_nor_removed(
    ada: Cdmi, items: dict[str, Any], method: str, path: str, document: Mapping[str, Any]
) -> None:
    ada.cdmi("PUT", "/lab/other", {"value": "x"})
    kept(ada, **items)
    before = ada.lasting("/lab/kept")
    answer = ada.cdmi(method, path, document or None)
    assert answer.status == 403, answer.text
    assert ada.http("PUT", "/lab/kept", b"raw", Content_Type="text/plain").status == 403
    assert ada.cdmi("PUT", "/lab/moved", {"move": "/lab/kept"}).status == 400
    assert ada.lasting("/lab/kept") == before


def test_what_was_retained_is_removed_but_not_changed(ada: Cdmi) -> None:
    kept(ada, cdmi_retention_period=PAST)
    assert ada.cdmi("PUT", "/lab/kept", {"value": "new"}).status == 403
    assert ada.cdmi("DELETE", "/lab/kept").status == 204


def test_a_retention_grows_and_never_shrinks(ada: Cdmi) -> None:
    kept(ada, cdmi_retention_period=FUTURE, cdmi_retention_id="law")
    query = "/lab/kept?metadata:cdmi_retention_period"
    assert ada.cdmi("PUT", query, {"metadata": {"cdmi_retention_period": PAST}}).status == 403
    assert ada.cdmi("PUT", query, {"metadata": {}}).status == 403
    assert ada.cdmi("PUT", query, {"metadata": {"cdmi_retention_period": LATER}}).status == 204
    metadata = ada.read("/lab/kept")["metadata"]
    assert metadata["cdmi_retention_period"] == metadata["cdmi_retention_period_provided"] == LATER
    assert metadata["cdmi_retention_id"] == "law"


def test_holds_are_added_and_never_removed(ada: Cdmi) -> None:
    kept(ada, cdmi_hold_id=["a"])
    query = "/lab/kept?metadata:cdmi_hold_id"
    for names, status in ((["b"], 403), ([], 403), (["a", "b"], 204), ({"a": "", "b": "", "c": ""}, 204)):
        assert ada.cdmi("PUT", query, {"metadata": {"cdmi_hold_id": names}}).status == status
    assert ada.read("/lab/kept")["metadata"]["cdmi_hold_id"] == ["a", "b", "c"]


def test_a_container_keeps_what_is_in_it(ada: Cdmi) -> None:
    ada.cdmi("PUT", "/lab/held/", {})
    ada.cdmi("PUT", "/lab/held/a", {"value": "x"})
    ada.cdmi("PUT", "/lab/held/?metadata:cdmi_hold_id", {"metadata": {"cdmi_hold_id": ["case"]}})
    for answer in (
        ada.cdmi("PUT", "/lab/held/a", {"value": "y"}),
        ada.cdmi("PUT", "/lab/held/b", {"value": "y"}),
        ada.cdmi("DELETE", "/lab/held/a"),
        ada.cdmi("DELETE", "/lab/"),
    ):
        assert answer.status == 403
    assert ada.read("/lab/held/a")["metadata"]["cdmi_hold_id"] == ["case"]


def test_a_copy_is_not_kept(ada: Cdmi) -> None:
    kept(ada, cdmi_hold_id=["case"], cdmi_retention_period=FUTURE)
    ada.cdmi("PUT", "/lab/copy", {"copy": "/lab/kept"})
    assert ada.cdmi("PUT", "/lab/copy", {"value": "new"}).status == 204
    assert ada.cdmi("DELETE", "/lab/copy").status == 204


@pytest.mark.parametrize(
    "metadata",
    [
        {"cdmi_retention_period": "tomorrow"},
        {"cdmi_retention_period": "2021-01-01T00:00:00.000000Z/2020-01-01T00:00:00.000000Z"},
        {"cdmi_retention_period": "2020-13-01T00:00:00.000000Z/2021-01-01T00:00:00.000000Z"},
        {"cdmi_hold_id": "case"},
        {"cdmi_hold_id": [7]},
        {"cdmi_geographic_placement": ["Atlantis"]},
    ],
)
def test_items_of_a_wrong_form_are_refused_where_the_clause_says_so(
    ada: Cdmi, metadata: dict[str, Any]
) -> None:
    assert ada.cdmi("PUT", "/lab/kept", {"metadata": metadata}).status == 400
    assert ada.children("/lab/") == []


def test_other_items_of_a_wrong_form_and_unknown_ones_are_not_used(ada: Cdmi) -> None:
    wishes = {"cdmi_latency": "soon", "cdmi_throughput": "100", "cdmi_whatever": "1", "cdmi_size": "99"}
    ada.cdmi("PUT", "/lab/a", {"value": "x", "metadata": wishes})
    metadata = ada.read("/lab/a")["metadata"]
    assert not metadata.keys() & {"cdmi_latency", "cdmi_whatever"}
    assert (metadata["cdmi_throughput"], metadata["cdmi_size"]) == ("100", "1")


def test_an_object_that_is_to_go_by_itself_goes(ada: Cdmi) -> None:
    kept(ada, cdmi_retention_period=PAST, cdmi_retention_autodelete="true")
    ada.cdmi("PUT", "/lab/stays", {"metadata": {"cdmi_retention_period": PAST}})
    ada.client.application.gateway.cloud.objects.work()
    assert ada.children("/lab/") == ["stays"]


@pytest.mark.parametrize(("name", "algorithm"), [("SHA160", "sha1"), ("SHA256", "sha256")])
def test_a_hash_follows_every_change_of_the_value(ada: Cdmi, name: str, algorithm: str) -> None:
    def told(content: bytes) -> None:
        metadata = ada.read("/lab/a")["metadata"]
        assert metadata["cdmi_hash"] == hashlib.new(algorithm, content).hexdigest().upper()
        assert metadata["cdmi_value_hash_provided"] == name

    ada.cdmi("PUT", "/lab/a", {"value": "beam on", "metadata": {"cdmi_value_hash": name}})
    told(b"beam on")
    ada.http("PUT", "/lab/a", b"up", Content_Range="bytes 5-6/*")
    told(b"beam up")
    ada.http("PUT", "/lab/a", b"whole", Content_Type="text/plain")
    told(b"whole")


def test_a_hash_is_wished_of_all_that_a_container_gets(ada: Cdmi) -> None:
    ada.cdmi("PUT", "/lab/?metadata:cdmi_value_hash", {"metadata": {"cdmi_value_hash": "SHA256"}})
    ada.http("PUT", "/lab/a", b"x", Content_Type="text/plain")
    assert ada.read("/lab/a")["metadata"]["cdmi_hash"] == hashlib.sha256(b"x").hexdigest().upper()


class TestASnapshot:
    @pytest.fixture
    def taken(self, ada: Cdmi) -> Cdmi:
        ada.cdmi("PUT", "/lab/a", {"value": "before"})
        ada.cdmi("PUT", "/lab/sub/", {})
        ada.cdmi("PUT", "/lab/sub/b", {"value": "b"})
        assert ada.cdmi("PUT", "/lab/", {"snapshot": "one"}).status == 204
        return ada

    def test_stays_as_the_container_was(self, taken: Cdmi) -> None:
        taken.cdmi("PUT", "/lab/a", {"value": "after"})
        taken.cdmi("DELETE", "/lab/sub/")
        assert taken.value("/lab/cdmi_snapshots/one/a") == b"before"
        assert taken.value("/lab/cdmi_snapshots/one/sub/b") == b"b"
        read = taken.read("/lab/")
        assert read["snapshots"] == ["/cdmi/lab/cdmi_snapshots/one/"]
        assert read["children"] == ["a", "cdmi_snapshots/"]

    def test_is_not_in_the_next_one_nor_in_a_copy(self, taken: Cdmi) -> None:
        taken.cdmi("PUT", "/lab/", {"snapshot": "two"})
        assert taken.children("/lab/cdmi_snapshots/two/") == ["a", "sub/"]
        taken.cdmi("PUT", "/copy/", {"copy": "/lab/"})
        assert taken.children("/copy/") == ["a", "sub/"]

    def test_is_replaced_by_one_of_the_same_name(self, taken: Cdmi) -> None:
        taken.cdmi("PUT", "/lab/a", {"value": "after"})
        assert taken.cdmi("PUT", "/lab/", {"snapshot": "one"}).status == 204
        assert taken.value("/lab/cdmi_snapshots/one/a") == b"after"

    def test_is_restored_by_a_copy(self, taken: Cdmi) -> None:
        taken.cdmi("PUT", "/lab/a", {"value": "after"})
        assert taken.cdmi("PUT", "/restored/", {"copy": "/lab/cdmi_snapshots/one/"}).status == 201
        assert taken.value("/restored/a") == b"before"
        assert taken.cdmi("PUT", "/restored/a", {"value": "again"}).status == 204

    @pytest.mark.parametrize(
        ("method", "path", "document", "status"),
        [
            ("PUT", "/lab/cdmi_snapshots/one/a", {"value": "x"}, 403),
            ("PUT", "/lab/cdmi_snapshots/one/new", {"value": "x"}, 403),
            ("PUT", "/lab/cdmi_snapshots/one/?metadata:a", {"metadata": {"a": "b"}}, 403),
            ("PUT", "/lab/cdmi_snapshots/two/", {}, 403),
            ("PUT", "/lab/out", {"move": "/lab/cdmi_snapshots/one/a"}, 400),
            ("DELETE", "/lab/cdmi_snapshots/one/a", None, 403),
            ("DELETE", "/lab/cdmi_snapshots/", None, 400),
            ("PUT", "/lab/", {"snapshot": "a/b"}, 400),
            ("PUT", "/lab/", {"snapshot": ""}, 400),
            ("PUT", "/lab/", {"snapshot": 7}, 400),
            ("PUT", "/lab/new/", {"snapshot": "x"}, 400),
        ],
    )
    def test_is_never_changed(self, taken: Cdmi, method: str, path: str, document: Any, status: int) -> None:
        answer = taken.cdmi(method, path, document)
        assert answer.status == status, answer.text
        assert taken.children("/lab/cdmi_snapshots/") == ["one/"]
        assert taken.children("/lab/cdmi_snapshots/one/") == ["a", "sub/"]

    def test_is_removed(self, taken: Cdmi) -> None:
        assert taken.cdmi("DELETE", "/lab/cdmi_snapshots/one/").status == 204
        assert "snapshots" not in taken.read("/lab/")

    def test_of_many_objects_stores_no_value(self, taken: Cdmi) -> None:
        values = taken.client.application.gateway.cloud.objects.values
        before = _number_of(values)
        for name in ("x", "y", "z"):
            taken.cdmi("PUT", "/lab/", {"snapshot": name})
        assert _number_of(values) == before


def _number_of(values: Any) -> int:
    from datetime import UTC, datetime, timedelta

    return len(list(values.keys(datetime.now(UTC) + timedelta(days=1))))


def test_a_large_copy_goes_on_after_its_request(ada: Cdmi) -> None:
    objects = ada.client.application.gateway.cloud.objects
    objects._trees._at_once = 5
    ada.cdmi("PUT", "/lab/many/", {})
    for number in range(12):
        ada.cdmi("PUT", f"/lab/many/{number:02d}", {"value": str(number)})
    answer = ada.cdmi("PUT", "/lab/copy/", {"copy": "/lab/many/"})
    assert (answer.status, answer.headers["location"][-15:]) == (202, "/cdmi/lab/copy/")
    pending = ada.cdmi("GET", "/lab/copy/")
    found = json.loads(pending.body)
    assert (pending.status, found["completionStatus"], found["percentComplete"]) == (202, "Processing", "0")
    assert not found.keys() & {"children", "childrenrange"}
    assert ada.cdmi("PUT", "/lab/copy/x", {"value": "x"}).status == 409
    assert ada.cdmi("PUT", "/lab/", {"snapshot": "s"}).status == 202
    assert objects.work() == 2
    done = ada.read("/lab/copy/")
    assert (done["completionStatus"], len(done["children"])) == ("Complete", 12)
    assert ada.value("/lab/copy/11") == b"11"


def test_a_large_copy_whose_source_goes_tells_that_it_failed(ada: Cdmi) -> None:
    objects = ada.client.application.gateway.cloud.objects
    objects._trees._at_once = 1
    ada.cdmi("PUT", "/lab/many/", {})
    ada.cdmi("PUT", "/lab/many/a", {"value": "x"})
    assert ada.cdmi("PUT", "/lab/copy/", {"copy": "/lab/many/"}).status == 202
    ada.cdmi("DELETE", "/lab/many/")
    objects.work()
    failed = ada.read("/lab/copy/")
    assert failed["completionStatus"].startswith("Error")
    assert ada.cdmi("DELETE", "/lab/copy/").status == 204
