"""The one door: the only code that calls a back end.

Every operation passes, in this order: identity (the ``Caller``), permission, restricted attributes, quota
reservation, back end, overlay, audit. A front end cannot forget a check because it has no other way in.

Each noun of the common model is named by its type: ``cloud.get(caller, Compute, "7")``. Attachments and
interfaces are links: they have no ownership of their own, the right to them is the right to their compute.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar

from backends.base import Capability, ComputeCollection
from gateway.catalogue import Catalogue, Defaults
from gateway.identity import Caller, Principal
from gateway.model import (
    LINK_SEPARATOR,
    Address,
    AlreadyExists,
    Attachment,
    BackendError,
    BackendUnavailable,
    Compute,
    ComputeSpec,
    Conflict,
    Forbidden,
    Image,
    ImageSpec,
    InstanceType,
    Interface,
    InterfaceSpec,
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
    VolumeSpec,
    shorten,
)
from gateway.policy.permissions import DEFAULT_MODE, Right, require, rights_of
from gateway.policy.quota import Quotas
from gateway.policy.restricted import Restrictions
from gateway.references import SINGLE, resolve, resolve_groups
from gateway.store import Constraint, Database, Transaction, generations
from gateway.store.audit import Audit
from gateway.store.overlay import MAKING, Holding, Overlay, Overlays, now
from gateway.store.tags import Tag, Tags
from gateway.zones import Zones

R = TypeVar("R", bound=Resource)

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

IDEMPOTENCY_MICROSECONDS = 24 * 3600 * 1_000_000

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


#: Told of each back end call: zone, operation, outcome ("ok" or a reason code), seconds.
Observer = Callable[[str, str, str, float], None]


class Cloud:
    """All zones, seen by one caller at a time."""

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
        self.tags = Tags(database)
        self.audit = Audit(database, version)
        self._observer = observer

    # Reading

    def get(self, caller: Caller, noun: type[R], id: str) -> Held[R]:
        """One resource. Raises NotFound, also for what the caller has no use right on."""
        row = self._row(caller, noun, id, Right.USE)
        return Held(self._seen(caller, row, self._fetch(noun, id)), row)

    def by_path(self, caller: Caller, path: str) -> Overlay | None:
        """The row of a path that a client chose, if the caller may use it."""
        row = self.overlays.by_path(path, caller.principal.user)
        if row is None or not rights_of(caller.principal, row) & Right.USE:
            return None
        return row

    def locations(
        self, caller: Caller, noun: type[Resource], *, owned: bool = False, tag: Tag | None = None
    ) -> Sequence[tuple[str, str | None]]:
        """(id, chosen path) of what the caller may use (``owned``: owns), in order of creation.

        One query of the store and one back end call for each zone, whatever the number.
        """
        if noun in LINKS:
            return [(h.resource.id, h.overlay.path) for h in self._links(caller, noun, owned=owned, tag=tag)]
        rows = self.overlays.visible_ids(
            caller.principal, KINDS[noun], owned=owned, tag=tag.seq if tag else None
        )
        if not rows or not self.zones.has(noun):
            return []
        present: set[str] = set()
        for zone in self._zones_of(noun, {row[1] for row in rows}):
            native = self.zones.natives(zone, [id for id, home, _ in rows if home == zone])
            found = self._call(zone, noun, "list", partial(_ids, native))
            present.update(self.zones.outside(zone, found))
        return [(id, path) for id, _, path in rows if id in present]

    def list(
        self,
        caller: Caller,
        noun: type[R],
        *,
        owned: bool = False,
        tag: Tag | None = None,
        ids: Collection[str] | None = None,
    ) -> Sequence[Held[R]]:
        """The resources themselves, as ``locations``; with ``ids`` only those."""
        if noun in LINKS:
            held = self._links(caller, noun, owned=owned, tag=tag)
            return held if ids is None else [h for h in held if h.resource.id in ids]
        if not self.zones.has(noun):
            return []
        rows = self.overlays.visible(caller.principal, KINDS[noun], owned=owned, tag=tag.seq if tag else None)
        if ids is not None:
            rows = [row for row in rows if row.id in ids]
        found: dict[str, R] = {}
        for zone in self._zones_of(noun, {row.zone for row in rows}):
            native = self.zones.natives(zone, [row.id for row in rows if row.zone == zone])
            for resource in self._call(zone, noun, "list", partial(_listed, native)):
                published = self.zones.publish(zone, resource)
                found[published.id] = published
        visible = _Visible(self, caller)
        return [
            Held(self._seen(caller, row, _merged(found[row.id], row), visible), row)
            for row in rows
            if row.id in found
        ]

    def instance_types(self) -> Mapping[str, InstanceType]:
        return self.catalogue.instance_types()

    def zone_names(self) -> Sequence[str]:
        return self.zones.names()

    def pools(self) -> Sequence[str]:
        """Identifiers of the floating address pools of all zones."""
        zones = self.zones
        return [zones.join(zone, pool) for zone in zones.names() for pool in zones.backend(zone).pools()]

    def has(self, noun: type[Resource]) -> bool:
        """Whether any zone knows the noun."""
        return self.zones.has(noun)

    def can(self, capability: Capability) -> bool:
        """Whether any zone has the capability."""
        return self.zones.can(capability)

    def generations(self) -> generations.Generations:
        """As long as a number stands, what was derived under it is good."""
        return generations.read(self.database)

    def bump_catalogue(self, tx: Transaction) -> None:
        """Make every worker forget what it derived of images."""
        tx.run(generations.BUMP_CATALOGUE)

    # Changing

    def create(
        self,
        caller: Caller,
        noun: type[R],
        spec: Any,
        *,
        zone: str | None = None,
        path: str | None = None,
        extra: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Held[R]:
        """Make one. ``path`` is the place a client chose, ``extra`` what the back end cannot hold.

        Raises InvalidRequest, NotFound (a reference), Forbidden, QuotaExceeded, AlreadyExists (the path),
        Conflict (the idempotency key), and what the back end raises. On an error nothing is left.
        """
        event = f"{_name(noun)}.create"
        with self._attempt(caller, event, None):
            if noun in LINKS:
                return self._link(caller, noun, spec, extra, event)
            self.settings.restrictions.check_spec(caller.principal, spec)
            home = self._home(spec, zone)
            inside = self._settled(caller, spec, home)
            token, fingerprint = _token(caller.principal, noun, spec, idempotency_key)
            earlier = self._earlier(caller, noun, token, fingerprint) if fingerprint else None
            if earlier is not None:
                return earlier
            row = self._reserve(caller, noun, inside, home, token, path, extra, fingerprint)
            return self._make(caller, noun, inside, row, event)

    def update(
        self,
        caller: Caller,
        noun: type[R],
        id: str,
        changes: Mapping[str, Any],
        *,
        extra: Mapping[str, Any] | None = None,
    ) -> Held[R]:
        """Change the named fields, all or none; ``extra`` replaces what is remembered, None leaves it.

        Raises NotFound, Forbidden, QuotaExceeded, InvalidRequest, InvalidState, Unsupported.
        """
        event = f"{_name(noun)}.update"
        with self._attempt(caller, event, id):
            row = self._row(caller, noun, id, Right.MANAGE)
            before = self._fetch(noun, id)
            self.settings.restrictions.check_changes(caller.principal, before, changes)
            inside, kept = self._inside_changes(caller, noun, row, before, changes)
            holding = _holding_after(before, inside)
            if holding is not None:
                self._reserve_growth(caller, row, holding, _holding_of(before))
            resource = self._change(noun, row, inside, before, holding)
            row = self._remember(caller, noun, row, extra, kept, event, inside, before)
            return Held(self._seen(caller, row, _merged(resource, row)), row)

    def act(
        self,
        caller: Caller,
        noun: type[R],
        id: str,
        action: str,
        parameters: Mapping[str, Any] | None = None,
    ) -> Held[R]:
        """Do an action of the noun's state table. Raises NotFound, Forbidden, InvalidState, Unsupported."""
        event = f"{_name(noun)}.{action}"
        with self._attempt(caller, event, id):
            row = self._row(caller, noun, id, Right.MANAGE)
            zone, native = self.zones.split(id)
            growth = parameters.get("size") if parameters and noun is Volume and action == "resize" else None
            before = self._fetch(noun, id) if growth is not None else None
            if before is not None:
                wanted = Holding(bytes=int(growth or 0))
                self._reserve_growth(caller, row, wanted, _holding_of(before))
            try:
                resource = self._call(zone, noun, action, lambda c: c.act(native, action, parameters))
            except BaseException:
                if before is not None:
                    self._set_holding(row, _holding_of(before))
                raise
            resource = _merged(self.zones.publish(zone, resource), row)
            self._record(caller, event, "success", resource=resource, owner=row.owner, after=parameters)
            return Held(self._seen(caller, row, resource), row)

    def delete(self, caller: Caller, noun: type[Resource], id: str) -> None:
        """Remove one, with the links that start or end at it.

        Raises NotFound, Forbidden (also when a link belongs to a compute that the caller may not manage).
        """
        event = f"{_name(noun)}.delete"
        with self._attempt(caller, event, id):
            row = self._row(caller, noun, id, Right.MANAGE)
            self._unlink(caller, noun, id)
            zone, native = self.zones.split(id)
            self._call(zone, noun, "delete", lambda c: c.delete(native))
            with self.database.write() as tx:
                if row.seq:
                    self.overlays.delete(tx, row)
                if noun is Compute:
                    self.overlays.delete_links(tx, id)
                if noun is Image:
                    self.bump_catalogue(tx)
                self.audit.append(tx, caller, event, "success", **_facts(noun, id, row.owner))

    def share(
        self,
        caller: Caller,
        noun: type[R],
        id: str,
        *,
        mode: int | None = None,
        group: str | None = None,
        owner: str | None = None,
        tenant: str | None = None,
        other_tenants: bool | None = None,
    ) -> Overlay:
        """Change permission bits, group or owner. The owner may change bits and group among the own groups;
        anything else takes the admin right. Raises NotFound, Forbidden, InvalidRequest.
        """
        event = f"{_name(noun)}.share"
        with self._attempt(caller, event, id):
            principal = caller.principal
            row = self._row(caller, noun, id, Right.USE)
            by_owner = (
                principal.user == row.owner
                and owner is None
                and tenant is None
                and other_tenants is None
                and (group is None or group == "" or group in principal.groups)
            )
            if not by_owner:
                require(principal, row, Right.ADMIN, f"{_name(noun)} {shorten(id)}")
            if mode is not None and not 0 <= mode <= 0o777:
                raise InvalidRequest("mode: three octal digits, 000 to 777", field="mode")
            new = replace(
                row,
                mode=row.mode if mode is None else mode,
                group=row.group if group is None else group,
                owner=owner or row.owner,
                tenant=tenant or row.tenant,
                other_tenants=row.other_tenants if other_tenants is None else other_tenants,
            )
            with self.database.write() as tx:
                self.overlays.share(
                    tx,
                    row,
                    owner=new.owner,
                    tenant=new.tenant,
                    group=new.group,
                    mode=new.mode,
                    other_tenants=new.other_tenants,
                )
                if noun is Image:
                    self.bump_catalogue(tx)
                before, after = _sharing(row), _sharing(new)
                facts = _facts(noun, id, row.owner)
                self.audit.append(tx, caller, event, "success", before=before, after=after, **facts)
            return new

    # Tags

    def tag(
        self, caller: Caller, tag: Tag, things: Sequence[tuple[type[Resource], str]], *, exact: bool
    ) -> None:
        """Put the caller's tag on things; with ``exact`` take it off everything else. All or nothing."""
        rows = [self._remembered(caller, noun, id) for noun, id in things]
        with self.database.write() as tx:
            if exact:
                self.tags.clear(tx, tag.seq)
            self.tags.put(tx, tag.seq, [row.seq for row in rows])

    def untag(self, caller: Caller, tag: Tag, things: Sequence[tuple[type[Resource], str]] | None) -> None:
        """Take the caller's tag off things, or off everything. All or nothing."""
        rows = [self._row(caller, noun, id, Right.USE) for noun, id in things or ()]
        with self.database.write() as tx:
            if things is None:
                self.tags.clear(tx, tag.seq)
            self.tags.take(tx, tag.seq, [row.seq for row in rows])

    # The steps of the pipeline

    def _row(self, caller: Caller, noun: type[Resource], id: str, right: Right) -> Overlay:
        """The ownership row of something the caller has ``right`` on (for a link: its compute's)."""
        kind = _name(noun)
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
            self._record(caller, f"{kind}.access", "denied", reason="invisible", resource_id=id)
            raise
        if row is None:
            return replace(owner, seq=0, kind=kind, id=id, path=None, extra={}, tags=())
        if owner is not row:
            return replace(
                owner, seq=row.seq, kind=kind, id=id, path=row.path, extra=row.extra, tags=row.tags
            )
        return row

    def _fetch(self, noun: type[R], id: str) -> R:
        zone, native = self.zones.split(id)
        resource: R = self._call(zone, noun, "get", lambda c: c.get(native))
        return self.zones.publish(zone, resource)

    def _seen(self, caller: Caller, row: Overlay, resource: R, visible: _Visible | None = None) -> R:
        """The resource without the links to what this caller may not see."""
        if not isinstance(resource, Compute) or caller.principal.user == row.owner:
            return resource
        if not resource.attachments and not resource.interfaces:
            return resource
        may = visible or _Visible(self, caller)
        return replace(
            resource,
            attachments=tuple(a for a in resource.attachments if may.see(Volume, a.volume)),
            interfaces=tuple(i for i in resource.interfaces if may.see(Network, i.network)),
        )

    def _links(self, caller: Caller, noun: type[R], *, owned: bool, tag: Tag | None) -> Sequence[Held[R]]:
        kept = {
            row.id: row
            for row in self.overlays.visible(
                caller.principal, LINKS[noun], owned=owned, tag=tag.seq if tag else None
            )
        }
        held: list[Held[R]] = []
        for compute in self.list(caller, Compute, owned=owned):
            links: Sequence[Any] = (
                compute.resource.attachments if noun is Attachment else compute.resource.interfaces
            )
            for link in links:
                row = kept.get(link.id)
                if tag is not None and row is None:
                    continue
                row = row or replace(
                    compute.overlay, seq=0, kind=LINKS[noun], id=link.id, path=None, extra={}
                )
                held.append(Held(_merged(link, row), row))
        return held

    def _home(self, spec: Any, zone: str | None) -> str:
        """The zone something is made in: the one asked for, else that of what it refers to."""
        if zone is not None:
            self.zones.backend(zone)
            return zone
        for part in (spec, *getattr(spec, "attachments", ()), *getattr(spec, "interfaces", ())):
            for name in SINGLE.get(type(part), ()):
                if value := getattr(part, name):
                    return self.zones.split(value)[0]
        if isinstance(spec, ComputeSpec) and spec.instance_type not in (None, *self.settings.instance_types):
            return self.zones.split(str(spec.instance_type))[0]
        return self.zones.default

    def _settled(self, caller: Caller, spec: Any, zone: str) -> Any:
        """The specification with references checked and turned inside, and what was left open decided."""
        if isinstance(spec, ComputeSpec):
            spec = self._with_templates(caller, spec, zone)
        spec = self._referred(caller, spec, zone)
        if isinstance(spec, ComputeSpec) and spec.instance_type not in (None, *self.settings.instance_types):
            return replace(spec, instance_type=self.zones.split(str(spec.instance_type))[1])
        return spec

    def _referred(self, caller: Caller, spec: Any, zone: str) -> Any:
        """The specification with every reference checked and turned inside."""
        if isinstance(spec, ComputeSpec):
            interfaces = tuple(self._addressed(caller, i, zone) for i in spec.interfaces)
            spec = replace(spec, interfaces=interfaces)
        elif isinstance(spec, InterfaceSpec):
            spec = self._addressed(caller, spec, zone)
        return resolve(
            spec, lambda noun, id, right, field: self._resolve(caller, noun, id, right, field, zone)
        )

    def _addressed(self, caller: Caller, spec: InterfaceSpec, zone: str) -> InterfaceSpec:
        """An interface that names a reserved address, with that address; by its owner's right only."""
        if spec.reservation is None:
            if spec.pool is not None and spec.address is not None:
                raise InvalidRequest(
                    "address: name the reservation to use an address of a pool", field="address"
                )
            return spec
        self._row(caller, Address, spec.reservation, Right.MANAGE)
        reserved = self._fetch(Address, spec.reservation)
        network = spec.network or self._first(caller, Network, zone)
        if not network:
            raise InvalidRequest("no network to use the reserved address in", field="network")
        return replace(spec, network=network, pool=reserved.pool, address=reserved.address)

    def _with_templates(self, caller: Caller, spec: ComputeSpec, zone: str) -> ComputeSpec:
        defaults = self.settings.defaults
        if defaults.templates_required and (spec.image is None or spec.instance_type is None):
            raise InvalidRequest(
                "a compute needs an image and an instance type; name one os_tpl and one resource_tpl",
                field="image" if spec.image is None else "instance_type",
            )
        if spec.image is None:
            spec = replace(spec, image=defaults.image or self._first(caller, Image, zone))
        return self.catalogue.sized(spec, zone, defaults)

    def _first(self, caller: Caller, noun: type[Resource], zone: str) -> str | None:
        """The oldest of a noun that the caller may use in a zone."""
        rows = self.overlays.visible_ids(caller.principal, KINDS[noun])
        return next((id for id, home, _ in rows if home == zone), None)

    def _resolve(
        self, caller: Caller, noun: type[Resource], id: str, right: Right, field: str, zone: str
    ) -> str:
        self._row(caller, noun, id, right)
        home, native = self.zones.split(id)
        if home != zone:
            raise InvalidRequest(
                f"{field}: {shorten(id)} is in zone {home}, the rest of the request in zone {zone}",
                field=field,
            )
        return native

    def _earlier(self, caller: Caller, noun: type[R], token: str, fingerprint: str) -> Held[R] | None:
        """What an earlier request with the same idempotency key has made."""
        row = self.overlays.by_key(token)
        if row is None:
            return None
        if row.fingerprint != fingerprint:
            raise Conflict(
                "this Idempotency-Key was used before with another request", reason="idempotency_key"
            )
        if row.state == MAKING:
            raise Conflict(
                "the first request with this Idempotency-Key is still running; try again in a moment"
            )
        if now() - row.created > IDEMPOTENCY_MICROSECONDS:
            raise Conflict("this Idempotency-Key was used more than 24 hours ago; choose another")
        return self.get(caller, noun, row.id)

    def _reserve(
        self,
        caller: Caller,
        noun: type[Resource],
        spec: Any,
        zone: str,
        token: str,
        path: str | None,
        extra: Mapping[str, Any] | None,
        fingerprint: str | None,
    ) -> Overlay:
        """Write the row that holds the quota, the path and the key.

        Not durable by itself: nothing is acknowledged before ``_make`` has written durably behind it.
        """
        kind, holding, principal = KINDS[noun], _holding_of(spec), caller.principal
        self.zones.collection(zone, noun)
        try:
            with self.database.write(durable=False) as tx:
                self.settings.quotas.check(tx, principal, kind, token, holding)
                return self.overlays.reserve(
                    tx,
                    principal,
                    kind=kind,
                    zone=zone,
                    token=token,
                    mode=self.settings.mode,
                    holding=holding,
                    path=path,
                    extra=extra,
                    fingerprint=fingerprint,
                    group=principal.groups[0] if principal.groups else "",
                    key=token if fingerprint is not None else None,
                )
        except Constraint:
            if fingerprint is not None and self.overlays.by_key(token) is not None:
                raise Conflict("the first request with this Idempotency-Key is still running") from None
            raise AlreadyExists(f"{shorten(path)} is taken") from None

    def _make(self, caller: Caller, noun: type[R], spec: Any, row: Overlay, event: str) -> Held[R]:
        """Call the back end for a reserved row, then bind the row to what was made, or take it back."""
        zone, token = row.zone, row.token
        try:
            if isinstance(spec, ImageSpec) and spec.compute:
                resource = self._call(zone, Compute, "save", lambda c: _save(c, spec, token))
            else:
                inside = replace(spec, token=token)
                resource = self._call(zone, noun, "create", lambda c: c.create(inside))
        except BaseException:
            with self.database.write() as tx:
                self.overlays.release(tx, row)
            raise
        resource = self.zones.publish(zone, resource)
        with self.database.write() as tx:
            row = self._bound(tx, noun, resource, row)
            facts = _facts(noun, resource.id, caller.principal.user)
            self.audit.append(tx, caller, event, "success", **facts, **_made(resource))
        return Held(_merged(resource, row), row)

    def _bound(self, tx: Transaction, noun: type[Resource], resource: Resource, row: Overlay) -> Overlay:
        bound = None if LINK_SEPARATOR in resource.id else self.overlays.bind(tx, row, resource.id)
        if bound is None:
            raise BackendError(f"the back end gave {_name(noun)} an identifier that cannot be used")
        if noun is Image:
            self.bump_catalogue(tx)
        return bound

    def _link(
        self, caller: Caller, noun: type[R], spec: Any, extra: Mapping[str, Any] | None, event: str
    ) -> Held[R]:
        """Attach or connect: rights come from the ends, nothing is reserved."""
        self.settings.restrictions.check_spec(caller.principal, spec)
        zone = self.zones.split(spec.compute)[0]
        inside = resolve(spec, lambda n, id, right, field: self._resolve(caller, n, id, right, field, zone))
        made: R = self._call(zone, noun, "create", lambda c: c.create(inside))
        resource = self.zones.publish(zone, made)
        row = self._row(caller, noun, resource.id, Right.USE)
        if extra:
            row = self._remembered(caller, noun, resource.id, extra)
        self._record(caller, event, "success", resource=resource, owner=row.owner)
        return Held(_merged(resource, row), row)

    def _inside_changes(
        self, caller: Caller, noun: type[Resource], row: Overlay, before: Resource, changes: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """(changes for the back end, changes that only the gateway can keep)."""
        inside = dict(changes)
        if inside.get("security_groups"):
            inside["security_groups"] = resolve_groups(
                inside["security_groups"],
                lambda n, id, right, field: self._resolve(caller, n, id, right, field, row.zone),
            )
        if noun is Compute and inside.get("instance_type") is not None:
            offered = self.catalogue.instance_type(inside["instance_type"])
            inside |= {"cores": offered.cores, "memory": offered.memory}
            if offered.id not in self.settings.instance_types:
                inside["instance_type"] = self.zones.split(offered.id)[1]
        kept: dict[str, Any] = {}
        if Capability.RENAME not in self.zones.backend(row.zone).capabilities:
            kept = {name: inside.pop(name) for name in ("title", "summary") if name in inside}
        return inside, kept

    def _reserve_growth(self, caller: Caller, row: Overlay, wanted: Holding, present: Holding) -> None:
        """Hold the larger of what is there and what is wanted until the back end has answered."""
        largest = Holding(
            vcpus=max(wanted.vcpus, present.vcpus),
            memory_bytes=max(wanted.memory_bytes, present.memory_bytes),
            bytes=max(wanted.bytes, present.bytes),
            instance_type=wanted.instance_type,
        )
        with self.database.write() as tx:
            if wanted != present:
                self.settings.quotas.check(tx, _owner_of(caller, row), row.kind, row.token, largest)
            self.overlays.set_holding(tx, row, largest)

    def _set_holding(self, row: Overlay, holding: Holding) -> None:
        with self.database.write() as tx:
            self.overlays.set_holding(tx, row, holding)

    def _change(
        self, noun: type[R], row: Overlay, inside: Mapping[str, Any], before: R, holding: Holding | None
    ) -> R:
        if not inside:
            return before
        zone, native = self.zones.split(row.id)
        try:
            resource: R = self._call(zone, noun, "update", lambda c: c.update(native, inside))
        except BaseException:
            if holding is not None:
                self._set_holding(row, _holding_of(before))
            raise
        if holding is not None:
            self._set_holding(row, holding)
        return self.zones.publish(zone, resource)

    def _remember(
        self,
        caller: Caller,
        noun: type[Resource],
        row: Overlay,
        extra: Mapping[str, Any] | None,
        kept: Mapping[str, Any],
        event: str,
        inside: Mapping[str, Any],
        before: Resource,
    ) -> Overlay:
        """Write what only the gateway keeps, and the audit record of an update."""
        new = {**(row.extra if extra is None else extra), **kept}
        if new != row.extra and not row.seq:
            row = self._remembered(caller, noun, row.id, new)
        with self.database.write() as tx:
            if new != row.extra:
                self.overlays.set_extra(tx, row, new)
            if noun is Image:
                self.bump_catalogue(tx)
            was = {name: getattr(before, name, None) for name in inside}
            facts = _facts(noun, row.id, row.owner)
            self.audit.append(tx, caller, event, "success", before=was, after=dict(inside), **facts)
        return replace(row, extra=new)

    def _remembered(
        self, caller: Caller, noun: type[Resource], id: str, extra: Mapping[str, Any] | None = None
    ) -> Overlay:
        """The row of a visible resource; a link gets its own the first time something must be remembered."""
        row = self._row(caller, noun, id, Right.USE)
        if row.seq:
            return row
        self._fetch(noun, id)
        token = f"link:{row.kind}:{id}"
        try:
            with self.database.write() as tx:
                owner = _owner_of(caller, row)
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
        return self._row(caller, noun, id, Right.USE)

    def _unlink(self, caller: Caller, noun: type[Resource], id: str) -> None:
        """Take away the links that end at a volume or network about to be deleted."""
        if noun is Volume:
            for attachment in self._fetch(Volume, id).attachments:
                self.delete(caller, Attachment, attachment.id)
        elif noun is Network and self.zones.has(Interface):
            zone, native = self.zones.split(id)
            for interface in self._call(zone, Interface, "list", lambda c: c.list()):
                if interface.network == native:
                    self.delete(caller, Interface, self.zones.publish(zone, interface).id)

    def _zones_of(self, noun: type[Resource], zones: set[str]) -> Sequence[str]:
        """Those of ``zones`` that are configured now and have the noun."""
        return [z for z in self.zones.names() if z in zones and noun in self.zones.backend(z).collections()]

    def _call(self, zone: str, noun: type[Resource], operation: str, work: Callable[[Any], Any]) -> Any:
        """One back end call, timed and counted."""
        collection = self.zones.collection(zone, noun)
        if self._observer is None:
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
            self._observer(zone, f"{_name(noun)}.{operation}", outcome, time.perf_counter() - begun)

    @contextmanager
    def _attempt(self, caller: Caller, event: str, id: str | None) -> Iterator[None]:
        """Records what was refused or failed; what succeeded records itself with its change."""
        try:
            yield
        except _DENIALS as error:
            self._record(caller, event, "denied", reason=error.reason, resource_id=id)
            raise
        except (BackendError, BackendUnavailable) as error:
            if error.reason != "store_unavailable":
                self._record(caller, event, "failure", reason=error.reason, resource_id=id)
            raise

    def _record(
        self, caller: Caller, event: str, outcome: str, *, resource: Resource | None = None, **facts: Any
    ) -> None:
        if resource is not None:
            facts |= _facts(type(resource), resource.id, facts.pop("owner", None)) | _made(resource)
        with self.database.write() as tx:
            self.audit.append(tx, caller, event, outcome, **facts)


class _Visible:
    """Whether a caller may see the ends of links; each noun's list is asked for once."""

    def __init__(self, cloud: Cloud, caller: Caller) -> None:
        self._cloud, self._caller = cloud, caller
        self._known: dict[type[Resource], set[str]] = {}

    def see(self, noun: type[Resource], id: str) -> bool:
        if noun not in self._known:
            rows = self._cloud.overlays.visible_ids(self._caller.principal, KINDS[noun])
            self._known[noun] = {row[0] for row in rows}
        return id in self._known[noun]


def _name(noun: type[Resource]) -> str:
    return KINDS.get(noun) or LINKS[noun]


def _merged(resource: R, row: Overlay) -> R:
    """The resource with the titles that its back end could not keep."""
    kept = {name: row.extra[name] for name in ("title", "summary") if name in row.extra}
    return replace(resource, **kept) if kept else resource


def _holding_of(thing: Any) -> Holding:
    """What a specification or a resource weighs."""
    if isinstance(thing, Compute | ComputeSpec):
        return Holding(
            vcpus=thing.cores or 0, memory_bytes=thing.memory or 0, instance_type=thing.instance_type
        )
    if isinstance(thing, Volume | VolumeSpec):
        return Holding(bytes=thing.size)
    return Holding()


def _holding_after(before: Resource, changes: Mapping[str, Any]) -> Holding | None:
    """What the resource would weigh after the changes; None where they do not touch it."""
    weighty = {n: changes[n] for n in ("cores", "memory", "size", "instance_type") if n in changes}
    return _holding_of(replace(before, **weighty)) if weighty else None


def _owner_of(caller: Caller, row: Overlay) -> Principal:
    """The one on whose account a resource is kept, whoever changes it."""
    if caller.principal.user == row.owner:
        return caller.principal
    groups = (row.group,) if row.group else ()
    return Principal(subject=f"owner:{row.owner}", user=row.owner, tenant=row.tenant, groups=groups)


def _token(principal: Principal, noun: type[Resource], spec: Any, key: str | None) -> tuple[str, str | None]:
    """(token, fingerprint): random and none, or both derived where the client gave an idempotency key."""
    if key is None:
        return str(uuid.uuid4()), None
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise InvalidRequest("Idempotency-Key: 1 to 255 printable characters", field="idempotency_key")
    digest = hashlib.sha256(f"{principal.user}\0{_name(noun)}\0{key}".encode()).hexdigest()
    return f"key:{digest}", hashlib.sha256(repr(spec).encode()).hexdigest()


def _ids(native: Sequence[str], collection: Any) -> Sequence[str]:
    found: Sequence[str] = collection.ids(native)
    return found


def _listed(native: Sequence[str], collection: Any) -> Sequence[Any]:
    found: Sequence[Any] = collection.list(native)
    return found


def _save(computes: ComputeCollection, spec: ImageSpec, token: str) -> Image:
    return computes.save(spec.compute or "", spec.title, token=token)


def _facts(noun: type[Resource], id: str, owner: str | None) -> dict[str, Any]:
    return {"resource_kind": _name(noun), "resource_id": id, "owner": owner}


def _made(resource: Resource) -> dict[str, Any]:
    """What the audit record keeps of a resource besides its identifier."""
    facts: dict[str, Any] = {"resource_title": resource.title}
    if isinstance(resource, Compute):
        facts["image_id"] = resource.image
        facts["addresses"] = [str(address) for address in resource.addresses] or None
        facts["macs"] = [i.mac for i in resource.interfaces] or None
    if isinstance(resource, Interface):
        facts["addresses"], facts["macs"] = [str(resource.address)], [resource.mac]
    return facts


def _sharing(row: Overlay) -> dict[str, Any]:
    return {
        "owner": row.owner,
        "tenant": row.tenant,
        "group": row.group,
        "mode": f"{row.mode:03o}",
        "other_tenants": row.other_tenants,
    }
