"""Planted defects of CDMI: values, metadata, containers, rights, and refusals that must come."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from tests.conformance.alter import Answer, Ask, Call, Defects
from tests.conformance.alter_cdmi import (
    CONTAINER,
    ID_TREE,
    OBJECT,
    VERSION,
    Document,
    altered,
    as_owner,
    asking,
    is_second,
    metadata,
    refused,
    wish,
)

DEFECTS = Defects()
defect = DEFECTS.defect


@defect("CDMI-HTTP-005", "CDMI-HTTP-042")
def the_charset_is_not_looked_at(ask: Ask, call: Call) -> Answer:
    plain = ask.header("Content-Type").partition(";")[0]
    return call(ask.having("Content-Type", plain) if plain == "text/plain" else ask)


@defect("CDMI-HTTP-017", "CDMI-HTTP-018", "CDMI-HTTP-019", "CDMI-HTTP-020", "CDMI-HTTP-021")
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


@defect("CDMI-HTTP-009", "CDMI-HTTP-010", "CDMI-HTTP-037", "CDMI-ID-017")
def an_update_is_answered_like_a_create(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    plain = ask.method == "PUT" and not ask.header(VERSION)
    return replace(answer, status=201) if plain and answer.status == 204 and ask.body == b"two" else answer


@defect("CDMI-OBJ-008", "CDMI-UPD-006")
def what_is_no_base64_is_text(ask: Ask, call: Call) -> Answer:
    answer, body = call(ask), wish(ask)
    if answer.status != 400 or body.pop("valuetransferencoding", "") != "base64":
        return answer
    return call(ask.saying(json.dumps(body)))


@defect("CDMI-OBJ-011", "CDMI-QUEUE-015", "CDMI-UPD-007")
def of_two_sources_the_value_wins(ask: Ask, call: Call) -> Answer:
    body = wish(ask)
    if "value" not in body or len(body) != 2 or not {"copy", "move"} & set(body):
        return call(ask)
    return call(ask.saying(json.dumps({"value": body["value"]})))


@defect("CDMI-UPD-002")
def an_update_makes_the_type_the_default(ask: Ask, call: Call) -> Answer:
    body = wish(ask)
    plain = ask.body.count(b'"value"') == 1 and not ask.query and ask.header(VERSION)
    if ask.method == "PUT" and set(body) == {"value"} and plain:
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


@defect("CDMI-META-003", "CDMI-META-004", "CDMI-META-013", "CDMI-META-014", "CDMI-QUIRK-015")
def an_update_adds_to_the_metadata(ask: Ask, call: Call) -> Answer:
    body = wish(ask)
    once = ask.body.count(b'"metadata"') == 1 and isinstance(body.get("metadata"), dict)
    if ask.method != "PUT" or ask.query or not once:
        return call(ask)
    present = call(ask.to("GET").having("Accept", "*/*").without("Content-Type").saying(""))
    kept = json.loads(present.body).get("metadata", {}) if present.status == 200 else {}
    own = {name: item for name, item in kept.items() if not name.startswith("cdmi_")}
    return call(ask.saying(json.dumps({**body, "metadata": {**own, **body["metadata"]}})))


@defect("CDMI-META-005", "CDMI-META-006", "CDMI-META-007", "CDMI-META-008", "CDMI-META-009", "CDMI-META-010")
def a_named_item_that_is_not_given_stays(ask: Ask, call: Call) -> Answer:
    named = re.findall("metadata:([^;]*)", ask.query)
    given = wish(ask).get("metadata")
    if ask.method != "PUT" or not named or not isinstance(given, dict):
        return call(ask)
    query = ";".join(f"metadata:{name}" for name in named if name in given)
    return call(asking(ask, query)) if query else Answer(204, ())


@defect("CDMI-META-017", "CDMI-META-018")
def a_change_does_not_move_the_time(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {**found, "cdmi_mtime": found["cdmi_ctime"]} if "cdmi_ctime" in found else found

    return metadata(call(ask), change)


@defect("CDMI-META-028", "CDMI-HTTP-040", "CDMI-META-027", "CDMI-OBJ-017", "CDMI-RANGE-009", "CDMI-SEL-017")
def the_size_counts_one_too_many(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        return {**found, "cdmi_size": str(int(found["cdmi_size"]) + 1)} if "cdmi_size" in found else found

    return metadata(call(ask), change)


# Containers


@defect("CDMI-CON-005", "CDMI-CON-006", "CDMI-CON-019", "CDMI-CON-022", "CDMI-COPY-008", "CDMI-SNAP-002")
def containers_are_listed_without_a_slash(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        names = [name.rstrip("/") for name in found.get("children", [])]
        return {**found, "children": names} if "children" in found else found

    return altered(call(ask), change, CONTAINER)


@defect(
    "CDMI-CON-008",
    "CDMI-CAP-033",
    "CDMI-CON-009",
    "CDMI-CON-010",
    "CDMI-CON-011",
    "CDMI-PATH-002",
    "CDMI-SEL-024",
)
def a_range_of_children_is_all(ask: Ask, call: Call) -> Answer:
    return call(asking(ask, re.sub("children:[0-9]+-[0-9]+", "children", ask.query)))


@defect(
    "CDMI-CON-015",
    "CDMI-CON-016",
    "CDMI-CON-017",
    "CDMI-HTTP-033",
    "CDMI-SER-006",
    "CDMI-SNAP-001",
    "CDMI-SNAP-005",
)
def a_container_with_children_stays(ask: Ask, call: Call) -> Answer:
    full = False
    if ask.method == "DELETE" and ask.path.endswith("/") and "/sgc-" in ask.path:
        found = call(ask.to("GET").having("Accept", "*/*").without("Content-Type"))
        full = '"children": ["' in found.text
    return refused(409) if full else call(ask)


@defect("CDMI-CON-003", "CDMI-QUIRK-008", "CDMI-QUIRK-016")
def a_container_needs_a_body(ask: Ask, call: Call) -> Answer:
    empty = ask.method == "PUT" and ask.path.endswith("/") and ask.header(VERSION) and not ask.body
    return refused(400) if empty and ask.header("Accept") else call(ask)


# Rights


@defect("CDMI-ACL-004", "CDMI-ACL-003")
def entries_are_sorted(ask: Ask, call: Call) -> Answer:
    def change(found: Document) -> Document:
        entries = sorted(found.get("cdmi_acl", []), key=lambda entry: str(entry["acetype"]))
        return {**found, "cdmi_acl": entries} if entries else found

    return metadata(call(ask), change)


@defect("CDMI-ACL-003")
def numbers_of_entries_are_written_anew(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if '"0x0000000b"' not in answer.text:
        return answer
    return answer.saying(answer.text.replace('"0x0000000b"', '"READ_OBJECT, WRITE_OBJECT, READ_METADATA"'))


@defect("CDMI-ACL-010")
def an_unknown_flag_is_passed_over(ask: Ask, call: Call) -> Answer:
    return call(
        ask.saying(ask.text.replace('"SOMETIMES"', '"NO_FLAGS"')) if b"SOMETIMES" in ask.body else ask
    )


@defect("CDMI-ACL-021", "CDMI-ACL-026", "CDMI-ACL-028", "CDMI-ACL-038")
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


@defect("CDMI-BAD-001", "CDMI-BAD-017")
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
    if answer.status != 404 or ask.method == "HEAD":
        return answer
    return answer.saying('{"error": "in /srv/gateway/model.py, line 7"}')


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
