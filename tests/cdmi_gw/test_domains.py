"""Domains and their members over the wire (CDMI 10)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cdmi_gw.conftest import Cdmi


@pytest.fixture
def bio(admin: Cdmi) -> Cdmi:
    """The admin, with a domain and a container in it that everybody may use."""
    enabled = {"cdmi_domain_enabled": "true"}
    assert admin.domain("PUT", "/cdmi_domains/bio/", {"metadata": {**enabled, "x": "y"}}).status == 201
    everybody = {"acetype": "ALLOW", "identifier": "EVERYONE@", "aceflags": "0x3", "acemask": "ALL_PERMS"}
    document = {"domainURI": "/cdmi_domains/bio/", "metadata": {"cdmi_acl": [everybody]}}
    assert admin.cdmi("PUT", "/bio/", document).status == 201
    return admin


def member(admin: Cdmi, name: str, **fields: Any) -> int:
    document = {
        "cdmi_member_enabled": "true",
        "cdmi_member_type": "user",
        "cdmi_member_name": name,
        "cdmi_member_privileges": [],
        **fields,
    }
    value = json.dumps(document).encode()
    path = f"/cdmi_domains/bio/cdmi_domain_members/{name}"
    return admin.http("PUT", path, value, Content_Type="application/json").status


def test_everything_is_in_the_default_domain(ada: Cdmi) -> None:
    ada.cdmi("PUT", "/lab/a", {"value": "x"})
    for path in ("/", "/lab/", "/lab/a"):
        assert ada.read(path)["domainURI"] == "/cdmi/cdmi_domains/default/"
    top = ada.read("/cdmi_domains/")
    assert "default/" in top["children"]
    assert (top["objectName"], top["domainURI"]) == ("cdmi_domains/", "/cdmi/cdmi_domains/")
    assert "completionStatus" not in top


def test_a_domain_is_made_read_changed_and_removed(admin: Cdmi) -> None:
    answer = admin.domain("PUT", "/cdmi_domains/new/", {"metadata": {"a": "b"}})
    made = json.loads(answer.body)
    assert (answer.status, made["objectType"]) == (201, "application/cdmi-domain")
    assert made["metadata"]["cdmi_domain_enabled"] == "false"
    assert made["parentURI"] + made["objectName"] == made["domainURI"] == "/cdmi/cdmi_domains/new/"
    query = "/cdmi_domains/new/?metadata:cdmi_domain_enabled"
    assert admin.domain("PUT", query, {"metadata": {"cdmi_domain_enabled": "true"}}).status == 204
    metadata = admin.read("/cdmi_domains/new/")["metadata"]
    assert (metadata["cdmi_domain_enabled"], metadata["a"]) == ("true", "b")
    assert admin.cdmi("DELETE", "/cdmi_domains/new/").status == 204
    assert admin.cdmi("GET", "/cdmi_domains/new/").status == 404


def test_only_admins_make_domains_and_everybody_reads_them(ada: Cdmi, bio: Cdmi) -> None:
    assert ada.domain("PUT", "/cdmi_domains/own/", {}).status == 403
    assert ada.domain("PUT", "/cdmi_domains/bio/", {"metadata": {"x": "z"}}).status == 403
    assert ada.read("/cdmi_domains/bio/")["metadata"]["x"] == "y"
    assert ada.cdmi("GET", "/cdmi_domains/bio/cdmi_domain_members/parent").status == 403


def test_what_is_made_in_a_container_is_in_its_domain(ada: Cdmi, bio: Cdmi) -> None:
    ada.cdmi("PUT", "/bio/a", {"value": "x"})
    assert ada.read("/bio/a")["domainURI"] == "/cdmi/cdmi_domains/bio/"
    wish = {"value": "x", "domainURI": "/cdmi_domains/default/"}
    assert ada.cdmi("PUT", "/bio/b", wish).status == 403
    assert bio.cdmi("PUT", "/bio/b", wish).status == 201
    assert ada.cdmi("PUT", "/bio/c", {"domainURI": "/cdmi_domains/none/"}).status == 400
    assert bio.cdmi("PUT", "/bio/a", wish).status == 204
    assert ada.read("/bio/a")["domainURI"] == "/cdmi/cdmi_domains/default/"


def test_nothing_is_done_in_a_disabled_domain(ada: Cdmi, bio: Cdmi) -> None:
    ada.cdmi("PUT", "/bio/a", {"value": "x"})
    query = "/cdmi_domains/bio/?metadata:cdmi_domain_enabled"
    bio.domain("PUT", query, {"metadata": {"cdmi_domain_enabled": "false"}})
    for who in (ada, bio):
        for method, path in (("GET", "/bio/"), ("GET", "/bio/a"), ("DELETE", "/bio/a")):
            assert who.cdmi(method, path).status == 403
        assert who.cdmi("PUT", "/bio/b", {"value": "x"}).status == 403
    assert ada.cdmi("GET", "/lab/").status == 200
    bio.domain("PUT", query, {"metadata": {"cdmi_domain_enabled": "true"}})
    assert ada.value("/bio/a") == b"x"


def test_a_disabled_member_is_shut_out(ada: Cdmi, bob: Cdmi, bio: Cdmi) -> None:
    assert member(bio, "ada", cdmi_member_enabled="false") == 201
    assert ada.cdmi("GET", "/bio/").status == 403
    assert bob.cdmi("GET", "/bio/").status == 200
    assert member(bio, "ada") == 204
    assert ada.cdmi("GET", "/bio/").status == 200


def test_a_privilege_lets_a_member_use_other_domains(ada: Cdmi, bio: Cdmi) -> None:
    wish = {"value": "x", "domainURI": "/cdmi_domains/default/"}
    member(bio, "ada", cdmi_member_privileges=["cross-domain"])
    assert ada.cdmi("PUT", "/bio/b", wish).status == 201
    bio.cdmi("DELETE", "/cdmi_domains/bio/cdmi_domain_members/ada")
    assert ada.cdmi("PUT", "/bio/c", wish).status == 403


def test_members_of_the_domain_above_are_members_below(ada: Cdmi, bio: Cdmi) -> None:
    enabled = {"metadata": {"cdmi_domain_enabled": "true"}}
    assert bio.domain("PUT", "/cdmi_domains/bio/sub/", enabled).status == 201
    assert bio.cdmi("PUT", "/bio/sub/", {"domainURI": "/cdmi_domains/bio/sub/"}).status == 201
    assert ada.cdmi("GET", "/bio/sub/").status == 200
    member(bio, "ada", cdmi_member_enabled="false")
    assert ada.cdmi("GET", "/bio/sub/").status == 403


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"cdmi_member_type": "user"}',
        b'{"cdmi_member_type": "robot", "cdmi_member_enabled": "true", "cdmi_member_name": "x"}',
        b'{"cdmi_member_type": "user", "cdmi_member_enabled": "true"}',
        b'{"cdmi_member_type": "delegation", "cdmi_member_enabled": "true"}',
        b'{"cdmi_member_type": "user", "cdmi_member_enabled": "true", "cdmi_member_name": 7}',
        b'{"cdmi_member_type": "user", "cdmi_member_enabled": "yes", "cdmi_member_name": "x"}',
    ],
)
def test_a_member_that_says_nothing_of_one_is_refused(bio: Cdmi, value: bytes) -> None:
    path = "/cdmi_domains/bio/cdmi_domain_members/x"
    assert bio.http("PUT", path, value, Content_Type="application/json").status == 400
    assert bio.children("/cdmi_domains/bio/cdmi_domain_members/") == ["parent"]


def test_a_domain_with_objects_goes_when_it_says_whose_they_become(ada: Cdmi, bio: Cdmi) -> None:
    ada.cdmi("PUT", "/bio/a", {"value": "x"})
    assert bio.cdmi("DELETE", "/cdmi_domains/bio/").status == 400
    for target, status in (("/cdmi_domains/bio/", 400), ("/none/", 400), ("/cdmi_domains/default/", 204)):
        named = {"metadata": {"cdmi_domain_delete_reassign": target}}
        bio.domain("PUT", "/cdmi_domains/bio/?metadata:cdmi_domain_delete_reassign", named)
        assert bio.cdmi("DELETE", "/cdmi_domains/bio/").status == status
    assert ada.read("/bio/a")["domainURI"] == "/cdmi/cdmi_domains/default/"


@pytest.mark.parametrize(
    ("method", "path", "document", "status"),
    [
        ("DELETE", "/cdmi_domains/", None, 400),
        ("DELETE", "/cdmi_domains/default/", None, 400),
        ("DELETE", "/cdmi_domains/bio/cdmi_domain_members/", None, 400),
        ("PUT", "/cdmi_domains/x", {}, 400),
        ("PUT", "/lab/x/", {}, 400),
        ("PUT", "/cdmi_domains/cdmi_x/", {}, 400),
        ("PUT", "/cdmi_domains/y/", {"domainURI": "/cdmi_domains/default/"}, 400),
        ("PUT", "/cdmi_domains/y/", {"value": "x"}, 400),
        ("PUT", "/cdmi_domains/none/y/", {}, 404),
    ],
)
def test_domains_are_where_domains_are(bio: Cdmi, method: str, path: str, document: Any, status: int) -> None:
    before = bio.children("/cdmi_domains/")
    answer = bio.domain(method, path, document)
    assert answer.status == status, answer.text
    assert bio.children("/cdmi_domains/") == before
