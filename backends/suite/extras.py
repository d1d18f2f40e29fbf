"""What floating addresses, security groups, key pairs and port mappings promise."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from backends.base import Capability
from gateway.model import (
    AddressSpec,
    AlreadyExists,
    Conflict,
    InvalidRequest,
    InvalidState,
    KeyPairSpec,
    LinkState,
    NotFound,
    PortMappingSpec,
    Rule,
    SecurityGroupSpec,
)

from .common import UNKNOWN
from .workshop import Workshop, public_key

RULES = (
    Rule("inbound", "tcp", 22, 22),
    Rule("inbound", "udp", 1000, 2000, ip_network("192.0.2.0/24")),
    Rule("outbound", "any"),
)


class AddressTests:
    def test_a_reserved_address_is_of_its_pool_and_unused(self, workshop: Workshop) -> None:
        address = workshop.create("addresses", AddressSpec(workshop.pool()))
        assert address.pool == workshop.pool()
        assert address.address is not None
        assert not address.used

    def test_reserved_addresses_are_different(self, workshop: Workshop) -> None:
        pool = workshop.pool()
        made = [workshop.create("addresses", AddressSpec(pool)).address for _ in range(3)]
        assert len(set(made)) == 3

    def test_a_pool_that_does_not_exist_is_not_found(self, workshop: Workshop) -> None:
        workshop.pool()
        with pytest.raises(NotFound):
            workshop.create("addresses", AddressSpec(UNKNOWN))

    def test_an_address_that_is_asked_for_is_reserved_once(self, workshop: Workshop) -> None:
        workshop.need(Capability.STATIC_ADDRESS)
        pool = workshop.pool()
        taken = workshop.create("addresses", AddressSpec(pool))
        with pytest.raises(Conflict):
            workshop.create("addresses", AddressSpec(pool, taken.address))
        workshop.remove("addresses", taken.id)
        assert workshop.create("addresses", AddressSpec(pool, taken.address)).address == taken.address

    def test_an_address_is_used_while_an_interface_has_it(self, workshop: Workshop) -> None:
        addresses = workshop.noun("addresses")
        pool = workshop.pool()
        address = workshop.create("addresses", AddressSpec(pool))
        network, machine = workshop.network(), workshop.compute(start=False)
        link = workshop.connect(machine.id, network.id, reservation=address.id)
        assert (link.address, link.reservation) == (address.address, address.id)
        assert addresses.get(address.id).compute == machine.id
        workshop.remove("interfaces", link.id)
        assert not addresses.get(address.id).used

    def test_an_address_in_use_is_not_used_again(self, workshop: Workshop) -> None:
        addresses = workshop.noun("addresses")
        address = workshop.create("addresses", AddressSpec(workshop.pool()))
        network = workshop.network()
        first, second = workshop.compute(start=False), workshop.compute(start=False)
        workshop.connect(first.id, network.id, reservation=address.id)
        with pytest.raises(Conflict):
            workshop.connect(second.id, network.id, reservation=address.id)
        assert addresses.get(address.id).compute == first.id

    def test_a_reserved_address_is_not_taken_by_naming_it(self, workshop: Workshop) -> None:
        workshop.need(Capability.STATIC_ADDRESS)
        pool = workshop.pool()
        address = workshop.create("addresses", AddressSpec(pool))
        network, machine = workshop.network(), workshop.compute(start=False)
        with pytest.raises(Conflict):
            workshop.connect(machine.id, network.id, pool=pool, address=address.address)
        assert not workshop.noun("addresses").get(address.id).used

    def test_a_reservation_that_does_not_exist_is_not_found(self, workshop: Workshop) -> None:
        workshop.pool()
        with pytest.raises(NotFound):
            workshop.connect(workshop.compute(start=False).id, workshop.network().id, reservation=UNKNOWN)

    def test_an_address_in_use_is_not_deleted(self, workshop: Workshop) -> None:
        addresses = workshop.noun("addresses")
        pool = workshop.pool()
        address = workshop.create("addresses", AddressSpec(pool))
        network, machine = workshop.network(), workshop.compute(start=False)
        workshop.connect(machine.id, network.id, reservation=address.id)
        with pytest.raises(InvalidState):
            addresses.delete(address.id)
        assert addresses.get(address.id).compute == machine.id

    def test_deleting_the_compute_frees_its_reserved_address(self, workshop: Workshop) -> None:
        addresses = workshop.noun("addresses")
        pool = workshop.pool()
        address = workshop.create("addresses", AddressSpec(pool))
        network, machine = workshop.network(), workshop.compute(start=False)
        workshop.connect(machine.id, network.id, reservation=address.id)
        workshop.remove("computes", machine.id)
        assert addresses.get(address.id) == address

    def test_an_address_can_change_to_a_free_one_of_its_pool(self, workshop: Workshop) -> None:
        workshop.need(Capability.STATIC_ADDRESS)
        pool, addresses = workshop.pool(), workshop.noun("addresses")
        kept, freed = (workshop.create("addresses", AddressSpec(pool)) for _ in range(2))
        workshop.remove("addresses", freed.id)
        assert addresses.update(kept.id, {"address": freed.address}).address == freed.address
        taken = workshop.create("addresses", AddressSpec(pool, kept.address))
        with pytest.raises(Conflict):
            addresses.update(taken.id, {"title": "new", "address": freed.address})
        assert addresses.get(taken.id) == taken

    def test_an_address_that_is_down_is_not_used_until_it_is_up(self, workshop: Workshop) -> None:
        workshop.need(Capability.LINK_ACTIONS)
        addresses = workshop.noun("addresses")
        address = workshop.create("addresses", AddressSpec(workshop.pool()))
        network, machine = workshop.network(), workshop.compute(start=False)
        assert addresses.act(address.id, "down").state is LinkState.INACTIVE
        with pytest.raises(Conflict):
            workshop.connect(machine.id, network.id, reservation=address.id)
        assert addresses.act(address.id, "up").state is LinkState.ACTIVE
        assert workshop.connect(machine.id, network.id, reservation=address.id).address == address.address

    def test_an_interface_takes_an_address_of_a_pool(self, workshop: Workshop) -> None:
        pool = workshop.pool()
        reserved = workshop.create("addresses", AddressSpec(pool))
        network, machine = workshop.network(), workshop.compute(start=False)
        link = workshop.connect(machine.id, network.id, pool=pool)
        assert link.address is not None
        assert network.range is not None
        assert link.address not in network.range.network
        assert link.address != reserved.address


class SecurityGroupTests:
    def test_rules_are_kept_and_replaced_as_a_whole(self, workshop: Workshop) -> None:
        groups = workshop.noun("security_groups")
        group = workshop.create("security_groups", SecurityGroupSpec(title="web", rules=RULES))
        assert groups.get(group.id).rules == RULES
        assert groups.update(group.id, {"rules": RULES[:1]}).rules == RULES[:1]
        assert groups.get(group.id).rules == RULES[:1]

    @pytest.mark.parametrize(
        "rule",
        [Rule("sideways", "tcp"), Rule("inbound", "carrier-pigeon"), Rule("inbound", "tcp", 2000, 1000)],
    )
    def test_a_rule_without_sense_is_an_invalid_request(self, workshop: Workshop, rule: Rule) -> None:
        groups = workshop.noun("security_groups")
        before = groups.ids()
        with pytest.raises(InvalidRequest) as caught:
            workshop.create("security_groups", SecurityGroupSpec(rules=(*RULES, rule)))
        assert caught.value.field == "rules"
        assert groups.ids() == before

    def test_a_group_that_a_compute_is_in_is_not_deleted(self, workshop: Workshop) -> None:
        groups = workshop.noun("security_groups")
        group = workshop.create("security_groups", SecurityGroupSpec(rules=RULES))
        machine = workshop.compute(security_groups=(group.id,))
        assert machine.security_groups == (group.id,)
        with pytest.raises(InvalidState):
            groups.delete(group.id)
        workshop.remove("computes", machine.id)
        workshop.remove("security_groups", group.id)

    def test_a_group_that_does_not_exist_is_not_found(self, workshop: Workshop) -> None:
        workshop.noun("security_groups")
        with pytest.raises(NotFound):
            workshop.compute(security_groups=(UNKNOWN,))


class KeyPairTests:
    def test_a_key_is_kept_with_its_fingerprint(self, workshop: Workshop) -> None:
        key = public_key()
        made = workshop.create("key_pairs", KeyPairSpec(workshop.token(), key))
        assert made.public_key == key
        assert made.fingerprint.startswith("SHA256:")

    def test_a_name_is_used_once(self, workshop: Workshop) -> None:
        keys = workshop.noun("key_pairs")
        made = workshop.create("key_pairs", KeyPairSpec(workshop.token(), public_key()))
        before = keys.ids()
        with pytest.raises(AlreadyExists):
            workshop.create("key_pairs", KeyPairSpec(made.title, public_key()))
        assert keys.ids() == before

    @pytest.mark.parametrize("key", ["", "ssh-rsa", "ssh-rsa ***", "-----BEGIN RSA PRIVATE KEY-----"])
    def test_what_is_no_public_key_is_an_invalid_request(self, workshop: Workshop, key: str) -> None:
        workshop.noun("key_pairs")
        with pytest.raises(InvalidRequest) as caught:
            workshop.create("key_pairs", KeyPairSpec(workshop.token(), key))
        assert caught.value.field == "public_key"


class PortMappingTests:
    def test_a_port_mapping_tells_both_ports(self, workshop: Workshop) -> None:
        workshop.noun("port_mappings")
        machine = workshop.compute(start=False)
        made = workshop.create("port_mappings", PortMappingSpec(machine.id, 22))
        assert (made.compute, made.port, made.protocol) == (machine.id, 22, "tcp")
        assert made.public_port
        assert made.public_address is not None

    def test_a_public_port_is_given_once(self, workshop: Workshop) -> None:
        workshop.noun("port_mappings")
        machine = workshop.compute(start=False)
        made = workshop.create("port_mappings", PortMappingSpec(machine.id, 22))
        other = workshop.create("port_mappings", PortMappingSpec(machine.id, 80))
        assert other.public_port != made.public_port
        with pytest.raises(Conflict):
            workshop.create("port_mappings", PortMappingSpec(machine.id, 80, public_port=made.public_port))

    @pytest.mark.parametrize("port", [0, 65536])
    def test_a_port_that_cannot_be_is_an_invalid_request(self, workshop: Workshop, port: int) -> None:
        workshop.noun("port_mappings")
        with pytest.raises(InvalidRequest) as caught:
            workshop.create("port_mappings", PortMappingSpec(workshop.compute(start=False).id, port))
        assert caught.value.field == "port"

    def test_a_mapping_to_what_does_not_exist_is_not_found(self, workshop: Workshop) -> None:
        workshop.noun("port_mappings")
        with pytest.raises(NotFound):
            workshop.create("port_mappings", PortMappingSpec(UNKNOWN, 22))

    def test_deleting_the_compute_takes_mappings_along(self, workshop: Workshop) -> None:
        mappings = workshop.noun("port_mappings")
        machine = workshop.compute(start=False)
        made = workshop.create("port_mappings", PortMappingSpec(machine.id, 22))
        workshop.remove("computes", machine.id)
        assert made.id not in mappings.ids()
