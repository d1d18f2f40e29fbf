"""The constants of OCCI: schemes, kinds, mixins, actions and their attributes, each beside its clause.

References: GFD.183/221 (core), GFD.184/224 (infrastructure), GFD.222 (compute resource templates). What is
1.1 only is kept where the 1.1 test suites demand it.
"""

from __future__ import annotations

from occi_gw.rendering.values import Action, AttributeDefinition, Kind, Mixin

OGF = "http://schemas.ogf.org/occi"
CORE = f"{OGF}/core#"
INFRASTRUCTURE = f"{OGF}/infrastructure#"
OPENSTACK = "http://schemas.openstack.org"

#: GFD.185 section 3.6.7, GFD.223 section 5.1.
QUERY_PATH = "/-/"
WELL_KNOWN_PATH = "/.well-known/org/ogf/occi/-/"

#: Highest version served; a client that asks for more gets 501 (GFD.185 section 3.6.5).
VERSION = (1, 2)
SERVER_TOKENS = ("OCCI/1.1", "OCCI/1.2")
CRTP_TOKEN = "OCCI-CRTP/1.1"


def _text(name: str, *, mutable: bool = True, required: bool = False) -> AttributeDefinition:
    return AttributeDefinition(name, "string", mutable, required)


def _number(name: str, *, mutable: bool = True, required: bool = False) -> AttributeDefinition:
    return AttributeDefinition(name, "number", mutable, required)


def _choice(name: str, *words: str, mutable: bool = True) -> AttributeDefinition:
    return AttributeDefinition(name, "string", mutable, pattern={"enum": list(words)})


def _state(noun: str, *states: str) -> tuple[AttributeDefinition, AttributeDefinition]:
    return (
        _choice(f"occi.{noun}.state", *states, mutable=False),
        _text(f"occi.{noun}.state.message", mutable=False),
    )


def _action(scheme: str, term: str, title: str, *attributes: AttributeDefinition) -> Action:
    return Action(term, f"{OGF}/infrastructure/{scheme}/action#", title, attributes)


# Core kinds: GFD.221 sections 4.4.2, 4.5.1, 4.5.2; names GFD.229 section 5.5.1.

ENTITY = Kind("entity", CORE, "Entity", (_text("occi.core.id", mutable=False), _text("occi.core.title")))
RESOURCE = Kind(
    "resource",
    CORE,
    "Resource",
    (*ENTITY.attributes, _text("occi.core.summary")),
    parent=ENTITY.identifier,
)
LINK = Kind(
    "link",
    CORE,
    "Link",
    (
        *ENTITY.attributes,
        _text("occi.core.source", required=True),
        _text("occi.core.target", required=True),
    ),
    parent=ENTITY.identifier,
)

# Actions: GFD.184 sections 3.1 to 3.3, GFD.224 likewise.

START = _action("compute", "start", "Start the machine")
STOP = _action("compute", "stop", "Stop the machine", _choice("method", "graceful", "acpioff", "poweroff"))
RESTART = _action("compute", "restart", "Restart the machine", _choice("method", "graceful", "warm", "cold"))
SUSPEND = _action("compute", "suspend", "Suspend the machine", _choice("method", "hibernate", "suspend"))
SAVE = _action(
    "compute",
    "save",
    "Save the machine as an OS template",
    _choice("method", "hot", "deferred"),
    _text("name"),
)
UP = _action("network", "up", "Bring the network up")
DOWN = _action("network", "down", "Take the network down")
ONLINE = _action("storage", "online", "Bring the volume online")
OFFLINE = _action("storage", "offline", "Take the volume offline")
BACKUP = _action("storage", "backup", "Back the volume up")
SNAPSHOT = _action("storage", "snapshot", "Take a snapshot of the volume")
RESIZE = _action("storage", "resize", "Resize the volume", _number("size"))
# Of rOCCI 5, beyond the text.
INTERFACE_UP = _action("networkinterface", "up", "Bring the interface up")
INTERFACE_DOWN = _action("networkinterface", "down", "Take the interface down")
ATTACHMENT_ONLINE = _action("storagelink", "online", "Bring the attachment online")
ATTACHMENT_OFFLINE = _action("storagelink", "offline", "Take the attachment offline")
RESERVATION_UP = _action("ipreservation", "up", "Use the address")
RESERVATION_DOWN = _action("ipreservation", "down", "Free the address")

# Infrastructure kinds: GFD.184 section 3, GFD.224.

