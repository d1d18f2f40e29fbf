"""What networks promise: their range, who has which address, holding addresses, being in use."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from backends.base import Capability
from gateway.model import (
    NETWORK_ACTIONS,
    AddressRange,
    Conflict,
    InvalidRequest,
    InvalidState,
    LeaseState,
    Network,
    NetworkState,
    NotFound,
    QuotaExceeded,
)

from .common import UNKNOWN
from .workshop import Workshop, addresses_of

STAYING = (NetworkState.ACTIVE, NetworkState.INACTIVE)
ALLOWED = [(s, a, end) for s in STAYING for a, end in NETWORK_ACTIONS[s].items()]


def network_in(workshop: Workshop, state: NetworkState) -> Network:
    workshop.noun("networks")
    workshop.need(Capability.NETWORK_ACTIONS)
    network = workshop.network()
    if state is NetworkState.INACTIVE:
        workshop.noun("networks").act(network.id, "down")
    found: Network = workshop.reaches("networks", network.id, state)
    return found


class NetworkTests:
    def test_a_network_keeps_range_gateway_label_and_vlan(self, workshop: Workshop) -> None:
        range = workshop.range()
        gateway = range.network[1]
        made = workshop.network(range=range, gateway=gateway, label="blue", vlan=7, summary="s")
        seen = workshop.noun("networks").get(made.id)
        assert (seen.range, seen.gateway) == (range, gateway)
        assert (seen.label, seen.vlan, seen.summary) == ("blue", 7, "s")
        assert seen.state is NetworkState.ACTIVE

    def test_a_network_without_a_range_has_none(self, workshop: Workshop) -> None:
        assert workshop.network(size=None).range is None

    @pytest.mark.parametrize(("field", "value"), [("vlan", 4096), ("vlan", -1)])
    def test_a_network_with_a_wrong_value_is_an_invalid_request_and_not_made(
        self, workshop: Workshop, field: str, value: int
    ) -> None:
        networks = workshop.noun("networks")
        before = networks.ids()
        with pytest.raises(InvalidRequest) as caught:
            workshop.network(**{field: value})
        assert caught.value.field == field
        assert networks.ids() == before

    def test_a_gateway_outside_the_range_is_an_invalid_request(self, workshop: Workshop) -> None:
        networks = workshop.noun("networks")
        before = networks.ids()
        with pytest.raises(InvalidRequest) as caught:
            workshop.network(gateway=ip_address("192.0.2.1"))
        assert caught.value.field == "gateway"
        assert networks.ids() == before

    def test_a_range_that_ends_before_it_begins_is_an_invalid_request(self, workshop: Workshop) -> None:
        workshop.noun("networks")
        range = workshop.range()
        with pytest.raises(InvalidRequest) as caught:
            workshop.network(range=replace(range, first=range.last, last=range.first))
        assert caught.value.field == "range"

    @pytest.mark.parametrize(("state", "action", "end"), ALLOWED)
    def test_an_action_on_a_network_leads_where_the_table_says(
        self, workshop: Workshop, state: NetworkState, action: str, end: NetworkState
    ) -> None:
        network = network_in(workshop, state)
        workshop.noun("networks").act(network.id, action)
        assert workshop.reaches("networks", network.id, end).state is end

    @pytest.mark.parametrize(
        ("state", "action"), [(NetworkState.ACTIVE, "up"), (NetworkState.INACTIVE, "down")]
    )
    def test_an_idle_action_on_a_network_succeeds_and_changes_nothing(
        self, workshop: Workshop, state: NetworkState, action: str
    ) -> None:
        network = network_in(workshop, state)
        assert workshop.noun("networks").act(network.id, action) == network
        assert workshop.noun("networks").get(network.id) == network

    def test_a_network_that_a_compute_is_in_is_neither_deleted_nor_taken_down(
        self, workshop: Workshop
    ) -> None:
        network = network_in(workshop, NetworkState.ACTIVE)
        link = workshop.connect(workshop.compute(start=False).id, network.id)
        with pytest.raises(InvalidState):
            workshop.noun("networks").delete(network.id)
        with pytest.raises(InvalidState):
            workshop.noun("networks").act(network.id, "down")
        assert workshop.noun("networks").get(network.id).state is NetworkState.ACTIVE
        assert workshop.noun("interfaces").get(link.id).network == network.id

    def test_a_network_can_be_deleted_when_its_computes_are_gone(self, workshop: Workshop) -> None:
        workshop.noun("interfaces")
        network, machine = workshop.network(), workshop.compute(start=False)
        workshop.connect(machine.id, network.id)
        workshop.remove("computes", machine.id)
        workshop.remove("networks", network.id)
        assert workshop.noun("networks").list([network.id]) == []

    def test_the_range_of_an_unused_network_can_change(self, workshop: Workshop) -> None:
        workshop.need(Capability.NETWORK_CREATE, Capability.RENAME)
        network, other = workshop.network(), workshop.range()
        changed = workshop.noun("networks").update(network.id, {"range": other, "gateway": None})
        assert changed.range == other
        assert workshop.noun("networks").get(network.id).range == other

    def test_label_vlan_and_allocation_can_change(self, workshop: Workshop) -> None:
        workshop.need(Capability.RENAME)
        network = workshop.network(vlan=1)
        changed = workshop.noun("networks").update(
            network.id, {"label": "red", "vlan": None, "allocation": "static", "summary": "s"}
        )
        assert (changed.label, changed.vlan, changed.allocation) == ("red", None, "static")
        assert workshop.noun("networks").get(network.id) == changed

    def test_a_range_that_would_leave_an_address_in_use_outside_is_refused(self, workshop: Workshop) -> None:
        workshop.need(Capability.RENAME)
        workshop.noun("interfaces")
        network = workshop.network()
        workshop.connect(workshop.compute(start=False).id, network.id)
        with pytest.raises(InvalidState):
            workshop.noun("networks").update(network.id, {"title": "new", "range": workshop.range()})
        assert workshop.noun("networks").get(network.id) == network

    def test_a_compute_is_not_connected_to_a_network_that_is_down(self, workshop: Workshop) -> None:
        workshop.noun("interfaces")
        network = network_in(workshop, NetworkState.INACTIVE)
        with pytest.raises(Conflict):
            workshop.connect(workshop.compute(start=False).id, network.id)

    def test_a_change_of_a_network_with_one_wrong_value_changes_nothing(self, workshop: Workshop) -> None:
        workshop.need(Capability.RENAME)
        network = workshop.network()
        with pytest.raises(InvalidRequest):
            workshop.noun("networks").update(network.id, {"title": "new", "vlan": 5000})
        assert workshop.noun("networks").get(network.id) == network


class AllocationTests:
    """Which addresses machines are given."""

    def test_network_broadcast_and_gateway_addresses_are_never_given(self, workshop: Workshop) -> None:
        workshop.noun("interfaces")
        range = workshop.range(29)
        network = workshop.network(range=range, gateway=range.network[1])
        machine = workshop.compute(start=False)
        usable = addresses_of(network)
        given = [workshop.connect(machine.id, network.id).address for _ in usable]
        assert sorted(map(str, given)) == sorted(map(str, usable))

    def test_a_full_range_refuses_and_leaves_nothing_behind(self, workshop: Workshop) -> None:
        workshop.noun("interfaces")
        network, machine = workshop.network(size=30), workshop.compute(start=False)
        for _ in addresses_of(network):
            workshop.connect(machine.id, network.id)
        before = workshop.noun("interfaces").ids()
        with pytest.raises((QuotaExceeded, Conflict)):
            workshop.connect(machine.id, network.id)
        assert workshop.noun("interfaces").ids() == before

    def test_an_address_that_was_given_back_is_given_again(self, workshop: Workshop) -> None:
        workshop.noun("interfaces")
        network, machine = workshop.network(size=30), workshop.compute(start=False)
        links = [workshop.connect(machine.id, network.id) for _ in addresses_of(network)]
        workshop.remove("interfaces", links[0].id)
        assert workshop.connect(machine.id, network.id).address == links[0].address

    def test_the_addresses_of_a_deleted_compute_are_given_again(self, workshop: Workshop) -> None:
        workshop.noun("interfaces")
        network, machine = workshop.network(size=30), workshop.compute(start=False)
        given = [workshop.connect(machine.id, network.id).address for _ in addresses_of(network)]
        workshop.remove("computes", machine.id)
        other = workshop.compute(start=False)
        assert workshop.connect(other.id, network.id).address in given

    def test_the_range_may_be_of_ipv6(self, workshop: Workshop) -> None:
        workshop.noun("interfaces")
        whole = ip_network("fd00:cafe::/64")
        range = AddressRange(whole, whole[0x10], whole[0x20])
        network = workshop.network(range=range, gateway=whole[1])
        link = workshop.connect(workshop.compute(start=False).id, network.id)
        assert link.address is not None
        assert range.first <= link.address <= range.last  # type: ignore[operator]  # all three are IPv6
        assert link.gateway == whole[1]


class LeaseTests:
    def test_leases_name_address_and_compute_and_leave_out_free_ones(self, workshop: Workshop) -> None:
        workshop.need(Capability.LEASES)
        network, machine = workshop.network(), workshop.compute(start=False)
        link = workshop.connect(machine.id, network.id)
        (lease,) = workshop.networks().leases(network.id)
        assert (lease.network, lease.address, lease.compute) == (network.id, link.address, machine.id)
        assert lease.state is LeaseState.USED
        assert lease.mac == link.mac

    def test_a_new_network_has_no_leases(self, workshop: Workshop) -> None:
        workshop.need(Capability.LEASES)
        assert list(workshop.networks().leases(workshop.network().id)) == []

    def test_a_held_address_is_not_given_out(self, workshop: Workshop) -> None:
        workshop.need(Capability.LEASES)
        network, machine = workshop.network(size=29), workshop.compute(start=False)
        held, *others = addresses_of(network)
        lease = workshop.networks().hold(network.id, str(held))
        assert (lease.address, lease.state) == (held, LeaseState.HELD)
        given = [workshop.connect(machine.id, network.id).address for _ in others]
        assert held not in given

    def test_a_held_address_is_listed_until_it_is_released(self, workshop: Workshop) -> None:
        workshop.need(Capability.LEASES)
        network = workshop.network()
        address = addresses_of(network)[1]
        workshop.networks().hold(network.id, str(address))
        assert [lease.state for lease in workshop.networks().leases(network.id)] == [LeaseState.HELD]
        workshop.networks().release(network.id, str(address))
        assert list(workshop.networks().leases(network.id)) == []

    def test_a_released_address_is_given_out(self, workshop: Workshop) -> None:
        workshop.need(Capability.LEASES)
        network, machine = workshop.network(size=30), workshop.compute(start=False)
        usable = addresses_of(network)
        for address in usable:
            workshop.networks().hold(network.id, str(address))
        workshop.networks().release(network.id, str(usable[1]))
        assert workshop.connect(machine.id, network.id).address == usable[1]

    def test_an_address_in_use_cannot_be_held(self, workshop: Workshop) -> None:
        workshop.need(Capability.LEASES)
        network = workshop.network()
        link = workshop.connect(workshop.compute(start=False).id, network.id)
        with pytest.raises(Conflict):
            workshop.networks().hold(network.id, str(link.address))
        (lease,) = workshop.networks().leases(network.id)
        assert lease.state is LeaseState.USED

    @pytest.mark.parametrize("address", ["192.0.2.1", "not-an-address", ""])
    def test_an_address_outside_the_network_cannot_be_held(self, workshop: Workshop, address: str) -> None:
        workshop.need(Capability.LEASES)
        network = workshop.network()
        with pytest.raises(InvalidRequest):
            workshop.networks().hold(network.id, address)
        assert list(workshop.networks().leases(network.id)) == []

    def test_releasing_what_is_not_held_is_not_found(self, workshop: Workshop) -> None:
        workshop.need(Capability.LEASES)
        network = workshop.network()
        with pytest.raises(NotFound):
            workshop.networks().release(network.id, str(addresses_of(network)[0]))

    def test_releasing_does_not_take_an_address_in_use_away(self, workshop: Workshop) -> None:
        workshop.need(Capability.LEASES)
        network = workshop.network()
        link = workshop.connect(workshop.compute(start=False).id, network.id)
        with pytest.raises(NotFound):
            workshop.networks().release(network.id, str(link.address))
        assert len(workshop.networks().leases(network.id)) == 1

    def test_leases_of_what_does_not_exist_are_not_found(self, workshop: Workshop) -> None:
        workshop.need(Capability.LEASES)
        networks = workshop.networks()
        with pytest.raises(NotFound):
            networks.leases(UNKNOWN)
        with pytest.raises(NotFound):
            networks.hold(UNKNOWN, "10.0.0.1")
        with pytest.raises(NotFound):
            networks.release(UNKNOWN, "10.0.0.1")
