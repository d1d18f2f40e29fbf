"""The options of the sandbox: one table of names, each with the function that reads its value."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from gateway.model import GIB, AddressRange, Image, InstanceType, InvalidRequest, IPAddress, shorten

from .failures import Failure, failures

#: Identifiers of configured things are also OCCI terms.
TERM = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

_UNITS = {"": 1, "B": 1}
_UNITS |= {f"{letter}iB": 1024**power for power, letter in enumerate("KMGTP", 1)}
_UNITS |= {f"{letter}B": 1000**power for power, letter in enumerate("KMGTP", 1)}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


#: Of a range for documentation (RFC 5737): nobody is disturbed.
_PUBLIC_ADDRESS = ip_address("198.51.100.1")


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the sandbox can hold; None is unlimited. Memory and disk in bytes."""

    cores: int | None = None
    memory: int | None = None
    disk: int | None = None


def default_images() -> dict[str, Image]:
    return {
        "debian-12": Image("debian-12", "Debian 12", size=2 * GIB),
        "alpine-3": Image("alpine-3", "Alpine Linux 3", size=GIB // 4),
    }


def default_instance_types() -> dict[str, InstanceType]:
    sizes = {"small": 1, "medium": 2, "large": 4}
    return {
        name: InstanceType(name, name.capitalize(), cores=n, memory=n * GIB, disk=n * 10 * GIB)
        for name, n in sizes.items()
    }


@dataclass(frozen=True, slots=True)
class Options:
    """What ``SandboxBackend`` can be told; a relative ``path`` lies in the data directory."""

    path: str
    delay: float = 0.0  # seconds that a change of state takes
    capacity: Capacity = Capacity()
    images: Mapping[str, Image] = field(default_factory=default_images)
    instance_types: Mapping[str, InstanceType] = field(default_factory=default_instance_types)
    pools: Mapping[str, AddressRange] = field(default_factory=dict)  # of floating addresses
    failures: tuple[Failure, ...] = ()
    shared_volumes: bool = True  # a volume can be attached to several machines
    default_network: bool = True  # connect a machine that names no network to "default"
    public_address: IPAddress = _PUBLIC_ADDRESS  # of port mappings


def wrong(name: str, value: object, allowed: str) -> InvalidRequest:
    """The error for a bad option: its name, its value and what is allowed."""
    return InvalidRequest(f"option {name}: {shorten(value)!r} is not {allowed}", field=name)


def nearest(name: str, known: Sequence[str], where: str) -> InvalidRequest:
    """The error for an option that does not exist, naming the one that was probably meant."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"known are: {', '.join(known)}"
    return InvalidRequest(f"{where}: no option {shorten(name)}; {hint}", field=shorten(name))


def size(name: str, value: object) -> int:
    """Bytes, of an integer or of a text like ``4GiB``.

    >>> size("memory", "1.5GiB")
    1610612736
    """
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match and match[2] in _UNITS:
        return round(float(match[1]) * _UNITS[match[2]])
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise wrong(name, value, 'a size: bytes or a text like "4GiB"')


def _seconds(name: str, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 86400:
        return float(value)
    raise wrong(name, value, "a number of seconds from 0 to 86400")


def _count(name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 31:
        return value
    raise wrong(name, value, "a positive whole number")


def _flag(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise wrong(name, value, "true or false")


def _text(name: str, value: object) -> str:
    if isinstance(value, str) and value and value.isprintable():
        return value
    raise wrong(name, value, "a text")


def _texts(name: str, value: object) -> dict[str, str]:
    return {key: str(entry) for key, entry in _table(name, value).items()}


def _table(name: str, value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise wrong(name, value, "a table")


def _fields(name: str, value: object, readers: Mapping[str, Callable[[str, Any], Any]]) -> dict[str, Any]:
    """The entries of a table whose keys and readers are known."""
    read = {}
    for key, entry in _table(name, value).items():
        if key not in readers:
            raise nearest(key, sorted(readers), name)
        read[key] = readers[key](f"{name}.{key}", entry)
    return read


def _terms(name: str, value: object) -> Mapping[str, Any]:
    table = _table(name, value)
    for term in table:
        if not TERM.fullmatch(term):
            raise wrong(name, term, "an identifier: lower-case letters, digits, - and _")
    return table


_CAPACITY: Mapping[str, Callable[[str, Any], Any]] = {"cores": _count, "memory": size, "disk": size}
_IMAGE: Mapping[str, Callable[[str, Any], Any]] = {
    "title": _text,
    "summary": _text,
    "size": size,
    "architecture": _text,
    "tags": _texts,
}
_INSTANCE_TYPE: Mapping[str, Callable[[str, Any], Any]] = {
    "title": _text,
    "cores": _count,
    "memory": size,
    "disk": size,
    "tags": _texts,
}


def _capacity(name: str, value: object) -> Capacity:
    return Capacity(**_fields(name, value, _CAPACITY))


def _images(name: str, value: object) -> dict[str, Image]:
    return {
        term: Image(**{"id": term, "title": term, **_fields(f"{name}.{term}", entry, _IMAGE)})
        for term, entry in _terms(name, value).items()
    }


def _instance_types(name: str, value: object) -> dict[str, InstanceType]:
    return {
        term: InstanceType(**{"id": term, "title": term, **_fields(f"{name}.{term}", entry, _INSTANCE_TYPE)})
        for term, entry in _terms(name, value).items()
    }


def _pools(name: str, value: object) -> dict[str, AddressRange]:
    return {term: _range(f"{name}.{term}", entry) for term, entry in _terms(name, value).items()}


def _range(name: str, value: object) -> AddressRange:
    try:
        network = ip_network(_text(name, value))
    except ValueError:
        raise wrong(name, value, 'a network like "203.0.113.0/24"') from None
    return AddressRange(network, network[0], network[-1])


def _address(name: str, value: object) -> IPAddress:
    try:
        return ip_address(_text(name, value))
    except ValueError:
        raise wrong(name, value, 'an address like "198.51.100.1"') from None


_OPTIONS: Mapping[str, Callable[[str, Any], Any]] = {
    "path": _text,
    "delay": _seconds,
    "capacity": _capacity,
    "images": _images,
    "instance_types": _instance_types,
    "pools": _pools,
    "failures": failures,
    "shared_volumes": _flag,
    "default_network": _flag,
    "public_address": _address,
}


def read_options(table: Mapping[str, Any], *, data: str) -> Options:
    """The options of a configuration table; a relative ``path`` lies in directory ``data``.

    Raises InvalidRequest naming the option, its value and what is allowed.
    """
    read = _fields("sandbox", table, {name: _unqualified(reader) for name, reader in _OPTIONS.items()})
    read["path"] = os.path.join(data, read.get("path", "sandbox.db"))
    return Options(**read)


def _unqualified(reader: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """At the top of the table an option is named without the name of the driver."""
    return lambda name, value: reader(name.partition(".")[2], value)
