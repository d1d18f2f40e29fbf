"""What federated clouds add: contextualization, reserved addresses, security groups, availability zones."""

from __future__ import annotations

import json
from base64 import b64encode

from conformance.framework import Body, Level, Skipped, expect, require
from conformance.occi import vocabulary as v
from conformance.occi.context import OcciContext
from conformance.occi.registry import check
from conformance.occi.wire import Message, Scalar

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFn2ne+kzAKqFNmWjpLCqKwa2m4kfXXQBfMDlVcBXWz8 conformance"
USER_DATA = b64encode(b"#cloud-config\nhostname: conformance\n").decode("ascii")


def _creates(mixin: str, attributes: dict[str, Scalar]) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        ctx.category(mixin)
        templates = tuple(ctx.children(v.OS_TPL)[:1] + ctx.children(v.RESOURCE_TPL)[:1])
        sent = {"occi.core.title": ctx.name(), **attributes}
        response, path = ctx.create(Message(v.COMPUTE, (*templates, mixin), attributes=sent))
        expect(response.ok and path, f"answered {response.status}")

    return body


check(
    "OCCI-EXT-001", "a compute is created with an OpenStack public key", "rOCCI-cli, EGI probe", Level.CLIENT
)(
    _creates(
        v.OPENSTACK_KEY,
        {
            "org.openstack.credentials.publickey.name": "conformance",
            "org.openstack.credentials.publickey.data": PUBLIC_KEY,
        },
    )
)
check("OCCI-EXT-002", "an OpenStack public key needs no name", "ooi", Level.CLIENT)(
    _creates(v.OPENSTACK_KEY, {"org.openstack.credentials.publickey.data": PUBLIC_KEY})
)
check("OCCI-EXT-003", "a compute is created with OpenStack user data", "rOCCI-cli, EGI probe", Level.CLIENT)(
    _creates(v.OPENSTACK_USER_DATA, {"org.openstack.compute.user_data": USER_DATA})
)
check("OCCI-EXT-004", "a compute is created with the SSH key of OCCI 1.2", "GFD.224 credentials")(
    _creates(v.SSH_KEY, {"occi.credentials.ssh.publickey": PUBLIC_KEY})
)
check("OCCI-EXT-005", "a compute is created with the user data of OCCI 1.2", "GFD.224 contextualization")(
    _creates(v.USER_DATA, {"occi.compute.userdata": USER_DATA})
)


@check("OCCI-EXT-006", "key mixins of OpenStack and OCCI together are 409", "ooi", Level.SHOULD)
def both_keys(ctx: OcciContext) -> None:
    ctx.category(v.OPENSTACK_KEY)
    ctx.category(v.SSH_KEY)
    sent: dict[str, Scalar] = {
        "occi.core.title": ctx.name(),
        "org.openstack.credentials.publickey.data": PUBLIC_KEY,
        "occi.credentials.ssh.publickey": PUBLIC_KEY,
    }
    response, _ = ctx.create(Message(v.COMPUTE, (v.OPENSTACK_KEY, v.SSH_KEY), attributes=sent))
    expect(response.status == 409, f"answered {response.status}")


@check(
    "OCCI-EXT-007", "availability zones name their parent and can be asked for", "rOCCI-server 2", Level.MAY
)
def availability_zone(ctx: OcciContext) -> None:
    ctx.category(v.AVAILABILITY_ZONE)
    zones = ctx.children(v.AVAILABILITY_ZONE)
    if not zones:
        raise Skipped("no availability zone is published")
    response, path = ctx.create(Message(v.COMPUTE, (zones[0],), attributes={"occi.core.title": ctx.name()}))
    expect(response.ok and path, f"answered {response.status}")
    expect(zones[0] in ctx.describe(path).category_ids, "the zone is not rendered")


@check("OCCI-EXT-008", "a kind ipreservation is a network", "ooi, rOCCI-server 2", Level.SHOULD)
def ipreservation_parent(ctx: OcciContext) -> None:
    rel = ctx.category(v.IPRESERVATION).rel
    expect(v.NETWORK in rel, f"rel is {' '.join(rel)}")


