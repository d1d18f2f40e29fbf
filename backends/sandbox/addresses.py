"""Floating addresses, and ports of the one public address that lead to ports of machines."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
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
    next_state,
    shorten,
)

from . import ranges
from .database import Connection
from .images import TITLE
from .joints import compute_exists
from .nouns import Stored
from .rows import Row, unpacked
from .values import PORT, refuse_unknown, within

_ADDRESS_CHANGES = frozenset(AddressChanges.__optional_keys__)


class Addresses(Stored[Address, AddressSpec, AddressChanges]):
    """Reserved addresses; one is used while an interface has it as its reservation."""

    noun = "address"
    table: ClassVar[str] = "addresses"
    columns: ClassVar[str] = (
        "id, title, pool, address, state,"
        " (SELECT i.compute FROM interfaces AS i WHERE i.reservation = addresses.id)"
    )

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[Address]:
        return [
            Address(id, title, pool, unpacked(address), compute, LinkState(state))
            for id, title, pool, address, state, compute in rows
        ]

    def create(self, spec: AddressSpec) -> Address:
        self._fail("create", title=spec.title)
        now = self._site.clock()
        with self._site.database.write() as connection:
            known = self._made(connection, spec.token, now)
            if known is not None:
                return known
            address = self._reserve(connection, spec.pool, spec.address)
            id = str(uuid.uuid4())
            connection.execute(
                "INSERT INTO addresses (id, token, title, pool, address, state)"
                " VALUES (?, ?, ?, ?, ?, 'active')",
                (id, spec.token or None, spec.title, spec.pool, address),
            )
            return self._load(connection, id, now)

    def _reserve(self, connection: Connection, pool: str, wanted: IPAddress | None) -> bytes:
        """Raises NotFound (the pool), InvalidRequest (outside), Conflict (taken), QuotaExceeded."""
        range: AddressRange | None = self._site.options.pools.get(pool)
        if range is None:
            raise NotFound.of("pool", pool)
        source = ranges.pool_source(pool)
        if wanted is not None:
            return ranges.take(connection, source, range, None, wanted, None, None, LeaseState.HELD)
        return ranges.take_lowest(connection, source, range, None, None, None, LeaseState.HELD)

    def update(self, id: str, changes: AddressChanges) -> Address:
        self._fail("update", id=id)
        self._known(changes, _ADDRESS_CHANGES)
        now = self._site.clock()
        with self._site.database.write() as connection:
            present = self._load(connection, id, now)
            columns: dict[str, Any] = {}
            if "title" in changes:
                columns["title"] = changes["title"]
            if "address" in changes and changes["address"] != present.address:
                self._unused(present, "changed")
                assert present.address is not None
                columns["address"] = self._reserve(connection, present.pool, changes["address"])
                ranges.give_back(connection, ranges.pool_source(present.pool), present.address.packed)
            self._change(connection, id, columns)
            return self._load(connection, id, now)

    def _unused(self, address: Address, what: str) -> None:
        if address.used:
            raise InvalidState(
                f"address {address.address} cannot be {what}:"
                f" compute {address.compute} has it; disconnect it first"
            )

    def act(self, id: str, action: str, parameters: Mapping[str, Any] | None = None) -> Address:
        self._fail(f"act:{action}", id=id)
        refuse_unknown(self.noun, action, ("up", "down"), parameters)
        now = self._site.clock()
        with self._site.database.write() as connection:
            present = self._load(connection, id, now)
            end = next_state(INTERFACE_ACTIONS, present.state, action, f"address {id}")
            self._change(connection, id, {"state": end.value})
            return self._load(connection, id, now)

    def delete(self, id: str) -> None:
        self._fail("delete", id=id)
        with self._site.database.write() as connection:
            present = self._load(connection, id, self._site.clock())
            self._unused(present, "released")
            assert present.address is not None
            ranges.give_back(connection, ranges.pool_source(present.pool), present.address.packed)
            connection.execute("DELETE FROM addresses WHERE id = ?", (id,))


PUBLIC_PORTS = (20000, 29999)
PROTOCOLS = ("tcp", "udp")


class PortMappings(Stored[PortMapping, PortMappingSpec, TitleChanges]):
    """They go with their compute."""

    noun = "port mapping"
    table: ClassVar[str] = "port_mappings"
    columns: ClassVar[str] = "id, title, compute, protocol, public_port, port"

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[PortMapping]:
        public = self._site.options.public_address
        return [
            PortMapping(id, title, compute, protocol, public, public_port, port)
            for id, title, compute, protocol, public_port, port in rows
        ]

    def create(self, spec: PortMappingSpec) -> PortMapping:
        """Without a public port the lowest free one of ``PUBLIC_PORTS`` is given."""
        self._fail("create", title=spec.title)
        within("port", spec.port, PORT)
        if spec.protocol not in PROTOCOLS:
            raise InvalidRequest(f"protocol {shorten(spec.protocol)} is not tcp or udp", field="protocol")
        now = self._site.clock()
        with self._site.database.write() as connection:
            known = self._made(connection, spec.token, now)
            if known is not None:
                return known
            compute_exists(connection, spec.compute, now)
            public = self._public_port(connection, spec)
            id = str(uuid.uuid4())
            connection.execute(
                "INSERT INTO port_mappings (id, token, title, compute, protocol, public_port, port)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (id, spec.token or None, spec.title, spec.compute, spec.protocol, public, spec.port),
            )
            return self._load(connection, id, now)

    def _public_port(self, connection: Connection, spec: PortMappingSpec) -> int:
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

    def update(self, id: str, changes: TitleChanges) -> PortMapping:
        self._fail("update", id=id)
        self._known(changes, TITLE)
        now = self._site.clock()
        with self._site.database.write() as connection:
            self._load(connection, id, now)
            self._change(connection, id, dict(changes))
            return self._load(connection, id, now)

    def delete(self, id: str) -> None:
        self._fail("delete", id=id)
        with self._site.database.write() as connection:
            self._load(connection, id, self._site.clock())
            connection.execute("DELETE FROM port_mappings WHERE id = ?", (id,))
