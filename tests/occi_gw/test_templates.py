"""Templates, contextualization and zones of a compute over HTTP (GFD.224, ooi, rOCCI)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from tests.client import BASE, COMPUTE, OGF, STORAGE, STORAGELINK, Client
from tests.conftest import Site

Make = Callable[..., Site]
INFRA = f"{OGF}/infrastructure"
SITE = "http://schemas.stratusgate.example/occi/infrastructure"
DEBIAN, ALPINE = (f'{t}; scheme="{SITE}/os_tpl#"; class="mixin"' for t in ("debian-12", "alpine-3"))
SMALL, MEDIUM, LARGE = (
    f'{t}; scheme="{INFRA}/compute/template/1.1#"; class="mixin"' for t in ("small", "medium", "large")
)
OCCI_KEY = f'ssh_key; scheme="{INFRA}/credentials#"; class="mixin"'
OPENSTACK_KEY = 'public_key; scheme="http://schemas.openstack.org/instance/credentials#"; class="mixin"'
OCCI_DATA = f'user_data; scheme="{INFRA}/compute#"; class="mixin"'
OPENSTACK_DATA = 'user_data; scheme="http://schemas.openstack.org/compute/instance#"; class="mixin"'
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample me@example"
OCCI_KEY_LINE = f'occi.credentials.ssh.publickey="{KEY}"'
OPENSTACK_KEY_LINE = f'org.openstack.credentials.publickey.data="{KEY}"'
SCRIPT = base64.b64encode(b"#!/bin/sh\n").decode()


def _size(client: Client, path: str) -> tuple[str, str]:
    shown = client.get(path).attributes
    return shown["occi.compute.cores"], shown["occi.compute.memory"]


def test_a_machine_without_templates_gets_the_defaults_and_shows_them(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    shown = ada.get(machine)
    assert {DEBIAN, SMALL} <= set(shown.values("Category"))
    assert shown.attributes["occi.compute.state"] == '"active"'


def test_the_templates_of_a_machine_are_those_it_was_made_with(ada: Client) -> None:
    machine = ada.create(COMPUTE, mixins=[ALPINE, MEDIUM])
    shown = ada.get(machine).values("Category")
    assert {ALPINE, MEDIUM} <= set(shown)
    assert not {DEBIAN, SMALL} & set(shown)
    assert _size(ada, machine) == ("2", "2.0")


def test_a_size_template_overrides_the_size_that_was_sent(ada: Client) -> None:
    machine = ada.create(COMPUTE, "occi.compute.cores=3", "occi.compute.memory=7.5", mixins=[MEDIUM])
    assert _size(ada, machine) == ("2", "2.0")


def test_two_templates_of_one_family_are_refused(ada: Client) -> None:
    for pair in ((SMALL, LARGE), (DEBIAN, ALPINE)):
        answer = ada.post("/compute/", f"Category: {COMPUTE}", *(f"Category: {m}" for m in pair))
        assert (answer.status, "two templates" in answer.text) == (400, True)


def test_templates_can_be_required(make_site: Make) -> None:
    ada = make_site(defaults={"templates_required": True}).client("ada")
    for mixins in ((), (DEBIAN,), (SMALL,)):
        lines = (f"Category: {mixin}" for mixin in mixins)
        assert ada.post("/compute/", f"Category: {COMPUTE}", *lines).status == 400
    ada.create(COMPUTE, mixins=[DEBIAN, SMALL])


@pytest.mark.parametrize("with_kind", [False, True])
def test_another_size_template_resizes_at_once(ada: Client, with_kind: bool) -> None:
    machine = ada.create(COMPUTE)
    lines = [f"Category: {COMPUTE}"] * with_kind + [f"Category: {LARGE}"]
    answer = ada.post(machine, *lines)
    assert answer.status == 200
    assert LARGE in answer.values("Category")
    assert SMALL not in answer.values("Category")
    assert _size(ada, machine) == ("4", "4.0")


def test_a_full_update_with_another_size_template_resizes(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    lines = [line.replace("small;", "large;") for line in ada.get(machine).lines]
    assert ada.put(machine, *lines).status == 200
    assert _size(ada, machine) == ("4", "4.0")


def test_a_size_of_ones_own_takes_the_size_template_away(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    assert ada.post(machine, "X-OCCI-Attribute: occi.compute.cores=3").status == 200
    shown = ada.get(machine)
    assert shown.attributes["occi.compute.cores"] == "3"
    assert SMALL not in shown.values("Category")


def test_the_os_template_does_not_change(ada: Client) -> None:
    machine = ada.create(COMPUTE)
    assert ada.post(machine, f"Category: {ALPINE}").status == 403
    assert ada.post(machine, f"Category: {DEBIAN}").status == 200
    assert ada.post(machine, "X-OCCI-Attribute: occi.compute.ephemeral_storage.size=40.0").status == 403


def test_size_templates_tell_what_they_set(ada: Client) -> None:
    answer = ada.get("/-/", Category=LARGE, Accept="application/occi+json")
    [large] = json.loads(answer.body)["mixins"]
    assert large["attributes"]["occi.compute.cores"] == {
        "mutable": False,
        "required": False,
        "type": "number",
        "default": 4,
    }
    assert large["depends"] == [f"{INFRA}#resource_tpl"]
    assert large["attributes"]["occi.compute.ephemeral_storage.size"]["default"] == 40.0


def test_types_of_the_configuration_are_templates_of_the_site(make_site: Make) -> None:
    ada = make_site(instance_types={"tiny_1": {"cores": 1, "memory": "512MiB"}}).client("ada")
    machine = ada.create(COMPUTE, mixins=[f'tiny_1; scheme="{SITE}/resource_tpl#"; class="mixin"'])
    assert _size(ada, machine) == ("1", "0.5")


@pytest.mark.parametrize(("mixin", "line"), [(OCCI_KEY, OCCI_KEY_LINE), (OPENSTACK_KEY, OPENSTACK_KEY_LINE)])
def test_a_key_is_kept_in_the_form_in_which_it_was_sent(ada: Client, mixin: str, line: str) -> None:
    machine = ada.create(COMPUTE, line, mixins=[mixin])
    shown = ada.get(machine)
    assert mixin in shown.values("Category")
    name, value = line.split("=", 1)
    assert shown.attributes[name] == value
    other = OCCI_KEY if mixin == OPENSTACK_KEY else OPENSTACK_KEY
    assert other not in shown.values("Category")
    assert ada.get(f"/mixin/{'ssh_key' if mixin == OCCI_KEY else 'openstack/public_key'}/").body


def test_a_key_may_have_a_name_and_the_old_spellings_of_ooi(ada: Client) -> None:
    name = 'org.openstack.credentials.publickey.name="laptop"'
    ada.create(COMPUTE, name, OPENSTACK_KEY_LINE, mixins=[OPENSTACK_KEY])
    for alias in ("occi.crendentials.ssh.publickey", "occi.credentials.ssh_key"):
        machine = ada.create(COMPUTE, f'{alias}="{KEY}"', mixins=[OCCI_KEY])
        assert ada.get(machine).attributes["occi.credentials.ssh.publickey"] == f'"{KEY}"'


@pytest.mark.parametrize(
    ("mixins", "lines"),
    [
        ((OCCI_KEY, OPENSTACK_KEY), (OCCI_KEY_LINE, OPENSTACK_KEY_LINE)),
        ((OCCI_KEY, OPENSTACK_KEY), ()),
        ((), (OCCI_KEY_LINE, OPENSTACK_KEY_LINE)),
        ((OCCI_DATA, OPENSTACK_DATA), ()),
        ((), (f'occi.compute.userdata="{SCRIPT}"', f'org.openstack.compute.user_data="{SCRIPT}"')),
    ],
)
def test_both_forms_of_one_thing_are_a_conflict(
    ada: Client, mixins: tuple[str, ...], lines: tuple[str, ...]
) -> None:
    sent = [f"Category: {m}" for m in (COMPUTE, *mixins)] + [f"X-OCCI-Attribute: {line}" for line in lines]
    assert ada.post("/compute/", *sent).status == 409
    assert ada.get("/compute/").body == b""


def test_a_key_can_be_changed_and_goes_with_its_mixin(ada: Client) -> None:
    machine = ada.create(COMPUTE, OCCI_KEY_LINE, mixins=[OCCI_KEY])
    other = KEY.replace("me@", "you@")
    changed = ada.post(machine, f'X-OCCI-Attribute: occi.credentials.ssh.publickey="{other}"')
    assert changed.attributes["occi.credentials.ssh.publickey"] == f'"{other}"'
    cleared = ada.put(machine, f"Category: {COMPUTE}")
    assert OCCI_KEY not in cleared.values("Category")


@pytest.mark.parametrize(
    ("mixin", "line"),
    [
        (OCCI_DATA, f'occi.compute.userdata="{SCRIPT}"'),
        (OCCI_DATA, f'occi.compute.user_data="{SCRIPT}"'),
        (OCCI_DATA, 'occi.compute.userdata="plain text"'),
        (OPENSTACK_DATA, f'org.openstack.compute.user_data="{SCRIPT}"'),
    ],
)
def test_user_data_is_taken_once_and_never_shown(ada: Client, mixin: str, line: str) -> None:
    machine = ada.create(COMPUTE, line, mixins=[mixin])
    shown = ada.get(machine)
    assert mixin in shown.values("Category")
    assert line.split("=")[1] not in shown.text
    assert ada.post(machine, f"X-OCCI-Attribute: {line}").status == 403


@pytest.mark.parametrize(
    "line",
    [
        'org.openstack.compute.user_data="not base64!"',
        f'occi.compute.userdata="{"A" * 88_000}"',
        'occi.credentials.ssh.publickey="nokey"',
        'org.openstack.credentials.publickey.data=""',
    ],
)
def test_bad_contextualization_is_refused(ada: Client, line: str) -> None:
    assert ada.post("/compute/", f"Category: {COMPUTE}", f"X-OCCI-Attribute: {line}").status == 400
    assert ada.get("/compute/").body == b""


def _zone(name: str) -> str:
    return f'{name}; scheme="{SITE}/availability_zone#"; class="mixin"'


@pytest.fixture
def two_zones(make_site: Make) -> Client:
    backends = {"default": {"driver": "sandbox"}, "kvm": {"driver": "sandbox", "path": "kvm.db"}}
    return make_site(backends=backends).client("ada")


def test_a_machine_is_made_in_the_zone_that_is_named(two_zones: Client) -> None:
    machine = two_zones.create(COMPUTE, mixins=[_zone("kvm")])
    assert machine.startswith("/compute/kvm--")
    assert _zone("kvm") in two_zones.get(machine).values("Category")
    other = two_zones.create(COMPUTE)
    assert _zone("default") in two_zones.get(other).values("Category")
    listed = [uri.rpartition("/")[2] for uri in two_zones.get("/compute/").values("X-OCCI-Location")]
    assert listed == [machine.rpartition("/")[2], other.rpartition("/")[2]]
    shown = two_zones.get("/mixin/availability_zone/kvm/").values("X-OCCI-Location")
    assert [uri for uri in shown if "/compute/" in uri] == [BASE + machine]


def test_a_template_of_a_zone_decides_the_zone(two_zones: Client) -> None:
    machine = two_zones.create(COMPUTE, mixins=[f'kvm--debian-12; scheme="{SITE}/os_tpl#"; class="mixin"'])
    assert machine.startswith("/compute/kvm--")


def test_a_machine_does_not_change_zones_or_use_what_is_in_another(two_zones: Client) -> None:
    machine = two_zones.create(COMPUTE, mixins=[_zone("kvm")])
    assert two_zones.post(machine, f"Category: {_zone('default')}").status == 403
    volume = two_zones.create(STORAGE, "occi.storage.size=1")
    lines = (
        f'X-OCCI-Attribute: occi.core.source="{machine}"',
        f'X-OCCI-Attribute: occi.core.target="{volume}"',
    )
    refused = two_zones.post("/storagelink/", f"Category: {STORAGELINK}", *lines)
    assert (refused.status, "zone" in refused.text) == (400, True)
    inside = two_zones.create(STORAGE, "occi.storage.size=1", mixins=[_zone("kvm")])
    link = two_zones.create(STORAGELINK, *(x.split(": ", 1)[1].replace(volume, inside) for x in lines))
    assert two_zones.get(link).attributes["occi.core.target"] == f'"{inside}"'
    assert two_zones.delete(machine).status == 200
    assert two_zones.get(link).status == 404


def test_two_zones_at_once_are_refused(two_zones: Client) -> None:
    lines = (f"Category: {COMPUTE}", f"Category: {_zone('kvm')}", f"Category: {_zone('default')}")
    assert two_zones.post("/compute/", *lines).status == 400