@check("OCCI-EXT-009", "an address is reserved from a pool", "ooi, rOCCI-server 2", Level.MAY)
def ipreservation(ctx: OcciContext) -> None:
    ctx.category(v.IPRESERVATION)
    pools = ctx.children(v.FLOATING_POOL)
    if not pools:
        raise Skipped("no floating pool is published")
    message = Message(v.IPRESERVATION, (pools[0],), attributes={"occi.core.title": ctx.name()})
    response, path = ctx.create(message)
    expect(response.ok and path, f"answered {response.status}")
    expect(ctx.describe(path).attributes.get("occi.ipreservation.address"), "no occi.ipreservation.address")


def _security_group(ctx: OcciContext) -> str:
    """A new security group, made in JSON; Blocked when it cannot be made."""
    ctx.category(v.SECURITYGROUP)
    ctx.need_json()
    rules = [{"protocol": "tcp", "type": "inbound", "port": "22", "range": "0.0.0.0/0"}]
    document = {
        "kind": v.SECURITYGROUP,
        "title": ctx.name(),
        "attributes": {"occi.securitygroup.rules": rules},
    }
    response = ctx.send(
        "POST",
        ctx.location(v.SECURITYGROUP),
        headers=(("Content-Type", v.JSON),),
        body=json.dumps(document).encode(),
    )
    path = ctx.adopt(response, v.SECURITYGROUP)
    require(path, f"cannot make a security group: {response.status}")
    return path


@check("OCCI-EXT-010", "a security group made in JSON shows its rules", "ooi, rOCCI-server 2", Level.MAY)
def security_group(ctx: OcciContext) -> None:
    path = _security_group(ctx)
    response = ctx.get(path, v.JSON)
    expect(response.ok, f"answered {response.status}")
    document = response.json()
    rules = (
        document.get("attributes", {}).get("occi.securitygroup.rules") if isinstance(document, dict) else None
    )
    expect(isinstance(rules, list) and len(rules) == 1, f"occi.securitygroup.rules is {str(rules)[:160]}")


@check("OCCI-EXT-011", "a security group is linked to a compute", "ooi, rOCCI-server 2", Level.MAY)
def security_group_link(ctx: OcciContext) -> None:
    ctx.category(v.SECURITYGROUPLINK)
    group, compute = _security_group(ctx), ctx.given_compute()
    ends: dict[str, Scalar] = {"occi.core.source": ctx.uri(compute), "occi.core.target": ctx.uri(group)}
    response, path = ctx.create(Message(v.SECURITYGROUPLINK, attributes=ends))
    expect(response.ok and path, f"answered {response.status}")


@check("OCCI-EXT-012", "a network interface with ipnetworkinterface keeps its address", "GFD.184, GFD.224")
def interface_address(ctx: OcciContext) -> None:
    ctx.category(v.IPNETWORKINTERFACE)
    address: dict[str, Scalar] = {
        "occi.network.address": "10.112.0.0/24",
        "occi.network.allocation": "dynamic",
    }
    target = ctx.given(v.NETWORK, address, mixins=(v.IPNETWORK,) if ctx.publishes(v.IPNETWORK) else ())
    source = ctx.given_compute()
    sent: dict[str, Scalar] = {
        "occi.core.source": ctx.uri(source),
        "occi.core.target": ctx.uri(target),
        "occi.networkinterface.address": "10.112.0.17",
        "occi.networkinterface.allocation": "static",
    }
    response, path = ctx.create(Message(v.NETWORKINTERFACE, (v.IPNETWORKINTERFACE,), attributes=sent))
    expect(response.ok and path, f"answered {response.status}")
    found = ctx.describe(path).attributes.get("occi.networkinterface.address")
    expect(found == "10.112.0.17", f"occi.networkinterface.address is {found!r}")
