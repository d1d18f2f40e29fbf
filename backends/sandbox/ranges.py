"""Who has which address: the lowest free one is given, a returned one is given again.

A ``source`` is a network's identifier or ``pool:<name>``. The network address, the broadcast address and
the gateway are never given.
"""

from __future__ import annotations

from gateway.model import (
    AddressRange,
    Conflict,
    InvalidRequest,
    IPAddress,
    LeaseState,
    QuotaExceeded,
)

from .database import Connection

_TAKE = "INSERT INTO leases (source, address, state, mac, compute) VALUES (?, ?, ?, ?, ?)"
_MOVE_LOWEST = (
    "INSERT INTO lowest (source, address) VALUES (?, ?)"
    " ON CONFLICT (source) DO UPDATE SET address = excluded.address"
)


def pool_source(pool: str) -> str:
    return f"pool:{pool}"


def described(source: str) -> str:
    kind, separator, name = source.partition(":")
    return f"{kind} {name}" if separator else f"network {source}"


def bounds(range: AddressRange) -> tuple[int, int]:
    """First and last address that machines may have, as numbers."""
    network, first, last = range.network, int(range.first), int(range.last)
    whole = 32 if network.version == 4 else 128
    if network.prefixlen >= whole - 1:
        return first, last
    first = max(first, int(network.network_address) + 1)
    return first, min(last, int(network.broadcast_address) - (network.version == 4))


def checked_range(range: AddressRange, gateway: IPAddress | None) -> AddressRange:
    """Raises InvalidRequest where the parts of a range do not fit together."""
    network = range.network
    for name, address in (("first", range.first), ("last", range.last), ("gateway", gateway)):
        if address is not None and (address.version != network.version or address not in network):
            field = "gateway" if name == "gateway" else "range"
            raise InvalidRequest(f"{name} address {address} is not in {network}", field=field)
    if int(range.first) > int(range.last):
        raise InvalidRequest(
            f"range {range.first}-{range.last} of {network} ends before it begins", field="range"
        )
    return range


def take_lowest(
    connection: Connection,
    source: str,
    range: AddressRange,
    gateway: IPAddress | None,
    mac: str | None,
    compute: str | None,
    state: LeaseState = LeaseState.USED,
) -> bytes:
    """Lease the lowest free address. Raises QuotaExceeded when none is left."""
    size = len(range.first.packed)
    first, last = bounds(range)
    barred = int(gateway) if gateway is not None else -1
    hint = connection.execute("SELECT address FROM lowest WHERE source = ?", (source,)).fetchone()
    candidate = max(first, int.from_bytes(hint[0])) if hint else first
    if candidate <= last:
        rows = connection.execute(
            "SELECT address FROM leases WHERE source = ? AND address >= ? ORDER BY address",
            (source, candidate.to_bytes(size)),
        )
        for (address,) in rows:
            candidate += candidate == barred
            taken = int.from_bytes(address)
            if taken > candidate:
                break
            candidate += taken == candidate
        rows.close()
        candidate += candidate == barred
    if candidate > last:
        raise _exhausted(connection, source, first, last, barred)
    chosen = candidate.to_bytes(size)
    connection.execute(_MOVE_LOWEST, (source, chosen))
    connection.execute(_TAKE, (source, chosen, state, mac, compute))
    return chosen


def _exhausted(connection: Connection, source: str, first: int, last: int, barred: int) -> QuotaExceeded:
    (used,) = connection.execute("SELECT count(*) FROM leases WHERE source = ?", (source,)).fetchone()
    limit = max(0, last - first + 1 - (first <= barred <= last))
    return QuotaExceeded("addresses", used=used, limit=limit, scope=f"sandbox {described(source)}")


def take(
    connection: Connection,
    source: str,
    range: AddressRange | None,
    gateway: IPAddress | None,
    address: IPAddress,
    mac: str | None,
    compute: str | None,
    state: LeaseState = LeaseState.USED,
) -> bytes:
    """Lease this address. Raises InvalidRequest outside the range, Conflict where it is taken."""
    where = described(source)
    if range is not None and not _usable(range, address):
        raise InvalidRequest(
            f"address {address} is not in {range.first}-{range.last} of {where}", field="address"
        )
    if address == gateway:
        raise Conflict(f"address {address} is the gateway of {where}")
    if lease_of(connection, source, address.packed) is not None:
        raise Conflict(f"address {address} of {where} is taken")
    connection.execute(_TAKE, (source, address.packed, state, mac, compute))
    return address.packed


def _usable(range: AddressRange, address: IPAddress) -> bool:
    first, last = bounds(range)
    return address.version == range.network.version and first <= int(address) <= last


def lease_of(connection: Connection, source: str, address: bytes) -> str | None:
    """The state of the lease of an address, None where it is free."""
    row = connection.execute(
        "SELECT state FROM leases WHERE source = ? AND address = ?", (source, address)
    ).fetchone()
    return row[0] if row else None


def give_back(connection: Connection, source: str, address: bytes) -> None:
    connection.execute("DELETE FROM leases WHERE source = ? AND address = ?", (source, address))
    connection.execute("UPDATE lowest SET address = ?2 WHERE source = ?1 AND address > ?2", (source, address))


def forget_lowest(connection: Connection, source: str) -> None:
    """Search from the beginning again: the range has changed."""
    connection.execute("DELETE FROM lowest WHERE source = ?", (source,))
