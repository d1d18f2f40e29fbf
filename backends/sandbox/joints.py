"""Attachments and interfaces as nouns of their own; ``links`` does the work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from backends.base import AttachmentCollection, InterfaceCollection
from gateway.model import (
    ATTACHMENT_ACTIONS,
    INTERFACE_ACTIONS,
    Attachment,
    AttachmentChanges,
    AttachmentSpec,
    ComputeState,
    Conflict,
    Interface,
    InterfaceChanges,
    InterfaceSpec,
    IPAddress,
    NotFound,
    Unsupported,
)

from . import links
from .database import Connection
from .nouns import Switched
from .rows import (
    ATTACHMENT_COLUMNS,
    INTERFACE_COLUMNS,
    Row,
    address_range,
    attachment,
    interface,
    packed,
    unpacked,
)
from .values import allocation


def compute_exists(connection: Connection, id: str, now: float) -> None:
    """Raises NotFound, and Conflict for a compute that is being deleted."""
    row = connection.execute("SELECT gone FROM computes WHERE id = ?", (id,)).fetchone()
    if row is None or (row[0] is not None and row[0] <= now):
        raise NotFound.of("compute", id)
    if row[0] is not None:
        raise Conflict(f"compute {id} is {ComputeState.DELETING}: nothing can be linked to it")


class Attachments(Switched[Attachment, AttachmentSpec, AttachmentChanges], AttachmentCollection):
    table: ClassVar[str] = "attachments"
    columns: ClassVar[str] = ATTACHMENT_COLUMNS
    changeable = frozenset(AttachmentChanges.__optional_keys__)
    actions = ATTACHMENT_ACTIONS
    words = ("online", "offline")

    def find(self, token: str) -> Attachment | None:
        raise Unsupported("attachment: has no token; it is known by its two ends")

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[Attachment]:
        return [attachment(row) for row in rows]

    def _insert(self, connection: Connection, spec: AttachmentSpec, now: float) -> str:
        compute_exists(connection, spec.compute, now)
        return links.attach(connection, self._site.options, spec.compute, spec, now)

    def _columns(
        self, connection: Connection, present: Attachment, changes: AttachmentChanges
    ) -> dict[str, Any]:
        columns: dict[str, Any] = {**changes}
        if "device" in changes:
            columns["device"] = device = links.disk_name(changes["device"])
            if device != present.device and device in links.disks(connection, present.compute):
                raise Conflict(f"device {device} of compute {present.compute} is taken")
        return columns


class Interfaces(Switched[Interface, InterfaceSpec, InterfaceChanges], InterfaceCollection):
    table: ClassVar[str] = "interfaces"
    columns: ClassVar[str] = INTERFACE_COLUMNS
    changeable = frozenset(InterfaceChanges.__optional_keys__)
    actions = INTERFACE_ACTIONS

    def find(self, token: str) -> Interface | None:
        raise Unsupported("interface: has no token; it is known by its compute and device")

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[Interface]:
        return [interface(row) for row in rows]

    def _insert(self, connection: Connection, spec: InterfaceSpec, now: float) -> str:
        compute_exists(connection, spec.compute, now)
        return links.connect(connection, self._site.options, spec.compute, spec)

    def _columns(
        self, connection: Connection, present: Interface, changes: InterfaceChanges
    ) -> dict[str, Any]:
        """An address of None asks for another one, given by the network."""
        columns: dict[str, Any] = {}
        if "title" in changes:
            columns["title"] = changes["title"]
        if "gateway" in changes:
            columns["gateway"] = packed(changes["gateway"])
        if "allocation" in changes:
            columns["allocation"] = allocation(changes["allocation"])
        if "mac" in changes and changes["mac"].lower() != present.mac:
            columns["mac"] = links.free_mac(connection, changes["mac"])
        if "address" in changes and changes["address"] != present.address:
            mac = columns.get("mac", present.mac)
            columns |= self._moved(connection, present, changes["address"], mac)
        elif "mac" in columns:
            connection.execute(
                "UPDATE leases SET mac = ? WHERE source = ? AND address = ?",
                (columns["mac"], present.network, packed(present.address)),
            )
        return columns

    def _moved(
        self, connection: Connection, present: Interface, wanted: IPAddress | None, mac: str
    ) -> dict[str, Any]:
        """Exchange the address for another one of the interface's network."""
        _, text, first, last, gateway, allocation = connection.execute(
            links.NETWORK_OF_LINK, (present.network,)
        ).fetchone()
        links.let_go(connection, "id", present.id)
        range = address_range(text, first, last)
        address = links.lease(
            connection, present.network, range, unpacked(gateway), wanted, mac, present.compute
        )
        return {
            "address": address,
            "source": present.network,
            "reservation": None,
            "allocation": "static" if wanted is not None else allocation,
        }

    def _release(self, connection: Connection, present: Interface) -> None:
        links.let_go(connection, "id", present.id)
