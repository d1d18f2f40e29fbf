"""Restricted attributes: what reaches hosts or other tenants is not for ordinary users.

The check looks at the common model, so it holds for every syntax that can carry a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.identity import Principal, Role
from gateway.model import (
    ComputeSpec,
    Forbidden,
    Interface,
    InterfaceSpec,
    Network,
    NetworkSpec,
    Origin,
    Resource,
)

#: Name in messages and configuration -> what it is.
RESTRICTED: Mapping[str, str] = {
    "interface.mac": "a fixed MAC address",
    "network.vlan": "a VLAN id",
    "image.origin": "where an image is fetched from",
}

#: Fields of the model that carry one, for changes of a resource.
_CHANGES: Mapping[type[Resource], Mapping[str, str]] = {
    Interface: {"mac": "interface.mac"},
    Network: {"vlan": "network.vlan"},
}


class Restrictions:
    """Who may set what; ``allowed`` maps a role to the names it may set beyond the admin's all."""

    def __init__(self, allowed: Mapping[str, Iterable[str]] | None = None) -> None:
        self._allowed = {role: frozenset(names) for role, names in (allowed or {}).items()}

    def check_spec(self, principal: Principal, spec: Any) -> None:
        """Raises Forbidden naming the attribute and the role it needs."""
        for name in _in_spec(spec):
            self._require(principal, name)

    def check_changes(self, principal: Principal, present: Resource, changes: Mapping[str, Any]) -> None:
        """As above for an update; a value equal to the present one may be sent back."""
        for field, name in _CHANGES.get(type(present), {}).items():
            if field in changes and changes[field] != getattr(present, field):
                self._require(principal, name)

    def _require(self, principal: Principal, name: str) -> None:
        if principal.has(Role.ADMIN):
            return
        if any(name in self._allowed.get(role, ()) for role in principal.roles):
            return
        roles = [Role.ADMIN.value, *sorted(r for r, names in self._allowed.items() if name in names)]
        raise Forbidden(
            f"{name}: only {' or '.join(roles)} may set {RESTRICTED[name]}", reason="restricted_attribute"
        )


def _in_spec(spec: Any) -> Iterator[str]:
    if isinstance(spec, ComputeSpec):
        for interface in spec.interfaces:
            yield from _in_spec(interface)
    elif isinstance(spec, InterfaceSpec) and spec.mac is not None:
        yield "interface.mac"
    elif isinstance(spec, NetworkSpec) and spec.vlan is not None:
        yield "network.vlan"
    elif isinstance(getattr(spec, "origin", None), Origin):
        yield "image.origin"
