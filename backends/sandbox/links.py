"""Making and unmaking attachments and interfaces, inside a transaction of their own or of a compute's."""

from __future__ import annotations

import random
import re

from gateway.model import (
    AddressRange,
    Attachment,
    AttachmentSpec,
    Conflict,
    Interface,
    InterfaceSpec,
    InvalidRequest,
    IPAddress,
    NotFound,
    VolumeState,
    shorten,
)

from . import ranges
from .database import Connection
from .options import Options
from .rows import Row, address_range, settled, unpacked

_DISK = re.compile(r"(?:/dev/)?([a-z][a-z0-9]{0,15})")
_CARD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")
_MAC = re.compile(r"[0-9a-f][02468ace](?::[0-9a-f]{2}){5}")
BOOT_DISK = "/dev/vda"
DEFAULT_NETWORK = "default"

#: In these a volume can be given to a machine.
_ATTACHABLE = {
    VolumeState.ONLINE,
    VolumeState.OFFLINE,
    VolumeState.DEGRADED,
    VolumeState.BACKUP,
    VolumeState.SNAPSHOT,
}


def attach(connection: Connection, options: Options, compute: str, spec: AttachmentSpec, now: float) -> str:
    """Attach and return the identifier.

    Raises NotFound (volume), Conflict (attached, not ready, device taken), InvalidRequest (device)."""
    row = connection.execute(
        "SELECT state, target, due, gone FROM volumes WHERE id = ?", (spec.volume,)
    ).fetchone()
    if row is None or (row[3] is not None and row[3] <= now):
        raise NotFound.of("volume", spec.volume)
    state = settled(row[0], row[1], row[2], now)
    if state not in _ATTACHABLE:
        raise Conflict(f"volume {spec.volume} is {state}: cannot attach it; wait until it is online")
    rows = connection.execute("SELECT compute FROM attachments WHERE volume = ?", (spec.volume,)).fetchall()
    holders = [holder for (holder,) in rows]
    if compute in holders or (holders and not options.shared_volumes):
        holder = compute if compute in holders else holders[0]
        raise Conflict(f"volume {spec.volume} is attached to compute {holder}; detach it first")
    connection.execute(
        "INSERT INTO attachments (id, compute, volume, device, mountpoint, read_only, state)"
        " VALUES (?, ?, ?, ?, ?, ?, 'active')",
        (
            id := Attachment.identifier(compute, spec.volume),
            compute,
            spec.volume,
            _device(connection, compute, spec.device),
            spec.mountpoint,
            spec.read_only,
        ),
    )
    return id


def disk_name(device: str) -> str:
    """The whole name of a disk given as ``vdb`` or ``/dev/vdb``. Raises InvalidRequest."""
    match = _DISK.fullmatch(device)
    if match is None:
        raise InvalidRequest(f'device {shorten(device)!r} is not a name like "/dev/vdb"', field="device")
    return f"/dev/{match[1]}"


def disks(connection: Connection, compute: str) -> set[str]:
    """Names of disks that the compute has."""
    rows = connection.execute("SELECT device FROM attachments WHERE compute = ?", (compute,)).fetchall()
    return {BOOT_DISK, *(device for (device,) in rows)}


def _device(connection: Connection, compute: str, wanted: str | None) -> str:
    taken = disks(connection, compute)
    if wanted is not None:
        name = disk_name(wanted)
        if name in taken:
            raise Conflict(f"device {name} of compute {compute} is taken")
        return name
    number = 1
    while (name := f"/dev/vd{_letters(number)}") in taken:
        number += 1
    return name


