"""A compute, its links and its kinds, as the tests of the writers show them."""

from __future__ import annotations

from occi_gw.rendering.values import (
    Action,
    AttributeDefinition,
    Entity,
    Kind,
    LinkRendering,
    Mixin,
)

OGF = "http://schemas.ogf.org/occi"
COMPUTE_ACTIONS = f"{OGF}/infrastructure/compute/action#"

START = Action("start", COMPUTE_ACTIONS)
STOP = Action("stop", COMPUTE_ACTIONS, "Stop", (AttributeDefinition("method"),))
ENTITY = Kind("entity", f"{OGF}/core#")
COMPUTE = Kind(
    "compute",
    f"{OGF}/infrastructure#",
    "Compute Resource",
    (
        AttributeDefinition(
            "occi.compute.architecture",
            pattern={"enum": ["x86", "x64"]},
            default="x64",
            description="CPU architecture",
        ),
        AttributeDefinition("occi.compute.cores", "number", required=True),
        AttributeDefinition("occi.compute.state", mutable=False),
        AttributeDefinition("occi.compute.id", mutable=False, required=True, pattern={"pattern": "^i-"}),
    ),
    parent=f"{OGF}/core#resource",
    actions=(STOP, START),
    location="/compute/",
)
NETWORK = Kind("network", f"{OGF}/infrastructure#", location="/network/")
INTERFACE = Kind("networkinterface", f"{OGF}/infrastructure#", location="/networkinterface/")
OS_TPL = Mixin("os_tpl", f"{OGF}/infrastructure#", location="/os_tpl/")
DEBIAN = Mixin(
    "debian",
    "http://site.example/os#",
    "Debian 12",
    depends=(OS_TPL.identifier, "http://other.example/a#b"),
    applies=(COMPUTE.identifier,),
    location="/mixin/os_tpl/debian/",
)
IP_INTERFACE = Mixin(
    "ipnetworkinterface",
    f"{OGF}/infrastructure/networkinterface#",
    actions=(START,),
    location="/ipnetworkinterface/",
)

LINK_RENDERING = LinkRendering(
    id="n1",
    location="/networkinterface/n1",
    kind=INTERFACE,
    mixins=(IP_INTERFACE,),
    source="/compute/7",
    source_kind=COMPUTE.identifier,
    target="/network/3",
    target_kind=NETWORK.identifier,
    attributes={"occi.networkinterface.mac": "00:11", "occi.networkinterface.vlan": 4},
)
MACHINE = Entity(
    id="7",
    location="/compute/7",
    kind=COMPUTE,
    mixins=(DEBIAN,),
    title="web 1",
    summary="first",
    attributes={"occi.compute.cores": 2, "occi.compute.memory": 2.0, "occi.compute.state": "active"},
    actions=(STOP, START),
    links=(LINK_RENDERING,),
)
INTERFACE_ENTITY = Entity(
    id="n1",
    location="/networkinterface/n1",
    kind=INTERFACE,
    title="eth0",
    attributes={"occi.networkinterface.mac": "00:11"},
    source="/compute/7",
    source_kind=COMPUTE.identifier,
    target="http://elsewhere.example/network/3",
)