COMPUTE = Kind(
    "compute",
    INFRASTRUCTURE,
    "Compute",
    (
        *RESOURCE.attributes,
        _choice("occi.compute.architecture", "x86", "x64"),
        _number("occi.compute.cores"),
        _text("occi.compute.hostname"),
        _number("occi.compute.speed"),  # 1.1 only; its suites fail without it
        _number("occi.compute.share"),
        _number("occi.compute.memory"),
        *_state("compute", "active", "inactive", "suspended", "error"),
    ),
    parent=RESOURCE.identifier,
    actions=(START, STOP, RESTART, SUSPEND, SAVE),
    location="/compute/",
)
NETWORK = Kind(
    "network",
    INFRASTRUCTURE,
    "Network",
    (
        *RESOURCE.attributes,
        _number("occi.network.vlan"),
        _text("occi.network.label"),
        *_state("network", "active", "inactive", "error"),
    ),
    parent=RESOURCE.identifier,
    actions=(UP, DOWN),
    location="/network/",
)
STORAGE = Kind(
    "storage",
    INFRASTRUCTURE,
    "Storage",
    (
        *RESOURCE.attributes,
        _number("occi.storage.size", required=True),
        *_state("storage", "online", "offline", "backup", "snapshot", "resize", "degraded", "error"),
    ),
    parent=RESOURCE.identifier,
    actions=(ONLINE, OFFLINE, BACKUP, SNAPSHOT, RESIZE),
    location="/storage/",
)
NETWORKINTERFACE = Kind(
    "networkinterface",
    INFRASTRUCTURE,
    "Network interface",
    (
        *LINK.attributes,
        _text("occi.networkinterface.interface", mutable=False),
        _text("occi.networkinterface.mac"),
        *_state("networkinterface", "active", "inactive", "error"),
    ),
    parent=LINK.identifier,
    actions=(INTERFACE_UP, INTERFACE_DOWN),
    location="/networkinterface/",
)
STORAGELINK = Kind(
    "storagelink",
    INFRASTRUCTURE,
    "Storage link",
    (
        *LINK.attributes,
        _text("occi.storagelink.deviceid"),
        _text("occi.storagelink.mountpoint"),
        *_state("storagelink", "active", "inactive", "error"),
    ),
    parent=LINK.identifier,
    actions=(ATTACHMENT_ONLINE, ATTACHMENT_OFFLINE),
    location="/storagelink/",
)

# Extensions that EGI Federated Cloud clients use.

IPRESERVATION = Kind(
    "ipreservation",
    INFRASTRUCTURE,
    "IP reservation",
    (
        *NETWORK.attributes,
        _text("occi.ipreservation.address"),
        AttributeDefinition("occi.ipreservation.used", "boolean", mutable=False),
        *_state("ipreservation", "active", "inactive", "error"),
    ),
    parent=NETWORK.identifier,
    actions=(RESERVATION_UP, RESERVATION_DOWN),
    location="/ipreservation/",
)
SECURITYGROUP = Kind(
    "securitygroup",
    INFRASTRUCTURE,
    "Security group",
    (
        *RESOURCE.attributes,
        AttributeDefinition("occi.securitygroup.rules", "array", required=True),
        *_state("securitygroup", "active", "inactive", "error"),
    ),
    parent=RESOURCE.identifier,
    location="/securitygroup/",
)
SECURITYGROUPLINK = Kind(
    "securitygrouplink",
    INFRASTRUCTURE,
    "Security group link",
    (*LINK.attributes, *_state("securitygrouplink", "active", "inactive", "error")),
    parent=LINK.identifier,
    location="/securitygrouplink/",
)

# Console of the first OpenStack front end; note the scheme of the link.

CONSOLE = Kind(
    "console",
    "http://schemas.ogf.org/infrastructure/compute#",
    "Console link",
    LINK.attributes,
    parent=LINK.identifier,
    location="/compute/consolelink/",
)
SSH_CONSOLE = Kind(
    "ssh_console",
    f"{OPENSTACK}/occi/infrastructure/compute#",
    "SSH console",
    (*RESOURCE.attributes, _text("org.openstack.compute.console.ssh", mutable=False)),
    parent=RESOURCE.identifier,
    location="/compute/console/ssh/",
)
VNC_CONSOLE = Kind(
    "vnc_console",
    f"{OPENSTACK}/occi/infrastructure/compute#",
    "VNC console",
    (*RESOURCE.attributes, _text("org.openstack.compute.console.vnc", mutable=False)),
    parent=RESOURCE.identifier,
    location="/compute/console/vnc/",
)

# Mixins of the infrastructure.

