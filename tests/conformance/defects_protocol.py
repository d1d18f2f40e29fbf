"""Defects of the query interface, of versions, negotiation and errors."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.conformance.alter import Answer, Ask, Call, Defects, plain

DEFECTS = Defects()
defect = DEFECTS.defect

MODEL_PATHS = ("/-/", "/.well-known/org/ogf/occi/-/")
WELL_KNOWN = MODEL_PATHS[1]


def is_model(ask: Ask) -> bool:
    return ask.method == "GET" and ask.path in MODEL_PATHS


@defect("OCCI-DISC-009")
def the_well_known_path_is_missing(ask: Ask, call: Call) -> Answer:
    return plain(404, "not found") if ask.path == WELL_KNOWN else call(ask)


@defect("OCCI-DISC-010")
def the_well_known_path_has_another_order(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if ask.path == WELL_KNOWN and answer.media_type == "text/plain":
        return answer.saying("".join(line + "\n" for line in reversed(answer.text.splitlines())))
    return answer


@defect("OCCI-DISC-014", "OCCI-DISC-015", "OCCI-DISC-017", "OCCI-DISC-018")
def the_filter_of_the_model_is_ignored(ask: Ask, call: Call) -> Answer:
    return call(ask.without("Category") if is_model(ask) else ask)


@defect("OCCI-DISC-016")
def the_model_is_not_filtered_by_actions(ask: Ask, call: Call) -> Answer:
    by_action = is_model(ask) and 'class="action"' in ask.header("Category")
    return plain(404, "unknown category") if by_action else call(ask)


@defect("OCCI-DISC-018")
def a_malformed_filter_of_the_model_is_a_server_error(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return (
        plain(500, "sorry") if is_model(ask) and answer.status == 400 and ask.header("Category") else answer
    )


def line_of(term: str, line: str) -> bool:
    return line.startswith(f"{term}; ")


@defect("OCCI-DISC-007")
def an_action_is_listed_twice(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if not is_model(ask) or ask.header("Category"):
        return answer
    between = ", " if answer.media_type == "text/occi" else "\nCategory: "
    return answer.values("Category", lambda line: between.join([line] * (1 + line_of("restart", line))))


@defect("OCCI-MODEL-071", "OCCI-MODEL-103", "OCCI-DISC-006")
def an_action_is_not_published(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if not is_model(ask):
        return answer
    return answer.values("Category", lambda value: None if line_of("restart", value) else value)


@defect("OCCI-MODEL-061")
def a_kind_does_not_list_its_actions(ask: Ask, call: Call) -> Answer:
    return edited(ask, call, "compute", r' ?http://[^" ]*compute/action#suspend', "")


def edited(ask: Ask, call: Call, term: str, pattern: str, replacement: str) -> Answer:
    """The model with the Category of that term changed."""
    answer = call(ask)
    if not is_model(ask):
        return answer
    return answer.values(
        "Category", lambda value: re.sub(pattern, replacement, value) if line_of(term, value) else value
    )


@defect("OCCI-MODEL-011")
def a_kind_has_no_parent(ask: Ask, call: Call) -> Answer:
    return edited(ask, call, "compute", r'; rel="[^"]*"', "")


@defect("OCCI-MODEL-021")
def an_attribute_is_not_listed(ask: Ask, call: Call) -> Answer:
    return edited(ask, call, "compute", r"occi\.compute\.memory(\{[^}]*\})? ?", "")


@defect("OCCI-MODEL-043")
def the_size_of_storage_is_not_required(ask: Ask, call: Call) -> Answer:
    return edited(ask, call, "storage", r"occi\.storage\.size\{required\}", "occi.storage.size")


@defect("OCCI-MODEL-042")
def the_state_of_a_network_is_not_immutable(ask: Ask, call: Call) -> Answer:
    return edited(ask, call, "network", r"occi\.network\.state\{immutable\}", "occi.network.state")


@defect("OCCI-MODEL-054")
def a_network_interface_requires_its_mac(ask: Ask, call: Call) -> Answer:
    pattern = r"occi\.networkinterface\.mac(?=[ \"])"
    return edited(ask, call, "networkinterface", pattern, "occi.networkinterface.mac{required}")


@defect("OCCI-MODEL-101")
def ipnetwork_has_a_rel(ask: Ask, call: Call) -> Answer:
    rel = 'class="mixin"\\1; rel="http://schemas.ogf.org/occi/infrastructure#network"'
    return edited(ask, call, "ipnetwork", r'class="mixin"((?:; title="[^"]*")?)', rel)


@defect("OCCI-SHAPE-001")
def parameters_are_out_of_order(ask: Ask, call: Call) -> Answer:
    return edited(ask, call, "network", r'(; rel="[^"]*")(; location="[^"]*")', r"\2\1")


@defect("OCCI-SHAPE-003")
def parameters_are_separated_without_blank(ask: Ask, call: Call) -> Answer:
    return edited(ask, call, "storage", "; ", ";")


@defect("OCCI-SHAPE-004")
def the_class_is_not_quoted(ask: Ask, call: Call) -> Answer:
    return edited(ask, call, "storage", 'class="kind"', "class=kind")


@defect("OCCI-SHAPE-005")
def a_parameter_is_empty(ask: Ask, call: Call) -> Answer:
    return edited(ask, call, "storage", r'class="kind"(; title="[^"]*")?', 'class="kind"; title=""')


@defect("OCCI-SHAPE-006")
def a_title_has_a_semicolon(ask: Ask, call: Call) -> Answer:
    return edited(ask, call, "storage", r'class="kind"(; title="[^"]*")?', 'class="kind"; title="a; b"')


@defect("OCCI-SHAPE-009")
def locations_are_absolute(ask: Ask, call: Call) -> Answer:
    return edited(ask, call, "storage", 'location="', f'location="http://{ask.header("Host")}')


@defect("OCCI-SHAPE-013")
def the_model_begins_with_an_odd_line(ask: Ask, call: Call) -> Answer:
    """The second line is a mixin whose scheme has digits."""
    answer = call(ask)
    lines = answer.text.splitlines()
    if not is_model(ask) or answer.media_type != "text/plain" or len(lines) < 10:
        return answer
    odd = next(line for line in lines if "template/1.1#" in line)
    lines.remove(odd)
    return answer.saying("".join(line + "\n" for line in (lines[0], odd, *lines[1:])))


@defect("OCCI-DISC-004")
def the_json_model_has_members_of_its_own(ask: Ask, call: Call) -> Answer:
    def change(document: dict[str, list[dict[str, object]]]) -> object:
        for kind in document["kinds"]:
            kind["related"] = []
        return document

    return call(ask).document(change) if is_model(ask) else call(ask)


@defect("OCCI-DISC-020")
def the_plain_model_is_one_line(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if not is_model(ask) or answer.media_type != "text/plain" or "networkinterface" not in answer.text:
        return answer
    lines = answer.text.splitlines()
    joined = f"{lines[-2]}, {lines[-1].partition(': ')[2]}"
    return answer.saying("".join(line + "\n" for line in (*lines[:-2], joined)))


@defect("OCCI-DISC-021")
def the_model_is_several_headers(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if not is_model(ask) or answer.media_type != "text/occi":
        return answer
    first, _, rest = answer.header("Category").partition(", ")
    return answer.having("Category", first, rest) if rest else answer


@defect("OCCI-VER-005")
def a_404_does_not_name_the_version(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return answer.having("Server", "plain") if answer.status == 404 else answer


@defect("OCCI-VER-007")
def a_401_does_not_name_the_version(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return answer.having("Server", "plain") if answer.status == 401 else answer


@defect("OCCI-VER-008")
def the_server_does_not_name_version_1_1(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return answer.having("Server", re.sub(r"OCCI/1\.1 ?", "", answer.header("Server")))


@defect("OCCI-VER-009")
def the_version_of_the_client_is_not_looked_at(ask: Ask, call: Call) -> Answer:
    return call(ask.without("User-Agent"))


@defect("OCCI-VER-010")
def a_version_is_found_within_a_word(ask: Ask, call: Call) -> Answer:
    return plain(501, "too new") if "OCCI/9.9" in ask.header("User-Agent") else call(ask)


@defect("OCCI-VER-013")
def a_client_must_name_its_version(ask: Ask, call: Call) -> Answer:
    return plain(400, "no version") if ask.header("User-Agent").startswith("PycURL") else call(ask)


@defect("OCCI-NEG-014", "OCCI-NEG-015")
def unknown_types_are_answered_in_text_plain(ask: Ask, call: Call) -> Answer:
    return call(ask.having("Accept", "text/plain") if ask.header("Accept") == "image/png" else ask)


@defect("OCCI-NEG-007", "OCCI-NEG-010")
def q_values_are_not_looked_at(ask: Ask, call: Call) -> Answer:
    return call(ask.having("Accept", re.sub(r";q=[0-9.]+", "", ask.header("Accept") or "*/*")))


@defect("OCCI-NEG-008")
def the_last_of_equal_types_wins(ask: Ask, call: Call) -> Answer:
    swapped = ask.having("Accept", "text/plain, text/occi")
    return call(swapped if ask.header("Accept") == "text/occi, text/plain" else ask)


@defect("OCCI-NEG-001")
def the_default_type_is_text_occi(ask: Ask, call: Call) -> Answer:
    return call(ask if ask.header("Accept") else ask.having("Accept", "text/occi"))


@defect("OCCI-NEG-023")
def a_create_in_text_occi_is_answered_in_text_plain(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if answer.status == 201 and answer.media_type == "text/occi":
        return answer.having("Content-Type", "text/plain")
    return answer


@defect("OCCI-NEG-017")
def an_entity_is_served_as_uri_list(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if answer.status == 400 and ask.header("Accept") == "text/uri-list" and ask.path.startswith("/storage/"):
        return replace(answer, status=200).having("Content-Type", "text/uri-list").saying("http://x/y\r\n")
    return answer


@defect("OCCI-NEG-025")
def two_content_types_are_refused(ask: Ask, call: Call) -> Answer:
    return plain(406, "which one?") if "," in ask.header("Content-Type") else call(ask)


@defect("OCCI-NEG-026")
def headers_need_a_content_type(ask: Ask, call: Call) -> Answer:
    if ask.method == "POST" and not ask.header("Content-Type") and not ask.body and ask.header("Category"):
        return plain(400, "nothing to read")
    return call(ask)


@defect("OCCI-ERR-002")
def a_401_has_no_challenge(ask: Ask, call: Call) -> Answer:
    return call(ask).without("WWW-Authenticate")


@defect("OCCI-ERR-003")
def a_401_has_two_challenges(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if answer.status != 401:
        return answer
    return answer.having(
        "WWW-Authenticate", answer.header("WWW-Authenticate"), "Keystone uri='http://k.example'"
    )


@defect("OCCI-ERR-007")
def a_405_does_not_say_what_is_allowed(ask: Ask, call: Call) -> Answer:
    return call(ask).without("Allow")


@defect("OCCI-ERR-008")
def a_404_is_a_problem_document(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if answer.status == 404 and answer.media_type == "text/plain":
        return answer.having("Content-Type", "application/problem+json")
    return answer


@defect("OCCI-ERR-012")
def a_400_has_two_lines(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    return answer.saying(f"{answer.text}see the manual\n") if answer.status == 400 else answer


@defect("OCCI-ERR-016")
def an_error_shows_where_it_was_raised(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if answer.status == 404 and answer.media_type == "text/plain":
        return answer.saying(f'{answer.text.strip()} File "/srv/gateway/model.py", line 7\n')
    return answer


@defect("OCCI-ERR-013")
def an_error_in_text_occi_is_text_plain(ask: Ask, call: Call) -> Answer:
    answer = call(ask)
    if answer.status >= 400 and answer.media_type == "text/occi":
        return answer.having("Content-Type", "text/plain")
    return answer
