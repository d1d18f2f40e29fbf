"""Access control lists of stored objects: who gets what, and what children get (CDMI 16.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.identity import Principal, Role
from gateway.model import Ace, AceFlag, AceMask, AceType, Acl

OWNER, GROUP, EVERYONE = "OWNER@", "GROUP@", "EVERYONE@"
ANONYMOUS, AUTHENTICATED = "ANONYMOUS@", "AUTHENTICATED@"
ADMINISTRATOR, ADMINUSERS = "ADMINISTRATOR@", "ADMINUSERS@"

ALL_PERMS = AceMask(0x1F07FF)
READ = AceMask(0x200A9)

#: What roles that see everything are granted: all of it but values.
_LOOK = (
    AceMask.READ_METADATA
    | AceMask.READ_ATTRIBUTES
    | AceMask.READ_ACL
    | AceMask.EXECUTE  # to walk through containers
)

_BOTH = AceFlag.OBJECT_INHERIT | AceFlag.CONTAINER_INHERIT

#: An object that is given none and inherits none.
DEFAULT: Acl = (Ace(AceType.ALLOW, OWNER, _BOTH, ALL_PERMS),)

#: The root: everybody who has signed in makes containers of their own there; what is in them is private.
ROOT: Acl = (
    *DEFAULT,
    Ace(
        AceType.ALLOW,
        AUTHENTICATED,
        AceFlag(0),
        READ | AceMask.WRITE_OBJECT | AceMask.APPEND_DATA,
    ),
)


#: Domains: read by everybody who has signed in, managed by the admin.
DOMAINS: Acl = (
    *DEFAULT,
    Ace(AceType.ALLOW, AUTHENTICATED, _BOTH, READ),
)


@dataclass(frozen=True, slots=True)
class Guarded:
    """What a list is asked about."""

    owner: str
    tenant: str
    group: str
    acl: Acl
    is_container: bool = False


def granted(principal: Principal, thing: Guarded, wanted: AceMask) -> AceMask:
    """The part of ``wanted`` that the principal has.

    For each bit the first entry that names it and applies decides; bits that none names are refused. The
    admin of the gateway, and of the owner's tenant, has everything.
    """
    same_tenant = principal.tenant == thing.tenant
    if principal.has(Role.ADMIN) or (same_tenant and principal.has(Role.TENANT_ADMIN)):
        return wanted
    open_bits, given = wanted, AceMask(0)
    if principal.has(Role.AUDITOR) or principal.has(Role.MONITOR):
        look = _LOOK | (AceMask.READ_OBJECT if thing.is_container else AceMask(0))
        given, open_bits = wanted & look, wanted & ~look
    for ace in thing.acl:
        if not open_bits:
            break
        if ace.type is AceType.AUDIT or AceFlag.INHERIT_ONLY in ace.flags:
            continue
        if not _applies(ace, principal, thing):
            continue
        decided = ace.mask & open_bits
        open_bits &= ~decided
        if ace.type is AceType.ALLOW:
            given |= decided
    return given


def _applies(ace: Ace, principal: Principal, thing: Guarded) -> bool:
    who = ace.who
    if who == EVERYONE:
        return True
    anonymous = not principal.user
    if who == ANONYMOUS:
        return anonymous
    if anonymous:
        return False
    if who == AUTHENTICATED:
        return True
    if who == OWNER:
        return principal.user == thing.owner
    if who in (ADMINISTRATOR, ADMINUSERS):
        return False  # who is one has passed without a list
    if who == GROUP:
        return bool(thing.group) and thing.group in principal.groups
    if AceFlag.IDENTIFIER_GROUP in ace.flags:
        return who in principal.groups
    return who == principal.user


def inherited(parent: Acl, *, by_container: bool) -> Acl:
    """What a new child gets of its parent's list; ``DEFAULT`` where that is nothing."""
    return tuple(_passed_on(parent, by_container)) or DEFAULT


def _passed_on(parent: Acl, by_container: bool) -> Iterator[Ace]:
    for ace in parent:
        to_objects = AceFlag.OBJECT_INHERIT in ace.flags
        to_containers = AceFlag.CONTAINER_INHERIT in ace.flags
        stays = AceFlag.NO_PROPAGATE not in ace.flags
        group = ace.flags & AceFlag.IDENTIFIER_GROUP
        if by_container and to_containers:
            handed = ace.flags & _BOTH if stays else AceFlag(0)
            yield replace(ace, flags=group | handed | AceFlag.INHERITED, spelling=None)
        elif by_container and to_objects and stays:
            # Not for the container itself: it only hands it on to its objects.
            handed = AceFlag.OBJECT_INHERIT | AceFlag.INHERIT_ONLY
            yield replace(ace, flags=group | handed | AceFlag.INHERITED, spelling=None)
        elif not by_container and to_objects:
            yield replace(ace, flags=group | AceFlag.INHERITED, spelling=None)
