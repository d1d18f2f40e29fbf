"""Keeping the ownership rows and the back ends together.

What a crash left between "made" and "recorded", or between "deleted" and "forgotten", is finished or taken
back; what a back end has and the gateway does not know is adopted as the site's rule says; nothing of a
back end is ever deleted here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gateway.cloud import KINDS, LINKS, Cloud
from gateway.identity import GATEWAY, Caller
from gateway.model import (
    BackendError,
    Compute,
    GatewayError,
    Image,
    Network,
    NotFound,
    Resource,
    Unsupported,
    shorten,
)
from gateway.store import Constraint
from gateway.store.overlay import Holding, Overlay, now

log = logging.getLogger("gateway")

#: A row older than this, still "making", belongs to a process that is gone: no back end call takes longer.
STALE_SECONDS = 240

#: So many gone with none left is a back end that lost its memory, or another one: owners are kept.
_TOO_MANY_GONE = 5

#: Later than any row was begun, also by a node whose clock is ahead.
_ANY_TIME = (1 << 63) - 1

#: What the token of an adopted row begins with.
_ADOPTED = "adopted:"

#: What a site's own images and networks get: everybody may use them.
_PUBLIC = 0o604

_CALLER = Caller(GATEWAY)


@dataclass(slots=True)
class Report:
    """What one run has done."""

    finished: int = 0
    released: int = 0
    adopted: int = 0
    forgotten: int = 0
    failed: list[str] = field(default_factory=list)


class Reconciler:
    """One gateway's reconciler; ``adopt`` is "admin" or "none" for machines and all that is a user's."""

    def __init__(self, cloud: Cloud, *, adopt: str = "admin", stale_seconds: float = STALE_SECONDS) -> None:
        self._cloud = cloud
        self._adopt = adopt
        self._stale = int(stale_seconds * 1e6)

    def run(self) -> Report:
        """Compare everything once. What fails is told in the report and left for the next run."""
        report = Report()
        if self._cloud.stores_objects:
            self._each(report, "objects", self._cloud.objects.prepare)
        for row in self._cloud.overlays.making(now() - self._stale):
            self._each(report, row.zone, partial(self._settle, row, report))
        for kind, id in self._cloud.door.turns.broken_off(self._stale / 1e6):
            zone = self._cloud.zones.split(id)[0]
            self._each(report, zone, partial(self._cloud.settle_change, kind, id))
        for zone in self._cloud.zones.names():
            self._each(report, zone, partial(self._compare, zone, report))
        return report

    def _compare(self, zone: str, report: Report) -> None:
        for noun in self._cloud.zones.backend(zone).collections():
            if noun in KINDS:
                self._each(report, zone, partial(self._forget_gone, zone, noun, report))
                self._each(report, zone, partial(self._adopt_unknown, zone, noun, report))

    def _each(self, report: Report, zone: str, work: Callable[[], None]) -> None:
        """One part of a run. No failure is worth the rest: a gateway must come up with one row broken."""
        try:
            work()
        except GatewayError as error:
            report.failed.append(f"{zone}: {error.message}")
        except Exception as error:
            log.exception("reconciling zone %s failed", zone)
            report.failed.append(f"{zone}: {type(error).__name__}; the log has the trace")

    def _settle(self, row: Overlay, report: Report) -> None:
        """Bind a stale row to what its token made, or release it."""
        cloud = self._cloud
        noun = next(noun for noun, kind in {**KINDS, **LINKS}.items() if kind == row.kind)
        try:
            made = cloud.zones.collection(row.zone, noun).find(row.token)
        except Unsupported:
            made = None
        if made is None:
            self._release(row, report, "nothing was made")
            return
        id = cloud.zones.join(row.zone, made.id)
        holder = cloud.overlays.get(row.kind, id, "")
        if holder is not None and holder.seq == row.seq:
            return  # the request has ended by itself meanwhile
        if holder is not None and not _gives_way(holder, noun):
            self._release(row, report, "what was made has an owner already")
            return
        with cloud.database.write() as tx:
            if holder is not None:
                cloud.overlays.delete(tx, holder)
            if cloud.overlays.bind(tx, row, id) is None:
                raise NotFound(f"the row of {row.kind} {shorten(id)} has gone meanwhile")
            if noun is Image:
                cloud.door.bump_catalogue(tx)
            facts = {"resource_id": id, "owner": row.owner}
            cloud.audit.append(tx, _CALLER, f"{row.kind}.reconcile", "success", **facts)
        report.finished += 1

    def _release(self, row: Overlay, report: Report, reason: str) -> None:
        cloud = self._cloud
        with cloud.database.write() as tx:
            cloud.overlays.release(tx, row)
            facts = {"owner": row.owner, "reason": reason}
            cloud.audit.append(tx, _CALLER, f"{row.kind}.reconcile", "success", **facts)
        report.released += 1

    def _forget_gone(self, zone: str, noun: type[Resource], report: Report) -> None:
        """Drop the rows of what the back end no longer has: they would count against quotas for ever.

        The rows are read before the back end is asked, so what is made meanwhile is not among them.
        """
        cloud, kind = self._cloud, KINDS[noun]
        known = cloud.overlays.ids(kind, zone)
        collection = cloud.zones.collection(zone, noun)
        present = {cloud.zones.join(zone, native) for native in collection.ids()}
        if not present and len(known) >= _TOO_MANY_GONE:
            raise BackendError(
                f"all {len(known)} of kind {kind} are gone from the back end; none is forgotten"
            )
        for id in known - present:
            try:
                collection.get(cloud.zones.split(id)[1])
                continue  # a list is not always complete, its word alone is not enough
            except NotFound:
                row = cloud.overlays.get(kind, id, "")
            if row is None:
                continue
            with cloud.database.write() as tx:
                cloud.overlays.delete(tx, row)
                if noun is Compute:
                    cloud.overlays.delete_links(tx, id)
                if noun is Image:
                    cloud.door.bump_catalogue(tx)
                facts = {"resource_kind": kind, "resource_id": shorten(id), "owner": row.owner}
                cloud.audit.append(tx, _CALLER, f"{kind}.forget", "success", **facts)
            report.forgotten += 1

    def _adopt_unknown(self, zone: str, noun: type[Resource], report: Report) -> None:
        public = noun in (Image, Network)
        if self._adopt == "none" and not public:
            return
        cloud = self._cloud
        known = cloud.overlays.ids(KINDS[noun], zone)
        present = [cloud.zones.join(zone, id) for id in cloud.zones.collection(zone, noun).ids()]
        making = {row.token for row in cloud.overlays.making(_ANY_TIME)}
        for id in present:
            if id in known:
                continue
            if making and self._being_made(zone, noun, id, making):
                continue
            self._adopt_one(zone, noun, id, public)
            report.adopted += 1

    def _being_made(self, zone: str, noun: type[Resource], id: str, tokens: set[str]) -> bool:
        """Whether an unknown resource is one that a request has made and is about to record."""
        collection = self._cloud.zones.collection(zone, noun)
        native = self._cloud.zones.split(id)[1]
        try:
            found: list[Any] = [collection.find(token) for token in tokens]
        except Unsupported:
            return True  # cannot tell: leave it for a run when nothing is being made
        return any(resource is not None and resource.id == native for resource in found)

    def _adopt_one(self, zone: str, noun: type[Resource], id: str, public: bool) -> None:
        cloud = self._cloud
        token = f"{_ADOPTED}{KINDS[noun]}:{id}"
        try:
            with cloud.database.write() as tx:
                row = cloud.overlays.reserve(
                    tx,
                    replace(GATEWAY, user="", tenant=""),
                    kind=KINDS[noun],
                    zone=zone,
                    token=token,
                    mode=_PUBLIC if public else cloud.settings.mode,
                    holding=Holding(),
                    other_tenants=public,
                    key=token,
                )
                cloud.overlays.bind(tx, row, id)
                if noun is Image:
                    cloud.door.bump_catalogue(tx)
                facts = {"resource_kind": KINDS[noun], "resource_id": shorten(id)}
                cloud.audit.append(tx, _CALLER, f"{KINDS[noun]}.adopt", "success", **facts)
        except Constraint:
            return  # another node has adopted it meanwhile


def _gives_way(holder: Overlay, noun: type[Resource]) -> bool:
    """Whether a live row yields to the reservation of a request that made the same thing.

    An adopted row does that nobody has been given since, and that of a link that the back end had lost.
    """
    return noun in LINKS or (holder.token.startswith(_ADOPTED) and not holder.owner)
