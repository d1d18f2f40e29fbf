"""Objects that are made of others: copy, move, reference, serialize and deserialize."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.cdmi_gw.conftest import CONTAINER, OBJECT, VERSION, Cdmi
from tests.client import BASE


@pytest.fixture
def lab(ada: Cdmi) -> Cdmi:
    """A user with something to copy."""
    ada.cdmi(
        "PUT", "/lab/a", {"value": "beam on", "mimetype": "text/x-log", "metadata": {"run": "1", "x": 2}}
    )
    ada.cdmi("PUT", "/lab/runs/", {"metadata": {"kind": "runs"}})
    ada.cdmi("PUT", "/lab/runs/one", {"value": "1"})
    ada.cdmi("PUT", "/lab/runs/deep/", {})
    ada.cdmi("PUT", "/lab/runs/deep/two", {"value": "22"})
    return ada


def made(cdmi: Cdmi, path: str, document: Any, status: int = 201) -> dict[str, Any]:
    answer = cdmi.cdmi("PUT", path, document)
    assert answer.status == status, answer.text
    found: dict[str, Any] = json.loads(answer.body) if answer.body else {}
    return found


class TestACopy:
    def test_has_everything_but_the_id(self, lab: Cdmi) -> None:
        made(lab, "/lab/b", {"copy": "/lab/a"})
        source, copy = lab.read("/lab/a"), lab.read("/lab/b")
        assert [copy[n] for n in ("value", "mimetype", "valuetransferencoding")] == [
            source[n] for n in ("value", "mimetype", "valuetransferencoding")
        ]
        assert (copy["metadata"]["run"], copy["metadata"]["x"]) == ("1", 2)
        assert copy["objectID"] != source["objectID"]

    @pytest.mark.parametrize(
        "uri", ["/lab/a", "/cdmi/lab/a", "lab/a", f"{BASE}/cdmi/lab/a", "/cdmi_objectid/{id}", "/lab/%61"]
    )
    def test_takes_its_source_by_every_uri_of_it(self, lab: Cdmi, uri: str) -> None:
        id = lab.read("/lab/a")["objectID"]
        made(lab, "/lab/b", {"copy": uri.replace("{id}", id)})
        assert lab.value("/lab/b") == b"beam on"

    def test_of_chosen_fields_has_defaults_for_the_rest(self, lab: Cdmi) -> None:
        made(lab, "/lab/part", {"copy": "/lab/a?value:0-3"})
        made(lab, "/lab/named", {"copy": "/lab/a?metadata:run;value"})
        assert lab.value("/lab/part") == b"beam"
        assert "run" not in lab.read("/lab/part")["metadata"]
        named = lab.read("/lab/named")["metadata"]
        assert (named["run"], "x" in named) == ("1", False)

    def test_takes_what_the_request_says_instead_of_what_the_source_has(self, lab: Cdmi) -> None:
        made(lab, "/lab/b", {"copy": "/lab/a", "metadata": {"own": "1"}, "mimetype": "text/plain"})
        copy = lab.read("/lab/b")
        assert (copy["metadata"]["own"], "run" in copy["metadata"], copy["mimetype"]) == (
            "1",
            False,
            "text/plain",
        )

    def test_onto_an_object_changes_it_and_keeps_its_id(self, lab: Cdmi) -> None:
        before = made(lab, "/lab/b", {"value": "old"})
        made(lab, "/lab/b", {"copy": "/lab/a"}, 204)
        assert (lab.read("/lab/b")["objectID"], lab.value("/lab/b")) == (before["objectID"], b"beam on")

    def test_lasts_when_the_source_is_changed_or_removed(self, lab: Cdmi) -> None:
        made(lab, "/lab/b", {"copy": "/lab/a"})
        lab.http("PUT", "/lab/a", b"B", Content_Range="bytes 0-0/*")
        assert (lab.value("/lab/a"), lab.value("/lab/b")) == (b"Beam on", b"beam on")
        lab.cdmi("DELETE", "/lab/a")
        assert lab.value("/lab/b") == b"beam on"

    def test_of_a_container_has_all_that_is_in_it(self, lab: Cdmi) -> None:
        answer = made(lab, "/lab/copy/", {"copy": "/lab/runs/"})
        assert not answer.keys() & {"children", "childrenrange"}
        assert lab.children("/lab/copy/") == ["deep/", "one"]
        assert (lab.value("/lab/copy/deep/two"), lab.read("/lab/copy/")["metadata"]["kind"]) == (
            b"22",
            "runs",
        )
        assert lab.read("/lab/copy/deep/two")["objectID"] != lab.read("/lab/runs/deep/two")["objectID"]

    def test_onto_a_container_replaces_what_was_in_it(self, lab: Cdmi) -> None:
        before = made(lab, "/lab/copy/", {})
        made(lab, "/lab/copy/gone", {"value": "x"})
        made(lab, "/lab/copy/", {"copy": "/lab/runs/"}, 204)
        assert lab.children("/lab/copy/") == ["deep/", "one"]
        assert lab.read("/lab/copy/")["objectID"] == before["objectID"]

    @pytest.mark.parametrize(
        ("path", "document"),
        [
            ("/lab/new", {"copy": "/lab/nothing"}),
            ("/lab/new", {"copy": "/lab/runs/"}),
            ("/lab/new", {"copy": "http://other.example/lab/a"}),
            ("/lab/new", {"copy": "/cdmi_objectid/00"}),
            ("/lab/new", {"copy": 7}),
            ("/lab/new", {"copy": ""}),
            ("/lab/new", {"copy": "/lab/a?value:0-1;value:3-4"}),
            ("/lab/new?metadata", {"copy": "/lab/a?value"}),
            ("/lab/new", {"copy": "/lab/a", "value": "x"}),
            ("/lab/new", {"copy": "/lab/a", "move": "/lab/a"}),
            ("/lab/new/", {"copy": "/lab/a"}),
            ("/lab/runs/", {"copy": "/lab/"}),
            ("/lab/", {"copy": "/lab/runs/"}),
        ],
    )
    def test_that_cannot_be_is_a_bad_request_and_changes_nothing(
        self, lab: Cdmi, path: str, document: dict[str, Any]
    ) -> None:
        before = (lab.children("/lab/"), lab.children("/lab/runs/"))
        assert lab.cdmi("PUT", path, document).status == 400
        assert (lab.children("/lab/"), lab.children("/lab/runs/")) == before

    def test_of_what_one_may_not_read_is_a_bad_request(self, lab: Cdmi, bob: Cdmi) -> None:
        bob.cdmi("PUT", "/bob/", {})
        for document in ({"copy": "/lab/a"}, {"move": "/lab/a"}, {"serialize": "/lab/a"}):
            assert bob.cdmi("PUT", "/bob/stolen", document).status == 400
        assert bob.cdmi("PUT", "/bob/all/", {"copy": "/lab/"}).status == 400
        assert bob.children("/bob/") == []


class TestAMove:
    def test_keeps_id_value_and_metadata(self, lab: Cdmi) -> None:
        before = lab.read("/lab/a")
        made(lab, "/lab/runs/b", {"move": "/lab/a"})
        after = lab.read("/lab/runs/b")
        assert [after[n] for n in ("objectID", "value", "mimetype")] == [
            before[n] for n in ("objectID", "value", "mimetype")
        ]
        assert lab.cdmi("GET", "/lab/a").status == 404
        assert after["parentURI"] == "/cdmi/lab/runs/"

    def test_of_a_container_takes_everything_along(self, lab: Cdmi) -> None:
        id = lab.read("/lab/runs/deep/two")["objectID"]
        made(lab, "/moved/", {"move": "/lab/runs/"})
        assert lab.read("/moved/deep/two")["objectID"] == id
        assert lab.cdmi("GET", "/lab/runs/").status == 404

    def test_gives_an_object_without_a_path_one_and_takes_it_away(self, lab: Cdmi) -> None:
        headers = {**VERSION, "Content-Type": OBJECT}
        answer = lab.client.request("POST", "/cdmi/cdmi_objectid/", b'{"value": "x"}', headers)
        found = json.loads(answer.body)
        assert answer.status == 201
        assert not found.keys() & {"objectName", "parentURI", "parentID"}
        by_id = f"/cdmi_objectid/{found['objectID']}"
        assert (lab.value(by_id), answer.headers["location"]) == (b"x", f"{BASE}/cdmi{by_id}")
        made(lab, "/lab/placed", {"move": by_id})
        assert lab.read(by_id)["objectName"] == "placed"
        away = json.dumps({"move": "/lab/placed"}).encode()
        assert lab.client.request("POST", "/cdmi/cdmi_objectid/", away, headers).status == 201
        assert "objectName" not in lab.read(by_id)
        assert "placed" not in lab.children("/lab/")

    @pytest.mark.parametrize(
        ("path", "document", "status"),
        [
            ("/lab/runs/deep/in/", {"move": "/lab/runs/"}, 400),
            ("/lab/x/", {"move": "/"}, 400),
            ("/lab/x", {"move": "/lab/nothing"}, 400),
            ("/lab/runs/one", {"move": "/lab/a"}, 400),
            ("/nowhere/x", {"move": "/lab/a"}, 404),
            ("/lab/x", {"move": "/lab/a?value"}, 400),
        ],
    )
    def test_that_cannot_be_changes_nothing(
        self, lab: Cdmi, path: str, document: dict[str, Any], status: int
    ) -> None:
        before = (lab.children("/lab/"), lab.value("/lab/runs/one"))
        assert lab.cdmi("PUT", path, document).status == status
        assert (lab.children("/lab/"), lab.value("/lab/runs/one")) == before


class TestAReference:
    def test_sends_everybody_to_where_it_leads(self, lab: Cdmi) -> None:
        target = "http://elsewhere.example/x?a=b"
        assert made(lab, "/lab/alias", {"reference": target})["objectName"] == "alias"
        for method in ("GET", "HEAD", "PUT", "POST"):
            answer = lab.http(
                method, "/lab/alias", b"x" if method == "PUT" else b"", Content_Type="text/plain"
            )
            assert (answer.status, answer.headers["location"]) == (302, target)
        assert "alias?" in lab.children("/lab/")

    def test_is_removed_without_what_it_leads_to(self, lab: Cdmi) -> None:
        made(lab, "/lab/alias", {"reference": f"{BASE}/cdmi/lab/a"})
        assert lab.cdmi("DELETE", "/lab/alias").status == 204
        assert "alias?" not in lab.children("/lab/")
        assert lab.value("/lab/a") == b"beam on"

    def test_to_a_container_leads_on_below_it(self, lab: Cdmi) -> None:
        made(lab, "/lab/alias/", {"reference": f"{BASE}/cdmi/lab/runs/"})
        answer = lab.http("GET", "/lab/alias/deep/two")
        assert (answer.status, answer.headers["location"]) == (302, f"{BASE}/cdmi/lab/runs/deep/two")

    @pytest.mark.parametrize(
        "document",
        [
            {"reference": "http://x.example/", "metadata": {}},
            {"reference": "relative"},
            {"reference": 7},
            {"reference": "http://x.example/\r\nSet-Cookie: a"},
        ],
    )
    def test_that_is_none_is_refused(self, lab: Cdmi, document: dict[str, Any]) -> None:
        assert lab.cdmi("PUT", "/lab/alias", document).status == 400


class TestASerializedObject:
    def test_holds_a_tree_and_brings_it_back_with_its_ids(self, lab: Cdmi) -> None:
        lab.http("PUT", "/lab/runs/raw", bytes(range(256)), Content_Type="application/x-raw")
        lab.queue("PUT", "/lab/runs/q", {})
        lab.queue("POST", "/lab/runs/q", {"value": ["a", "b"]})
        lab.queue("DELETE", "/lab/runs/q?value")
        names = ("/lab/runs/", "/lab/runs/one", "/lab/runs/deep/two", "/lab/runs/raw", "/lab/runs/q")
        before = {name: lab.read(name)["objectID"] for name in names}
        made(lab, "/lab/backup", {"serialize": "/lab/runs/"})
        document = json.loads(lab.value("/lab/backup"))
        assert list(document)[-2:] == ["childrenrange", "children"]
        assert document["children"][0]["children"][0]["value"] == "22"
        assert lab.cdmi("DELETE", "/lab/runs/").status == 204
        made(lab, "/lab/runs/", {"deserialize": "/lab/backup"})
        assert {name: lab.read(name)["objectID"] for name in names} == before
        assert lab.value("/lab/runs/raw") == bytes(range(256))
        assert lab.read("/lab/runs/raw")["mimetype"] == "application/x-raw"
        queue = lab.read("/lab/runs/q?queueValues;value")
        assert (queue["queueValues"], queue["value"]) == ("1-1", ["b"])
        lab.queue("POST", "/lab/runs/q", {"value": ["c"]})
        assert lab.read("/lab/runs/q?queueValues")["queueValues"] == "1-2"

    def test_brings_back_what_it_was_when_it_is_put_over_what_has_changed(self, lab: Cdmi) -> None:
        made(lab, "/lab/backup", {"serialize": "/lab/runs/"})
        lab.cdmi("DELETE", "/lab/runs/one")
        made(lab, "/lab/runs/new", {"value": "x"})
        made(lab, "/lab/runs/", {"deserialize": "/lab/backup"}, 204)
        assert lab.children("/lab/runs/") == ["deep/", "one"]
        lab.cdmi("PUT", "/lab/runs/?metadata:kind", {"metadata": {}})
        made(lab, "/lab/runs/", {"deserialize": "/lab/backup"}, 204)
        assert lab.read("/lab/runs/")["metadata"]["kind"] == "runs"

    def test_is_given_in_the_request_too(self, lab: Cdmi) -> None:
        document = {
            "objectType": OBJECT,
            "mimetype": "text/x-own",
            "value": "from afar",
            "metadata": {"a": 1},
        }
        text = base64.b64encode(json.dumps(document).encode()).decode()
        made(lab, "/lab/b", {"deserializevalue": text})
        found = lab.read("/lab/b")
        assert (found["value"], found["mimetype"], found["metadata"]["a"]) == ("from afar", "text/x-own", 1)

    def test_leaves_out_what_one_may_not_read(self, lab: Cdmi, bob: Cdmi) -> None:
        entry = {"acetype": "ALLOW", "identifier": "bob", "aceflags": "0x0", "acemask": "0x1F07FF"}
        own = {**entry, "identifier": "OWNER@"}
        for path in ("/lab/", "/lab/runs/", "/lab/runs/one"):
            lab.cdmi("PUT", f"{path}?metadata:cdmi_acl", {"metadata": {"cdmi_acl": [own, entry]}})
        bob.cdmi("PUT", "/bob/", {})
        made(bob, "/bob/backup", {"serialize": "/lab/runs/"})
        assert [child["objectName"] for child in json.loads(bob.value("/bob/backup"))["children"]] == ["one"]

    @pytest.mark.parametrize(
        "document",
        [
            b"no JSON",
            b"[]",
            b"{}",
            b'{"objectType": "application/cdmi-container"}',
            b'{"objectType": "application/cdmi-object", "objectID": "../x"}',
            b'{"objectType": "application/cdmi-object", "value": 7}',
            b'{"objectType": "application/cdmi-object", "value": "*", "valuetransferencoding": "base64"}',
            b'{"objectType": "application/cdmi-object", "metadata": []}',
        ],
    )
    def test_that_is_none_is_a_bad_request(self, lab: Cdmi, document: bytes) -> None:
        text = base64.b64encode(document).decode()
        assert lab.cdmi("PUT", "/lab/b", {"deserializevalue": text}).status == 400
        assert "b" not in lab.children("/lab/")

    @pytest.mark.parametrize(
        "child",
        [{"objectName": "../x"}, {"objectName": ""}, {"objectName": "cdmi_x/"}, "x", {"a": 1}],
    )
    def test_with_a_wrong_child_makes_nothing_at_all(self, lab: Cdmi, child: Any) -> None:
        inner = {"objectType": CONTAINER, **child} if isinstance(child, dict) else child
        fine = {"objectType": OBJECT, "objectName": "fine", "value": "x"}
        document = {"objectType": CONTAINER, "children": [fine, inner]}
        text = base64.b64encode(json.dumps(document).encode()).decode()
        assert lab.cdmi("PUT", "/lab/b/", {"deserializevalue": text}).status == 400
        assert "b/" not in lab.children("/lab/")

    def test_of_objects_that_are_there_already_is_refused(self, lab: Cdmi) -> None:
        made(lab, "/lab/backup", {"serialize": "/lab/runs/"})
        assert lab.cdmi("PUT", "/lab/again/", {"deserialize": "/lab/backup"}).status == 409
        assert "again/" not in lab.children("/lab/")
