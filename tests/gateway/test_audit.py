"""The audit record: who, from where, how long, in which back end; never a secret; asked by what is in it."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.cloud import Cloud
from gateway.identity import GATEWAY, Caller
from gateway.model import (
    Attachment,
    AttachmentSpec,
    Compute,
    ComputeSpec,
    Image,
    ImageSpec,
    KeyPair,
    KeyPairSpec,
    Origin,
    PublicKey,
    Volume,
    VolumeSpec,
)
from tests.client import COMPUTE, Client
from tests.conftest import Site
from tests.gateway.test_permissions import ADA, ADMIN

GIB = 1 << 30
Make = Callable[..., Site]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def _records(site: Site, **asked: Any) -> list[Mapping[str, Any]]:
    return list(site.cloud.audit.query(**asked))


def _created(site: Site, **fields: str) -> Mapping[str, Any]:
    """The record of a create with these header fields."""
    body = f"Category: {COMPUTE}\n".encode()
    answer = site.client("ada").request("POST", "/compute/", body, {"Content-Type": "text/plain", **fields})
    assert answer.status == 201, answer.text
    [record] = _records(site, event="compute.create", user="ada")
    return record


def test_a_record_joins_the_trace_of_the_request(site: Site) -> None:
    record = _created(site, traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    assert (record["trace_id"], record["parent_id"]) == (TRACE, "00f067aa0ba902b7")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "nonsense",
        f"00-{TRACE}-00f067aa0ba902b7",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
    ],
)
def test_a_trace_that_is_none_is_left_out(site: Site, given: str) -> None:
    assert "trace_id" not in _created(site, traceparent=given)


def test_a_record_tells_the_peer_and_what_proxies_say_of_it(site: Site) -> None:
    record = _created(site, **{"X-Forwarded-For": "192.0.2.9, 198.51.100.7"})
    assert (record["client_ip"], record["forwarded_for"]) == ("192.0.2.1", "192.0.2.9, 198.51.100.7")


def test_a_record_tells_how_long_the_request_has_taken_so_far(site: Site) -> None:
    assert 0 < _created(site)["duration_ms"] < 60_000


def test_what_the_gateway_does_by_itself_has_no_duration_and_no_trace(site: Site) -> None:
    site.cloud.create(Caller(GATEWAY), Compute, ComputeSpec())
    [record] = _records(site, event="compute.create")
    assert record.keys().isdisjoint({"duration_ms", "forwarded_for", "trace_id"})


@pytest.fixture
def two_zones(make_site: Make, tmp_path: Path) -> Site:
    zones = {name: {"driver": "sandbox", "path": f"{name}.db"} for name in ("default", "north")}
    return make_site(backends=zones)


@pytest.mark.parametrize("zone", ["default", "north"])
def test_a_record_tells_the_back_end_and_the_name_there(two_zones: Site, zone: str) -> None:
    cloud = two_zones.cloud
    machine = cloud.create(ADA, Compute, ComputeSpec(), zone=zone).resource.id
    cloud.act(ADA, Compute, machine, "stop")
    native = machine.removeprefix(f"{zone}--")
    found = {(record["backend"], record["backend_id"]) for record in _records(two_zones, resource=machine)}
    assert found == {(zone, native)}


def test_the_record_of_a_link_tells_the_back_end_too(two_zones: Site) -> None:
    cloud = two_zones.cloud
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB), zone="north").resource.id
    machine = cloud.create(ADA, Compute, ComputeSpec(), zone="north").resource.id
    cloud.create(ADA, Attachment, AttachmentSpec(volume=volume, compute=machine))
    [record] = _records(two_zones, event="attachment.create")
    assert (record["backend"], record["backend_id"].startswith("north--")) == ("north", False)


def test_the_record_of_an_image_tells_where_it_comes_from(site: Site) -> None:
    origin = Origin(identifier="abc", checksum="sha256:00", endorser="ada@site.example")
    site.cloud.create(ADMIN, Image, ImageSpec(title="i", size=GIB, origin=origin))
    [record] = _records(site, event="image.create")
    assert (record["image_origin"], record["image_checksum"], record["image_endorser"]) == (
        "abc",
        "sha256:00",
        "ada@site.example",
    )


# Secrets


def test_values_that_may_be_secret_are_told_by_their_digest(site: Site) -> None:
    audit = site.cloud.audit
    before = {"public_keys": (), "password": None, "title": "a"}
    after = {"public_keys": (PublicKey("ssh-ed25519 AAAA"),), "user_data": b"hidden", "title": "b"}
    after |= {"login": {"api_token": "hidden"}}
    with site.cloud.database.write() as tx:
        audit.append(tx, ADA, "compute.update", "success", before=before, after=after)
    [record] = _records(site, event="compute.update")
    digest = "sha256:" + hashlib.sha256(b"hidden").hexdigest()
    assert record["after"]["user_data"] == digest
    assert record["after"]["login"]["api_token"] == digest
    assert record["after"]["public_keys"].startswith("sha256:")
    assert record["after"]["title"] == "b"
    assert record["before"] == {"public_keys": (), "password": None, "title": "a"} | {"public_keys": []}


def test_no_key_and_no_user_data_is_in_the_record(site: Site) -> None:
    line = "ssh-ed25519 AAAAC3NzaC1lZDI1 ada"
    site.cloud.create(ADA, KeyPair, KeyPairSpec(title="k", public_key=line))
    machine = site.cloud.create(ADA, Compute, ComputeSpec(user_data=b"#!hidden")).resource.id
    site.cloud.update(ADA, Compute, machine, {"public_keys": (PublicKey(line),)})
    text = json.dumps(_records(site))
    assert ("AAAAC3" in text, "hidden" in text, "sha256:" in text) == (False, False, True)


# Sign-ins


def test_a_failed_sign_in_is_a_record_without_the_password(site: Site) -> None:
    Client(site.application, "ada", "wrong-password").get("/compute/")
    [record] = _records(site, event="auth.fail")
    told = {name: record[name] for name in ("outcome", "reason", "method", "path", "protocol", "user")}
    assert told == {
        "outcome": "denied",
        "reason": "auth.fail",
        "method": "GET",
        "path": "/compute/",
        "protocol": "occi",
        "user": "",
    }
    assert "wrong-password" not in json.dumps(record)


def test_a_disabled_user_is_told_apart_in_the_record_only(site: Site) -> None:
    site.gateway.users.set_disabled("ada", True)
    site.client("ada").get("/compute/")
    assert [record["reason"] for record in _records(site, event="auth.fail")] == ["auth.disabled"]


@pytest.mark.parametrize("authorization", [None, "Bearer x", "Basic !"])
def test_a_request_that_tries_no_password_fills_no_record(site: Site, authorization: str | None) -> None:
    fields = {} if authorization is None else {"Authorization": authorization}
    assert Client(site.application, "").get("/compute/", **fields).status in (400, 401)
    assert _records(site, event="auth.fail") == []


# Asking


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"address": "192.0.2.7"}, ["one"]),
        ({"address": "192.0.2.70"}, ["two"]),
        ({"address": "198.51.100.1"}, []),
        ({"address": "2001:db8::1"}, ["three"]),
        ({"image": "debian"}, ["one", "three"]),
        ({"image": "deb"}, []),
        ({"image": "debian", "limit": 1}, ["one"]),
        ({"image": "debian", "address": "192.0.2.70"}, []),
        ({"image": 'x" OR 1'}, []),
    ],
)
def test_the_record_is_asked_for_an_address_or_an_image(
    make_site: Make, store_url: str, asked: dict[str, Any], found: list[str]
) -> None:
    cloud: Cloud = make_site(store={"url": store_url}).cloud
    for name, facts in {
        "one": {"addresses": ["192.0.2.7"], "image_id": "debian"},
        "two": {"addresses": ["192.0.2.70"], "image_id": "alpine"},
        "three": {"addresses": ["192.0.2.8", "2001:db8::1"], "image_id": "debian"},
    }.items():
        with cloud.database.write() as tx:
            cloud.audit.append(tx, ADA, "compute.create", "success", resource_id=name, **facts)
    assert [record["resource_id"] for record in cloud.audit.query(**asked)] == found


# The command line


def test_administration_on_the_command_line_is_recorded(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOGNAME", "operator")
    data = ["--data", str(site.config.data)]
    for words in (
        ["add", "zoe", "--role", "monitor"],
        ["passwd", "zoe"],
        ["disable", "zoe"],
        ["enable", "zoe"],
    ):
        assert main(["user", *words, *data]) == 0
    password = capsys.readouterr().out.split()[0]
    records = [record for record in _records(site) if record["event"].startswith("admin.")]
    assert [record["event"] for record in records] == [
        "admin.user.add",
        "admin.user.passwd",
        "admin.user.disable",
        "admin.user.enable",
    ]
    assert {(r["subject"], r["auth_method"], r["resource_kind"], r["resource_id"]) for r in records} == {
        (f"os:{pwd.getpwuid(os.getuid()).pw_name}", "os", "user", "zoe")
    }
    assert records[0]["after"] == {"tenant": "zoe", "groups": [], "roles": ["monitor"]}
    assert password not in json.dumps(records)


def test_the_command_asks_for_an_address_and_an_image(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.cloud.create(ADA, Compute, ComputeSpec(image="debian-12"))
    [made] = _records(site, event="compute.create")
    data = ["--data", str(site.config.data)]
    for words in (["--address", made["addresses"][0]], ["--image", "debian-12"], ["--image", "none"]):
        main(["audit", *words, *data])
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == [
        "compute.create"
    ] * 2
