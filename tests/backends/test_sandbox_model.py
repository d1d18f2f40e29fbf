"""The sandbox against a model of it in plain dictionaries: volumes, attachments, addresses, interfaces."""

from __future__ import annotations

import tempfile
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from backends.sandbox import SandboxBackend
from gateway.model import (
    GIB,
    AddressRange,
    AddressSpec,
    AttachmentSpec,
    ComputeSpec,
    Conflict,
    InterfaceSpec,
    InvalidState,
    IPAddress,
    LeaseState,
    NetworkSpec,
    NotFound,
    QuotaExceeded,
    VolumeSpec,
)

NETWORK = ip_network("10.77.0.0/29")
GATEWAY = NETWORK[1]
USABLE = [NETWORK[number] for number in range(2, 7)]
POOL = ip_network("203.0.113.0/30")
POOLED = [POOL[1], POOL[2]]


class Sandbox(RuleBasedStateMachine):
    computes: Bundle[str] = Bundle("computes")
    volumes: Bundle[str] = Bundle("volumes")
    links: Bundle[str] = Bundle("links")
    cards: Bundle[str] = Bundle("cards")
    reserved: Bundle[str] = Bundle("reserved")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "cloud.db"
        self.cloud = SandboxBackend(
            path, pools={"public": str(POOL)}, default_network=False, shared_volumes=False
        )
        spec = NetworkSpec(range=AddressRange(NETWORK, NETWORK[0], NETWORK[-1]), gateway=GATEWAY)
        self.network = self.cloud.networks.create(spec).id
        self.machines: list[str] = []
        self.holder: dict[str, str | None] = {}
        self.given: dict[IPAddress, str | None] = {}
        self.card_of: dict[str, tuple[str, IPAddress, str | None]] = {}
        self.reservations: dict[str, IPAddress] = {}

    def teardown(self) -> None:
        self.cloud.close()
        self.folder.cleanup()

    @rule(target=computes)
    def make_compute(self) -> str:
        self.machines.append(self.cloud.computes.create(ComputeSpec()).id)
        return self.machines[-1]

    @rule(compute=consumes(computes))
    def delete_compute(self, compute: str) -> None:
        self.cloud.computes.delete(compute)
        self.machines.remove(compute)
        self.holder = {v: None if c == compute else c for v, c in self.holder.items()}
        for id, (owner, _, _) in list(self.card_of.items()):
            if owner == compute:
                self.forget_card(id)

    @rule(target=volumes)
    def make_volume(self) -> str:
        id = self.cloud.volumes.create(VolumeSpec(GIB)).id
        self.holder[id] = None
        return id

    @rule(target=volumes, volume=consumes(volumes))
    def delete_volume(self, volume: str) -> str:
        if self.holder.get(volume) is not None:
            with pytest.raises(InvalidState):
                self.cloud.volumes.delete(volume)
            return volume
        if volume in self.holder:
            self.cloud.volumes.delete(volume)
            del self.holder[volume]
        with pytest.raises(NotFound):
            self.cloud.volumes.delete(volume)
        return volume

    @rule(target=links, compute=computes, volume=volumes)
    def attach(self, compute: str, volume: str) -> str:
        spec = AttachmentSpec(volume, compute)
        if volume not in self.holder:
            with pytest.raises(NotFound):
                self.cloud.attachments.create(spec)
        elif self.holder[volume] is not None:
            with pytest.raises(Conflict):
                self.cloud.attachments.create(spec)
        else:
            self.holder[volume] = compute
            return self.cloud.attachments.create(spec).id
        return f"{compute}~{volume}"

    @rule(link=links)
    def detach(self, link: str) -> None:
        compute, _, volume = link.partition("~")
        if self.holder.get(volume) != compute:
            with pytest.raises(NotFound):
                self.cloud.attachments.delete(link)
        else:
            self.cloud.attachments.delete(link)
            self.holder[volume] = None

    @rule(target=cards, compute=computes)
    def connect(self, compute: str) -> str:
        free = [address for address in USABLE if address not in self.given]
        if not free:
            with pytest.raises(QuotaExceeded):
                self.cloud.interfaces.create(InterfaceSpec(self.network, compute))
            return "none"
        made = self.cloud.interfaces.create(InterfaceSpec(self.network, compute))
        assert made.address == free[0]
        return self.remember_card(made.id, compute, free[0], None)

    @rule(target=cards, compute=computes, wanted=st.sampled_from([*USABLE, GATEWAY]))
    def connect_with_address(self, compute: str, wanted: IPAddress) -> str:
        spec = InterfaceSpec(self.network, compute, address=wanted)
        if wanted in self.given or wanted == GATEWAY:
            with pytest.raises(Conflict):
                self.cloud.interfaces.create(spec)
            return "none"
        return self.remember_card(self.cloud.interfaces.create(spec).id, compute, wanted, None)

    @rule(target=cards, compute=computes, address=reserved)
    def connect_with_reservation(self, compute: str, address: str) -> str:
        spec = InterfaceSpec(self.network, compute, reservation=address)
        if address not in self.reservations:
            with pytest.raises(NotFound):
                self.cloud.interfaces.create(spec)
        elif address in self.used():
            with pytest.raises(Conflict):
                self.cloud.interfaces.create(spec)
        else:
            made = self.cloud.interfaces.create(spec)
            assert made.address == self.reservations[address]
            return self.remember_card(made.id, compute, self.reservations[address], address)
        return "none"

    @rule(card=cards)
    def disconnect(self, card: str) -> None:
        if card not in self.card_of:
            with pytest.raises(NotFound):
                self.cloud.interfaces.delete(card)
        else:
            self.cloud.interfaces.delete(card)
            self.forget_card(card)

    @rule(card=cards, wanted=st.sampled_from(USABLE))
    def move(self, card: str, wanted: IPAddress) -> None:
        if card not in self.card_of:
            return
        compute, present, _ = self.card_of[card]
        if wanted != present and wanted in self.given:
            with pytest.raises(Conflict):
                self.cloud.interfaces.update(card, {"address": wanted})
        elif wanted != present:
            assert self.cloud.interfaces.update(card, {"address": wanted}).address == wanted
            self.forget_card(card)
            self.remember_card(card, compute, wanted, None)
        assert self.cloud.interfaces.get(card).address == self.card_of[card][1]

    @rule(address=st.sampled_from(USABLE))
    def hold(self, address: IPAddress) -> None:
        if self.given.get(address) is not None:
            with pytest.raises(Conflict):
                self.cloud.networks.hold(self.network, str(address))
        else:
            self.cloud.networks.hold(self.network, str(address))
            self.given[address] = None

    @rule(address=st.sampled_from(USABLE))
    def release(self, address: IPAddress) -> None:
        if address in self.given and self.given[address] is None:
            self.cloud.networks.release(self.network, str(address))
            del self.given[address]
        else:
            with pytest.raises(NotFound):
                self.cloud.networks.release(self.network, str(address))

    @rule(target=reserved)
    def reserve(self) -> str | MultipleResults[str]:
        free = [address for address in POOLED if address not in self.reservations.values()]
        if not free:
            with pytest.raises(QuotaExceeded):
                self.cloud.addresses.create(AddressSpec("public"))
            return multiple()
        made = self.cloud.addresses.create(AddressSpec("public"))
        assert made.address == free[0]
        self.reservations[made.id] = free[0]
        return made.id

    @rule(address=reserved)
    def give_reserved_back(self, address: str) -> None:
        if address not in self.reservations:
            with pytest.raises(NotFound):
                self.cloud.addresses.delete(address)
        elif address in self.used():
            with pytest.raises(InvalidState):
                self.cloud.addresses.delete(address)
        else:
            self.cloud.addresses.delete(address)
            del self.reservations[address]

    def used(self) -> dict[str, str]:
        return {r: compute for compute, _, r in self.card_of.values() if r is not None}

    def remember_card(self, id: str, compute: str, address: IPAddress, reservation: str | None) -> str:
        self.card_of[id] = (compute, address, reservation)
        if reservation is None:
            self.given[address] = compute
        return id

    def forget_card(self, id: str) -> None:
        _, address, reservation = self.card_of.pop(id)
        if reservation is None:
            del self.given[address]

    @invariant()
    def lists_are_those_of_the_model(self) -> None:
        assert self.cloud.computes.ids() == self.machines
        volumes = self.cloud.volumes.list()
        holders = {v.id: v.attachments[0].compute if v.attachments else None for v in volumes}
        assert holders == self.holder
        cards = self.cloud.interfaces.list()
        assert {i.id: (i.compute, i.address, i.reservation) for i in cards} == self.card_of
        seen = {a.id: (a.address, a.compute) for a in self.cloud.addresses.list()}
        used = self.used()
        assert seen == {id: (address, used.get(id)) for id, address in self.reservations.items()}

    @invariant()
    def leases_are_those_of_the_model(self) -> None:
        leases = self.cloud.networks.leases(self.network)
        assert [lease.address for lease in leases] == sorted(self.given, key=int)
        for lease in leases:
            assert lease.compute == self.given[lease.address]
            assert lease.state is (LeaseState.HELD if lease.compute is None else LeaseState.USED)


TestSandboxModel = Sandbox.TestCase
TestSandboxModel.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
