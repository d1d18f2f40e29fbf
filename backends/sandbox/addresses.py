"""Floating addresses, and ports of the one public address that lead to ports of machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from gateway.model import (
    INTERFACE_ACTIONS,
    Address,
    AddressChanges,
    AddressRange,
    AddressSpec,
    Conflict,
    InvalidRequest,
    InvalidState,
    IPAddress,
    LeaseState,
    LinkState,
    NotFound,
    PortMapping,
    PortMappingSpec,
    QuotaExceeded,
    TitleChanges,
    shorten,
)

from . import ranges
from .database import Connection
from .images import TITLE
from .joints import compute_exists
from .nouns import Plain, Switched
from .rows import Row, unpacked
from .values import PORT, within


class Addresses(Switched[Address, AddressSpec, AddressChanges]):
    """Reserved addresses; one is used while an interface has it as its reservation."""

    noun = "address"
    table: ClassVar[str] = "addresses"
    columns: ClassVar[str] = (
        "id, title, pool, address, state,"
        " (SELECT i.compute FROM interfaces AS i WHERE i.reservation = addresses.id)"
    )
    changeable = frozenset(AddressChanges.__optional_keys__)
    actions = INTERFACE_ACTIONS

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[Address]:
        return [
            Address(id, title, pool, unpacked(address), compute, LinkState(state))
            for id, title, pool, address, state, compute in rows
        ]

    def _insert(self, connection: Connection, spec: AddressSpec, now: float) -> str:
        address = self._reserve(connection, spec.pool, spec.address)
        columns = {"title": spec.title, "pool": spec.pool, "address": address, "state": "active"}
        return self._put(connection, spec.token, columns)

    def _reserve(self, connection: Connection, pool: str, wanted: IPAddress | None) -> bytes:
        """Raises NotFound (the pool), InvalidRequest (outside), Conflict (taken), QuotaExceeded."""
        range: AddressRange | None = self._site.options.pools.get(pool)
        if range is None:
            raise NotFound.of("pool", pool)
        source = ranges.pool_source(pool)
        if wanted is not None:
            return ranges.take(connection, source, range, None, wanted, None, None, LeaseState.HELD)
        return ranges.take_lowest(connection, source, range, None, None, None, LeaseState.HELD)

    def _columns(self, connection: Connection, present: Address, changes: AddressChanges) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        if "title" in changes:
            columns["title"] = changes["title"]
        if "address" in changes and changes["address"] != present.address:
            self._unused(present, "changed")
            columns["address"] = self._reserve(connection, present.pool, changes["address"])
            self._give_back(connection, present)
        return columns

    def _unused(self, address: Address, what: str) -> None:
        if address.used:
            raise InvalidState(
                f"address {address.address} cannot be {what}:"
                f" compute {address.compute} has it; disconnect it first"
            )

    def _release(self, connection: Connection, present: Address) -> None:
        self._unused(present, "released")
        self._give_back(connection, present)

    def _give_back(self, connection: Connection, present: Address) -> None:
        assert present.address is not None
        ranges.give_back(connection, ranges.pool_source(present.pool), present.address.packed)


PUBLIC_PORTS = (20000, 29999)
PROTOCOLS = ("tcp", "udp")


class PortMappings(Plain[PortMapping, PortMappingSpec, TitleChanges]):
    """They go with their compute."""

    noun = "port mapping"
    table: ClassVar[str] = "port_mappings"
    columns: ClassVar[str] = "id, title, compute, protocol, public_port, port"
    changeable = TITLE

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[PortMapping]:
        public = self._site.options.public_address
        return [
            PortMapping(id, title, compute, protocol, public, public_port, port)
            for id, title, compute, protocol, public_port, port in rows
        ]

    def _insert(self, connection: Connection, spec: PortMappingSpec, now: float) -> str:
        within("port", spec.port, PORT)
        if spec.protocol not in PROTOCOLS:
            raise InvalidRequest(f"protocol {shorten(spec.protocol)} is not tcp or udp", field="protocol")
        compute_exists(connection, spec.compute, now)
        columns = {
            "title": spec.title,
            "compute": spec.compute,
            "protocol": spec.protocol,
            "public_port": self._public_port(connection, spec),
            "port": spec.port,
        }
        return self._put(connection, spec.token, columns)

    def _public_port(self, connection: Connection, spec: PortMappingSpec) -> int:
        """The one asked for, else the lowest free one of ``PUBLIC_PORTS``."""
        rows = connection.execute(
            "SELECT public_port FROM port_mappings WHERE protocol = ?", (spec.protocol,)
        ).fetchall()
        taken = {port for (port,) in rows}
        if spec.public_port is not None:
            if within("public_port", spec.public_port, PORT) in taken:
                raise Conflict(f"{spec.protocol} port {spec.public_port} of the public address is taken")
            return spec.public_port
        first, last = PUBLIC_PORTS
        free = (port for port in range(first, last + 1) if port not in taken)
        port = next(free, None)
        if port is None:
            raise QuotaExceeded("ports", used=last - first + 1, limit=last - first + 1, scope="sandbox")
        return port
