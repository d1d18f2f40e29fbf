"""From rows of the tables to values of the common model; each builder beside the columns it reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

from gateway.model import (
    AddressRange,
    Attachment,
    Compute,
    ComputeState,
    Console,
    Interface,
    IPAddress,
    IPNetwork,
    LinkState,
    PublicKey,
    Volume,
    VolumeState,
)

Row = tuple[Any, ...]

_COMPUTE_STATES = {str(state): state for state in ComputeState}
_VOLUME_STATES = {str(state): state for state in VolumeState}
_LINK_STATES = {str(state): state for state in LinkState}

CONSOLE_HOST = "console.sandbox.invalid"


def settled(state: str, target: str | None, due: float | None, now: float) -> str:
    """The state that shows at ``now`` of one that is on its way."""
    return target if target is not None and due is not None and due <= now else state


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


@lru_cache(maxsize=1 << 14)
def unpacked(address: bytes | None) -> IPAddress | None:
    if address is None:
        return None
    return IPv4Address(address) if len(address) == 4 else IPv6Address(address)


def packed(address: IPAddress | None) -> bytes | None:
    return None if address is None else address.packed


@lru_cache(maxsize=1024)
def parsed_network(text: str) -> IPNetwork:
    return ip_network(text)


def address_range(text: str | None, first: bytes | None, last: bytes | None) -> AddressRange | None:
    if text is None or first is None or last is None:
        return None
    low, high = unpacked(first), unpacked(last)
    assert low is not None
    assert high is not None
    return AddressRange(parsed_network(text), low, high)


def mapping(text: str | None) -> Mapping[str, str]:
    return json.loads(text) if text else {}


def dumped(value: Any) -> str | None:
    """JSON of a structure that holds something, else None."""
    return json.dumps(value, ensure_ascii=False) if value else None


def dumped_tags(tags: Mapping[str, str] | None) -> str | None:
    return dumped(dict(tags)) if tags else None


def dumped_keys(keys: tuple[PublicKey, ...]) -> str | None:
    return dumped([[key.data, key.name] for key in keys])


def _keys(text: str | None) -> tuple[PublicKey, ...]:
    return tuple(PublicKey(data, name) for data, name in json.loads(text)) if text else ()


ATTACHMENT_COLUMNS = "compute, volume, title, device, mountpoint, read_only, state, id"


def attachment(row: Row) -> Attachment:
    compute, volume, title, device, mountpoint, read_only, state, id = row
    return Attachment(
        id,
        title,
        compute,
        volume,
        device,
        mountpoint,
        read_only == 1,
        _LINK_STATES[state],
    )


INTERFACE_COLUMNS = (
    "compute, network, title, device, mac, address, gateway, allocation, reservation, state, id"
)


def interface(row: Row) -> Interface:
    compute, network, title, device, mac, address, gateway, allocation, reservation, state, id = row
    return Interface(
        id,
        title,
        compute,
        network,
        device,
        mac,
        unpacked(address),
        unpacked(gateway),
        allocation,
        reservation,
        _LINK_STATES[state],
    )


COMPUTE_COLUMNS = (
    "number, id, title, summary, state, target, due, state_message, architecture, cores, memory, speed,"
    " share, hostname, instance_type, image, created, started, user_data IS NOT NULL, public_keys,"
    " security_groups, tags, gone"
)


def compute(row: Row, attachments: list[Row], interfaces: list[Row], now: float) -> Compute:
    number, id, title, summary, state, target, due, message, architecture, cores, memory, speed = row[:12]
    share, hostname, instance_type, image, created, started, user_data, keys, groups, tags, _ = row[12:]
    state = _COMPUTE_STATES[settled(state, target, due, now)]
    return Compute(
        id,
        title,
        summary,
        state,
        message if state is ComputeState.ERROR else None,
        architecture,
        cores,
        memory,
        speed,
        share,
        hostname,
        instance_type,
        image,
        datetime.fromtimestamp(created, UTC),
        datetime.fromtimestamp(started, UTC) if started is not None and started <= now else None,
        _keys(keys),
        user_data == 1,
        tuple(json.loads(groups)) if groups else (),
        tuple([attachment(entry) for entry in attachments]),
        tuple([interface(entry) for entry in interfaces]),
        _console(number, interfaces) if state is ComputeState.RUNNING else None,
        mapping(tags),
    )


def lasting(row: Row, now: float) -> bool:
    """Whether time alone changes nothing any more of what ``compute`` makes of a row."""
    due, started, gone = row[6], row[17], row[22]
    return gone is None and all(moment is None or moment <= now for moment in (due, started))


def _console(number: int, interfaces: list[Row]) -> Console:
    """Where the screen and the shell of a running machine would be found."""
    vnc = f"vnc://{CONSOLE_HOST}:{5900 + number % 50000}"
    return Console(vnc, next((_ssh(entry[5]) for entry in interfaces if entry[5] is not None), None))


@lru_cache(maxsize=1 << 14)
def _ssh(address: bytes) -> str:
    host = unpacked(address)
    return f"ssh://{host}:22" if len(address) == 4 else f"ssh://[{host}]:22"


VOLUME_COLUMNS = (
    "id, title, summary, state, target, due, state_message, size, created, image, snapshot, tags, gone"
)


def volume(row: Row, attachments: list[Row], now: float) -> Volume:
    id, title, summary, state, target, due, message, size, created, image, snapshot, tags, _gone = row
    state = _VOLUME_STATES[settled(state, target, due, now)]
    return Volume(
        id,
        title,
        summary,
        size,
        state,
        message if state is VolumeState.ERROR else None,
        moment(created),
        image,
        snapshot,
        tuple([attachment(entry) for entry in attachments]),
        mapping(tags),
    )


def by_first(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows grouped by their first column."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    return groups