OS_TPL = Mixin(
    "os_tpl", INFRASTRUCTURE, "OS template", applies=(COMPUTE.identifier,), location="/mixin/os_tpl/"
)
RESOURCE_TPL = Mixin(
    "resource_tpl",
    INFRASTRUCTURE,
    "Resource template",
    applies=(COMPUTE.identifier,),
    location="/mixin/resource_tpl/",
)
# No ``depends``: the 1.1 suites demand a wrong ``rel`` if there is any at all.
IPNETWORK = Mixin(
    "ipnetwork",
    f"{OGF}/infrastructure/network#",
    "IP network",
    (
        _text("occi.network.address"),
        _text("occi.network.gateway"),
        _choice("occi.network.allocation", "dynamic", "static"),
    ),
    applies=(NETWORK.identifier,),
    location="/mixin/ipnetwork/",
)
IPNETWORKINTERFACE = Mixin(
    "ipnetworkinterface",
    f"{OGF}/infrastructure/networkinterface#",
    "IP network interface",
    (
        _text("occi.networkinterface.address"),
        _text("occi.networkinterface.gateway"),
        _choice("occi.networkinterface.allocation", "dynamic", "static"),
    ),
    applies=(NETWORKINTERFACE.identifier,),
    location="/mixin/ipnetworkinterface/",
)
USER_DATA = Mixin(
    "user_data",
    f"{OGF}/infrastructure/compute#",
    "Contextualization data",
    (_text("occi.compute.userdata"),),
    applies=(COMPUTE.identifier,),
    location="/mixin/user_data/",
)
SSH_KEY = Mixin(
    "ssh_key",
    f"{OGF}/infrastructure/credentials#",
    "SSH public key",
    (_text("occi.credentials.ssh.publickey"),),
    applies=(COMPUTE.identifier,),
    location="/mixin/ssh_key/",
)
OPENSTACK_USER_DATA = Mixin(
    "user_data",
    f"{OPENSTACK}/compute/instance#",
    "Contextualization data - base64",
    (_text("org.openstack.compute.user_data"),),
    applies=(COMPUTE.identifier,),
    location="/mixin/openstack/user_data/",
)
OPENSTACK_PUBLIC_KEY = Mixin(
    "public_key",
    f"{OPENSTACK}/instance/credentials#",
    "SSH public key - OpenStack",
    (
        _text("org.openstack.credentials.publickey.name"),
        _text("org.openstack.credentials.publickey.data"),
    ),
    applies=(COMPUTE.identifier,),
    location="/mixin/openstack/public_key/",
)
AVAILABILITY_ZONE = Mixin(
    "availability_zone",
    INFRASTRUCTURE,
    "Availability zone",
    applies=(COMPUTE.identifier, NETWORK.identifier, STORAGE.identifier),
    location="/mixin/availability_zone/",
)
FLOATINGIPPOOL = Mixin(
    "floatingippool",
    f"{OPENSTACK}/network#",
    "Floating IP pool",
    applies=(IPRESERVATION.identifier, NETWORKINTERFACE.identifier),
    location="/mixin/floatingippool/",
)

OSNETWORK = Mixin(
    "osnetwork",
    f"{OPENSTACK}/infrastructure/network#",
    "OpenStack network",
    (_number("org.openstack.network.ip_version", mutable=False),),
    applies=(NETWORK.identifier,),
    location="/mixin/openstack/osnetwork/",
)

# Of the EGI Federated Cloud (rOCCI 5): what a network reaches, and which of them a machine is put in.

FEDCLOUD = "http://schemas.fedcloud.egi.eu/occi"
CONNECTIVITY = "eu.egi.fedcloud.compute.default_connectivity"


def _class_of_networks(term: str, title: str) -> Mixin:
    return Mixin(
        term,
        f"{FEDCLOUD}/infrastructure/network#",
        title,
        applies=(NETWORK.identifier,),
        location=f"/mixin/{term}/",
    )


#: Value of the connectivity attribute -> class of network.
NETWORK_CLASSES = {
    "public": _class_of_networks("public_net", "Public network"),
    "nat": _class_of_networks("nat_net", "Network behind NAT"),
    "private": _class_of_networks("private_net", "Private network"),
}
DEFAULT_CONNECTIVITY = Mixin(
    "default_connectivity",
    f"{FEDCLOUD}/infrastructure/compute#",
    "Default connectivity",
    (_choice(CONNECTIVITY, *NETWORK_CLASSES),),
    applies=(COMPUTE.identifier,),
    location="/mixin/default_connectivity/",
)

#: OpenStack and OCCI form of the same thing: never both on one compute (ooi: 409).
EXCLUSIVE = ((USER_DATA, OPENSTACK_USER_DATA), (SSH_KEY, OPENSTACK_PUBLIC_KEY))

#: Compute resource template profile 1.1 (GFD.222): term -> cores, memory and disk in GiB.
CRTP_SCHEME = f"{OGF}/infrastructure/compute/template/1.1#"
CRTP = {
    "small": (1, 1, 10),
    "medium": (2, 2, 20),
    "large": (4, 4, 40),
    "mem_small": (1, 4, 10),
    "mem_medium": (2, 8, 20),
    "mem_large": (4, 16, 40),
}
CRTP_REQUIRED = ("small", "medium", "large")
EPHEMERAL_SIZE = "occi.compute.ephemeral_storage.size"
