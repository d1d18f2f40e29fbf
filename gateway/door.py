"""What every operation of the door passes through: rows and rights, back end calls, the audit record."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from gateway.catalogue import Catalogue, Defaults
from gateway.identity import Caller, Principal
from gateway.model import (
    LINK_SEPARATOR,
    Address,
    Attachment,
    BackendError,
    BackendUnavailable,
    Compute,
    Forbidden,
    Image,
    InstanceType,
    Interface,
    InvalidRequest,
    KeyPair,
    Network,
    NotFound,
    PolicyDenied,
    PortMapping,
    QuotaExceeded,
    Resource,
    SecurityGroup,
    Snapshot,
    Volume,
    shorten,
)
from gateway.policy.permissions import (
    DEFAULT_MODE,
    Right,
    require,
    require_content,
    rights_of,
    without_looking,
)
from gateway.policy.quota import Quotas
from gateway.policy.restricted import Restrictions
from gateway.store import Constraint, Database, Transaction, generations
from gateway.store.audit import Audit
from gateway.store.overlay import Holding, Overlay, Overlays
from gateway.turns import Turns
from gateway.zones import Zones

R = TypeVar("R", bound=Resource)
Joined = TypeVar("Joined", bound=Interface)

#: Nouns that have an owner, and the names of their rows.
KINDS: Mapping[type[Resource], str] = {
    Compute: "compute",
    Volume: "volume",
    Snapshot: "snapshot",
    Image: "image",
    Network: "network",
    Address: "address",
    SecurityGroup: "security_group",
    KeyPair: "key_pair",
    PortMapping: "port_mapping",
}

#: Nouns whose owner is their compute's.
LINKS: Mapping[type[Resource], str] = {Attachment: "attachment", Interface: "interface"}

_DENIALS = (Forbidden, QuotaExceeded, PolicyDenied)


@dataclass(frozen=True, slots=True)
class Held(Generic[R]):
    """A resource and what the gateway holds about it."""

    resource: R
    overlay: Overlay


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """The part of the configuration that the door needs."""

    mode: int = DEFAULT_MODE
    collection_delete: bool = True
    defaults: Defaults = field(default_factory=Defaults)
    quotas: Quotas = field(default_factory=Quotas)
    restrictions: Restrictions = field(default_factory=Restrictions)
    instance_types: Mapping[str, InstanceType] = field(default_factory=dict)
    #: Where every audit record is written besides the store; empty = nowhere.
    audit_file: str = ""


#: Told of each back end call: zone, operation, outcome ("ok" or a reason code), seconds.
Observer = Callable[[str, str, str, float], None]


class Door:
    """The steps that operations are made of; used by ``gateway.cloud`` and its parts only."""

    def __init__(
        self,
        database: Database,
        zones: Zones,
        settings: CloudSettings | None = None,
        *,
        version: str = "",
        observer: Observer | None = None,
    ) -> None:
        self.settings = settings or CloudSettings()
        self.zones = zones
        self.catalogue = Catalogue(zones, self.settings.instance_types)
        self.database = database
        self.overlays = Overlays(database)
        self.turns = Turns(database)
        self.audit = Audit(database, version, self.settings.audit_file, split=zones.split)
        self.observer = observer

    def row(self, caller: Caller, noun: type[Resource], id: str, right: Right) -> Overlay:
        """The ownership row of something the caller has ``right`` on (for a link: its compute's)."""
        kind = name_of(noun)
        what = f"{kind} {shorten(id)}"
        user = caller.principal.user
        row = self.overlays.get(kind, id, user)
        owner = row
        if noun in LINKS:
            compute = id.partition(LINK_SEPARATOR)[0]
            owner = self.overlays.get(KINDS[Compute], compute, user)
        if owner is None:
            raise NotFound(f"no {what}")
        try:
            require(caller.principal, owner, right, what)
        except NotFound:
            self.record(caller, f"{kind}.access", "denied", reason="invisible", resource_id=id)
            raise
        return owner if owner is row else of_machine(owner, kind, id, row)

    def fetch(self, noun: type[R], id: str) -> R:
        zone, native = self.zones.split(id)
        resource: R = self.call(zone, noun, "get", lambda c: c.get(native))
        return self.zones.publish(zone, resource)

    def seen(self, caller: Caller, row: Overlay, resource: R, visible: Visible | None = None) -> R:
        """The resource without links to what this caller may not see; the console is for who manages it."""
        if not isinstance(resource, Compute | Interface) or caller.principal.user == row.owner:
            return resource
        may = visible or Visible(self, caller)
        if isinstance(resource, Interface):
            return without_hidden(resource, may)
        manages = rights_of(caller.principal, row) & Right.MANAGE
        interfaces = (i for i in resource.interfaces if may.see(Network, i.network))
        return replace(
            resource,
            attachments=tuple(a for a in resource.attachments if may.see(Volume, a.volume)),
            interfaces=tuple(without_hidden(i, may) for i in interfaces),
            security_groups=tuple(g for g in resource.security_groups if may.see(SecurityGroup, g)),
            console=resource.console if manages else None,
        )

    def require_ends(self, caller: Caller, row: Overlay, resource: Resource) -> None:
        """Raises NotFound for a link to what this caller may not see."""
        if caller.principal.user == row.owner or not isinstance(resource, Attachment | Interface):
            return
        may = Visible(self, caller)
        end = (Volume, resource.volume) if isinstance(resource, Attachment) else (Network, resource.network)
        if not may.see(*end):
            raise NotFound(f"no {name_of(type(resource))} {shorten(resource.id)}")

    def first(self, caller: Caller, noun: type[Resource], zone: str) -> str | None:
        """The oldest of a noun that the caller may use in a zone."""
        places = self.overlays.places(without_looking(caller.principal), KINDS[noun])
        return next(iter(places.by_zone.get(zone, ())), None)

    def resolve(
        self, caller: Caller, noun: type[Resource], id: str, right: Right, field: str, zone: str
    ) -> str:
        row = self.row(caller, noun, id, right)
        require_content(caller.principal, row, right, f"{name_of(noun)} {shorten(id)}")
        home, native = self.zones.split(id)
        if home != zone:
            raise InvalidRequest(
                f"{field}: {shorten(id)} is in zone {home}, the rest of the request in zone {zone}",
                field=field,
            )
        return native

    def remembered(
        self, caller: Caller, noun: type[Resource], id: str, extra: Mapping[str, Any] | None = None
    ) -> Overlay:
        """The row of a visible resource; a link gets its own the first time something must be remembered."""
        row = self.row(caller, noun, id, Right.USE)
        if row.seq:
            return row
        self.fetch(noun, id)
        token = f"link:{row.kind}:{id}"
        try:
            with self.database.write() as tx:
                owner = owner_of(caller, row)
                made = self.overlays.reserve(
                    tx,
                    owner,
                    kind=row.kind,
                    zone=row.zone,
                    token=token,
                    mode=row.mode,
                    holding=Holding(),
                    extra=extra,
                    group=row.group,
                    other_tenants=row.other_tenants,
                    key=token,
                )
                self.overlays.bind(tx, made, id)
        except Constraint:
            pass  # another request has remembered it at the same moment
        return self.row(caller, noun, id, Right.USE)

    def zones_of(self, noun: type[Resource], zones: Collection[str]) -> Sequence[str]:
        """Those of ``zones`` that are configured now and have the noun."""
        return [z for z in self.zones.names() if z in zones and noun in self.zones.backend(z).collections()]

    def call(self, zone: str, noun: type[Resource], operation: str, work: Callable[[Any], Any]) -> Any:
        """One back end call, timed and counted."""
        collection = self.zones.collection(zone, noun)
        if self.observer is None:
            return work(collection)
        begun, outcome = time.perf_counter(), "bug"
        try:
            result = work(collection)
            outcome = "ok"
            return result
        except Exception as error:
            outcome = getattr(error, "reason", "bug")
            raise
        finally:
            self.observer(zone, f"{name_of(noun)}.{operation}", outcome, time.perf_counter() - begun)

    def bump_catalogue(self, tx: Transaction) -> None:
        """Make every worker forget what it derived of images."""
        tx.run(generations.BUMP_CATALOGUE)

    @contextmanager
    def attempt(self, caller: Caller, event: str, id: str | None) -> Iterator[None]:
        """Records what was refused or failed; what succeeded records itself with its change."""
        try:
            yield
        except _DENIALS as error:
            self.record(caller, event, "denied", reason=error.reason, resource_id=id)
            raise
        except (BackendError, BackendUnavailable) as error:
            if error.reason != "store_unavailable":
                self.record(caller, event, "failure", reason=error.reason, resource_id=id)
            raise

    def record(
        self, caller: Caller, event: str, outcome: str, *, resource: Resource | None = None, **facts: Any
    ) -> None:
        if resource is not None:
            facts |= facts_of(type(resource), resource.id, facts.pop("owner", None)) | facts_made(resource)
        with self.database.write() as tx:
            self.audit.append(tx, caller, event, outcome, **facts)


class Visible:
    """Whether a caller may see the ends of links; each noun's list is asked for once."""

    def __init__(self, door: Door, caller: Caller) -> None:
        self._door, self._caller = door, caller
        self._known: dict[type[Resource], set[str]] = {}

    def see(self, noun: type[Resource], id: str) -> bool:
        if noun not in self._known:
            places = self._door.overlays.places(self._caller.principal, KINDS[noun])
            self._known[noun] = {id for id, _ in places.all}
        return id in self._known[noun]


def without_hidden(interface: Joined, may: Visible) -> Joined:
    """The interface as one of its network where its reserved address is not to be seen."""
    if interface.reservation is None or may.see(Address, interface.reservation):
        return interface
    return replace(interface, reservation=None)


def of_machine(machine: Overlay, kind: str, id: str, row: Overlay | None) -> Overlay:
    """The row of a link: what is remembered of it (``row``, if anything is), owned as its machine is now."""
    if row is None:
        return replace(machine, seq=0, kind=kind, id=id, path=None, extra={}, tags=())
    return replace(machine, seq=row.seq, kind=kind, id=id, path=row.path, extra=row.extra, tags=row.tags)


def name_of(noun: type[Resource]) -> str:
    return KINDS.get(noun) or LINKS[noun]


def merged(resource: R, row: Overlay) -> R:
    """The resource with the titles that its back end could not keep."""
    kept = {name: row.extra[name] for name in ("title", "summary") if name in row.extra}
    return replace(resource, **kept) if kept else resource


def owner_of(caller: Caller, row: Overlay) -> Principal:
    """The one on whose account a resource is kept, whoever changes it."""
    if caller.principal.user == row.owner:
        return caller.principal
    groups = (row.group,) if row.group else ()
    return Principal(subject=f"owner:{row.owner}", user=row.owner, tenant=row.tenant, groups=groups)


def facts_of(noun: type[Resource], id: str, owner: str | None) -> dict[str, Any]:
    return {"resource_kind": name_of(noun), "resource_id": id, "owner": owner}


def facts_made(resource: Resource) -> dict[str, Any]:
    """What the audit record keeps of a resource besides its identifier."""
    facts: dict[str, Any] = {"resource_title": resource.title}
    if isinstance(resource, Compute):
        facts["image_id"] = resource.image
        facts["addresses"] = [str(address) for address in resource.addresses] or None
        facts["macs"] = [i.mac for i in resource.interfaces] or None
    if isinstance(resource, Image) and resource.origin is not None:
        facts["image_origin"] = resource.origin.identifier
        facts["image_endorser"] = resource.origin.endorser
        facts["image_checksum"] = resource.origin.checksum
    if isinstance(resource, Interface):
        facts["addresses"] = [str(resource.address)] if resource.address is not None else None
        facts["macs"] = [resource.mac]
    return facts
