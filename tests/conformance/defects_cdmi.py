"""Planted defects of a CDMI endpoint: documents, metadata, values, rights, and the refusals that must come."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.conformance.alter import Answer, Ask, Call, Defects

DEFECTS = Defects()
defect = DEFECTS.defect

OBJECT, CONTAINER = "application/cdmi-object", "application/cdmi-container"
VERSION = "X-CDMI-Specification-Version"
ID_TREE, CAPABILITIES = "/cdmi/cdmi_objectid/", "/cdmi/cdmi_capabilities/"
Document = dict[str, Any]


def altered(answer: Answer, change: Callable[[Document], Document], kind: str = "application/cdmi-") -> Answer:
    """A CDMI document changed; any other answer as it is."""
    if not answer.media_type.startswith(kind) or not answer.body:
        return answer
    return answer.saying(json.dumps(change(json.loads(answer.body))))


def refused(status: int) -> Answer:
    return Answer(status, (("Content-Type", "application/json"),)).saying('{"error": "no"}')


def asking(ask: Ask, query: str) -> Ask:
    """The same request with another query, its path untouched."""
    path = str(ask.environ["RAW_URI"]).partition("?")[0]
    raw = f"{path}?{query}" if query else path
    return replace(ask, environ={**ask.environ, "QUERY_STRING": query, "RAW_URI": raw})


def wish(ask: Ask) -> Document:
    """The JSON object of a request; empty when there is none."""
    try:
        found = json.loads(ask.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def metadata(answer: Answer, change: Callable[[Document], Document]) -> Answer:
    def within(found: Document) -> Document:
        return {**found, "metadata": change(found["metadata"])} if "metadata" in found else found

    return altered(answer, within)


def as_owner(ask: Ask) -> Ask:
    """The request in the name of the first account (ada, secret)."""
    return ask.having("Authorization", "Basic YWRhOnNlY3JldA==")


def is_second(ask: Ask) -> bool:
    return ask.header("Authorization") == "Basic Ym9iOnNlY3JldA=="


# Capabilities and versions


@defect("CDMI-CAP-008")
def a_capability_is_a_boolean(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {**found, "capabilities": {name: True for name in found.get("capabilities", {})}}

    return altered(call(ask), change) if ask.path == f"{CAPABILITIES}container/" else call(ask)


@defect("CDMI-CAP-011")
def a_capability_has_a_name_of_its_own(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        more = {"cdmi_warp_drive": "true"}
        return {**found, "capabilities": {**found["capabilities"], **more}} if "capabilities" in found else found

    return altered(call(ask), change) if ask.path == CAPABILITIES else call(ask)


@defect("CDMI-CAP-021")
def capabilities_need_credentials(ask: Ask, call: Call) -> Answer:
    closed = ask.path.startswith(CAPABILITIES) and not ask.header("Authorization")
    return refused(401).having("WWW-Authenticate", 'Basic realm="x"') if closed else call(ask)


@defect("CDMI-CAP-024", "CDMI-CAP-023")
def the_tree_needs_its_slash(ask: Ask, call: Call) -> Answer:
    return refused(404) if ask.path == CAPABILITIES.rstrip("/") else call(ask)


@defect("CDMI-CAP-029", "CDMI-CAP-031")
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


@defect("CDMI-VER-011")
def a_letter_in_a_version_is_refused(ask: Ask, call: Call) -> Answer:
    return refused(400) if ask.header(VERSION).endswith("h") else call(ask)


@defect("CDMI-NEG-007", "CDMI-NEG-010")
def accept_is_not_looked_at(ask: Ask, call: Call) -> Answer:
    return call(ask.without("Accept") if ask.header(VERSION) and ask.method == "GET" else ask)


@defect("CDMI-NEG-014")
def selectors_alone_are_no_cdmi(ask: Ask, call: Call) -> Answer:
    plain = ask.query and not ask.header(VERSION) and ask.method == "GET"
    return call(asking(ask, "")) if plain else call(ask)


# Addresses


@defect("CDMI-PATH-002")
def a_redirect_loses_the_query(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    where = answer.header("Location").partition("?")[0]
    return answer.having("Location", where) if answer.status == 301 else answer


@defect("CDMI-PATH-001")
def a_container_is_read_without_its_slash(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return call(ask.to(path=f"{ask.path}/")) if answer.status == 301 and ask.method == "GET" else answer


@defect("CDMI-PATH-023")
def an_escaped_slash_is_a_letter(ask: Ask, call: Call) -> Answer:
    raw = str(ask.environ["RAW_URI"])
    return call(replace(ask, environ={**ask.environ, "RAW_URI": raw.replace("%2F", "_")}))


@defect("CDMI-PATH-027")
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


@defect("CDMI-PATH-034")
def the_name_of_a_container_has_no_slash(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {**found, "objectName": found["objectName"].rstrip("/")} if "objectName" in found else found

    return altered(call(ask), change, CONTAINER)


@defect("CDMI-PATH-035")
def the_parent_has_another_id(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {**found, "parentID": found["objectID"]} if "parentID" in found and "objectID" in found else found

    return altered(call(ask), change, OBJECT)


@defect("CDMI-PATH-041")
def a_create_does_not_say_where(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return answer.without("Location") if answer.status == 201 else answer


# Documents


@defect("CDMI-FORM-001")
def fields_come_by_the_alphabet(ask: Ask, call: Call) -> Answer:
    return altered(call(ask), lambda found: dict(sorted(found.items())), OBJECT)


@defect("CDMI-FORM-006")
def the_answer_to_a_create_has_the_value(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return altered(answer, lambda found: {**found, "value": "x"}, OBJECT) if answer.status == 201 else answer


@defect("CDMI-FORM-009")
def a_new_container_does_not_list_its_children(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {name: item for name, item in found.items() if not name.startswith("children")}

    answer = call(ask)
    return altered(answer, change, CONTAINER) if answer.status == 201 else answer


@defect("CDMI-FORM-013")
def times_have_no_fractions(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return answer.saying(re.sub(r"\.[0-9]{6}Z", "Z", answer.text)) if "cdmi_ctime" in answer.text else answer


@defect("CDMI-FORM-014")
def an_object_is_never_complete(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {**found, "completionStatus": "complete"} if "completionStatus" in found else found

    return altered(call(ask), change)


@defect("CDMI-FORM-017")
def the_range_of_the_children_ends_behind_them(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        count = len(found.get("children") or [])
        return {**found, "childrenrange": f"0-{count}"} if count and not ask.query else found

    return altered(call(ask), change, CONTAINER)


@defect("CDMI-ID-004")
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


@defect("CDMI-SEL-013")
def a_selector_of_metadata_is_a_whole_name(ask: Ask, call: Call) -> Answer:
    wanted = re.findall("metadata:([^;]*)", ask.query)
    if ask.method != "GET" or not wanted:
        return call(ask)
    return metadata(call(ask), lambda found: {name: item for name, item in found.items() if name in wanted})


@defect("CDMI-SEL-020")
def a_query_may_not_end_in_a_semicolon(ask: Ask, call: Call) -> Answer:
    return refused(400) if ask.query.endswith(";") else call(ask)


@defect("CDMI-SEL-019")
def a_plus_sign_is_a_blank(ask: Ask, call: Call) -> Answer:
    return call(asking(ask, ask.query.replace("+", "%20")))


@defect("CDMI-SEL-012")
def a_field_that_is_not_there_is_404(ask: Ask, call: Call) -> Answer:
    return refused(404) if "percentComplete" in ask.query else call(ask)


# Values


@defect("CDMI-HTTP-005")
def the_charset_is_not_looked_at(ask: Ask, call: Call) -> Answer:
    plain = ask.header("Content-Type").partition(";")[0]
    return call(ask.having("Content-Type", plain) if plain == "text/plain" else ask)


@defect("CDMI-HTTP-017")
def a_part_does_not_say_of_how_much(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    told = re.sub("/[0-9]+$", "/*", answer.header("Content-Range"))
    return answer.having("Content-Range", told) if answer.status == 206 else answer


@defect("CDMI-HTTP-022")
def a_range_behind_the_end_is_passed_over(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return call(ask.without("Range")) if answer.status == 416 else answer


@defect("CDMI-HTTP-035")
def preconditions_are_not_looked_at(ask: Ask, call: Call) -> Answer:
    return call(ask.without("If-None-Match"))


@defect("CDMI-HTTP-009")
def an_update_is_answered_like_a_create(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    plain = ask.method == "PUT" and not ask.header(VERSION)
    return replace(answer, status=201) if plain and answer.status == 204 and ask.body == b"two" else answer


@defect("CDMI-OBJ-008")
def what_is_no_base64_is_text(ask: Ask, call: Call) -> Answer:
    answer, body = call(ask), wish(ask)
    if answer.status != 400 or body.pop("valuetransferencoding", "") != "base64":
        return answer
    return call(ask.saying(json.dumps(body)))


@defect("CDMI-OBJ-011")
def of_two_sources_the_value_wins(ask: Ask, call: Call) -> Answer:
    body = wish(ask)
    if "value" not in body or len(body) != 2 or not {"copy", "move"} & set(body):
        return call(ask)
    return call(ask.saying(json.dumps({"value": body["value"]})))


@defect("CDMI-UPD-002")
def an_update_makes_the_type_the_default(ask: Ask, call: Call) -> Answer:
    body = wish(ask)
    if ask.method == "PUT" and set(body) == {"value"} and not ask.query and ask.header(VERSION):
        return call(ask.saying(json.dumps({**body, "mimetype": "text/plain"})))
    return call(ask)


@defect("CDMI-RANGE-003")
def a_shortened_range_is_told_as_it_was_asked_for(ask: Ask, call: Call) -> Answer:
    asked = re.search("(?:^|;)value:([0-9]+-[0-9]+)", ask.query)

    def change(found: Document) -> Document:
        return {**found, "valuerange": asked[1]} if asked and "valuerange" in found else found

    return altered(call(ask), change, OBJECT)


@defect("CDMI-RANGE-010")
def text_becomes_base64_by_a_range(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if ask.method == "PUT" and "value:" in ask.query and answer.status == 204:
        place = asking(ask, "").having("Content-Type", OBJECT)
        call(place.saying('{"valuetransferencoding": "base64"}'))
    return answer


# Metadata


@defect("CDMI-META-003")
def an_update_adds_to_the_metadata(ask: Ask, call: Call) -> Answer:
    body = wish(ask)
    if ask.method != "PUT" or ask.query or not isinstance(body.get("metadata"), dict):
        return call(ask)
    present = call(ask.to("GET").having("Accept", "*/*").without("Content-Type").saying(""))
    kept = json.loads(present.body).get("metadata", {}) if present.status == 200 else {}
    own = {name: item for name, item in kept.items() if not name.startswith("cdmi_")}
    return call(ask.saying(json.dumps({**body, "metadata": {**own, **body["metadata"]}})))


@defect("CDMI-META-005")
def a_named_item_that_is_not_given_stays(ask: Ask, call: Call) -> Answer:
    named = re.findall("metadata:([^;]*)", ask.query)
    given = wish(ask).get("metadata")
    if ask.method != "PUT" or not named or not isinstance(given, dict):
        return call(ask)
    query = ";".join(f"metadata:{name}" for name in named if name in given)
    return call(asking(ask, query)) if query else refused(204)


@defect("CDMI-META-017")
def a_change_does_not_move_the_time(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {**found, "cdmi_mtime": found["cdmi_ctime"]} if "cdmi_ctime" in found else found

    return metadata(call(ask), change)


@defect("CDMI-META-028")
def the_size_counts_one_too_many(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {**found, "cdmi_size": str(int(found["cdmi_size"]) + 1)} if "cdmi_size" in found else found

    return metadata(call(ask), change)


# Containers


@defect("CDMI-CON-005")
def containers_are_listed_without_a_slash(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        names = [name.rstrip("/") for name in found.get("children", [])]
        return {**found, "children": names} if "children" in found else found

    return altered(call(ask), change, CONTAINER)


@defect("CDMI-CON-008")
def a_range_of_children_is_all(ask: Ask, call: Call) -> Answer:
    return call(asking(ask, re.sub("children:[0-9]+-[0-9]+", "children", ask.query)))


@defect("CDMI-CON-015")
def a_container_with_children_stays(ask: Ask, call: Call) -> Answer:
    full = False
    if ask.method == "DELETE" and ask.path.endswith("/"):
        found = call(ask.to("GET").having("Accept", "*/*").without("Content-Type"))
        full = '"children": ["' in found.text
    return refused(409) if full else call(ask)


@defect("CDMI-CON-003", "CDMI-QUIRK-008", "CDMI-QUIRK-016")
def a_container_needs_a_body(ask: Ask, call: Call) -> Answer:
    empty = ask.method == "PUT" and ask.path.endswith("/") and ask.header(VERSION) and not ask.body
    return refused(400) if empty and ask.header("Accept") else call(ask)


# Rights


@defect("CDMI-ACL-004")
def entries_are_sorted(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        entries = sorted(found.get("cdmi_acl", []), key=lambda entry: str(entry["acetype"]))
        return {**found, "cdmi_acl": entries} if entries else found

    return metadata(call(ask), change)


@defect("CDMI-ACL-003")
def numbers_of_entries_are_written_anew(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return answer.saying(answer.text.replace('"0x0000000b"', '"READ_OBJECT, WRITE_OBJECT, READ_METADATA"'))


@defect("CDMI-ACL-010")
def an_unknown_flag_is_passed_over(ask: Ask, call: Call) -> Answer:
    return call(ask.saying(ask.text.replace('"SOMETIMES"', '"NO_FLAGS"')) if ask.body else ask)


@defect("CDMI-ACL-021")
def a_value_is_read_without_the_right(ask: Ask, call: Call) -> Answer:
    plain = ask.method == "GET" and not ask.header(VERSION)
    return call(as_owner(ask) if plain and is_second(ask) else ask)


@defect("CDMI-ACL-033")
def an_id_leads_around_the_rights(ask: Ask, call: Call) -> Answer:
    return call(as_owner(ask) if ask.path.startswith(ID_TREE) and is_second(ask) else ask)


@defect("CDMI-ACL-030")
def whoever_writes_metadata_writes_the_list(ask: Ask, call: Call) -> Answer:
    mine = ask.query == "metadata:cdmi_acl" and ask.method == "PUT" and is_second(ask)
    return call(as_owner(ask) if mine else ask)


@defect("CDMI-ACL-034")
def anybody_lists_a_container(ask: Ask, call: Call) -> Answer:
    listing = ask.method == "GET" and ask.path.endswith("/") and is_second(ask)
    return call(as_owner(ask) if listing else ask)


# Refusals


@defect("CDMI-BAD-001")
def damaged_json_is_a_server_error(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return refused(500) if answer.status == 400 and ask.body.startswith(b"value=") else answer


@defect("CDMI-BAD-016")
def the_last_of_equal_names_wins(ask: Ask, call: Call) -> Answer:
    twice = ask.body.count(b'"value"') == 2 and bool(wish(ask))
    return call(ask.saying(json.dumps(wish(ask))) if twice else ask)


@defect("CDMI-ERR-001")
def a_401_has_no_challenge(ask: Ask, call: Call) -> Answer:
    return call(ask).without("WWW-Authenticate")


@defect("CDMI-ERR-004")
def an_error_shows_where_it_was_raised(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    where = '{"error": "File \\"/srv/gateway/model.py\\", line 7"}'
    return answer.saying(re.sub(r"\\", "", where)) if answer.status == 404 else answer


@defect("CDMI-ERR-006")
def an_error_is_called_an_object(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return answer.having("Content-Type", OBJECT) if answer.status >= 400 else answer


@defect("CDMI-GATE-018")
def an_export_that_is_not_offered_is_passed_over(ask: Ask, call: Call) -> Answer:
    body = wish(ask)
    if "Network/NFSv4" not in body.get("exports", {}):
        return call(ask)
    return call(ask.saying(json.dumps({name: item for name, item in body.items() if name != "exports"})))


@defect("CDMI-QUIRK-001")
def libcdmi_is_given_json(ask: Ask, call: Call) -> Answer:
    return call(ask.having("User-Agent", "someone"))


@defect("CDMI-QUIRK-003")
def two_slashes_are_a_name_that_is_empty(ask: Ask, call: Call) -> Answer:
    return refused(404) if "//" in ask.path else call(ask)


@defect("CDMI-QUIRK-018", "CDMI-QUIRK-005", "CDMI-QUIRK-006")
def a_delete_has_no_content_type(ask: Ask, call: Call) -> Answer:
    return refused(400) if ask.method == "DELETE" and ask.header("Content-Type") else call(ask)
