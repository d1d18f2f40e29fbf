"""The object side of the common model: what is stored, in the terms of CDMI (ISO/IEC 17826)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag, StrEnum
from typing import Any, TypeAlias

__all__ = [
    "KINDS",
    "Ace",
    "AceFlag",
    "AceMask",
    "AceType",
    "Acl",
    "Completion",
    "Container",
    "DataObject",
    "Domain",
    "Encoding",
    "Json",
    "ObjectKind",
    "Queue",
    "QueueValue",
    "Reference",
    "StoredObject",
]

Json: TypeAlias = Any


class ObjectKind(StrEnum):
    CONTAINER = "container"
    DATA_OBJECT = "dataobject"
    QUEUE = "queue"
    DOMAIN = "domain"
    REFERENCE = "reference"
    QUEUE_VALUE = "value"  # never seen but through its queue


class Completion(StrEnum):
    """Whether an object is all there (``completionStatus``)."""

    PROCESSING = "Processing"
    COMPLETE = "Complete"
    ERROR = "Error"


class Encoding(StrEnum):
    """How a value travels inside JSON (``valuetransferencoding``); the bytes are the same."""

    UTF_8 = "utf-8"
    BASE64 = "base64"


class AceType(StrEnum):
    ALLOW = "ALLOW"
    DENY = "DENY"
    AUDIT = "AUDIT"


class AceFlag(IntFlag):
    """CDMI 16.1.4."""

    OBJECT_INHERIT = 0x1
    CONTAINER_INHERIT = 0x2
    NO_PROPAGATE = 0x4
    INHERIT_ONLY = 0x8
    IDENTIFIER_GROUP = 0x40
    INHERITED = 0x80


class AceMask(IntFlag):
    """CDMI 16.1.5; the names for containers are in the comments."""

    READ_OBJECT = 0x1  # LIST_CONTAINER
    WRITE_OBJECT = 0x2  # ADD_OBJECT
    APPEND_DATA = 0x4  # ADD_SUBCONTAINER
    READ_METADATA = 0x8
    WRITE_METADATA = 0x10
    EXECUTE = 0x20  # TRAVERSE_CONTAINER
    DELETE_OBJECT = 0x40  # DELETE_SUBCONTAINER
    READ_ATTRIBUTES = 0x80
    WRITE_ATTRIBUTES = 0x100
    WRITE_RETENTION = 0x200
    WRITE_RETENTION_HOLD = 0x400
    DELETE = 0x10000
    READ_ACL = 0x20000
    WRITE_ACL = 0x40000
    WRITE_OWNER = 0x80000
    SYNCHRONIZE = 0x100000


@dataclass(frozen=True, slots=True)
class Ace:
    """One entry of an access control list."""

    type: AceType
    who: str  # a principal's name, or one of the special ones that end in "@"
    flags: AceFlag
    mask: AceMask
    #: The members as a client wrote them, which is how it wants them back; None where we made the entry.
    spelling: Mapping[str, str] | None = field(default=None, compare=False)


Acl: TypeAlias = Sequence[Ace]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What all that is stored has in common. Object IDs are upper-case Base16 (CDMI 5.10)."""

    id: str
    name: str | None  # None: the object has an ID and no path
    parent: str | None  # ID of the container; None also for the root
    owner: str
    tenant: str
    metadata: Mapping[str, Json]  # the user's; no name begins with "cdmi_"
    acl: Acl
    created: datetime
    modified: datetime
    changes: int = 0  # of value and metadata since it was made
    completion: Completion = Completion.COMPLETE
    #: Data system metadata as its writer gave it (CDMI 16.4); what is inherited is not in here.
    system: Mapping[str, Json] = field(default_factory=dict)
    accessed: datetime | None = None  # when it was last read; None: not since it was made
    reads: int = 0
    percent: int | None = None  # how much of a delayed create is done
    failure: str = ""  # why ``completion`` is ``ERROR``
    #: What its writer said of it that no standard knows; kept, shown, not understood.
    fields: Mapping[str, Json] = field(default_factory=dict)
    storage_class: str | None = None
    classed: datetime | None = None  # since when it is in that class

    @property
    def kind(self) -> ObjectKind:
        return KINDS[type(self)]


@dataclass(frozen=True, slots=True)
class Container(StoredObject):
    """Has children by name."""

    exports: Mapping[str, Json] = field(default_factory=dict)  # protocol -> settings (CDMI 13)


@dataclass(frozen=True, slots=True)
class DataObject(StoredObject):
    """Has a value; gaps in it are bytes of zero."""

    mimetype: str = "application/octet-stream"
    encoding: Encoding = Encoding.BASE64
    size: int = 0  # bytes, gaps included
    digest: str | None = None  # "SHA256:" and the value's hash in upper-case Base16


@dataclass(frozen=True, slots=True)
class Queue(StoredObject):
    """Has values, the oldest first (CDMI 11)."""

    next: int = 0  # the designator of the next value; never given twice


@dataclass(frozen=True, slots=True)
class QueueValue(DataObject):
    """One value of a queue; ``name`` is its designator as twenty digits."""


@dataclass(frozen=True, slots=True)
class Domain(StoredObject):
    """Whom objects belong to for administration (CDMI 10); has domains as children."""


@dataclass(frozen=True, slots=True)
class Reference(StoredObject):
    """Leads to another URI (CDMI 5.12)."""

    target: str = ""


KINDS: Mapping[type[StoredObject], ObjectKind] = {
    Container: ObjectKind.CONTAINER,
    DataObject: ObjectKind.DATA_OBJECT,
    Queue: ObjectKind.QUEUE,
    QueueValue: ObjectKind.QUEUE_VALUE,
    Domain: ObjectKind.DOMAIN,
    Reference: ObjectKind.REFERENCE,
}
