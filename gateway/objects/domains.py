"""Domains: whom objects belong to, whether that may be used, and who is what in it (CDMI 10)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.identity import Caller, Role
from gateway.model import Forbidden, InvalidRequest, Json
from gateway.objects.names import MEMBERS
from gateway.policy.system import DOMAIN_ENABLED
from gateway.store import Database, generations
from gateway.store.object_rows import Held
from gateway.store.objects import DOMAINS_NAME, LAST_NAME, ObjectRows

#: The domain of everything that is given none.
DEFAULT = "default"

#: The item that keeps what a member's value says.
MEMBER = "cdmi_member"

_DELEGATIONS = 16
_MOST = 100_000  # members of one domain that are looked at

#: The names of privileges as some texts write them -> as ours does.
_PRIVILEGES = {"cross-domain": "cross_domain", "backup-operator": "backup_operator"}


@dataclass(frozen=True, slots=True)
class Known:
    """A domain as every worker remembers it."""

    seq: int
    path: tuple[str, ...]  # names from the root, "cdmi_domains" the first
    enabled: bool
    members: Sequence[Mapping[str, Json]]


class Domains:
    """All domains of a store, remembered until one changes."""

    def __init__(self, database: Database, rows: ObjectRows) -> None:
        self._database, self._rows = database, rows
        self._remembered: tuple[int, Mapping[int, Known]] = (-1, {})

    def all(self, caller: Caller) -> Mapping[int, Known]:
        """``seq`` -> domain."""
        present = caller.generations or generations.read(self._database)
        generation, known = self._remembered
        if generation != present.domains:
            known = self._read()
            self._remembered = (present.domains, known)
        return known

    def _read(self) -> Mapping[int, Known]:
        known: dict[int, Known] = {}
        for held in self._rows.domains():
            above = known.get(held.parent_seq) if held.parent_seq is not None else None
            path = (*above.path, held.object.name or "") if above else (DOMAINS_NAME,)
            enabled = held.object.system.get(DOMAIN_ENABLED) == "true"
            known[held.seq] = Known(held.seq, path, enabled, tuple(self._members(held)))
        return known

    def _members(self, domain: Held) -> Iterator[Mapping[str, Json]]:
        container = self._rows.child(domain, MEMBERS)
        if container is None:
            return
        for held in self._rows.held_children(container, "", LAST_NAME, _MOST):
            document = held.object.system.get(MEMBER)
            if document is not None:
                yield document

    def at(self, caller: Caller, path: Sequence[str]) -> Known:
        """The domain at a path. Raises InvalidRequest."""
        for known in self.all(caller).values():
            if known.path == tuple(path):
                return known
        raise InvalidRequest(f"domainURI: no domain /{'/'.join(path)[:80]}/", field="domainURI")

    def default(self, caller: Caller) -> int | None:
        """The domain of what is in no container, where there is one."""
        for known in self.all(caller).values():
            if known.path == (DOMAINS_NAME, DEFAULT):
                return known.seq
        return None

    def require_open(self, caller: Caller, held: Held) -> None:
        """Raises Forbidden where the domain of an object, or the caller as its member, is disabled."""
        if held.domain_seq is None:
            return
        domains = self.all(caller)
        domain = domains.get(held.domain_seq)
        if domain is None:
            return
        reason = _shut(domains, domain, caller)
        if reason is not None:
            raise Forbidden(f"/{'/'.join(domain.path)}/: {reason}", reason="domain_disabled")

    def closed(self, caller: Caller) -> frozenset[int]:
        """The domains, by ``seq``, whose objects are shut off from a caller."""
        domains = self.all(caller)
        return frozenset(seq for seq, domain in domains.items() if _shut(domains, domain, caller) is not None)

    def has(self, caller: Caller, seq: int | None, privilege: str) -> bool:
        """Whether a caller has a privilege of a domain's member; the gateway's admin has every one."""
        if caller.principal.has(Role.ADMIN):
            return True
        domains = self.all(caller)
        domain = domains.get(seq) if seq is not None else None
        if domain is None:
            return False
        return any(privilege in _privileges(member) for member in _memberships(domains, domain, caller))


def _shut(domains: Mapping[int, Known], domain: Known, caller: Caller) -> str | None:
    """Why the objects of a domain are shut off from a caller; None where they are not."""
    if not domain.enabled:
        return "this domain is disabled"
    for member in _memberships(domains, domain, caller):
        if member.get("cdmi_member_enabled") == "false":
            return "you are disabled in this domain"
    return None


def _memberships(
    domains: Mapping[int, Known], domain: Known, caller: Caller, depth: int = 0
) -> Iterator[Mapping[str, Json]]:
    """What the members of a domain, and of those it delegates to, say of a caller; delegations first."""
    for member in domain.members:
        if member.get("cdmi_member_type") != "delegation" or member.get("cdmi_member_enabled") != "true":
            continue
        path = tuple(name for name in str(member.get("cdmi_delegation_URI", "")).split("/") if name)
        other = next((d for d in domains.values() if path[-len(d.path) - 1 :] == (*d.path, MEMBERS)), None)
        if other is not None and other is not domain and depth < _DELEGATIONS:
            yield from _memberships(domains, other, caller, depth + 1)
    principal = caller.principal
    for member in domain.members:
        name = member.get("cdmi_member_principal") or member.get("cdmi_member_name")
        kind = member.get("cdmi_member_type")
        if (kind == "user" and name == principal.user and principal.user) or (
            kind == "group" and name in principal.groups
        ):
            yield member


def _privileges(member: Mapping[str, Json]) -> Iterator[str]:
    given = member.get("cdmi_member_privileges", member.get("cdmi_privileges", ()))
    return (_PRIVILEGES.get(name, name) for name in given)


_TEXTS = ("cdmi_member_principal", "cdmi_member_credentials", "cdmi_delegation_URI", "cdmi_member_name")
_KINDS = ("user", "group", "delegation")


def read_member(value: bytes) -> dict[str, Any]:
    """A member as its value says. Raises InvalidRequest naming what is wrong (10.1.3)."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidRequest("value: a member is a JSON object", field="value")

    def require(good: bool, name: str, what: str) -> None:
        if not good:
            raise InvalidRequest(f"value: {name}: {what}", field="value")

    kind = found.get("cdmi_member_type")
    require(kind in _KINDS, "cdmi_member_type", "user, group or delegation")
    require(found.get("cdmi_member_enabled") in ("true", "false"), "cdmi_member_enabled", "true or false")
    for name in _TEXTS:
        require(isinstance(found.get(name, ""), str), name, "a text")
    needed = "cdmi_delegation_URI" if kind == "delegation" else "cdmi_member_name"
    require(bool(found.get(needed)), needed, "is missing")
    for name in ("cdmi_member_privileges", "cdmi_privileges", "cdmi_member_groups"):
        given = found.get(name, [])
        require(
            isinstance(given, list) and all(isinstance(one, str) for one in given), name, "a list of texts"
        )
    found.pop(
        "cdmi_member_credentials", None
    )  # who signs in is the authenticator's matter; kept in the value
    return found
