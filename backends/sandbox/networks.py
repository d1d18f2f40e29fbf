"""Networks, who has which of their addresses, and addresses held back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    shorten,
)

from . import ranges
from .database import Connection
from .nouns import Switched
from .rows import Row, address_range, dumped_tags, mapping, moment, packed, unpacked
from .values import allocation, label, vlan

#: How what is not kept as it is given is checked and kept.
_KEPT: Mapping[str, Callable[[Any], Any]] = {
    "vlan": vlan,
    "label": label,
    "allocation": allocation,
    "tags": dumped_tags,
}


class Networks(Switched[Network, NetworkSpec, NetworkChanges], NetworkCollection):
    table: ClassVar[str] = "networks"
    columns: ClassVar[str] = (
        "id, title, summary, state, state_message, vlan, label, range, first, last, gateway, allocation,"
        " created, tags"
    )
    changeable = frozenset(NetworkChanges.__optional_keys__)
    actions = NETWORK_ACTIONS

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[Network]:
        return [_network(row) for row in rows]

    def _insert(self, connection: Connection, spec: NetworkSpec, now: float) -> str:
        columns = {
            "title": spec.title,
            "summary": spec.summary,
            "state": NetworkState.ACTIVE.value,
            "vlan": vlan(spec.vlan),
            "label": label(spec.label),
            **_range_columns(spec.range, spec.gateway),
            "allocation": allocation(spec.allocation),
            "created": now,
            "tags": dumped_tags(spec.tags),
        }
        return self._put(connection, spec.token, columns)

    def _columns(self, connection: Connection, present: Network, changes: NetworkChanges) -> dict[str, Any]:
        given: dict[str, Any] = {**changes}
        range, gateway = given.pop("range", present.range), given.pop("gateway", present.gateway)
        columns = {name: _KEPT[name](value) if name in _KEPT else value for name, value in given.items()}
        if (range, gateway) != (present.range, present.gateway):
            columns |= self._moved(connection, present.id, range, gateway)
        return columns

    def _moved(
        self, connection: Connection, id: str, range: AddressRange | None, gateway: IPAddress | None
    ) -> dict[str, Any]:
        """The columns of a new range. Raises InvalidState where it would leave a leased address outside."""
        columns = _range_columns(range, gateway)
        leased = connection.execute("SELECT address FROM leases WHERE source = ?", (id,)).fetchall()
        for (blob,) in leased:
            address = unpacked(blob)
            if address == gateway or range is None or address not in range.network:
                raise InvalidState(f"network {id}: address {address} is in use and would not fit any more")
        ranges.forget_lowest(connection, id)
        return columns

    def _before(self, connection: Connection, present: Network, end: NetworkState) -> None:
        if end is NetworkState.INACTIVE and end is not present.state:
            self._unused(connection, present.id, "taken down")

    def _unused(self, connection: Connection, id: str, what: str) -> None:
        row = connection.execute("SELECT compute FROM interfaces WHERE network = ? LIMIT 1", (id,)).fetchone()
        if row is not None:
            raise InvalidState(
                f"network {id} cannot be {what}: compute {row[0]} is in it; disconnect it first"
            )

    def _release(self, connection: Connection, present: Network) -> None:
        self._unused(connection, present.id, "deleted")
        connection.execute("DELETE FROM leases WHERE source = ?", (present.id,))
        ranges.forget_lowest(connection, present.id)

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


def _range_columns(range: AddressRange | None, gateway: IPAddress | None) -> dict[str, Any]:
    if range is None:
        return {"range": None, "first": None, "last": None, "gateway": packed(gateway)}
    ranges.checked_range(range, gateway)
    return {
        "range": str(range.network),
        "first": range.first.packed,
        "last": range.last.packed,
        "gateway": packed(gateway),
    }


def parsed_address(text: str) -> IPAddress:
    """Raises InvalidRequest."""
    try:
        return ip_address(text)
    except ValueError:
        raise InvalidRequest(f"{shorten(text)!r} is not an address", field="address") from None
