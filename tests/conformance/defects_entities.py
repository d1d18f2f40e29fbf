"""Defects of syntax, of entities, collections, links, mixins, templates, actions and filters."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from tests.conformance.alter import Answer, Ask, Behaviour, Call, Defect, Defects, plain

DEFECTS = Defects()
defect = DEFECTS.defect

STOP = 'Category: stop; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"; class="action"\n'
UNTERMINATED = re.compile(r'="(?:[^"\\\n]|\\.)*$', re.M)
OWN_AUTHORITY = re.compile(r"http://[^/\s]+(?=/)")


def posts_to(ask: Ask, collection: str) -> bool:
    return ask.method == "POST" and ask.path == collection and not ask.query


def is_entity(ask: Ask, collection: str) -> bool:
    return ask.path.startswith(collection) and ask.path != collection and not ask.query


@defect("OCCI-SYN-009")
def a_comma_within_quotes_ends_a_header_value(ask: Ask, call: Call) -> Answer:
    sent = ask.header("X-OCCI-Attribute")
    return call(ask.having("X-OCCI-Attribute", re.sub(r'\\",[^"]*"', '"', sent)) if sent else ask)


@defect("OCCI-SYN-002")
def a_semicolon_within_quotes_ends_a_value(ask: Ask, call: Call) -> Answer:
    return call(ask.saying(re.sub(r"; two", "", ask.text)) if "one; two" in ask.text else ask)


@defect("OCCI-SYN-005")
def escapes_are_not_undone(ask: Ask, call: Call) -> Answer:
    """The backslash of an escaped quote stays in the value."""
    return call(ask.saying(ask.text.replace(r"one \"two\"", r"one \\\"two\\\"")))


@defect("OCCI-SYN-008")
def a_body_is_read_as_ascii(ask: Ask, call: Call) -> Answer:
    text = ask.header("Content-Type") == "text/plain" and "Größe" in ask.text
    return call(ask.saying(ask.text.encode("ascii", "replace").decode()) if text else ask)


@defect("OCCI-SYN-014", "OCCI-SYN-015")
def carriage_returns_are_refused(ask: Ask, call: Call) -> Answer:
    return plain(400, "what is this?") if b"\r" in ask.body and ask.method == "POST" else call(ask)


@defect("OCCI-SYN-018")
def a_category_in_a_body_needs_a_class(ask: Ask, call: Call) -> Answer:
    lacking = ask.text.startswith("Category: storage;") and "class=" not in ask.text
    return plain(400, "which class?") if lacking else call(ask)


@defect("OCCI-SYN-021")
def line_names_are_case_sensitive(ask: Ask, call: Call) -> Answer:
    return plain(400, "what is this?") if re.search("^category", ask.text) else call(ask)


@defect("OCCI-SYN-029")
def numbers_are_written_in_quotes(ask: Ask, call: Call) -> Answer:
    return call(ask).values("X-OCCI-Attribute", lambda value: re.sub(r"=([0-9.]+)$", r'="\1"', value))


@defect("OCCI-SYN-030", "OCCI-READ-004", "OCCI-READ-005")
def a_state_is_written_without_quotes(ask: Ask, call: Call) -> Answer:
    pattern = r'^(occi\.storage\.state)="(.*)"$'
    return call(ask).values("X-OCCI-Attribute", lambda value: re.sub(pattern, r"\1=\2", value))


@defect("OCCI-SYN-031")
def quotes_are_written_as_they_are(ask: Ask, call: Call) -> Answer:
    def change(value: str) -> str:
        return value.replace(r"\"q\" \\", '"q" \\') if value.startswith("occi.core.title") else value

    return call(ask).values("X-OCCI-Attribute", change)


@defect("OCCI-SYN-032")
def line_feeds_in_json_are_lost(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return answer.saying(answer.text.replace("\\n", " ")) if "json" in answer.media_type else answer


@defect("OCCI-BAD-001", "OCCI-UPDATE-014")
def an_open_quote_is_closed(ask: Ask, call: Call) -> Answer:
    if ask.method == "POST" and ask.header("Content-Type") == "text/plain":
        return call(ask.saying(UNTERMINATED.sub(lambda match: f'{match.group()}"', ask.text)))
    return call(ask)


@defect("OCCI-BAD-005")
def unknown_lines_are_skipped(ask: Ask, call: Call) -> Answer:
    return call(ask.saying(ask.text.replace("this is not OCCI\n", "")))


@defect("OCCI-BAD-006")
def the_first_of_two_kinds_is_taken(ask: Ask, call: Call) -> Answer:
    lines = ask.text.splitlines(keepends=True)
    if (
        posts_to(ask, "/storage/")
        and len(lines) > 1
        and 'class="kind"' in lines[0]
        and 'class="kind"' in lines[1]
    ):
        return call(ask.saying("".join([lines[0], *lines[2:]])))
    return call(ask)


@defect("OCCI-BAD-010")
def storage_needs_no_size(ask: Ask, call: Call) -> Answer:
    lacking = ask.text.startswith("Category: storage;") and "occi.storage.size" not in ask.text
    if posts_to(ask, "/storage/") and lacking:
        return call(ask.saying(f"{ask.text}X-OCCI-Attribute: occi.storage.size=1.0\n"))
    return call(ask)


@defect("OCCI-BAD-014")
def damaged_json_is_a_server_error(ask: Ask, call: Call) -> Answer:
    try:
        json.loads(ask.body if "json" in ask.header("Content-Type") else b"0")
    except ValueError:
        return plain(500, "sorry")
    return call(ask)


@defect("OCCI-BAD-019")
def an_unknown_kind_is_a_server_error(ask: Ask, call: Call) -> Answer:
    return plain(500, "sorry") if ask.text.startswith("Category: unheard;") else call(ask)


@defect("OCCI-CREATE-012", "OCCI-CREATE-013")
def location_is_relative(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    location = answer.header("Location")
    return answer.having("Location", OWN_AUTHORITY.sub("", location)) if location else answer


@defect("OCCI-CREATE-011")
def a_201_has_no_location(ask: Ask, call: Call) -> Answer:
    return call(ask).without("Location")


@defect("OCCI-CREATE-005")
def storage_created_in_text_occi_is_a_202(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    occi = posts_to(ask, "/storage/") and ask.header("Content-Type") == "text/occi"
    return replace(answer, status=202) if occi and answer.status == 201 else answer


@defect("OCCI-CREATE-017", "OCCI-LINK-012")
def nothing_is_created_at_the_root(ask: Ask, call: Call) -> Answer:
    return plain(501, "not here") if posts_to(ask, "/") else call(ask)


@defect("OCCI-CREATE-018")
def an_id_of_the_client_is_refused(ask: Ask, call: Call) -> Answer:
    refused = posts_to(ask, "/storage/") and "occi.core.id" in ask.text
    return plain(403, "occi.core.id is immutable") if refused else call(ask)


@defect("OCCI-CREATE-023")
def machines_do_not_start_by_themselves(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    location = answer.header("Location")
    if answer.status == 201 and "/compute/" in location:
        path = OWN_AUTHORITY.sub("", location)
        call(ask.bare("POST", path, "action=stop").having("Content-Type", "text/plain").saying(STOP))
    return answer


@defect("OCCI-CREATE-020")
def small_storage_is_refused(ask: Ask, call: Call) -> Answer:
    return plain(400, "too small") if "occi.storage.size=0.1" in ask.text else call(ask)


@defect("OCCI-CREATE-028")
def a_mixin_applies_to_everything(ask: Ask, call: Call) -> Answer:
    ignored = posts_to(ask, "/storage/") and "ipnetwork;" in ask.text
    return call(ask.saying(re.sub(r"(?m)^Category: ipnetwork;.*\n", "", ask.text)) if ignored else ask)


@defect("OCCI-READ-011")
def the_summary_of_a_compute_is_lost(ask: Ask, call: Call) -> Answer:
    lost = re.sub(r"(?m)^X-OCCI-Attribute: occi\.core\.summary=.*\n", "", ask.text)
    return call(ask.saying(lost) if posts_to(ask, "/compute/") else ask)


@defect("OCCI-READ-017", "OCCI-READ-021")
def text_plain_shows_no_id(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return answer.lines(lambda line: None if line.startswith("X-OCCI-Attribute: occi.core.id=") else line)


@defect("OCCI-READ-019")
def a_rendering_has_its_own_location(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if ask.method == "GET" and is_entity(ask, "/compute/") and answer.media_type == "text/plain":
        return answer.saying(f"{answer.text}X-OCCI-Location: http://{ask.header('Host')}{ask.path}\n")
    return answer


@defect("OCCI-READ-022")
def an_entity_in_text_occi_has_a_body(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    storage = ask.method == "GET" and is_entity(ask, "/storage/") and answer.status == 200
    return answer.saying("see the headers\n") if storage and answer.media_type == "text/occi" else answer


@defect("OCCI-READ-006", "OCCI-COL-004")
def storage_in_json_has_a_member_of_its_own(ask: Ask, call: Call) -> Answer:
    def change(document: object) -> object:
        if isinstance(document, dict):
            entities = document.get("resources", [document])
            for entity in entities:
                if str(entity.get("kind", "")).endswith("#storage"):
                    entity["state"] = "online"
        return document

    return call(ask).document(change) if ask.path.startswith("/storage/") else call(ask)


def _gone_for_good() -> Behaviour:
    deleted: set[str] = set()

    def behaviour(ask: Ask, call: Call) -> Answer:
        if ask.method == "GET" and ask.path in deleted:
            return plain(410, "gone")
        answer = call(ask)
        if ask.method == "DELETE" and answer.status < 300 and not ask.path.endswith("/"):
            deleted.add(ask.path)
        return answer

    return behaviour


DEFECTS.table["a deleted entity is 410"] = Defect(_gone_for_good, "OCCI-DELETE-007", frozenset())


@defect("OCCI-UPDATE-011")
def a_partial_update_replaces_everything(ask: Ask, call: Call) -> Answer:
    storage = ask.method == "POST" and is_entity(ask, "/storage/") and "occi.core.title" in ask.text
    if storage and call(ask.bare("GET", ask.path)).status == 200:
        kind = 'Category: storage; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\n'
        size = "X-OCCI-Attribute: occi.storage.size=1.0\n"
        return call(ask.to("PUT").saying(kind + size + ask.text))
    return call(ask)


@defect("OCCI-UPDATE-012")
def a_state_sent_by_the_client_is_swallowed(ask: Ask, call: Call) -> Answer:
    if ask.method == "POST" and is_entity(ask, "/storage/") and "occi.storage.state" in ask.text:
        return call(ask.bare("GET", ask.path))
    return call(ask)


@defect("OCCI-UPDATE-025")
def a_full_update_with_links_is_refused(ask: Ask, call: Call) -> Answer:
    return plain(400, "no links here") if ask.method == "PUT" and "\nLink: " in ask.text else call(ask)


@defect("OCCI-UPDATE-026")
def a_full_update_drops_the_links(ask: Ask, call: Call) -> Answer:
    if ask.method == "PUT" and is_entity(ask, "/compute/") and "Link: " not in ask.text:
        for own in re.findall(r'self="([^"]+)"', call(ask.bare("GET", ask.path)).text):
            call(ask.bare("DELETE", OWN_AUTHORITY.sub("", own)))
    return call(ask)


@defect("OCCI-DELETE-010")
def a_deletion_is_answered_204(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if ask.method == "DELETE" and is_entity(ask, "/storage/") and answer.status == 200:
        return replace(answer, status=204, body=b"").having("Content-Length", "0")
    return answer


@defect("OCCI-DELETE-006")
def networks_are_not_really_deleted(ask: Ask, call: Call) -> Answer:
    return plain(200, "OK") if ask.method == "DELETE" and is_entity(ask, "/network/") else call(ask)
