"""Containers as disks of machines (CDMI 13), and storage classes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cdmi_gw.conftest import Cdmi, Make
from tests.client import BASE

SIZE = {"cdmi_assignedsize": "10737418240"}
KIND = 'Category: {}; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\n'


def machine(ada: Cdmi) -> str:
    answer = ada.client.request(
        "POST", "/compute/", KIND.format("compute").encode(), {"Content-Type": "text/plain"}
    )
    assert answer.status == 201, answer.text
    return answer.headers["location"]


def link(ada: Cdmi, vm: str, target: str) -> int:
    lines = KIND.format("storagelink")
    lines += f'X-OCCI-Attribute: occi.core.source="{vm}"\nX-OCCI-Attribute: occi.core.target="{target}"\n'
    return ada.client.request("POST", "/storagelink/", lines.encode(), {"Content-Type": "text/plain"}).status


def storage(ada: Cdmi) -> list[str]:
    return ada.client.request("GET", "/storage/", b"", {"Accept": "text/uri-list"}).text.split()


def permissions(ada: Cdmi) -> list[str]:
    found: list[str] = ada.read("/vol/?exports")["exports"]["OCCI/iSCSI"]["permissions"]
    return found


@pytest.fixture
def vol(ada: Cdmi) -> Cdmi:
    """A user with a container that is exported, to nobody yet."""
    answer = ada.cdmi("PUT", "/vol/", {"metadata": SIZE, "exports": {"OCCI/iSCSI": {"permissions": []}}})
    made = json.loads(answer.body)
    assert answer.status == 201, answer.text
    assert made["exports"] == {"OCCI/iSCSI": {"identifier": made["objectID"], "permissions": []}}
    return ada


def export(ada: Cdmi, machines: Any, path: str = "/vol/?exports") -> int:
    return ada.cdmi("PUT", path, {"exports": {"OCCI/iSCSI": {"permissions": machines}}}).status


def test_an_exported_container_is_a_storage_of_its_size(vol: Cdmi) -> None:
    [uri] = storage(vol)
    shown = vol.client.request("GET", uri.removeprefix(BASE), b"", {"Accept": "text/plain"}).text
    assert "occi.storage.size=10" in shown
    assert 'occi.core.title="vol"' in shown


def test_a_machine_that_is_permitted_is_linked_and_one_that_is_not_any_more_is_not(vol: Cdmi) -> None:
    vm = machine(vol)
    assert export(vol, [vm]) == 204
    assert permissions(vol) == [vm]
    assert "storagelink" in vol.client.get(vm.removeprefix(BASE), Accept="text/plain").text
    assert export(vol, []) == 204
    assert permissions(vol) == []
    assert "storagelink" not in vol.client.get(vm.removeprefix(BASE), Accept="text/plain").text


def test_a_link_of_occi_leads_to_the_container_and_shows_as_a_permission(vol: Cdmi) -> None:
    id = vol.read("/vol/")["objectID"]
    for target in (f"{BASE}/cdmi/vol/", f"/cdmi/cdmi_objectid/{id}/", storage(vol)[0]):
        vm = machine(vol)
        assert link(vol, vm, target) == 201
        assert vm in permissions(vol)
    assert link(vol, machine(vol), "/cdmi/lab/") == 404


def test_a_container_in_use_stays_and_one_that_goes_leaves_nothing(vol: Cdmi) -> None:
    vm = machine(vol)
    export(vol, [vm])
    assert vol.cdmi("DELETE", "/vol/").status == 409
    assert vol.cdmi("PUT", "/vol/?exports", {"exports": {}}).status == 409
    assert vol.client.delete(vm.removeprefix(BASE)).status == 200
    assert permissions(vol) == []
    assert vol.cdmi("DELETE", "/vol/").status == 204
    assert storage(vol) == []


def test_a_storage_that_is_removed_ends_the_export(vol: Cdmi) -> None:
    assert vol.client.delete(storage(vol)[0].removeprefix(BASE)).status == 200
    assert vol.read("/vol/?exports") == {"exports": {}}
    assert export(vol, []) == 204
    assert len(storage(vol)) == 1


def test_an_update_without_exports_keeps_them_and_one_with_others_replaces_them(vol: Cdmi) -> None:
    vol.cdmi("PUT", "/vol/?metadata:a", {"metadata": {"a": "b"}})
    assert permissions(vol) == []
    assert vol.cdmi("PUT", "/vol/?exports", {"exports": {}}).status == 204
    assert "exports" not in vol.read("/vol/")
    assert storage(vol) == []


def test_neither_a_copy_nor_a_snapshot_is_exported(vol: Cdmi) -> None:
    vol.cdmi("PUT", "/copy/", {"copy": "/vol/"})
    vol.cdmi("PUT", "/vol/", {"snapshot": "one"})
    for path in ("/copy/", "/vol/cdmi_snapshots/one/"):
        assert "exports" not in vol.read(path)


@pytest.mark.parametrize(
    "exports",
    [
        [],
        {"OCCI/iSCSI": []},
        {"OCCI/NFSv4": {}},
        {"Network/NFSv4": {"identifier": "/x"}},
        {"OCCI/iSCSI": {"permissions": 7}},
        {"OCCI/iSCSI": {"permissions": ["http://x.example/compute/1"]}},
        {"OCCI/iSCSI": {"permissions": [f"{BASE}/compute/none"]}},
        {"OCCI/iSCSI": {"identifier": "00"}},
        {"OCCI/iSCSI": {"control": "immediate"}},
    ],
)
def test_exports_that_cannot_be_are_refused_and_nothing_is_made(ada: Cdmi, exports: Any) -> None:
    assert ada.cdmi("PUT", "/vol/", {"metadata": SIZE, "exports": exports}).status == 400
    assert "vol/" not in ada.children("/")
    assert storage(ada) == []


def test_a_container_without_a_size_is_not_exported(ada: Cdmi) -> None:
    assert export(ada, [], "/lab/?exports") == 400


def test_a_stranger_neither_exports_nor_sees_the_storage(vol: Cdmi, bob: Cdmi) -> None:
    assert export(bob, []) == 403
    assert storage(bob) == []


class TestStorageClasses:
    @pytest.fixture
    def ada(self, make_site: Make) -> Cdmi:
        disk = {"default": True, "allowed": ["Tape"], "metadata": {"cdmi_latency": "0"}}
        tape = {"kinds": ["dataobject"], "allowed": [], "metadata": {"cdmi_latency": "60000"}}
        site = make_site(frontends={"occi": {}, "cdmi": {}}, storage_classes={"Disk": disk, "Tape": tape})
        cdmi = Cdmi(site.client("ada"))
        assert cdmi.cdmi("PUT", "/lab/", {}).status == 201
        cdmi.cdmi("PUT", "/lab/a", {"value": "x"})
        return cdmi

    def test_are_capabilities_with_what_they_promise(self, ada: Cdmi) -> None:
        assert ada.children("/cdmi_capabilities/dataobject/") == ["Disk/", "Tape/"]
        assert ada.children("/cdmi_capabilities/container/") == ["Disk/"]
        entry = ada.read("/cdmi_capabilities/dataobject/Disk/")
        allowed = ["/cdmi/cdmi_capabilities/dataobject/Tape/"]
        assert entry["metadata"] == {"cdmi_latency": "0", "cdmi_capabilities_allowed": allowed}
        assert entry["capabilities"]["cdmi_latency"] == "true"

    def test_show_in_the_objects_that_are_in_them(self, ada: Cdmi) -> None:
        read = ada.read("/lab/a")
        assert read["capabilitiesURI"] == "/cdmi/cdmi_capabilities/dataobject/Disk/"
        assert read["metadata"]["cdmi_latency_provided"] == "0"
        assert read["metadata"]["cdmi_capability_association_time_provided"].endswith("Z")

    def test_are_changed_as_far_as_the_site_allows(self, ada: Cdmi) -> None:
        tape = {"capabilitiesURI": "/cdmi_capabilities/dataobject/Tape"}
        disk = {"capabilitiesURI": "/cdmi/cdmi_capabilities/dataobject/Disk/"}
        assert ada.cdmi("PUT", "/lab/a", tape).status == 204
        assert ada.read("/lab/a")["metadata"]["cdmi_latency_provided"] == "60000"
        assert ada.cdmi("PUT", "/lab/a", disk).status == 403
        assert ada.value("/lab/a") == b"x"

    @pytest.mark.parametrize(
        ("path", "uri"),
        [
            ("/lab/a", "/cdmi_capabilities/dataobject/None"),
            ("/lab/a", "/cdmi_capabilities/container/Disk"),
            ("/lab/a", "/lab/"),
            ("/lab/a", "/cdmi_capabilities/"),
            ("/lab/", "/cdmi_capabilities/container/Tape"),
            ("/lab/new", "/cdmi_capabilities/dataobject/None"),
        ],
    )
    def test_that_are_none_are_refused(self, ada: Cdmi, path: str, uri: str) -> None:
        assert ada.cdmi("PUT", path, {"capabilitiesURI": uri}).status == 400
        assert ada.children("/lab/") == ["a"]
