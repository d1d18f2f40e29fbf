"""Defects of collections, links, mixins, templates, actions and filters."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.conformance.alter import Answer, Ask, Call, Defects, plain
from tests.conformance.defects_entities import OWN_AUTHORITY, is_entity, posts_to

DEFECTS = Defects()
defect = DEFECTS.defect


def is_tag(ask: Ask) -> bool:
    """Whether the path is the collection of a mixin that the suite has added."""
    return ask.path.startswith("/sgc-") and "-tag-" in ask.path and ask.path.endswith("/")


@defect("OCCI-COL-014")
def a_collection_refuses_put_with_400(ask: Ask, call: Call) -> Answer:
    return plain(400, "not so") if ask.method == "PUT" and ask.path == "/storage/" else call(ask)


@defect("OCCI-COL-006", "OCCI-CREATE-013", "OCCI-TAG-015")
def listed_uris_are_relative(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if ask.method != "GET" or ask.path != "/storage/" or "json" in answer.media_type:
        return answer
    if answer.media_type == "text/uri-list":
        return answer.saying(OWN_AUTHORITY.sub("", answer.text))
    return answer.values("X-OCCI-Location", lambda value: OWN_AUTHORITY.sub("", value))


@defect("OCCI-COL-008")
def a_listing_in_text_occi_is_several_headers(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if ask.method != "GET" or answer.media_type != "text/occi" or ask.path != "/storage/":
        return answer
    return answer.having("X-OCCI-Location", *filter(None, answer.header("X-OCCI-Location").split(", ")))


@defect("OCCI-COL-016")
def a_missing_slash_is_redirected(ask: Ask, call: Call) -> Answer:
    if ask.method == "POST" and ask.path == "/storage":
        return plain(308, "over there").having("Location", "/storage/")
    return call(ask)


@defect("OCCI-COL-012")
def an_empty_listing_has_an_empty_header(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    listing = ask.method == "GET" and ask.path.endswith("/") and answer.media_type == "text/occi"
    if listing and ask.path != "/-/" and answer.status == 200 and not answer.header("X-OCCI-Location"):
        return answer.having("X-OCCI-Location", "") if not answer.header("Category") else answer
    return answer


@defect("OCCI-COL-011")
def an_empty_listing_is_204(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    empty = ask.method == "GET" and is_tag(ask) and answer.status == 200
    if empty and answer.media_type == "text/plain" and not answer.text.strip():
        return replace(answer, status=204)
    return answer


@defect("OCCI-PATH-001", "OCCI-PATH-002", "OCCI-PATH-003")
def the_root_lists_nothing(ask: Ask, call: Call) -> Answer:
    if ask.method == "GET" and ask.path == "/":
        return call(ask).without("X-OCCI-Location").saying("")
    return call(ask)


@defect("OCCI-PAGE-001", "OCCI-PAGE-002", "OCCI-PAGE-003", "OCCI-PAGE-004", "OCCI-PAGE-005", "OCCI-PAGE-006")
def paging_is_ignored(ask: Ask, call: Call) -> Answer:
    return call(ask.to(query="") if "page=" in ask.query else ask)


@defect("OCCI-LINK-034")
def action_links_are_absolute(ask: Ask, call: Call) -> Answer:
    host = ask.header("Host")
    return call(ask).values("Link", lambda value: re.sub(r"^</(.*\?action=)", rf"<http://{host}/\1", value))


@defect("OCCI-LINK-035")
def action_links_come_last(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if ask.method != "GET" or not is_entity(ask, "/compute/") or answer.media_type != "text/plain":
        return answer
    lines = answer.text.splitlines()
    return answer.saying("".join(line + "\n" for line in sorted(lines, key=lambda line: "?action=" in line)))


@defect("OCCI-LINK-023")
def a_link_shows_no_self(ask: Ask, call: Call) -> Answer:
    return call(ask).values("Link", lambda value: re.sub(r'; self="[^"]*"', "", value))


@defect("OCCI-LINK-024")
def a_link_shows_no_category(ask: Ask, call: Call) -> Answer:
    return call(ask).values("Link", lambda value: re.sub(r'; category="[^"]*"', "", value))


@defect("OCCI-LINK-039")
def the_category_of_a_link_is_bare(ask: Ask, call: Call) -> Answer:
    return call(ask).values(
        "Link", lambda value: re.sub(r'; category="([^" ]*)[^"]*"', r"; category=\1", value)
    )


@defect("OCCI-LINK-021", "OCCI-LINK-009", "OCCI-LINK-010")
def a_link_points_at_itself(ask: Ask, call: Call) -> Answer:
    return call(ask).values("Link", lambda value: re.sub(r'^<[^>]*>(.*; self="([^"]*)")', r"<\2>\1", value))


@defect("OCCI-LINK-030")
def deleting_a_link_deletes_its_target(ask: Ask, call: Call) -> Answer:
    if ask.method != "DELETE" or not is_entity(ask, "/storagelink/"):
        return call(ask)
    target = re.search(r'occi\.core\.target="([^"]+)"', call(ask.bare("GET", ask.path)).text)
    answer = call(ask)
    if target:
        call(ask.bare("DELETE", OWN_AUTHORITY.sub("", target[1])))
    return answer


@defect("OCCI-LINK-014")
def an_unknown_target_is_a_server_error(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    bad = posts_to(ask, "/storagelink/") and re.search(r'target="[^"]*/sgc-', ask.text)
    return plain(500, "sorry") if bad and answer.status in (400, 404) else answer


@defect("OCCI-LINK-013")
def an_id_of_the_client_for_a_link_is_refused(ask: Ask, call: Call) -> Answer:
    refused = posts_to(ask, "/storagelink/") and "occi.core.id" in ask.text
    return plain(403, "occi.core.id is immutable") if refused else call(ask)


@defect("OCCI-LINK-004", "OCCI-LINK-008")
def the_ends_of_a_link_must_be_absolute(ask: Ask, call: Call) -> Answer:
    return plain(400, "not a URI") if 'occi.core.source="/' in ask.text else call(ask)


@defect("OCCI-LINK-041")
def a_storage_link_shows_no_device(ask: Ask, call: Call) -> Answer:
    lost = "occi.storagelink.deviceid="
    return call(ask).values("X-OCCI-Attribute", lambda value: None if value.startswith(lost) else value)


@defect("OCCI-TAG-005")
def an_unknown_rel_is_refused(ask: Ask, call: Call) -> Answer:
    unknown = ask.path == "/-/" and ask.method == "POST" and "something_else" in ask.header("Category")
    return plain(400, "unknown mixin") if unknown else call(ask)


@defect("OCCI-TAG-008", "OCCI-TAG-009")
def a_conflicting_mixin_is_400(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return plain(400, "no") if ask.path == "/-/" and answer.status == 409 else answer


@defect("OCCI-TAG-022")
def emptying_a_mixin_deletes_its_members(ask: Ask, call: Call) -> Answer:
    if ask.method == "DELETE" and is_tag(ask) and not ask.body:
        for uri in re.findall(r"X-OCCI-Location: (\S+)", call(ask.bare("GET", ask.path)).text):
            if "/storage/" in uri:
                call(ask.bare("DELETE", OWN_AUTHORITY.sub("", uri)))
        return plain(200, "OK")
    return call(ask)


@defect("OCCI-TAG-029")
def a_mixin_of_the_provider_is_said_to_be_removed(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    removal = ask.method == "DELETE" and ask.path == "/-/" and answer.status == 403
    return plain(200, "OK") if removal else answer


@defect("OCCI-TAG-024")
def association_is_not_atomic(ask: Ask, call: Call) -> Answer:
    lines = ask.text.splitlines(keepends=True)
    if ask.method != "POST" or not is_tag(ask) or len(lines) < 2:
        return call(ask)
    answers = [call(ask.saying(line)) for line in lines]
    return max(answers, key=lambda answer: answer.status)


@defect("OCCI-TAG-019")
def put_on_a_mixin_adds(ask: Ask, call: Call) -> Answer:
    tag = ask.method == "PUT" and is_tag(ask)
    return call(ask.to("POST") if tag else ask)


@defect("OCCI-TAG-027")
def removal_of_a_mixin_needs_its_class(ask: Ask, call: Call) -> Answer:
    lacking = ask.method == "DELETE" and ask.path == "/-/" and "class=" not in ask.header("Category")
    return plain(400, "which class?") if lacking else call(ask)


@defect("OCCI-TPL-009", "OCCI-TPL-010")
def a_resize_is_ignored(ask: Ask, call: Call) -> Answer:
    if ask.method == "POST" and is_entity(ask, "/compute/") and "template/1.1#" in ask.text:
        return call(ask.bare("GET", ask.path))
    return call(ask)


@defect("OCCI-TPL-005")
def templates_are_not_shown(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if ask.method != "GET" or not is_entity(ask, "/compute/"):
        return answer
    return answer.values("Category", lambda value: None if "os_tpl" in value else value)


@defect("OCCI-ACT-008")
def start_of_an_active_machine_is_a_conflict(ask: Ask, call: Call) -> Answer:
    if ask.query == "action=start" and ask.path != "/compute/" and ask.path.startswith("/compute/"):
        state = call(ask.bare("GET", ask.path)).text
        if 'occi.compute.state="active"' in state:
            return plain(409, "it runs")
    return call(ask)


@defect("OCCI-ACT-018")
def the_term_of_the_query_is_not_looked_at(ask: Ask, call: Call) -> Answer:
    return call(ask.to(query="action=stop") if ask.query == "action=restart" and "stop;" in ask.text else ask)


@defect("OCCI-ACT-004", "OCCI-ACT-017")
def suspend_has_no_effect(ask: Ask, call: Call) -> Answer:
    active = 'occi.compute.state="active"'
    if ask.query == "action=suspend" and active in call(ask.bare("GET", ask.path)).text:
        return plain(200, "OK")
    return call(ask)


@defect("OCCI-ACT-010")
def an_impossible_action_is_said_to_be_done(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return plain(200, "OK") if ask.query == "action=suspend" and answer.status >= 400 else answer


@defect("OCCI-ACT-007")
def an_action_in_json_is_not_read(ask: Ask, call: Call) -> Answer:
    json = ask.query.startswith("action=") and "json" in ask.header("Content-Type")
    return plain(400, "no JSON here") if json else call(ask)


@defect("OCCI-FLT-002", "OCCI-FLT-003")
def a_filter_by_category_is_ignored(ask: Ask, call: Call) -> Answer:
    return call(ask.without("Category") if ask.method == "GET" and ask.path != "/-/" else ask)


@defect("OCCI-FLT-008")
def a_number_in_quotes_matches_nothing(ask: Ask, call: Call) -> Answer:
    quoted = ask.method == "GET" and ask.header("X-OCCI-Attribute") == 'occi.storage.size="2"'
    return plain(200, "").saying("") if quoted else call(ask)


@defect("OCCI-FLT-011")
def a_filter_without_match_is_404(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if (
        ask.method == "GET"
        and ask.header("X-OCCI-Attribute")
        and answer.status == 200
        and not answer.text.strip()
    ):
        return plain(404, "nothing found")
    return answer
