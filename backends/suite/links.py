"""What attachments and interfaces promise: identity, devices, hotplug, static addresses, actions."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from backends.base import Capability
from gateway.model import (
    ATTACHMENT_ACTIONS,
    INTERFACE_ACTIONS,
    Attachment,
    AttachmentSpec,
    ComputeState,
    Conflict,
    Interface,
    InterfaceSpec,
    InvalidRequest,
    LinkState,
    NotFound,
)

from .common import UNKNOWN
from .workshop import Workshop, addresses_of

STAYING = (LinkState.ACTIVE, LinkState.INACTIVE)


class AttachmentTests:
    def test_an_attachment_is_named_by_its_ends_and_seen_from_all_sides(self, workshop: Workshop) -> None:
        attachments = workshop.noun("attachments")
        machine, volume = workshop.compute(start=False), workshop.volume()
        link = workshop.attach(machine.id, volume.id, mountpoint="/data")
        assert link.id == Attachment.identifier(machine.id, volume.id)
        assert (link.compute, link.volume, link.mountpoint) == (machine.id, volume.id, "/data")
        assert link.device
        assert attachments.get(link.id) == link
        assert workshop.backend.computes.get(machine.id).attachments == (link,)
        assert workshop.noun("volumes").get(volume.id).attachments == (link,)

    def test_devices_of_one_compute_are_different(self, workshop: Workshop) -> None:
        workshop.noun("attachments")
        machine = workshop.compute(start=False)
        devices = {workshop.attach(machine.id, workshop.volume().id).device for _ in range(3)}
        assert len(devices) == 3

    def test_a_volume_is_attached_while_the_compute_runs(self, workshop: Workshop) -> None:
        workshop.need(Capability.HOTPLUG)
        workshop.noun("attachments")
        machine, volume = workshop.compute(), workshop.volume()
        link = workshop.attach(machine.id, volume.id)
        workshop.remove("attachments", link.id)
        assert workshop.noun("volumes").get(volume.id).attachments == ()
        assert workshop.backend.computes.get(machine.id).state is ComputeState.RUNNING

    def test_a_compute_is_made_with_its_volumes(self, workshop: Workshop) -> None:
        workshop.noun("attachments")
        volumes = [workshop.volume().id for _ in range(2)]
        machine = workshop.compute(attachments=tuple(AttachmentSpec(volume) for volume in volumes))
        assert sorted(link.volume for link in machine.attachments) == sorted(volumes)

    def test_an_attached_volume_is_not_attached_again(self, workshop: Workshop) -> None:
        workshop.noun("attachments")
        volume = workshop.volume()
        machine = workshop.compute(start=False)
        link = workshop.attach(machine.id, volume.id)
        with pytest.raises(Conflict):
            workshop.attach(machine.id, volume.id)
        assert workshop.noun("volumes").get(volume.id).attachments == (link,)

    def test_a_volume_is_attached_to_several_computes_only_with_the_capability(
        self, workshop: Workshop
    ) -> None:
        workshop.noun("attachments")
        volume = workshop.volume()
        first, second = workshop.compute(start=False), workshop.compute(start=False)
        links = [workshop.attach(first.id, volume.id)]
        if Capability.SHARED_VOLUMES in workshop.backend.capabilities:
            links.append(workshop.attach(second.id, volume.id))
        else:
            with pytest.raises(Conflict):
                workshop.attach(second.id, volume.id)
            assert workshop.backend.computes.get(second.id).attachments == ()
        assert workshop.noun("volumes").get(volume.id).attachments == tuple(links)

    def test_attaching_what_does_not_exist_is_not_found(self, workshop: Workshop) -> None:
        workshop.noun("attachments")
        machine, volume = workshop.compute(start=False), workshop.volume()
        with pytest.raises(NotFound):
            workshop.attach(machine.id, UNKNOWN)
        with pytest.raises(NotFound):
            workshop.attach(UNKNOWN, volume.id)
        assert workshop.noun("volumes").get(volume.id).attachments == ()

    def test_detaching_leaves_both_ends(self, workshop: Workshop) -> None:
        workshop.noun("attachments")
        machine, volume = workshop.compute(start=False), workshop.volume()
        link = workshop.attach(machine.id, volume.id)
        workshop.remove("attachments", link.id)
        assert workshop.backend.computes.get(machine.id).attachments == ()
        assert workshop.noun("volumes").get(volume.id).attachments == ()
        with pytest.raises(NotFound):
            workshop.noun("attachments").delete(link.id)

    def test_a_detached_volume_is_attached_elsewhere(self, workshop: Workshop) -> None:
        workshop.noun("attachments")
        volume = workshop.volume()
        link = workshop.attach(workshop.compute(start=False).id, volume.id)
        workshop.remove("attachments", link.id)
        other = workshop.compute(start=False)
        assert workshop.attach(other.id, volume.id).compute == other.id

    def test_deleting_the_compute_takes_attachments_along_but_no_volume(self, workshop: Workshop) -> None:
        attachments = workshop.noun("attachments")
        machine, volume = workshop.compute(start=False), workshop.volume()
        link = workshop.attach(machine.id, volume.id)
        workshop.remove("computes", machine.id)
        assert link.id not in attachments.ids()
        assert workshop.noun("volumes").get(volume.id).attachments == ()

    def test_a_mountpoint_can_change(self, workshop: Workshop) -> None:
        workshop.need(Capability.RENAME)
        link = workshop.attach(workshop.compute(start=False).id, workshop.volume().id)
        changed = workshop.noun("attachments").update(link.id, {"mountpoint": "/srv"})
        assert changed.mountpoint == "/srv"
        assert workshop.noun("attachments").get(link.id) == changed

    def test_a_device_can_change_to_a_free_one_only(self, workshop: Workshop) -> None:
        workshop.need(Capability.RENAME)
        attachments = workshop.noun("attachments")
        machine = workshop.compute(start=False)
        first, second = (workshop.attach(machine.id, workshop.volume().id) for _ in range(2))
        with pytest.raises(Conflict):
            attachments.update(second.id, {"title": "new", "device": first.device})
        assert attachments.get(second.id) == second
        free = f"{second.device[:-1]}x"
        assert attachments.update(second.id, {"device": free}).device == free

    def test_a_device_that_is_asked_for_is_given_once(self, workshop: Workshop) -> None:
        workshop.noun("attachments")
        machine, free = workshop.compute(start=False), workshop.volume()
        device = workshop.attach(machine.id, workshop.volume().id, device="/dev/vdx").device
        assert device == "/dev/vdx"
        with pytest.raises(Conflict):
            workshop.attach(machine.id, free.id, device=device)
        with pytest.raises(InvalidRequest) as caught:
            workshop.attach(machine.id, free.id, device="no device")
        assert caught.value.field == "device"
        assert workshop.noun("volumes").get(free.id).attachments == ()

    @pytest.mark.parametrize(("state", "action"), [(s, a) for s in STAYING for a in ATTACHMENT_ACTIONS[s]])
    def test_an_action_on_an_attachment_leads_where_the_table_says(
        self, workshop: Workshop, state: LinkState, action: str
    ) -> None:
        workshop.need(Capability.LINK_ACTIONS)
        link = workshop.attach(workshop.compute(start=False).id, workshop.volume().id)
        workshop.noun("attachments").act(link.id, "online" if state is LinkState.ACTIVE else "offline")
        end = ATTACHMENT_ACTIONS[state][action]
        assert workshop.noun("attachments").act(link.id, action).state is end
        assert workshop.noun("attachments").get(link.id).state is end


class InterfaceTests:
    def test_an_interface_is_named_by_compute_and_device_and_seen_from_both_sides(
        self, workshop: Workshop
    ) -> None:
        interfaces = workshop.noun("interfaces")
        range = workshop.range()
        network = workshop.network(range=range, gateway=range.network[1])
        machine = workshop.compute(start=False)
        link = workshop.connect(machine.id, network.id)
        assert link.id == Interface.identifier(machine.id, link.device)
        assert (link.compute, link.network) == (machine.id, network.id)
        assert link.gateway == network.gateway
        assert link.address in addresses_of(network)
        assert interfaces.get(link.id) == link
        assert link in workshop.backend.computes.get(machine.id).interfaces

    def test_devices_and_mac_addresses_of_one_compute_are_different(self, workshop: Workshop) -> None:
        workshop.noun("interfaces")
        network, machine = workshop.network(), workshop.compute(start=False)
        links = [workshop.connect(machine.id, network.id) for _ in range(3)]
        assert len({link.device for link in links}) == 3
        assert len({link.mac for link in links}) == 3

    def test_a_compute_is_connected_while_it_runs(self, workshop: Workshop) -> None:
        workshop.need(Capability.HOTPLUG)
        interfaces = workshop.noun("interfaces")
        machine = workshop.compute()
        link = workshop.connect(machine.id, workshop.network().id)
        workshop.remove("interfaces", link.id)
        assert link.id not in interfaces.ids()
        assert workshop.backend.computes.get(machine.id).state is ComputeState.RUNNING

    def test_a_compute_is_made_with_its_interfaces(self, workshop: Workshop) -> None:
        workshop.noun("interfaces")
        networks = [workshop.network().id for _ in range(2)]
        machine = workshop.compute(interfaces=tuple(InterfaceSpec(network) for network in networks))
        assert [link.network for link in machine.interfaces] == networks

    def test_connecting_what_does_not_exist_is_not_found(self, workshop: Workshop) -> None:
        interfaces = workshop.noun("interfaces")
        network, machine = workshop.network(), workshop.compute(start=False)
        before = interfaces.ids()
        with pytest.raises(NotFound):
            workshop.connect(machine.id, UNKNOWN)
        with pytest.raises(NotFound):
            workshop.connect(UNKNOWN, network.id)
        assert interfaces.ids() == before

    def test_deleting_the_compute_takes_interfaces_along(self, workshop: Workshop) -> None:
        interfaces = workshop.noun("interfaces")
        machine = workshop.compute(start=False)
        link = workshop.connect(machine.id, workshop.network().id)
        workshop.remove("computes", machine.id)
        assert link.id not in interfaces.ids()

    def test_an_address_that_is_asked_for_is_given(self, workshop: Workshop) -> None:
        workshop.need(Capability.STATIC_ADDRESS)
        network, machine = workshop.network(), workshop.compute(start=False)
        wanted = addresses_of(network)[3]
        link = workshop.connect(machine.id, network.id, address=wanted)
        assert (link.address, link.allocation) == (wanted, "static")

    def test_an_address_that_is_taken_is_a_conflict(self, workshop: Workshop) -> None:
        workshop.need(Capability.STATIC_ADDRESS)
        network, machine = workshop.network(), workshop.compute(start=False)
        link = workshop.connect(machine.id, network.id)
        before = workshop.noun("interfaces").ids()
        with pytest.raises(Conflict):
            workshop.connect(machine.id, network.id, address=link.address)
        assert workshop.noun("interfaces").ids() == before

    def test_an_address_outside_the_range_is_an_invalid_request(self, workshop: Workshop) -> None:
        workshop.need(Capability.STATIC_ADDRESS)
        network, machine = workshop.network(), workshop.compute(start=False)
        with pytest.raises(InvalidRequest) as caught:
            workshop.connect(machine.id, network.id, address=ip_address("192.0.2.1"))
        assert caught.value.field == "address"

    def test_a_static_address_is_not_given_to_another(self, workshop: Workshop) -> None:
        workshop.need(Capability.STATIC_ADDRESS)
        network, machine = workshop.network(), workshop.compute(start=False)
        wanted, *others = addresses_of(network)
        workshop.connect(machine.id, network.id, address=wanted)
        assert wanted not in [workshop.connect(machine.id, network.id).address for _ in others]

    def test_an_address_can_change_and_the_old_one_is_free_again(self, workshop: Workshop) -> None:
        workshop.need(Capability.STATIC_ADDRESS)
        interfaces = workshop.noun("interfaces")
        network, machine = workshop.network(), workshop.compute(start=False)
        first, second, *_ = addresses_of(network)
        link = workshop.connect(machine.id, network.id, address=first)
        assert interfaces.update(link.id, {"address": second}).address == second
        assert workshop.connect(machine.id, network.id, address=first).address == first

    def test_a_change_to_a_taken_address_changes_nothing(self, workshop: Workshop) -> None:
        workshop.need(Capability.STATIC_ADDRESS)
        interfaces = workshop.noun("interfaces")
        network, machine = workshop.network(), workshop.compute(start=False)
        first, second = (workshop.connect(machine.id, network.id) for _ in range(2))
        with pytest.raises(Conflict):
            interfaces.update(second.id, {"title": "new", "address": first.address})
        assert interfaces.get(second.id) == second
        with pytest.raises(Conflict):
            workshop.connect(machine.id, network.id, address=second.address)

    def test_a_mac_address_that_is_asked_for_is_given_once(self, workshop: Workshop) -> None:
        workshop.need(Capability.FIXED_MAC)
        network, machine = workshop.network(), workshop.compute(start=False)
        mac = "02:00:5e:00:53:01"
        assert workshop.connect(machine.id, network.id, mac=mac).mac == mac
        with pytest.raises(Conflict):
            workshop.connect(machine.id, network.id, mac=mac)

    def test_a_mac_address_can_change_to_a_free_one_only(self, workshop: Workshop) -> None:
        workshop.need(Capability.FIXED_MAC)
        interfaces = workshop.noun("interfaces")
        network, machine = workshop.network(), workshop.compute(start=False)
        first, second = (workshop.connect(machine.id, network.id) for _ in range(2))
        with pytest.raises(Conflict):
            interfaces.update(second.id, {"title": "new", "mac": first.mac})
        assert interfaces.get(second.id) == second
        mac = "02:00:5e:00:53:02"
        assert interfaces.update(second.id, {"mac": mac}).mac == mac
        if Capability.LEASES in workshop.backend.capabilities:
            assert mac in [lease.mac for lease in workshop.networks().leases(network.id)]

    def test_gateway_and_allocation_of_an_interface_can_change(self, workshop: Workshop) -> None:
        workshop.need(Capability.STATIC_ADDRESS)
        interfaces = workshop.noun("interfaces")
        network = workshop.network()
        link = workshop.connect(workshop.compute(start=False).id, network.id)
        gateway = addresses_of(network)[-1]
        changed = interfaces.update(link.id, {"gateway": gateway, "allocation": "static"})
        assert (changed.gateway, changed.allocation) == (gateway, "static")
        with pytest.raises(InvalidRequest) as caught:
            interfaces.update(link.id, {"title": "new", "allocation": "by lot"})
        assert caught.value.field == "allocation"
        assert interfaces.get(link.id) == changed

    def test_a_device_is_given_to_one_interface_of_a_compute(self, workshop: Workshop) -> None:
        workshop.noun("interfaces")
        network, machine = workshop.network(), workshop.compute(start=False)
        link = workshop.connect(machine.id, network.id)
        with pytest.raises(Conflict):
            workshop.connect(machine.id, network.id, device=link.device)

    @pytest.mark.parametrize("mac", ["", "01:00:5e:00:00:01", "52:54:00:12:34", "zz:zz:zz:zz:zz:zz"])
    def test_what_is_no_unicast_mac_address_is_an_invalid_request(self, workshop: Workshop, mac: str) -> None:
        workshop.need(Capability.FIXED_MAC)
        network, machine = workshop.network(), workshop.compute(start=False)
        with pytest.raises(InvalidRequest) as caught:
            workshop.connect(machine.id, network.id, mac=mac)
        assert caught.value.field == "mac"

    @pytest.mark.parametrize(("state", "action"), [(s, a) for s in STAYING for a in INTERFACE_ACTIONS[s]])
    def test_an_action_on_an_interface_leads_where_the_table_says(
        self, workshop: Workshop, state: LinkState, action: str
    ) -> None:
        workshop.need(Capability.LINK_ACTIONS)
        interfaces = workshop.noun("interfaces")
        link = workshop.connect(workshop.compute(start=False).id, workshop.network().id)
        interfaces.act(link.id, "up" if state is LinkState.ACTIVE else "down")
        end = INTERFACE_ACTIONS[state][action]
        assert interfaces.act(link.id, action).state is end
        assert interfaces.get(link.id).state is end
