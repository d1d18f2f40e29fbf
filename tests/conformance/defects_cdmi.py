"""Planted defects of CDMI: capabilities, versions, addresses, documents, selectors."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.conformance.alter import Answer, Ask, Call, Defects
from tests.conformance.alter_cdmi import (
    CAPABILITIES,
    CONTAINER,
    ID_TREE,
    OBJECT,
    VERSION,
    Document,
    altered,
    asking,
    metadata,
    refused,
)

DEFECTS = Defects()
defect = DEFECTS.defect


@defect("CDMI-CAP-008")
def a_capability_is_a_boolean(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {**found, "capabilities": dict.fromkeys(found.get("capabilities", {}), True)}

    return altered(call(ask), change) if ask.path == f"{CAPABILITIES}container/" else call(ask)


@defect("CDMI-CAP-011")
def a_capability_has_a_name_of_its_own(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        more = {"cdmi_warp_drive": "true"}
        return (
            {**found, "capabilities": {**found["capabilities"], **more}} if "capabilities" in found else found
        )

    return altered(call(ask), change) if ask.path == CAPABILITIES else call(ask)


@defect("CDMI-CAP-021")
def capabilities_need_credentials(ask: Ask, call: Call) -> Answer:
    closed = ask.path.startswith(CAPABILITIES) and not ask.header("Authorization")
    return refused(401).having("WWW-Authenticate", 'Basic realm="x"') if closed else call(ask)


@defect("CDMI-CAP-024", "CDMI-CAP-023")
def the_tree_needs_its_slash(ask: Ask, call: Call) -> Answer:
    return refused(404) if ask.path == CAPABILITIES.rstrip("/") else call(ask)


@defect("CDMI-CAP-029", "CDMI-CAP-031", "CDMI-CAP-033")
def the_tree_has_a_child_that_is_not_there(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {**found, "children": ["nothing/"]} if "children" in found else found

    return altered(call(ask), change) if ask.path == CAPABILITIES and not ask.query else call(ask)


@defect("CDMI-VER-003")
def the_version_is_always_the_highest(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return answer.having(VERSION, "1.1.1") if answer.header(VERSION) else answer


@defect("CDMI-VER-004", "CDMI-VER-005", "CDMI-VER-008")
def unknown_versions_are_spoken(ask: Ask, call: Call) -> Answer:
    return call(ask.having(VERSION, "1.1") if ask.header(VERSION).startswith("97.1, 98") else ask)


@defect("CDMI-VER-009")
def a_create_does_not_name_the_version(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return answer.without(VERSION) if answer.status == 201 else answer


@defect("CDMI-VER-011", "CDMI-QUIRK-002", "CDMI-QUIRK-004", "CDMI-QUIRK-005", "CDMI-QUIRK-006")
def a_letter_in_a_version_is_refused(ask: Ask, call: Call) -> Answer:
    return refused(400) if ask.header(VERSION).endswith("h") else call(ask)


@defect("CDMI-NEG-007", "CDMI-MULTI-005", "CDMI-NEG-010")
def accept_is_not_looked_at(ask: Ask, call: Call) -> Answer:
    return call(ask.without("Accept") if ask.header(VERSION) and ask.method == "GET" else ask)


@defect("CDMI-NEG-014", "CDMI-QUIRK-009")
def selectors_alone_are_no_cdmi(ask: Ask, call: Call) -> Answer:
    plain = ask.query and not ask.header(VERSION) and ask.method == "GET"
    return call(asking(ask, "")) if plain else call(ask)


# Addresses


@defect("CDMI-PATH-002")
def a_redirect_loses_the_query(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    where = answer.header("Location").partition("?")[0]
    return answer.having("Location", where) if answer.status == 301 else answer


@defect("CDMI-PATH-001", "CDMI-DOM-005", "CDMI-ID-011", "CDMI-PATH-002", "CDMI-PATH-005", "CDMI-QUIRK-013")
def a_container_is_read_without_its_slash(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return call(ask.to(path=f"{ask.path}/")) if answer.status == 301 and ask.method == "GET" else answer


@defect("CDMI-PATH-023")
def an_escaped_slash_is_a_letter(ask: Ask, call: Call) -> Answer:
    raw = str(ask.environ["RAW_URI"])
    return call(replace(ask, environ={**ask.environ, "RAW_URI": raw.replace("%2F", "_")}))


@defect("CDMI-PATH-027", "CDMI-PATH-028")
def parents_are_made_on_the_way(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if ask.method != "PUT" or answer.status != 404 or ask.query:
        return answer
    call(ask.bare("PUT", ask.path.rstrip("/").rpartition("/")[0] + "/"))
    return call(ask)


@defect("CDMI-PATH-031")
def reserved_names_can_be_made(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    made = ask.method == "PUT" and answer.status == 400 and "/cdmi_sgc" in ask.path
    return refused(201) if made else answer


@defect("CDMI-PATH-034", "CDMI-CON-001", "CDMI-ID-013")
def the_name_of_a_container_has_no_slash(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {**found, "objectName": found["objectName"].rstrip("/")} if "objectName" in found else found

    return altered(call(ask), change, CONTAINER)


@defect("CDMI-PATH-035")
def the_parent_has_another_id(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return (
            {**found, "parentID": found["objectID"]} if "parentID" in found and "objectID" in found else found
        )

    return altered(call(ask), change, OBJECT)


@defect(
    "CDMI-PATH-041",
    "CDMI-HTTP-041",
    "CDMI-POST-001",
    "CDMI-POST-002",
    "CDMI-POST-003",
    "CDMI-POST-004",
    "CDMI-POST-006",
    "CDMI-POST-008",
    "CDMI-POST-009",
    "CDMI-POST-010",
    "CDMI-POST-011",
    "CDMI-QUIRK-017",
)
def a_create_does_not_say_where(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return answer.without("Location") if answer.status == 201 else answer


# Documents


@defect("CDMI-FORM-001", "CDMI-FORM-003")
def fields_come_by_the_alphabet(ask: Ask, call: Call) -> Answer:
    return altered(call(ask), lambda found: dict(sorted(found.items())), OBJECT)


@defect("CDMI-FORM-006")
def the_answer_to_a_create_has_the_value(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return altered(answer, lambda found: {**found, "value": "x"}, OBJECT) if answer.status == 201 else answer


@defect("CDMI-FORM-009", "CDMI-QUIRK-008")
def a_new_container_does_not_list_its_children(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {name: item for name, item in found.items() if not name.startswith("children")}

    answer = call(ask)
    return altered(answer, change, CONTAINER) if answer.status == 201 else answer


@defect("CDMI-FORM-013", "CDMI-META-017", "CDMI-META-018")
def times_have_no_fractions(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if not answer.media_type.startswith("application/cdmi"):
        return answer
    return answer.saying(re.sub(r"\.[0-9]{6}Z", "Z", answer.text))


@defect("CDMI-FORM-014", "CDMI-COPY-008", "CDMI-MOVE-002")
def a_container_is_never_complete(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {**found, "completionStatus": "complete"} if "completionStatus" in found else found

    return altered(call(ask), change, CONTAINER)


@defect("CDMI-FORM-017", "CDMI-CON-021")
def the_range_of_the_children_ends_behind_them(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        count = len(found.get("children") or [])
        return {**found, "childrenrange": f"0-{count}"} if count and not ask.query else found

    return altered(call(ask), change, CONTAINER)


@defect("CDMI-ID-004", "CDMI-EXP-001", "CDMI-POST-002", "CDMI-POST-008", "CDMI-SER-001")
def ids_are_in_lower_case(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {name: item.lower() if name.endswith("ID") else item for name, item in found.items()}

    return altered(call(ask), change)


@defect("CDMI-ID-003")
def the_crc_of_an_id_is_wrong(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {**found, "objectID": found["objectID"][:-2] + "00"} if "objectID" in found else found

    return altered(call(ask), change) if ask.path == CAPABILITIES else call(ask)


@defect("CDMI-ID-013")
def nothing_is_found_below_an_id(ask: Ask, call: Call) -> Answer:
    below = ask.path.startswith(ID_TREE) and ask.path.removeprefix(ID_TREE).rstrip("/").count("/")
    return refused(404) if below and ask.method == "GET" else call(ask)


# Selectors


@defect("CDMI-SEL-013", "CDMI-SEL-014", "CDMI-SEL-016", "CDMI-SEL-018", "CDMI-SEL-028")
def a_selector_of_metadata_is_a_whole_name(ask: Ask, call: Call) -> Answer:
    wanted = re.findall("metadata:([^;]*)", ask.query)
    if ask.method != "GET" or not wanted:
        return call(ask)
    return metadata(call(ask), lambda found: {name: item for name, item in found.items() if name in wanted})


@defect("CDMI-SEL-020", "CDMI-QUIRK-009")
def a_query_may_not_end_in_a_semicolon(ask: Ask, call: Call) -> Answer:
    return refused(400) if ask.query.endswith(";") else call(ask)


@defect("CDMI-SEL-019")
def a_plus_sign_is_a_blank(ask: Ask, call: Call) -> Answer:
    return call(asking(ask, ask.query.replace("+", "%20")))


@defect("CDMI-SEL-012")
def a_field_that_is_not_there_is_404(ask: Ask, call: Call) -> Answer:
    return refused(404) if "percentComplete" in ask.query else call(ask)
