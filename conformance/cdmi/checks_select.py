"""Which fields of an object are asked for: the grammar of the query string (5.13, 8.3, 9.3)."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import Document, answered, document
from conformance.framework import Body, Level, expect

CLAUSE = "8.3, 9.3"


def fields(found: Document, wanted: Iterable[str]) -> None:
    expect(set(found) == set(wanted), f"the fields are {', '.join(found) or 'none'}")


def _alone(field: str, container: bool) -> Body[CdmiContext]:
    def run(ctx: CdmiContext, /) -> None:
        path = ctx.given_container("a") if container else ctx.given()
        fields(document(ctx.get(f"{path}?{field}")), (field,))

    return run


_OF_OBJECT = ("objectID", "mimetype", "metadata", "valuerange", "value", "valuetransferencoding")
_OF_CONTAINER = ("objectID", "metadata", "childrenrange", "children")
for _number, (_field, _container) in enumerate(
    [*((name, False) for name in _OF_OBJECT), *((name, True) for name in _OF_CONTAINER)], 1
):
    _title = f"{_field} of a {'container' if _container else 'data object'} alone"
    check(f"CDMI-SEL-{_number:03}", _title, CLAUSE)(_alone(_field, _container))


@check("CDMI-SEL-011", "several fields, separated by ;", CLAUSE)
def several(ctx: CdmiContext) -> None:
    names = ("objectID", "objectName", "parentURI", "completionStatus")
    fields(document(ctx.get(f"{ctx.given()}?{';'.join(names)}")), names)


@check("CDMI-SEL-012", "a field that the object does not have is left out with 200", CLAUSE)
def absent(ctx: CdmiContext) -> None:
    fields(
        document(ctx.get(f"{ctx.given()}?objectName;percentComplete;exports")) | {"percentComplete": ""},
        (
            "objectName",
            "percentComplete",
        ),
    )


@check("CDMI-SEL-013", "metadata: takes the beginning of a name", "8.3")
def prefix(ctx: CdmiContext) -> None:
    path = ctx.given(metadata={"colour": "red", "color": "blue", "size": "1"})
    found = document(ctx.get(f"{path}?metadata:colo"))
    expect(found == {"metadata": {"colour": "red", "color": "blue"}}, f"answered {found}")


@check("CDMI-SEL-014", "several metadata: selectors are united", "8.3")
def united(ctx: CdmiContext) -> None:
    path = ctx.given(metadata={"aa": "1", "bb": "2", "zz": "3"})
    found = document(ctx.get(f"{path}?metadata:a;metadata:z"))
    expect(found == {"metadata": {"aa": "1", "zz": "3"}}, f"answered {found}")


@check("CDMI-SEL-015", "a prefix that no name has gives empty metadata", "8.3")
def no_match(ctx: CdmiContext) -> None:
    found = document(ctx.get(f"{ctx.given()}?metadata:nothing"))
    expect(found == {"metadata": {}}, f"answered {found}")


@check("CDMI-SEL-016", "metadata: works for containers", "9.3")
def container_prefix(ctx: CdmiContext) -> None:
    path = ctx.given_container(metadata={"aa": "1", "bb": "2"})
    found = document(ctx.get(f"{path}?metadata:a"))
    expect(found == {"metadata": {"aa": "1"}}, f"answered {found}")


@check("CDMI-SEL-017", "storage system metadata are selected alike", "8.3, 16.3")
def system_prefix(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_size")
    found = document(ctx.get(f"{ctx.given('12345')}?metadata:cdmi_size"))
    expect(found == {"metadata": {"cdmi_size": "5"}}, f"answered {found}")


@check("CDMI-SEL-018", "escapes in a selector are decoded after it is split", "5.13.4")
def escaped(ctx: CdmiContext) -> None:
    odd = {"a;b": "1", "a:b": "2", "a&b=c": "3", "a,b": "4", "ü x": "5"}
    path = ctx.given(metadata=odd)
    for query, name in (
        ("a%3Bb", "a;b"), ("a%3Ab", "a:b"), ("a%26b%3Dc", "a&b=c"), ("a%2Cb", "a,b"), ("%C3%BC%20x", "ü x"),
    ):  # fmt: skip
        found = document(ctx.get(f"{path}?metadata:{query}"))
        expect(found == {"metadata": {name: odd[name]}}, f"?metadata:{query} is answered {found}")


@check("CDMI-SEL-019", "a comma and a plus sign in a selector are themselves", "5.13.4")
def literal(ctx: CdmiContext) -> None:
    path = ctx.given(metadata={"a,b": "1", "c+d": "2", "c d": "3"})
    for name in ("a,b", "c+d"):
        found = document(ctx.get(f"{path}?metadata:{name}"))
        expect(list(found.get("metadata", {})) == [name], f"?metadata:{name} is answered {found}")


@check("CDMI-SEL-020", "a query may end in ;", "jclouds", Level.CLIENT)
def trailing(ctx: CdmiContext) -> None:
    fields(document(ctx.get(f"{ctx.given()}?parentURI;objectName;")), ("parentURI", "objectName"))


@check("CDMI-SEL-021", "an empty selector is passed over", "jclouds", Level.CLIENT)
def empty(ctx: CdmiContext) -> None:
    fields(document(ctx.get(f"{ctx.given()}?parentURI;;objectName")), ("parentURI", "objectName"))


@check("CDMI-SEL-022", "a slash after the last selector is passed over", "libcdmi-java", Level.CLIENT)
def slash(ctx: CdmiContext) -> None:
    found = document(ctx.get(f"{ctx.given_container('a')}?children/"))
    expect(found == {"children": ["a"]}, f"answered {found}")


@check("CDMI-SEL-023", "the grammar of 2.0, with & and =, is understood", "2.0 5.13", Level.SHOULD)
def second_grammar(ctx: CdmiContext) -> None:
    path = ctx.given("hello", metadata={"colour": "red"})
    found = document(ctx.get(f"{path}?metadata=colour&value=0-1"))
    expect(found == {"metadata": {"colour": "red"}, "value": "aGU="}, f"answered {found}")


@check("CDMI-SEL-024", "a malformed range in a selector is 400", CLAUSE)
def bad_range(ctx: CdmiContext) -> None:
    path, container = ctx.given(), ctx.given_container("a")
    for text in ("5-2", "a-b", "-", "1", "-1-2", "0x1-2"):
        answered(ctx.get(f"{path}?value:{text}"), 400)
        answered(ctx.get(f"{container}?children:{text}"), 400)


@check("CDMI-SEL-025", "a selector that is no UTF-8 is 400", "5.13.4")
def not_utf8(ctx: CdmiContext) -> None:
    answered(ctx.get(f"{ctx.given()}?metadata:%ff"), 400)


@check("CDMI-SEL-026", "a bare ? asks for everything", CLAUSE)
def bare(ctx: CdmiContext) -> None:
    path = ctx.given()
    expect(set(document(ctx.get(f"{path}?"))) == set(ctx.read(path)), "other fields than without ?")


@check("CDMI-SEL-027", "the same field twice is there once", CLAUSE)
def twice(ctx: CdmiContext) -> None:
    fields(document(ctx.get(f"{ctx.given()}?objectID;objectID")), ("objectID",))


@check("CDMI-SEL-028", "metadata and one of its items together give all", CLAUSE, Level.SHOULD)
def whole_and_part(ctx: CdmiContext) -> None:
    path = ctx.given(metadata={"aa": "1", "bb": "2"})
    found = document(ctx.get(f"{path}?metadata;metadata:aa")).get("metadata", {})
    expect({"aa", "bb"} <= set(found), f"metadata are {found}")


@check("CDMI-SEL-029", "a selected ID is the object's", CLAUSE)
def same_id(ctx: CdmiContext) -> None:
    path = ctx.given()
    expect(document(ctx.get(f"{path}?objectID")).get("objectID") == ctx.identifier(path), "another ID")
