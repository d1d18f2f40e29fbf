"""What OCCI Core and Infrastructure define, as tables (GFD.183, GFD.184, GFD.221, GFD.224)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OGF = "http://schemas.ogf.org/occi"
CORE = f"{OGF}/core#"
INFRA = f"{OGF}/infrastructure#"

ENTITY, RESOURCE, LINK = f"{CORE}entity", f"{CORE}resource", f"{CORE}link"
COMPUTE, NETWORK, STORAGE = f"{INFRA}compute", f"{INFRA}network", f"{INFRA}storage"
NETWORKINTERFACE, STORAGELINK = f"{INFRA}networkinterface", f"{INFRA}storagelink"
OS_TPL, RESOURCE_TPL = f"{INFRA}os_tpl", f"{INFRA}resource_tpl"
IPNETWORK = f"{OGF}/infrastructure/network#ipnetwork"
IPNETWORKINTERFACE = f"{OGF}/infrastructure/networkinterface#ipnetworkinterface"
SSH_KEY = f"{OGF}/infrastructure/credentials#ssh_key"
USER_DATA = f"{OGF}/infrastructure/compute#user_data"
OPENSTACK_KEY = "http://schemas.openstack.org/instance/credentials#public_key"
OPENSTACK_USER_DATA = "http://schemas.openstack.org/compute/instance#user_data"
AVAILABILITY_ZONE = f"{INFRA}availability_zone"
IPRESERVATION = f"{INFRA}ipreservation"
FLOATING_POOL = "http://schemas.openstack.org/network#floatingippool"
SECURITYGROUP, SECURITYGROUPLINK = f"{INFRA}securitygroup", f"{INFRA}securitygrouplink"
CRTP = f"{OGF}/infrastructure/compute/template/1.1#"

PLAIN, OCCI, URI_LIST = "text/plain", "text/occi", "text/uri-list"
OCCI_PLAIN, JSON, BARE_JSON = "text/occi+plain", "application/occi+json", "application/json"
OCCI_TYPES = frozenset({PLAIN, OCCI, URI_LIST, OCCI_PLAIN, JSON, BARE_JSON})


def split(identifier: str) -> tuple[str, str]:
    """(scheme with `#`, term) of a category identifier."""
    scheme, _, term = identifier.rpartition("#")
    return f"{scheme}#", term


def action(kind: str, term: str) -> str:
    """The identifier of an action of an infrastructure kind."""
    return f"{OGF}/infrastructure/{split(kind)[1]}/action#{term}"


@dataclass(frozen=True, slots=True)
class Definition:
    """A kind or mixin of the standard.

    `both` lists the attributes of 1.1 and 1.2 alike, `first` those of 1.1 only that its suites demand,
    `second` those of 1.2 only; actions likewise. `immutable` and `required` are subsets of the attributes.
    """

    id: str
    parent: str
    both: tuple[str, ...]
    first: tuple[str, ...] = ()
    second: tuple[str, ...] = ()
    immutable: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    actions: tuple[str, ...] = ()
    first_actions: tuple[str, ...] = ()
    second_actions: tuple[str, ...] = field(default=())


def _names(prefix: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{prefix}.{name}" for name in names)


KINDS: Mapping[str, Definition] = {
    "compute": Definition(
        COMPUTE,
        RESOURCE,
        both=_names("occi.compute", "architecture", "cores", "hostname", "memory", "state"),
        first=("occi.compute.speed",),
        second=_names("occi.compute", "share", "state.message"),
        immutable=frozenset({"occi.compute.state"}),
        actions=("start", "stop", "restart", "suspend"),
        second_actions=("save",),
    ),
    "network": Definition(
        NETWORK,
        RESOURCE,
        both=_names("occi.network", "vlan", "label", "state"),
        second=("occi.network.state.message",),
        immutable=frozenset({"occi.network.state"}),
        actions=("up", "down"),
    ),
    "storage": Definition(
        STORAGE,
        RESOURCE,
        both=_names("occi.storage", "size", "state"),
        second=("occi.storage.state.message",),
        immutable=frozenset({"occi.storage.state"}),
        required=frozenset({"occi.storage.size"}),
        actions=("online", "offline"),
        first_actions=("backup", "snapshot", "resize"),
    ),
    "networkinterface": Definition(
        NETWORKINTERFACE,
        LINK,
        both=_names("occi.networkinterface", "interface", "mac", "state"),
        second=("occi.networkinterface.state.message",),
        immutable=frozenset(_names("occi.networkinterface", "interface", "state")),
    ),
    "storagelink": Definition(
        STORAGELINK,
        LINK,
        both=_names("occi.storagelink", "deviceid", "mountpoint", "state"),
        second=("occi.storagelink.state.message",),
        immutable=frozenset({"occi.storagelink.state"}),
    ),
}

MIXIN_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    IPNETWORK: _names("occi.network", "address", "gateway", "allocation"),
    IPNETWORKINTERFACE: _names("occi.networkinterface", "address", "gateway", "allocation"),
    SSH_KEY: ("occi.credentials.ssh.publickey",),
    USER_DATA: ("occi.compute.userdata",),
    OPENSTACK_KEY: _names("org.openstack.credentials.publickey", "name", "data"),
    OPENSTACK_USER_DATA: ("org.openstack.compute.user_data",),
}

# Required names that the pOCCI client can fill in by itself; any other makes its create tests fail.
FILLABLE = frozenset(
    {
        "occi.core.id",
        "occi.core.title",
        "occi.core.source",
        "occi.core.target",
        "occi.storage.size",
        "occi.storage.state",
        "occi.storagelink.deviceid",
    }
)

# Compute resource templates profile (GFD.222): cores and memory in GiB.
CRTP_SIZES: Mapping[str, tuple[int, float]] = {"small": (1, 1.0), "medium": (2, 2.0), "large": (4, 4.0)}
