"""Who asks: the principal that authentication yields, and the request it is asking in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gateway.store.generations import Generations


class Role(StrEnum):
    """Roles of the gateway; an ordinary user has none."""

    ADMIN = "admin"  # passes every permission
    TENANT_ADMIN = "tenant-admin"  # passes every permission in the own tenant
    AUDITOR = "auditor"  # sees everything, without content
    MONITOR = "monitor"  # as above; reads the metrics


@dataclass(frozen=True, slots=True)
class Principal:
    """One authenticated identity."""

    subject: str  # stable, "scheme:value", e.g. "local:ada"
    user: str
    tenant: str
    groups: tuple[str, ...] = ()  # the first is the group of what the principal makes
    roles: frozenset[str] = frozenset()
    auth_method: str = "none"
    expires: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    #: Whoever has the same sees the same.
    sight: tuple[str, str, tuple[str, ...], frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sight", (self.user, self.tenant, self.groups, self.roles))

    def has(self, role: Role) -> bool:
        return role in self.roles


#: The gateway itself, in what it does by its own decision (reconciling, adopting).
GATEWAY = Principal(
    subject="gateway:self", user="", tenant="", roles=frozenset({Role.ADMIN}), auth_method="internal"
)


class RequestInfo(NamedTuple):
    """What the audit record wants to know of the wire."""

    id: str = ""
    protocol: str = ""
    method: str = ""
    path: str = ""
    client_ip: str = ""
    forwarded_for: str = ""  # what proxies, or the client, say of the peers before
    user_agent: str = ""
    trace_id: str = ""  # of the W3C trace that the request is part of
    parent_id: str = ""
    begun: float = 0.0  # of ``time.perf_counter``; 0 = not in a request


class Caller(NamedTuple):
    """A principal in one request; every method of ``Cloud`` takes it first."""

    principal: Principal
    #: Asked for audit records, which most requests have none of.
    told: Callable[[], RequestInfo] = RequestInfo
    #: What was true when the request began; None = ask the store.
    generations: Generations | None = None

    @property
    def request(self) -> RequestInfo:
        return self.told()
