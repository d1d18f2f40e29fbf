"""The constants of the standard, each beside its clause (numbers of CDMI 1.1.1)."""

from __future__ import annotations

from collections.abc import Mapping

# Media types (RFC 6208)
OBJECT = "application/cdmi-object"
CONTAINER = "application/cdmi-container"
QUEUE = "application/cdmi-queue"
DOMAIN = "application/cdmi-domain"
CAPABILITY = "application/cdmi-capability"
MULTIPART = "multipart/mixed"
FORM = "multipart/form-data"
MEDIA_TYPES = (OBJECT, CONTAINER, QUEUE, DOMAIN, CAPABILITY, "application/cdmi-capabilities")

#: The versions that are spoken (5.13.2); the header names the highest that both sides know.
VERSIONS = ((1, 0), (1, 0, 1), (1, 0, 2), (1, 1), (1, 1, 0), (1, 1, 1))
VERSION_HEADER = "X-CDMI-Specification-Version"

# Reserved places (5.4)
OBJECT_ID = "cdmi_objectid"
CAPABILITIES = "cdmi_capabilities"
DOMAINS = "cdmi_domains"
SNAPSHOTS = "cdmi_snapshots"

PREFIX = "cdmi_"
#: Storage system metadata that clients write where their rights allow it (16.3); the rest is ignored.
ACL = "cdmi_acl"
OWNER = "cdmi_owner"

#: Data system metadata that comes true here as it is wished (16.5).
PROVIDED = ("cdmi_retention_period", "cdmi_retention_autodelete", "cdmi_hold_id")

#: Sources of a value, a queue or a container: one at most (8.2, 9.2, 11.2).
SOURCES = ("value", "copy", "move", "reference", "serialize", "deserialize", "deserializevalue")

#: Fields that can be asked for (5.13.5).
FIELDS = frozenset(
    {
        "capabilities",
        "capabilitiesURI",
        "children",
        "childrenrange",
        "completionStatus",
        "domainURI",
        "exports",
        "metadata",
        "mimetype",
        "objectID",
        "objectName",
        "objectType",
        "parentID",
        "parentURI",
        "percentComplete",
        "queueValues",
        "snapshots",
        "value",
        "valuerange",
        "values",
        "valuetransferencoding",
    }
)

#: Fields of requests alone.
SENT = frozenset({*SOURCES, "snapshot"})

MAX_METADATA_ITEMS = 1024
MAX_METADATA_ITEM = 1 << 16  # bytes of one item as JSON
MAX_METADATA = 1 << 20  # bytes of all together

_STORAGE_METADATA = (
    "cdmi_acl",
    "cdmi_acount",
    "cdmi_atime",
    "cdmi_ctime",
    "cdmi_mcount",
    "cdmi_mtime",
)
_DATA_METADATA = ("cdmi_data_autodelete", "cdmi_data_holds", "cdmi_data_retention")
_HASHES = ("SHA160", "SHA256", "SHA384", "SHA512")

#: A capability is "true", a number or a list of what is accepted; a name that is not there is "false".
Capabilities = Mapping[str, str | list[str]]


def _offered(*names: str, **others: str | list[str]) -> Capabilities:
    return dict(sorted({**dict.fromkeys(names, "true"), **others}.items()))


#: What is published, and nothing more (12): system-wide, and for each kind of object.
SYSTEM = _offered(
    "cdmi_copy_dataobject_by_ID",
    "cdmi_copy_dataobject_from_queue",
    "cdmi_copy_queue_by_ID",
    "cdmi_create_reference_by_ID",
    "cdmi_create_value_range_by_ID",
    "cdmi_dataobjects",
    "cdmi_deserialize_dataobject_by_ID",
    "cdmi_deserialize_queue_by_ID",
    "cdmi_domains",
    "cdmi_multipart_mime",
    "cdmi_object_access_by_ID",
    "cdmi_object_copy_from_local",
    "cdmi_object_move_from_ID",
    "cdmi_object_move_from_local",
    "cdmi_object_move_to_ID",
    "cdmi_post_dataobject_by_ID",
    "cdmi_post_queue_by_ID",
    "cdmi_queues",
    "cdmi_references",
    "cdmi_security_access_control",
    "cdmi_security_data_integrity",
    "cdmi_security_immutability",
    "cdmi_serialization_json",
    "cdmi_serialize_container_to_ID",
    "cdmi_serialize_dataobject_to_ID",
    "cdmi_serialize_queue_to_ID",
    "cdmi_snapshots",
    cdmi_metadata_maxitems=str(MAX_METADATA_ITEMS),
    cdmi_metadata_maxsize=str(MAX_METADATA_ITEM),
    cdmi_metadata_maxtotalsize=str(MAX_METADATA),
)
OF_CONTAINERS = _offered(
    *_STORAGE_METADATA,
    *_DATA_METADATA,
    "cdmi_copy_container",
    "cdmi_copy_dataobject",
    "cdmi_copy_queue",
    "cdmi_create_container",
    "cdmi_create_dataobject",
    "cdmi_create_queue",
    "cdmi_create_reference",
    "cdmi_create_value_range",
    "cdmi_delete_container",
    "cdmi_deserialize_container",
    "cdmi_deserialize_dataobject",
    "cdmi_deserialize_queue",
    "cdmi_list_children",
    "cdmi_list_children_range",
    "cdmi_modify_deserialize_container",
    "cdmi_modify_metadata",
    "cdmi_move_container",
    "cdmi_move_dataobject",
    "cdmi_move_queue",
    "cdmi_post_dataobject",
    "cdmi_post_queue",
    "cdmi_read_metadata",
    "cdmi_serialize_container",
    "cdmi_serialize_dataobject",
    "cdmi_serialize_queue",
    "cdmi_snapshot",
    cdmi_value_hash=list(_HASHES),
)
#: Where there are machines with disks besides (13).
SYSTEM_EXPORTS = _offered("cdmi_export_occi_iscsi")
OF_EXPORTED_CONTAINERS = _offered("cdmi_assignedsize", "cdmi_export_container_occi")
#: Where the site has storage classes.
CLASSES = _offered("cdmi_capabilities_templates")
OF_CLASSES = _offered(
    "cdmi_capabilities_allowed", "cdmi_capabilities_templates", "cdmi_capability_association_time"
)
OF_DATA_OBJECTS = _offered(
    *_STORAGE_METADATA,
    *_DATA_METADATA,
    "cdmi_delete_dataobject",
    "cdmi_modify_deserialize_dataobject",
    "cdmi_modify_metadata",
    "cdmi_modify_value",
    "cdmi_modify_value_range",
    "cdmi_read_metadata",
    "cdmi_read_value",
    "cdmi_read_value_range",
    "cdmi_size",
    cdmi_value_hash=list(_HASHES),
)
OF_QUEUES = _offered(
    *_STORAGE_METADATA,
    *_DATA_METADATA,
    "cdmi_copy_queue",
    "cdmi_delete_queue",
    "cdmi_modify_deserialize_queue",
    "cdmi_modify_metadata",
    "cdmi_modify_value",
    "cdmi_move_queue",
    "cdmi_read_metadata",
    "cdmi_read_value",
    "cdmi_reference_queue",
)
OF_DOMAINS = _offered(
    *_STORAGE_METADATA,
    "cdmi_create_domain",
    "cdmi_delete_domain",
    "cdmi_domain_members",
    "cdmi_list_children",
    "cdmi_modify_metadata",
    "cdmi_read_metadata",
)
