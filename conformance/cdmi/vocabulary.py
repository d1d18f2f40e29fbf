"""What CDMI 1.1.1 names, as tables: media types, capabilities, fields, rights."""

from __future__ import annotations

from collections.abc import Mapping

OBJECT = "application/cdmi-object"
CONTAINER = "application/cdmi-container"
DOMAIN = "application/cdmi-domain"
QUEUE = "application/cdmi-queue"
CAPABILITY = "application/cdmi-capability"
MULTIPART = "multipart/mixed"

VERSION_HEADER = "X-CDMI-Specification-Version"
#: What a request offers unless the check is about versions.
OFFERED = "1.0.2, 1.1, 1.1.1"

CAPABILITIES = "/cdmi_capabilities/"
BY_ID = "/cdmi_objectid/"
DOMAINS = "/cdmi_domains/"
RESERVED = ("cdmi_objectid", "cdmi_domains", "cdmi_capabilities", "cdmi_snapshots", "cdmi_versions")

SYSTEM = ""  # the entry of the tree that is not about one type
TYPES = ("domain", "container", "dataobject", "queue")

_LIMITS = ("cdmi_metadata_maxitems", "cdmi_metadata_maxsize", "cdmi_metadata_maxtotalsize")
_METADATA = ("cdmi_acl", "cdmi_size", "cdmi_ctime", "cdmi_atime", "cdmi_mtime", "cdmi_acount", "cdmi_mcount")
DATA_SYSTEM = (
    *("cdmi_assignedsize", "cdmi_data_dispersion", "cdmi_data_retention", "cdmi_data_autodelete"),
    *("cdmi_data_holds", "cdmi_geographic_placement", "cdmi_latency", "cdmi_RPO", "cdmi_RTO"),
    *("cdmi_throughput", "cdmi_data_redundancy", "cdmi_immediate_redundancy"),
    *("cdmi_infrastructure_redundancy", "cdmi_encryption", "cdmi_sanitization_method"),
    *("cdmi_value_hash", "cdmi_authentication_methods"),
)
#: The quality-of-service extension names these besides (INDIGO-DataCloud; SNIA capabilities selection).
QOS = (
    *("cdmi_capabilities_templates", "cdmi_capabilities_exact_inherit", "cdmi_capabilities_allowed"),
    *("cdmi_capability_association_time", "cdmi_capability_lifetime", "cdmi_capability_lifetime_action"),
    *("cdmi_data_storage_lifetime", "cdmi_recommended_polling_interval", "cdmi_durability"),
    *("cdmi_location", "cdmi_default_dataobject_capability_class", "cdmi_export_container_http"),
)


def _each(pattern: str, *words: str) -> tuple[str, ...]:
    return tuple(pattern.format(word) for word in words)


#: Capability names by entry (12.1.1 to 12.1.7).
KNOWN: Mapping[str, frozenset[str]] = {
    SYSTEM: frozenset(
        (
            *_LIMITS,
            *_each("cdmi_{}", "domains", "dataobjects", "queues", "references", "snapshots"),
            *_each("cdmi_{}", "notification", "logging", "query", "serialization_json", "multipart_mime"),
            *_each("cdmi_query_{}", "regex", "contains", "tags", "value"),
            *_each("cdmi_export_{}", "cifs", "iscsi", "nfs", "occi_iscsi", "webdav"),
            *_each("cdmi_{}_export", "cifs", "iscsi", "nfs", "occi"),
            *_each("cdmi_security_{}", "access_control", "audit", "data_integrity", "encryption"),
            *_each("cdmi_security_{}", "immutability", "sanitization"),
            *_each("cdmi_object_{}", "access_by_ID", "move_from_local", "move_from_remote", "move_from_ID"),
            *_each("cdmi_object_{}", "move_to_ID", "copy_from_local", "copy_from_remote"),
            *_each("cdmi_{}_by_ID", "post_dataobject", "post_queue", "deserialize_dataobject"),
            *_each("cdmi_{}_by_ID", "deserialize_queue", "copy_dataobject", "copy_queue"),
            *_each("cdmi_{}_by_ID", "create_reference", "create_value_range"),
            *_each("cdmi_serialize_{}_to_ID", "dataobject", "domain", "container", "queue"),
            "cdmi_copy_dataobject_from_queue",
        )
    ),
    "dataobject": frozenset(
        (
            *_each("cdmi_read_{}", "value", "value_range", "metadata"),
            *_each("cdmi_modify_{}", "value", "value_range", "metadata", "deserialize_dataobject"),
            "cdmi_delete_dataobject",
        )
    ),
    "container": frozenset(
        (
            *_each("cdmi_list_{}", "children", "children_range"),
            *("cdmi_read_metadata", "cdmi_modify_metadata", "cdmi_modify_deserialize_container"),
            *("cdmi_snapshot", "cdmi_create_reference", "cdmi_create_value_range"),
            *_each("cdmi_serialize_{}", "dataobject", "container", "queue", "domain"),
            *_each("cdmi_deserialize_{}", "dataobject", "container", "queue"),
            *_each("cdmi_create_{}", "dataobject", "container", "queue"),
            *_each("cdmi_post_{}", "dataobject", "queue"),
            *_each("cdmi_export_container_{}", "cifs", "nfs", "iscsi", "occi", "webdav"),
            *_each("cdmi_move_{}", "container", "dataobject", "queue"),
            *_each("cdmi_copy_{}", "container", "dataobject", "queue"),
            *("cdmi_delete_container", "cdmi_reference_queue"),
        )
    ),
    "domain": frozenset(
        (
            *_each("cdmi_{}_domain", "create", "delete", "move", "copy", "deserialize"),
            *("cdmi_domain_summary", "cdmi_domain_members", "cdmi_list_children"),
            *("cdmi_list_children_range", "cdmi_read_metadata", "cdmi_modify_metadata"),
            "cdmi_modify_deserialize_domain",
        )
    ),
    "queue": frozenset(
        (
            *("cdmi_read_value", "cdmi_read_metadata", "cdmi_modify_value", "cdmi_modify_metadata"),
            *("cdmi_modify_deserialize_queue", "cdmi_delete_queue"),
            *("cdmi_move_queue", "cdmi_copy_queue", "cdmi_reference_queue"),
        )
    ),
}
STORED: frozenset[str] = frozenset((*_METADATA, *DATA_SYSTEM, *QOS))

#: A data system item whose capability implies a system-wide one (12.1.3).
IMPLIED: Mapping[str, str] = {
    "cdmi_data_holds": "cdmi_security_immutability",
    "cdmi_encryption": "cdmi_security_encryption",
    "cdmi_sanitization_method": "cdmi_security_sanitization",
    "cdmi_value_hash": "cdmi_security_data_integrity",
}

#: Fields that come last when present, in this order (8.2, 9.2).
LAST = ("valuerange", "value", "childrenrange", "children")