def _letters(number: int) -> str:
    """a, b, ... z, aa, ab, ...: how Linux counts disks."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


def detach_all(connection: Connection, compute: str) -> None:
    connection.execute("DELETE FROM attachments WHERE compute = ?", (compute,))


NETWORK_OF_LINK = "SELECT state, range, first, last, gateway, allocation FROM networks WHERE id = ?"


def connect(connection: Connection, options: Options, compute: str, spec: InterfaceSpec) -> str:
    """Connect and return the identifier.

    Raises NotFound (network, pool), Conflict (network down, device, MAC or address taken), InvalidRequest
    (device, MAC or address malformed or outside the range), QuotaExceeded (no address left).
    """
    row = connection.execute(NETWORK_OF_LINK, (spec.network,)).fetchone()
    if row is None:
        raise NotFound.of("network", spec.network)
    if row[0] != "active":
        raise Conflict(f"network {spec.network} is {row[0]}: bring it up first")
    return _connect(connection, options, compute, spec, row)


def _connect(connection: Connection, options: Options, compute: str, spec: InterfaceSpec, row: Row) -> str:
    device = _card(connection, compute, spec.device)
    id = Interface.identifier(compute, device)
    mac = free_mac(connection, spec.mac)
    source, address, gateway = _address(connection, options, compute, spec, row, mac)
    allocation = "static" if spec.address is not None or spec.reservation is not None else row[5]
    connection.execute(
        "INSERT INTO interfaces"
        " (id, compute, network, device, mac, source, address, gateway, allocation, reservation, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'active')",
        (
            id,
            compute,
            spec.network,
            device,
            mac,
            source,
            address,
            gateway,
            allocation,
            spec.reservation,
        ),
    )
    return id


def _card(connection: Connection, compute: str, wanted: str | None) -> str:
    rows = connection.execute("SELECT device FROM interfaces WHERE compute = ?", (compute,)).fetchall()
    taken = {device for (device,) in rows}
    if wanted is not None:
        if not _CARD.fullmatch(wanted):
            raise InvalidRequest(f'device {shorten(wanted)!r} is not a name like "eth0"', field="device")
        if wanted in taken:
            raise Conflict(f"device {wanted} of compute {compute} is taken")
        return wanted
    number = 0
    while (device := f"eth{number}") in taken:
        number += 1
    return device


def free_mac(connection: Connection, wanted: str | None) -> str:
    """The MAC asked for, or a new one. Raises InvalidRequest (not a unicast MAC), Conflict (taken)."""
    if wanted is not None:
        mac = wanted.lower().replace("-", ":")
        if not _MAC.fullmatch(mac):
            raise InvalidRequest(
                f'MAC {shorten(wanted)!r} is not a unicast address like "52:54:00:12:34:56"', field="mac"
            )
        if _has_mac(connection, mac):
            raise Conflict(f"MAC {mac} is taken")
        return mac
    while True:
        low = random.getrandbits(24)
        mac = f"52:54:00:{low >> 16:02x}:{low >> 8 & 255:02x}:{low & 255:02x}"
        if not _has_mac(connection, mac):
            return mac


def _has_mac(connection: Connection, mac: str) -> bool:
    return connection.execute("SELECT 1 FROM interfaces WHERE mac = ?", (mac,)).fetchone() is not None


def _address(
    connection: Connection, options: Options, compute: str, spec: InterfaceSpec, network: Row, mac: str
) -> tuple[str, bytes | None, bytes | None]:
    """Source, address and gateway of a new interface."""
    _, text, first, last, gateway, _ = network
    if spec.reservation is not None:
        return (*_reserved(connection, spec.reservation), None)
    if spec.pool is not None:
        return (*_from_pool(connection, options, spec, compute, mac), None)
    range = address_range(text, first, last)
    address = lease(connection, spec.network, range, unpacked(gateway), spec.address, mac, compute)
    return spec.network, address, gateway


def lease(
    connection: Connection,
    source: str,
    range: AddressRange | None,
    gateway: IPAddress | None,
    wanted: IPAddress | None,
    mac: str | None,
    compute: str,
) -> bytes | None:
    """The address asked for, or the lowest free one; None where the network has no range."""
    if wanted is not None:
        return ranges.take(connection, source, range, gateway, wanted, mac, compute)
    if range is None:
        return None
    return ranges.take_lowest(connection, source, range, gateway, mac, compute)


def _reserved(connection: Connection, reservation: str) -> tuple[str, bytes]:
    """Source and address of a reserved address. Raises NotFound, Conflict (down, or in use)."""
    row = connection.execute(
        "SELECT pool, address, state FROM addresses WHERE id = ?", (reservation,)
    ).fetchone()
    if row is None:
        raise NotFound.of("address", reservation)
    if row[2] != "active":
        raise Conflict(f"address {reservation} is {row[2]}: bring it up first")
    user = connection.execute(
        "SELECT compute FROM interfaces WHERE reservation = ?", (reservation,)
    ).fetchone()
    if user is not None:
        raise Conflict(f"address {reservation} is used by compute {user[0]}; disconnect it first")
    return ranges.pool_source(row[0]), row[1]


def _from_pool(
    connection: Connection, options: Options, spec: InterfaceSpec, compute: str, mac: str
) -> tuple[str, bytes | None]:
    """An address of a floating pool for this interface only."""
    range = options.pools.get(spec.pool or "")
    if range is None:
        raise NotFound.of("pool", spec.pool or "")
    source = ranges.pool_source(spec.pool or "")
    return source, lease(connection, source, range, None, spec.address, mac, compute)


def let_go(connection: Connection, where: str, id: str) -> None:
    """Return the addresses of interfaces; a reserved one stays reserved. ``where`` is a column."""
    rows = connection.execute(
        f"SELECT source, address FROM interfaces WHERE {where} = ? AND reservation IS NULL", (id,)
    ).fetchall()
    for source, address in rows:
        if address is not None:
            ranges.give_back(connection, source, address)


def disconnect_all(connection: Connection, compute: str) -> None:
    let_go(connection, "compute", compute)
    connection.execute("DELETE FROM interfaces WHERE compute = ?", (compute,))


def connect_default(connection: Connection, options: Options, compute: str) -> None:
    """Connect a machine that asked for no network to the default one, where that exists and is up."""
    row = connection.execute(NETWORK_OF_LINK, (DEFAULT_NETWORK,)).fetchone()
    if row is not None and row[0] == "active":
        _connect(connection, options, compute, InterfaceSpec(DEFAULT_NETWORK), row)
