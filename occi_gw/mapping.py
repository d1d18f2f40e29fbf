"""OCCI vocabulary <-> common model, as tables: attributes, states, kinds.

Sizes are GiB outside and bytes inside (GFD.184 tables 2 and 8).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.model import (
    GIB,
    AddressRange,
    ComputeState,
    InvalidRequest,
    LinkState,
    NetworkState,
    PublicKey,
    Rule,
    VolumeState,
    shorten,
)
from occi_gw.rendering.values import Value

COMPUTE_STATES: Mapping[ComputeState, str] = {
    ComputeState.PENDING: "inactive",
    ComputeState.STARTING: "inactive",
    ComputeState.RUNNING: "active",
    ComputeState.RESTARTING: "active",
    ComputeState.SUSPENDING: "active",
    ComputeState.SUSPENDED: "suspended",
    ComputeState.STOPPING: "active",
    ComputeState.STOPPED: "inactive",
    ComputeState.DELETING: "inactive",
    ComputeState.ERROR: "error",
}
VOLUME_STATES: Mapping[VolumeState, str] = {
    VolumeState.CREATING: "offline",
    VolumeState.ONLINE: "online",
    VolumeState.OFFLINE: "offline",
    VolumeState.BACKUP: "backup",
    VolumeState.SNAPSHOT: "snapshot",
    VolumeState.RESIZING: "resize",
    VolumeState.DEGRADED: "degraded",
    VolumeState.DELETING: "offline",
    VolumeState.ERROR: "error",
}
NETWORK_STATES: Mapping[NetworkState, str] = {state: state.value for state in NetworkState}
LINK_STATES: Mapping[LinkState, str] = {state: state.value for state in LinkState}


def text(value: Value) -> str:
    """A string; a bare number of a client that forgot the quotes is one too."""
    if isinstance(value, list | dict):
        raise ValueError("a text")
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def number(value: Value) -> float:
    """A finite number, also in quotes: the 1.1 clients quote them."""
    if isinstance(value, bool | list | dict):
        raise ValueError("a number")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise ValueError("a number") from None
    if not math.isfinite(found):
        raise ValueError("a finite number")
    return found


#: Every store and back end can hold this, and a sum of many of them.
MOST = 2**31 - 1
MOST_GIBIBYTES = 2**23


def whole(value: Value) -> int:
    found = number(value)
    if found != int(found):
        raise ValueError("a whole number")
    if abs(found) > MOST:
        raise ValueError(f"a whole number of at most {MOST}")
    return int(found)


def positive(value: Value) -> int:
    found = whole(value)
    if found < 1:
        raise ValueError("a whole number of at least 1")
    return found


def above_zero(value: Value) -> float:
    found = number(value)
    if found <= 0:
        raise ValueError("a number above 0")
    return found


def gibibytes(value: Value) -> int:
    """GiB to bytes."""
    found = number(value)
    if not 0 < found <= MOST_GIBIBYTES:
        raise ValueError(f"a number of GiB above 0 and up to {MOST_GIBIBYTES}")
    return max(1, round(found * GIB))


def to_gibibytes(size: int) -> float:
    """Nine places hold every byte and give the number back that a client sent (3.6, not 3.5999999996)."""
    return round(size / GIB, 9)


def vlan(value: Value) -> int:
    found = whole(value)
    if not 0 <= found <= 4095:
        raise ValueError("a whole number from 0 to 4095")
    return found


def token(value: Value) -> str:
    found = text(value)
    if not found or any(c.isspace() or not c.isprintable() for c in found):
        raise ValueError("a token without blanks")
    return found


def host_name(value: Value) -> str:
    """What clients put there: not only host names, the 1.1 suites send blanks and colons."""
    found = text(value)
    if len(found) > 253 or not found.isprintable():
        raise ValueError("a host name of at most 253 characters")
    return found


_MAC = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")


def mac(value: Value) -> str:
    found = text(value)
    if _MAC.fullmatch(found) is None:
        raise ValueError("a MAC address such as 52:54:00:12:34:56")
    return found.lower()


def address(value: Value) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(text(value))
    except ValueError:
        raise ValueError("an IP address") from None


def allocation(value: Value) -> str:
    if value not in ("dynamic", "static"):
        raise ValueError('"dynamic" or "static"')
    return str(value)


def address_range(value: Value) -> AddressRange:
    """A CIDR, ``NETWORK/MASK``, ``FIRST-LAST`` or ``FIRST/PREFIX`` that starts inside the network."""
    given = text(value)
    try:
        if "-" in given:
            first, last = (ipaddress.ip_address(part.strip()) for part in given.split("-", 1))
            return _between(first, last)
        interface = ipaddress.ip_interface(given)
    except (ValueError, TypeError):
        raise ValueError("an address range such as 192.0.2.0/24") from None
    network = interface.network
    if network.num_addresses < 4:
        raise ValueError("an address range with room for machines, such as 192.0.2.0/24")
    start = interface.ip if interface.ip != network.network_address else network.network_address + 1
    end = network.broadcast_address - 1 if network.version == 4 else network.broadcast_address
    return AddressRange(network, start, end)


def _between(first: Any, last: Any) -> AddressRange:
    if first.version != last.version or first > last:
        raise ValueError("range")
    bits = first.max_prefixlen
    for prefix in range(bits - 2, 0, -1):
        network = ipaddress.ip_network(f"{first}/{prefix}", strict=False)
        inner = last in network and first > network.network_address
        if inner and (last < network.broadcast_address or network.version == 6):
            return AddressRange(network, first, last)
    raise ValueError("range")


def to_cidr(found: AddressRange) -> str:
    return str(found.network)


def keys(value: Value) -> tuple[PublicKey, ...]:
    """One ``authorized_keys`` line."""
    found = text(value).strip()
    if re.fullmatch(r"[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\r\n]*)?", found) is None:
        raise ValueError('a public key such as "ssh-ed25519 AAAA... name"')
    return (PublicKey(found),)


def to_key(found: tuple[PublicKey, ...]) -> str:
    return found[0].data


def to_version(found: AddressRange) -> int:
    """4 or 6."""
    return found.network.version


#: Largest user data in bytes: what OpenStack and EC2 take.
USER_DATA_LIMIT = 65535


def user_data(value: Value) -> bytes:
    """base64, as the OpenStack mixin has it; what is none is taken as it stands."""
    given = text(value)
    try:
        found = base64.b64decode("".join(given.split()), validate=True)
    except (binascii.Error, ValueError):
        found = given.encode()
    return _limited(found)


def encoded_user_data(value: Value) -> bytes:
    """base64 and nothing else."""
    try:
        return _limited(base64.b64decode("".join(text(value).split()), validate=True))
    except (binascii.Error, UnicodeError):
        raise ValueError("base64") from None


def _limited(data: bytes) -> bytes:
    if len(data) > USER_DATA_LIMIT:
        raise ValueError(f"at most {USER_DATA_LIMIT} bytes of user data")
    return data


_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_RULE_KEYS = {"protocol", "type", "port", "range"}
_ADVICE = (
    'a list of rules such as [{"protocol": "tcp", "type": "inbound", "port": "22", "range": "0.0.0.0/0"}]'
)


def rules(value: Value) -> tuple[Rule, ...]:
    """``occi.securitygroup.rules``: a list of objects, in the text renderings as quoted JSON."""
    given: Any = value
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            raise ValueError(_ADVICE) from None
    if isinstance(given, dict):
        given = [given]
    if not isinstance(given, list) or not all(isinstance(rule, dict) for rule in given):
        raise ValueError(_ADVICE)
    if len(given) > 200:
        raise ValueError("at most 200 rules")
    return tuple(_rule(rule) for rule in given)


def _rule(given: dict[str, Any]) -> Rule:
    if unknown := given.keys() - _RULE_KEYS:
        raise ValueError(f"rules with the keys {', '.join(sorted(_RULE_KEYS))}, not {shorten(min(unknown))}")
    protocol = str(given.get("protocol", "any")).lower()
    direction = given.get("type", "inbound")
    if protocol not in ("tcp", "udp", "icmp", "any"):
        raise ValueError("rules whose protocol is tcp, udp, icmp or any")
    if direction not in ("inbound", "outbound"):
        raise ValueError("rules whose type is inbound or outbound")
    first = last = None
    if given.get("port") not in (None, ""):
        ports = _PORTS.fullmatch(str(given["port"]))
        first = int(ports[1]) if ports else -1
        last = int(ports[2] or ports[1]) if ports else -1
        if not 0 <= first <= last <= 65535:
            raise ValueError('rules whose port is a number or a range such as "8000-8080"')
    try:
        network = ipaddress.ip_network(given["range"]) if given.get("range") else None
    except (ValueError, TypeError):
        raise ValueError("rules whose range is a CIDR such as 192.0.2.0/24") from None
    return Rule(direction, protocol, first, last, network)


def to_rules(found: tuple[Rule, ...]) -> list[Any]:
    return [_from_rule(rule) for rule in found]


def _from_rule(rule: Rule) -> dict[str, str]:
    shown = {"protocol": rule.protocol, "type": rule.direction}
    if rule.first_port is not None:
        same = rule.first_port == rule.last_port
        shown["port"] = str(rule.first_port) if same else f"{rule.first_port}-{rule.last_port}"
    if rule.range is not None:
        shown["range"] = str(rule.range)
    return shown


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Field:
    """One OCCI attribute and the field of the common model that it is."""

    name: str
    field: str
    read: Callable[[Value], Any] = text
    write: Callable[[Any], Value] = _same
    #: A full update that leaves the attribute out clears the field.
    clears: bool = False
    #: Fixed once the entity exists.
    immutable: bool = False


CORE_FIELDS = (
    Field("occi.core.title", "title", clears=True),
    Field("occi.core.summary", "summary", clears=True),
)
COMPUTE_FIELDS = (
    Field("occi.compute.architecture", "architecture"),
    Field("occi.compute.cores", "cores", positive),
    Field("occi.compute.hostname", "hostname", host_name),
    Field("occi.compute.speed", "speed", above_zero, clears=True),
    Field("occi.compute.share", "share", positive, clears=True),
    Field("occi.compute.memory", "memory", gibibytes, to_gibibytes),
)
NETWORK_FIELDS = (
    Field("occi.network.vlan", "vlan", vlan, clears=True),
    Field("occi.network.label", "label", token, clears=True),
)
IPNETWORK_FIELDS = (
    Field("occi.network.address", "range", address_range, to_cidr),
    Field("occi.network.gateway", "gateway", address, str),
    Field("occi.network.allocation", "allocation", allocation),
)
#: Told by the range; ``NetworkNoun.wish`` compares what a client sends.
OSNETWORK_FIELDS = (Field("org.openstack.network.ip_version", "range", positive, to_version),)
STORAGE_FIELDS = (Field("occi.storage.size", "size", gibibytes, to_gibibytes),)
INTERFACE_FIELDS = (
    Field("occi.networkinterface.interface", "device", token, immutable=True),
    Field("occi.networkinterface.mac", "mac", mac),
)
IPINTERFACE_FIELDS = (
    Field("occi.networkinterface.address", "address", address, str),
    Field("occi.networkinterface.gateway", "gateway", address, str),
    Field("occi.networkinterface.allocation", "allocation", allocation),
)
ATTACHMENT_FIELDS = (
    Field("occi.storagelink.deviceid", "device"),
    Field("occi.storagelink.mountpoint", "mountpoint", clears=True),
)
ADDRESS_FIELDS = (
    Field("occi.ipreservation.address", "address", address, str),
    Field("occi.ipreservation.used", "used", immutable=True),
)
SECURITYGROUP_FIELDS = (Field("occi.securitygroup.rules", "rules", rules, to_rules),)
SSH_KEY_FIELDS = (Field("occi.credentials.ssh.publickey", "public_keys", keys, to_key),)
OPENSTACK_KEY_FIELDS = (Field("org.openstack.credentials.publickey.data", "public_keys", keys, to_key),)

#: What the first OpenStack front ends called things; read, never written (ooi).
ALIASES: Mapping[str, str] = {
    "occi.crendentials.ssh.publickey": "occi.credentials.ssh.publickey",
    "occi.credentials.ssh_key": "occi.credentials.ssh.publickey",
}


def read_field(field: Field, value: Value) -> Any:
    """The model's value. Raises InvalidRequest naming attribute, value and what is allowed."""
    try:
        return field.read(value)
    except ValueError as error:
        raise InvalidRequest(f"{field.name}: {shorten(value)!r} is not {error}", field=field.field) from None
