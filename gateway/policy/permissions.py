"""Nine permission bits: owner, group and other, each with use, manage and admin.

Written octal as ``owner group other`` with use=4, manage=2, admin=1; 0o600 lets the owner use and manage.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import Protocol

from gateway.identity import Principal, Role
from gateway.model import Forbidden, NotFound


class Right(IntEnum):
    USE = 4  # see, read, refer to
    MANAGE = 2  # change, act, delete
    ADMIN = 1  # change owner, group and bits


DEFAULT_MODE = 0o600

_VIEWERS = frozenset({Role.AUDITOR, Role.MONITOR})


class Owned(Protocol):
    """What permissions are asked of."""

    @property
    def owner(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def mode(self) -> int: ...
    @property
    def other_tenants(self) -> bool: ...


def rights_of(principal: Principal, thing: Owned) -> int:
    """The rights, as a sum of ``Right``; owner, group and other add up, none takes away.

    Empty names, of whoever has not signed in and of what nobody owns, are never the same.
    """
    same_tenant = principal.tenant != "" and principal.tenant == thing.tenant
    if Role.ADMIN in principal.roles or (same_tenant and Role.TENANT_ADMIN in principal.roles):
        return 7
    rights = 0
    if principal.user and principal.user == thing.owner:
        rights |= thing.mode >> 6
    if thing.group and thing.group in principal.groups:
        rights |= thing.mode >> 3
    if same_tenant or thing.other_tenants:
        rights |= thing.mode
    if not _VIEWERS.isdisjoint(principal.roles):
        rights |= Right.USE
    return rights & 7


def without_looking(principal: Principal) -> Principal:
    """The principal as far as content goes: roles that see everything may not therefore copy or boot it."""
    if _VIEWERS.isdisjoint(principal.roles):
        return principal
    return replace(principal, roles=principal.roles - _VIEWERS)


def require_content(principal: Principal, thing: Owned, right: Right, what: str) -> None:
    """Raises Forbidden where the principal has ``right`` by a role that only looks."""
    plain = without_looking(principal)
    if plain is not principal and not rights_of(plain, thing) & right:
        roles = " and ".join(sorted(_VIEWERS & principal.roles))
        raise Forbidden(f"{what}: role {roles} lets you see it, not use what is in it")


def require(principal: Principal, thing: Owned, right: Right, what: str) -> None:
    """Raises NotFound where the principal may not know of ``what``, Forbidden where it lacks ``right``."""
    rights = rights_of(principal, thing)
    if rights & right:
        return
    if not rights & Right.USE:
        raise NotFound(f"no {what}")
    raise Forbidden(f"{what}: you may see it but have no {right.name.lower()} right on it")
