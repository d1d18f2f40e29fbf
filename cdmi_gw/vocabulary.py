"""The constants of the standard, each beside its clause (numbers of CDMI 1.1.1)."""

from __future__ import annotations

from collections.abc import Mapping

# Media types (RFC 6208)
OBJECT = "application/cdmi-object"
CONTAINER = "application/cdmi-container"
CAPABILITY = "application/cdmi-capability"
MEDIA_TYPES = (OBJECT, CONTAINER, CAPABILITY, "application/cdmi-domain", "application/cdmi-queue")

#: The versions that are spoken (5.13.2); the header names the highest that both sides know.
VERSIONS = ((1, 0), (1, 0, 1), (1, 0, 2), (1, 1), (1, 1, 0), (1, 1, 1))
VERSION_HEADER = "X-CDMI-Specification-Version"

# Reserved places (5.4)
OBJECT_ID = "cdmi_objectid"
CAPABILITIES = "cdmi_capabilities"

#: What a client writes of storage system metadata is ignored (16.2), but for its access control list.
ACL = "cdmi_acl"
PREFIX = "cdmi_"

#: Sources of a value or of a container; each needs a capability that is not offered yet (8.2, 9.2).
SOURCES = ("copy", "move", "reference", "serialize", "deserialize", "deserializevalue")

MAX_METADATA_ITEMS = 1024
MAX_METADATA_ITEM = 1 << 16  # bytes of one item as JSON
MAX_METADATA = 1 << 20  # bytes of all together

_STORAGE_METADATA = ("cdmi_acl", "cdmi_size", "cdmi_ctime", "cdmi_mtime", "cdmi_mcount")

#: What is published, and nothing more (12): system-wide, and for each kind of object.
SYSTEM: Mapping[str, str] = {
    "cdmi_dataobjects": "true",
    "cdmi_metadata_maxitems": str(MAX_METADATA_ITEMS),
    "cdmi_metadata_maxsize": str(MAX_METADATA_ITEM),
    "cdmi_metadata_maxtotalsize": str(MAX_METADATA),
    "cdmi_object_access_by_ID": "true",
    "cdmi_security_access_control": "true",
}
OF_CONTAINERS: Mapping[str, str] = dict.fromkeys(
    (
        *(name for name in _STORAGE_METADATA if name != "cdmi_size"),
        "cdmi_create_container",
        "cdmi_create_dataobject",
        "cdmi_delete_container",
        "cdmi_list_children",
        "cdmi_list_children_range",
        "cdmi_modify_metadata",
        "cdmi_read_metadata",
    ),
    "true",
)
OF_DATA_OBJECTS: Mapping[str, str] = dict.fromkeys(
    (
        *_STORAGE_METADATA,
        "cdmi_delete_dataobject",
        "cdmi_modify_metadata",
        "cdmi_modify_value",
        "cdmi_modify_value_range",
        "cdmi_read_metadata",
        "cdmi_read_value",
        "cdmi_read_value_range",
    ),
    "true",
)
