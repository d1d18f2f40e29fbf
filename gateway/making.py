"""Making things: settle what is asked, reserve, call the back end, bind the row to what was made."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from backends.base import ComputeCollection
from gateway.door import (
    KINDS,
    LINKS,
    Door,
    Held,
    facts_made,
    facts_of,
    merged,
    name_of,
    owner_of,
)
from gateway.identity import Caller, Principal
from gateway.model import (
    LINK_SEPARATOR,
    Address,
    AlreadyExists,
    BackendError,
    Compute,
    ComputeSpec,
    Conflict,
    GatewayError,
    Image,
    ImageSpec,
    InterfaceSpec,
    InvalidRequest,
    Network,
    NotFound,
    Resource,
    shorten,
)
from gateway.policy.permissions import Right, rights_of
from gateway.references import SINGLE, resolve
from gateway.store import Constraint, Transaction
from gateway.store.overlay import MAKING, Holding, Overlay, now
from gateway.weight import weight_of

IDEMPOTENCY_MICROSECONDS = 24 * 3600 * 1_000_000

R = TypeVar("R", bound=Resource)


class Maker:
    """The creating half of the door."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def make(
        self,
        caller: Caller,
        noun: type[R],
        spec: Any,
        *,
        zone: str | None,
        path: str | None,
        extra: Mapping[str, Any] | None,
        key: str | None,
        event: str,
    ) -> Held[R]:
        """Everything between permission and audit of a create."""
        self._door.settings.restrictions.check_spec(caller.principal, spec)
        home = self._home(spec, zone)
        inside = self._settled(caller, spec, home)
        token, fingerprint = _token(caller.principal, noun, (spec, zone, path, extra), key)
        earlier = self._earlier(caller, noun, token, fingerprint) if fingerprint else None
        if earlier is not None:
            return earlier
        weight = self._weight(inside, home)
        row = self._reserve(caller, noun, weight, home, token, path, extra, fingerprint)
        return self._make(caller, noun, inside, row, event)

    def link(
        self,
        caller: Caller,
        noun: type[R],
        spec: Any,
        extra: Mapping[str, Any] | None,
        key: str | None,
        event: str,
    ) -> Held[R]:
        """Attach or connect: rights come from the ends; only an idempotency key has anything reserved."""
        self._door.settings.restrictions.check_spec(caller.principal, spec)
        zone = self._door.zones.split(spec.compute)[0]
        inside = self._referred(caller, spec, zone)
        token, fingerprint = _token(caller.principal, noun, (spec, extra), key)
        if fingerprint is not None:
            earlier = self._earlier(caller, noun, token, fingerprint)
            if earlier is not None:
                return earlier
            row = self._reserve_link(caller, noun, spec.compute, token, extra, fingerprint)
            return self._make(caller, noun, inside, row, event)
        made: R = self._door.call(zone, noun, "create", lambda c: c.create(inside))
        resource = self._door.zones.publish(zone, made)
        try:
            row = self._door.row(caller, noun, resource.id, Right.USE)
            if extra:
                row = self._door.remembered(caller, noun, resource.id, extra)
        except Exception:
            with suppress(GatewayError):  # the first error is the one to tell
                self._door.call(zone, noun, "delete", lambda c: c.delete(made.id))
            raise
        self._door.record(caller, event, "success", resource=resource, owner=row.owner)
        return Held(merged(resource, row), row)

    def _reserve_link(
        self,
        caller: Caller,
        noun: type[Resource],
        compute: str,
        token: str,
        extra: Mapping[str, Any] | None,
        fingerprint: str,
    ) -> Overlay:
        """The row of a link about to be made; it is owned and shared as its compute is."""
        home = self._door.row(caller, Compute, compute, Right.MANAGE)
        try:
            with self._door.database.write(durable=False) as tx:
                return self._door.overlays.reserve(
                    tx,
                    owner_of(caller, home),
                    kind=LINKS[noun],
                    zone=home.zone,
                    token=token,
                    mode=home.mode,
                    holding=Holding(),
                    extra=extra,
                    fingerprint=fingerprint,
                    other_tenants=home.other_tenants,
                    group=home.group,
                    key=token,
                )
        except Constraint:
            raise Conflict("the first request with this Idempotency-Key is still running") from None

    def _home(self, spec: Any, zone: str | None) -> str:
        """The zone something is made in: the one asked for, else that of what it refers to."""
        if zone is not None:
            self._door.zones.backend(zone)
            return zone
        for part in (spec, *getattr(spec, "attachments", ()), *getattr(spec, "interfaces", ())):
            for name in SINGLE.get(type(part), ()):
                if value := getattr(part, name):
                    return self._door.zones.split(value)[0]
        if self._of_a_zone(spec):
            return self._door.zones.split(str(spec.instance_type))[0]
        return self._door.zones.default

    def _settled(self, caller: Caller, spec: Any, zone: str) -> Any:
        """The specification with references checked and turned inside, and what was left open decided."""
        if isinstance(spec, ComputeSpec):
            spec = self._with_templates(caller, spec, zone)
        spec = self._referred(caller, spec, zone)
        if self._of_a_zone(spec):
            return replace(spec, instance_type=self._door.zones.split(str(spec.instance_type))[1])
        return spec

    def _of_a_zone(self, spec: Any) -> bool:
        """Whether the specification names an instance type of a back end, not of the configuration."""
        configured = self._door.settings.instance_types
        return isinstance(spec, ComputeSpec) and spec.instance_type not in (None, *configured)

    def _referred(self, caller: Caller, spec: Any, zone: str) -> Any:
        """The specification with every reference checked and turned inside."""
        if isinstance(spec, ComputeSpec):
            interfaces = tuple(self._addressed(caller, i, zone) for i in spec.interfaces)
            spec = replace(spec, interfaces=interfaces)
        elif isinstance(spec, InterfaceSpec):
            spec = self._addressed(caller, spec, zone)
        return resolve(
            spec, lambda noun, id, right, field: self._door.resolve(caller, noun, id, right, field, zone)
        )

    def _addressed(self, caller: Caller, spec: InterfaceSpec, zone: str) -> InterfaceSpec:
        """An interface that names a reserved address, with that address; by its owner's right only."""
        if spec.reservation is None:
            if spec.pool is not None and spec.address is not None:
                raise InvalidRequest(
                    "address: name the reservation to use an address of a pool", field="address"
                )
            return spec
        self._door.row(caller, Address, spec.reservation, Right.MANAGE)
        reserved = self._door.fetch(Address, spec.reservation)
        network = spec.network or self._door.first(caller, Network, zone)
        if not network:
            raise InvalidRequest("no network to use the reserved address in", field="network")
        return replace(spec, network=network, pool=reserved.pool, address=reserved.address)

    def _with_templates(self, caller: Caller, spec: ComputeSpec, zone: str) -> ComputeSpec:
        defaults = self._door.settings.defaults
        if defaults.templates_required and (spec.image is None or spec.instance_type is None):
            raise InvalidRequest(
                "a compute needs an image and an instance type; name one os_tpl and one resource_tpl",
                field="image" if spec.image is None else "instance_type",
            )
        if spec.image is None:
            spec = replace(spec, image=defaults.image or self._door.first(caller, Image, zone))
        return self._door.catalogue.sized(spec, zone, defaults)

    def _earlier(self, caller: Caller, noun: type[R], token: str, fingerprint: str) -> Held[R] | None:
        """What an earlier request with the same idempotency key has made.

        Raises Conflict where the key cannot stand for this request, or not any more.
        """
        row = self._door.overlays.by_key(token)
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
        if not rights_of(caller.principal, row) & Right.USE:
            raise Conflict("what was made with this Idempotency-Key is not yours any more; choose another")
        return Held(merged(self._door.fetch(noun, row.id), row), row)

    def _weight(self, spec: Any, zone: str) -> Holding:
        """What is to be held; of what is saved from a machine its image's size, until it is known."""
        if not isinstance(spec, ImageSpec) or spec.compute is None:
            return weight_of(spec)
        source: Compute = self._door.call(zone, Compute, "get", lambda c: c.get(spec.compute))
        with suppress(NotFound):
            if source.image is not None:
                base: Image = self._door.call(zone, Image, "get", lambda c: c.get(source.image))
                return weight_of(base)
        return Holding(bytes=1)

    def _reserve(
        self,
        caller: Caller,
        noun: type[Resource],
        holding: Holding,
        zone: str,
        token: str,
        path: str | None,
        extra: Mapping[str, Any] | None,
        fingerprint: str | None,
    ) -> Overlay:
        """Write the row that holds the quota, the path and the key.

        Not durable by itself: nothing is acknowledged before ``_make`` has written durably behind it.
        """
        kind, principal = KINDS[noun], caller.principal
        self._door.zones.collection(zone, noun)
        try:
            with self._door.database.write(durable=False) as tx:
                self._door.settings.quotas.check(tx, principal, kind, token, holding)
                return self._door.overlays.reserve(
                    tx,
                    principal,
                    kind=kind,
                    zone=zone,
                    token=token,
                    mode=self._door.settings.mode,
                    holding=holding,
                    path=path,
                    extra=extra,
                    fingerprint=fingerprint,
                    group=principal.groups[0] if principal.groups else "",
                    key=token if fingerprint is not None else None,
                )
        except Constraint:
            if fingerprint is not None and self._door.overlays.by_key(token) is not None:
                raise Conflict("the first request with this Idempotency-Key is still running") from None
            raise AlreadyExists(f"{shorten(path)} is taken") from None

    def _make(self, caller: Caller, noun: type[R], spec: Any, row: Overlay, event: str) -> Held[R]:
        """Call the back end for a reserved row, then bind the row to what was made, or take it back."""
        zone, token = row.zone, row.token
        try:
            if isinstance(spec, ImageSpec) and spec.compute:
                resource = self._door.call(zone, Compute, "save", lambda c: _save(c, spec, token))
            else:
                inside = spec if noun in LINKS else replace(spec, token=token)
                resource = self._door.call(zone, noun, "create", lambda c: c.create(inside))
        except BaseException:
            with self._door.database.write() as tx:
                self._door.overlays.release(tx, row)
            raise
        resource = self._door.zones.publish(zone, resource)
        try:
            with self._door.database.write() as tx:
                row = self._bound(tx, noun, resource, row)
                facts = facts_of(noun, resource.id, row.owner)
                self._door.audit.append(tx, caller, event, "success", **facts, **facts_made(resource))
        except Constraint:  # the reconciler finds out whose it is
            raise BackendError(
                f"the back end gave {name_of(noun)} an identifier that another one has"
            ) from None
        return Held(merged(resource, row), row)

    def _bound(self, tx: Transaction, noun: type[Resource], resource: Resource, row: Overlay) -> Overlay:
        if noun in LINKS and (stale := self._door.overlays.get(LINKS[noun], resource.id, "")) is not None:
            self._door.overlays.delete(tx, stale)  # of a link that the back end has lost; this one is new
        mistaken = LINK_SEPARATOR in resource.id and noun not in LINKS
        bound = None if mistaken else self._door.overlays.bind(tx, row, resource.id)
        if bound is None:
            raise BackendError(f"the back end gave {name_of(noun)} an identifier that cannot be used")
        if isinstance(resource, Image):
            self._door.overlays.set_holding(tx, bound, weight_of(resource))
            self._door.bump_catalogue(tx)
        return bound


def _token(
    principal: Principal, noun: type[Resource], request: Any, key: str | None
) -> tuple[str, str | None]:
    """(token, fingerprint): random and none, or both derived where the client gave an idempotency key."""
    if key is None:
        return str(uuid.uuid4()), None
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise InvalidRequest("Idempotency-Key: 1 to 255 printable characters", field="idempotency_key")
    digest = hashlib.sha256(f"{principal.user}\0{name_of(noun)}\0{key}".encode()).hexdigest()
    return f"key:{digest}", hashlib.sha256(repr(request).encode()).hexdigest()


def _save(computes: ComputeCollection, spec: ImageSpec, token: str) -> Image:
    return computes.save(spec.compute or "", spec.title, token=token)
