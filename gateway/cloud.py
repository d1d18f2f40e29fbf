"""The one door: the only code that calls a back end.

Every operation passes, in this order: identity (the ``Caller``), permission, restricted attributes, quota
reservation, back end, overlay, audit. A front end cannot forget a check because it has no other way in.

Each noun of the common model is named by its type: ``cloud.get(caller, Compute, "7")``. Attachments and
interfaces are links: they have no ownership of their own, the right to them is the right to their compute.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar, cast

from backends.base import Capability
from backends.values import ValueStore
from gateway import lengths
from gateway.changing import Change, Changer
from gateway.door import (
    KINDS,
    LINKS,
    CloudSettings,
    Door,
    Held,
    Observer,
    Visible,
    facts_of,
    merged,
    name_of,
    of_machine,
)
from gateway.identity import Caller
from gateway.making import Maker
from gateway.model import (
    VOLUME_ACTIONS,
    Attachment,
    Compute,
    GatewayError,
    Image,
    InstanceType,
    InvalidRequest,
    NotFound,
    Resource,
    Snapshot,
    SnapshotSpec,
    Unsupported,
    Volume,
    next_state,
    shorten,
)
from gateway.objects.identifier import EXAMPLE_ENTERPRISE
from gateway.objects.space import Objects
from gateway.objects.trees import AT_ONCE
from gateway.policy.classes import Classes
from gateway.policy.permissions import Right, require, rights_of
from gateway.removing import Remover
from gateway.store import Constraint, Database, generations
from gateway.store.overlay import Overlay
from gateway.store.tags import Tag, Tags
from gateway.zones import Zones

__all__ = ["KINDS", "LINKS", "Change", "Cloud", "CloudSettings", "Held", "Observer"]

R = TypeVar("R", bound=Resource)


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
        values: ValueStore | None = None,
        enterprise: int = EXAMPLE_ENTERPRISE,
        copy_at_once: int = AT_ONCE,
        classes: Classes | None = None,
    ) -> None:
        self.settings = settings or CloudSettings()
        self.zones = zones
        self.database = database
        self.tags = Tags(database)
        self.door = door = Door(database, zones, self.settings, version=version, observer=observer)
        self.overlays = door.overlays
        self.audit = door.audit
        self.catalogue = door.catalogue
        self._objects = (
            Objects(
                database,
                values,
                door.audit,
                enterprise=enterprise,
                at_once=copy_at_once,
                cloud=self,
                classes=classes,
                quotas=self.settings.quotas,
            )
            if values is not None
            else None
        )
        self._maker = Maker(door)
        self._changer = Changer(door)
        self._remover = Remover(door)

    @property
    def objects(self) -> Objects:
        """Stored objects. Raises Unsupported where no front end has any."""
        if self._objects is None:
            raise Unsupported("no objects are stored here")
        return self._objects

    @property
    def stores_objects(self) -> bool:
        return self._objects is not None

    def get(self, caller: Caller, noun: type[R], id: str) -> Held[R]:
        """One resource. Raises NotFound, also for what the caller has no use right on."""
        row = self.door.row(caller, noun, id, Right.USE)
        resource = merged(self.door.fetch(noun, id), row)
        self.door.require_ends(caller, row, resource)
        return Held(self.door.seen(caller, row, resource), row)

    def knows(self, caller: Caller, noun: type[Resource], id: str) -> bool:
        """Whether the caller may use one of a noun that has owners; the back end is not asked."""
        row = self.overlays.get(KINDS[noun], id, caller.principal.user)
        return row is not None and bool(rights_of(caller.principal, row) & Right.USE)

    def by_path(self, caller: Caller, path: str) -> Overlay | None:
        """The row of a path that a client chose, if the caller may use it."""
        row = self.overlays.by_path(path, caller.principal.user)
        if row is None or not rights_of(caller.principal, row) & Right.USE:
            return None
        return row

    def chosen_paths(self, caller: Caller, noun: type[Resource]) -> Mapping[str, str]:
        """id -> path of what the caller may use of a noun and was made at a path of a client's choice."""
        return self.overlays.chosen(caller.principal, KINDS[noun])

    def locations(
        self, caller: Caller, noun: type[Resource], *, owned: bool = False, tag: Tag | None = None
    ) -> Sequence[tuple[str, str | None]]:
        """(id, chosen path) of what the caller may use (``owned``: owns), in order of creation.

        One query of the store and one back end call for each zone, whatever the number.
        """
        if noun in LINKS:
            return [(h.resource.id, h.overlay.path) for h in self._links(caller, noun, owned=owned, tag=tag)]
        places = self.overlays.places(
            caller.principal, KINDS[noun], owned=owned, tag=tag.seq if tag else None
        )
        if not places or not self.zones.has(noun):
            return []
        present: set[str] = set()
        for zone in self.door.zones_of(noun, places.by_zone.keys()):
            native = self.zones.natives(zone, places.by_zone[zone])
            found = self.door.call(zone, noun, "list", partial(_ids, native))
            present.update(self.zones.outside(zone, found))
        if len(present) == len(places):
            return places.all
        return [place for place in places.all if place[0] in present]

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
        for zone in self.door.zones_of(noun, {row.zone for row in rows}):
            native = self.zones.natives(zone, [row.id for row in rows if row.zone == zone])
            for resource in self.door.call(zone, noun, "list", partial(_listed, native)):
                published = self.zones.publish(zone, resource)
                found[published.id] = published
        visible = Visible(self.door, caller)
        return [
            Held(self.door.seen(caller, row, merged(found[row.id], row), visible), row)
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

    def sign_in_failed(self, caller: Caller, reason: str) -> None:
        """Put on record that somebody tried a password; ``caller`` is nobody, in that request."""
        self.door.record(caller, "auth.fail", "denied", reason=reason)

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
        lengths.check(spec)
        lengths.check({"path": path})
        event = f"{name_of(noun)}.create"
        with self.door.attempt(caller, event, None):
            if noun in LINKS:
                return self._maker.link(caller, noun, spec, extra, idempotency_key, event)
            return self._maker.make(
                caller, noun, spec, zone=zone, path=path, extra=extra, key=idempotency_key, event=event
            )

    def update(
        self,
        caller: Caller,
        noun: type[R],
        id: str,
        changes: Mapping[str, Any],
        *,
        extra: Mapping[str, Any] | None = None,
    ) -> Held[R]:
        """Change the named fields, all or none; the values and ``extra`` are as in ``Change``.

        Raises NotFound, Forbidden, QuotaExceeded, InvalidRequest, InvalidState, Unsupported.
        """
        lengths.check(changes)
        return self._changer.update(caller, [Change(noun, id, changes, extra)])[0]

    def update_all(self, caller: Caller, changes: Sequence[Change]) -> None:
        """As ``update`` for several, all or none."""
        for change in changes:
            lengths.check(change.changes)
        self._changer.update(caller, changes)

    def act(
        self,
        caller: Caller,
        noun: type[R],
        id: str,
        action: str,
        parameters: Mapping[str, Any] | None = None,
    ) -> Held[R]:
        """Do an action of the noun's state table.

        Raises InvalidRequest, NotFound, Forbidden, InvalidState, Unsupported.
        """
        lengths.check(parameters)
        if (noun, action) == (Volume, "snapshot") and self.has(Snapshot):
            [volume] = self._snapshots(caller, [id])
            return cast(Held[R], volume)
        return self._changer.act(caller, noun, [id], action, parameters)[0]

    def act_all(
        self,
        caller: Caller,
        noun: type[Resource],
        ids: Sequence[str],
        action: str,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """As ``act`` for several; none is touched where the rights or the quota for one are missing."""
        lengths.check(parameters)
        if (noun, action) == (Volume, "snapshot") and self.has(Snapshot):
            self._snapshots(caller, ids)
        else:
            self._changer.act(caller, noun, ids, action, parameters)

    def _snapshots(self, caller: Caller, ids: Sequence[str]) -> Sequence[Held[Volume]]:
        """Take a snapshot of each volume, all or none: a snapshot has an owner and counts, as if created."""
        for id in ids:
            with self.door.attempt(caller, "volume.snapshot", id):
                self.door.row(caller, Volume, id, Right.MANAGE)
                state = self.door.fetch(Volume, id).state
                next_state(VOLUME_ACTIONS, state, "snapshot", f"volume {shorten(id)}")
        made: list[str] = []
        try:
            for id in ids:
                made.append(self.create(caller, Snapshot, SnapshotSpec(volume=id)).resource.id)
        except BaseException:
            for snapshot in made:
                with suppress(GatewayError):  # the first error is the one to tell
                    self.delete(caller, Snapshot, snapshot)
            raise
        return [self.get(caller, Volume, id) for id in ids]

    def settle_change(self, kind: str, id: str) -> None:
        """Deal with a change that was broken off (``door.turns.broken_off``). Raises as the back end does."""
        self._changer.settle(kind, id)

    def delete(self, caller: Caller, noun: type[Resource], id: str) -> None:
        """Remove one, with the links that start or end at it.

        Raises NotFound, Forbidden, Conflict (a link is of a compute that the caller may not manage).
        """
        self._remover.remove(caller, noun, id)

    def check_delete(self, caller: Caller, noun: type[Resource], ids: Sequence[str]) -> None:
        """Raises Forbidden or Conflict where deleting these would leave one; what is gone is passed over."""
        self._remover.check(caller, noun, ids)

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
        lengths.check({"group": group, "owner": owner, "tenant": tenant})
        event = f"{name_of(noun)}.share"
        with self.door.attempt(caller, event, id):
            row = self.door.row(caller, noun, id, Right.USE)
            if not _is_owners_choice(caller, row, group, owner, tenant, other_tenants):
                require(caller.principal, row, Right.ADMIN, f"{name_of(noun)} {shorten(id)}")
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
            self._shared(caller, noun, row, new, event)
            return new

    def _shared(self, caller: Caller, noun: type[Resource], row: Overlay, new: Overlay, event: str) -> None:
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
                self.door.bump_catalogue(tx)
            before, after = _sharing(row), _sharing(new)
            facts = facts_of(noun, row.id, row.owner)
            self.audit.append(tx, caller, event, "success", before=before, after=after, **facts)

    def tag(
        self, caller: Caller, tag: Tag, things: Sequence[tuple[type[Resource], str]], *, exact: bool
    ) -> None:
        """Put the caller's tag on things; with ``exact`` take it off everything else. All or nothing."""
        rows = [self.door.remembered(caller, noun, id) for noun, id in things]
        try:
            with self.database.write() as tx:
                if exact:
                    self.tags.clear(tx, tag.seq)
                self.tags.put(tx, tag.seq, [row.seq for row in rows])
        except Constraint:
            raise NotFound("the mixin, or something that was to have it, has just been deleted") from None

    def untag(self, caller: Caller, tag: Tag, things: Sequence[tuple[type[Resource], str]] | None) -> None:
        """Take the caller's tag off things, or off everything. All or nothing."""
        rows = [self.door.row(caller, noun, id, Right.USE) for noun, id in things or ()]
        with self.database.write() as tx:
            if things is None:
                self.tags.clear(tx, tag.seq)
            self.tags.take(tx, tag.seq, [row.seq for row in rows])

    def _links(self, caller: Caller, noun: type[R], *, owned: bool, tag: Tag | None) -> Sequence[Held[R]]:
        # A link is its machine's, whatever was its row's when it was written.
        kept = self.overlays.of_kind(LINKS[noun], caller.principal.user)
        held: list[Held[R]] = []
        for compute in self.list(caller, Compute, owned=owned):
            links: Sequence[Any] = (
                compute.resource.attachments if noun is Attachment else compute.resource.interfaces
            )
            for link in links:
                row = of_machine(compute.overlay, LINKS[noun], link.id, kept.get(link.id))
                if tag is None or tag.seq in row.tags:
                    held.append(Held(merged(link, row), row))
        return held


def _ids(native: Sequence[str], collection: Any) -> Sequence[str]:
    found: Sequence[str] = collection.ids(native)
    return found


def _listed(native: Sequence[str], collection: Any) -> Sequence[Any]:
    found: Sequence[Any] = collection.list(native)
    return found


def _is_owners_choice(
    caller: Caller,
    row: Overlay,
    group: str | None,
    owner: str | None,
    tenant: str | None,
    other_tenants: bool | None,
) -> bool:
    """Whether the owner may decide this alone: bits, and the group among the own ones."""
    if (owner, tenant, other_tenants) != (None, None, None):
        return False
    own = ("", *caller.principal.groups)
    return caller.principal.user == row.owner and (group is None or group in own)


def _sharing(row: Overlay) -> dict[str, Any]:
    return {
        "owner": row.owner,
        "tenant": row.tenant,
        "group": row.group,
        "mode": f"{row.mode:03o}",
        "other_tenants": row.other_tenants,
    }
