"""Networks, who has which of their addresses, and addresses held back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any, ClassVar

from backends.base import NetworkCollection
from gateway.model import (
    NETWORK_ACTIONS,
    AddressRange,
    Conflict,
    InvalidRequest,
    InvalidState,
    IPAddress,
    Lease,
    LeaseState,
    Network,
    NetworkChanges,
    NetworkSpec,
    NetworkState,
    NotFound,
    next_state,
    shorten,
)

from . import ranges
from .database import Connection
from .nouns import Stored
from .rows import Row, address_range, dumped_tags, mapping, moment, packed, unpacked
from .values import allocation, label, refuse_unknown, vlan

ACTIONS = ("up", "down")
_CHANGEABLE = frozenset(NetworkChanges.__optional_keys__)

_INSERT = (
    "INSERT INTO networks (id, token, title, summary, state, vlan, label, range, first, last, gateway,"
    " allocation, created, tags) VALUES (?, ?, ?, ?, 'active', ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Networks(Stored[Network, NetworkSpec, NetworkChanges], NetworkCollection):
    table: ClassVar[str] = "networks"
    columns: ClassVar[str] = (
        "id, title, summary, state, state_message, vlan, label, range, first, last, gateway, allocation,"
        " created, tags"
    )

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[Network]:
        return [_network(row) for row in rows]

    def create(self, spec: NetworkSpec) -> Network:
        self._fail("create", title=spec.title)
        now = self._site.clock()
        with self._site.database.write() as connection:
            known = self._made(connection, spec.token, now)
            if known is not None:
                return known
            id = str(uuid.uuid4())
            connection.execute(
                _INSERT,
                (
                    id,
                    spec.token or None,
                    spec.title,
                    spec.summary,
                    vlan(spec.vlan),
                    label(spec.label),
                    *_range_columns(spec.range, spec.gateway),
                    allocation(spec.allocation),
                    now,
                    dumped_tags(spec.tags),
                ),
            )
            return self._load(connection, id, now)

    def update(self, id: str, changes: NetworkChanges) -> Network:
        self._fail("update", id=id)
        self._known(changes, _CHANGEABLE)
        now = self._site.clock()
        with self._site.database.write() as connection:
            present = self._load(connection, id, now)
            columns: dict[str, Any] = {}
            if "title" in changes:
                columns["title"] = changes["title"]
            if "summary" in changes:
                columns["summary"] = changes["summary"]
            if "vlan" in changes:
                columns["vlan"] = vlan(changes["vlan"])
            if "label" in changes:
                columns["label"] = label(changes["label"])
            if "allocation" in changes:
                columns["allocation"] = allocation(changes["allocation"])
            if "tags" in changes:
                columns["tags"] = dumped_tags(changes["tags"])
            range, gateway = changes.get("range", present.range), changes.get("gateway", present.gateway)
            if (range, gateway) != (present.range, present.gateway):
                columns |= self._moved(connection, id, range, gateway)
            self._change(connection, id, columns)
            return self._load(connection, id, now)

    def _moved(
        self, connection: Connection, id: str, range: AddressRange | None, gateway: IPAddress | None
    ) -> dict[str, Any]:
        """The columns of a new range. Raises InvalidState where it would leave a leased address outside."""
        names = ("range", "first", "last", "gateway")
        columns = dict(zip(names, _range_columns(range, gateway), strict=True))
        leased = connection.execute("SELECT address FROM leases WHERE source = ?", (id,)).fetchall()
        for (blob,) in leased:
            address = unpacked(blob)
            if address == gateway or range is None or address not in range.network:
                raise InvalidState(f"network {id}: address {address} is in use and would not fit any more")
        ranges.forget_lowest(connection, id)
        return columns

    def act(self, id: str, action: str, parameters: Mapping[str, Any] | None = None) -> Network:
        self._fail(f"act:{action}", id=id)
        refuse_unknown(self.noun, action, ACTIONS, parameters)
        now = self._site.clock()
        with self._site.database.write() as connection:
            present = self._load(connection, id, now)
            end = next_state(NETWORK_ACTIONS, present.state, action, f"network {id}")
            if end is NetworkState.INACTIVE and end is not present.state:
                self._unused(connection, id, "taken down")
            self._change(connection, id, {"state": end.value})
            return self._load(connection, id, now)

    def _unused(self, connection: Connection, id: str, what: str) -> None:
        row = connection.execute("SELECT compute FROM interfaces WHERE network = ? LIMIT 1", (id,)).fetchone()
        if row is not None:
            raise InvalidState(
                f"network {id} cannot be {what}: compute {row[0]} is in it; disconnect it first"
            )

    def delete(self, id: str) -> None:
        self._fail("delete", id=id)
        with self._site.database.write() as connection:
            self._load(connection, id, self._site.clock())
            self._unused(connection, id, "deleted")
            connection.execute("DELETE FROM leases WHERE source = ?", (id,))
            ranges.forget_lowest(connection, id)
            connection.execute("DELETE FROM networks WHERE id = ?", (id,))

    def leases(self, id: str) -> Sequence[Lease]:
        """In order of address."""
        with self._site.database.read() as connection:
            self._load(connection, id, self._site.clock())
            rows = connection.execute(
                "SELECT address, state, mac, compute FROM leases WHERE source = ? ORDER BY address", (id,)
            ).fetchall()
        return [
            Lease(id, address, LeaseState(state), mac, compute)
            for blob, state, mac, compute in rows
            if (address := unpacked(blob)) is not None
        ]

    def hold(self, id: str, address: str) -> Lease:
        wanted = parsed_address(address)
        with self._site.database.write() as connection:
            network = self._load(connection, id, self._site.clock())
            state = ranges.lease_of(connection, id, wanted.packed)
            if state == LeaseState.USED:
                raise Conflict(f"address {wanted} of network {id} is in use")
            if state is None:
                ranges.take(
                    connection, id, network.range, network.gateway, wanted, None, None, LeaseState.HELD
                )
        return Lease(id, wanted, LeaseState.HELD)

    def release(self, id: str, address: str) -> None:
        with self._site.database.write() as connection:
            self._load(connection, id, self._site.clock())
            try:
                wanted = ip_address(address)
            except ValueError:
                raise NotFound.of("held address", address) from None
            if ranges.lease_of(connection, id, wanted.packed) != LeaseState.HELD:
                raise NotFound.of("held address", address)
            ranges.give_back(connection, id, wanted.packed)


def _network(row: Row) -> Network:
    (
        id,
        title,
        summary,
        state,
        message,
        vlan,
        label,
        text,
        first,
        last,
        gateway,
        allocation,
        created,
        tags,
    ) = row
    return Network(
        id,
        title,
        summary,
        NetworkState(state),
        message,
        vlan,
        label,
        address_range(text, first, last),
        unpacked(gateway),
        allocation,
        moment(created),
        mapping(tags),
    )


def _range_columns(range: AddressRange | None, gateway: IPAddress | None) -> tuple[Any, ...]:
    if range is None:
        return None, None, None, packed(gateway)
    ranges.checked_range(range, gateway)
    return str(range.network), range.first.packed, range.last.packed, packed(gateway)


def parsed_address(text: str) -> IPAddress:
    """Raises InvalidRequest."""
    try:
        return ip_address(text)
    except ValueError:
        raise InvalidRequest(f"{shorten(text)!r} is not an address", field="address") from None
