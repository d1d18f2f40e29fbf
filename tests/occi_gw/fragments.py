"""Requests of every kind for the property tests: built of valid fragments, then damaged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.client import OGF

_INFRA = f"{OGF}/infrastructure#"
#: Replaced by the test with the path of something that is there.
PLACES = ("{compute}", "{storage}", "{network}", "{storagelink}", "{chosen}", "{foreign}")
_NUL, _C1, _WIDE = "%00", "%C2%9B", "%F0%9F%98%80"

_COLLECTIONS = (
    *("/", "", "/-/", "/-", "/.well-known/org/ogf/occi/-/"),
    *("/compute/", "/compute", "/storage/", "/network/", "/storagelink/", "/networkinterface/"),
    *("/ipreservation/", "/securitygroup/", "/securitygrouplink/", "/compute/consolelink/"),
    *("/compute/console/vnc/", "/core/link/", "/mixin/os_tpl/", "/mixin/resource_tpl/small/"),
    *("/mixin/os_tpl/debian-12", "/mixin/ssh_key/", "/tags/mine/", "/vms/", "/vms/web/", "/no/such/"),
)
_ENTITIES = (
    *PLACES,
    *("/compute/nobody", "/compute/urn:uuid:x", "/compute/a~b", "/compute/x--y", "/securitygrouplink/a~b"),
    *(
        "/123",
        "/vms/web/one",
        "/compute/name",
        "/storage/disk",
        "/storagelink/mine",
        "/compute/consolelink/x",
    ),
    *(
        f"/compute/{_NUL}",
        f"/{_NUL}",
        f"/vms/{_C1}/",
        f"/{_WIDE}",
        "/%FF%FE",
        "//",
        "/compute//",
        "/..",
        "/a/../b",
    ),
    *("/" + "x" * 300, "/compute/" + "9" * 4400, "/healthz", "/readyz", "/metrics"),
)
_ACTIONS = ("start", "stop", "suspend", "restart", "save", "up", "down", "online", "offline", "resize", "")
_QUERIES = (
    *("", "", "", "?page=1&number=2", "?page=0", "?number=99999999999999999999", "?page=x;number=1"),
    *(f"?action={action}" for action in _ACTIONS),
    *("?action=start&action=stop", "?%FF=%00", "?action", "?page=1&page=2"),
)
_METHODS = ("GET", "GET", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "get", "X-Y")

_TYPES = (
    *("text/plain", "text/occi", "text/occi+plain", "application/occi+json", "application/json"),
    *("text/uri-list", "text/html", "*/*", "text/plain,text/occi", "text/occi;q=0.2,*/*;q=0.1", ";;,", ""),
)
_AGENTS = ("", "x OCCI/1.1", "OCCI/1.2", "OCCI/2.2", "fooOCCI/9.9bar", "OCCI/9999.9999")

_CATEGORIES = (
    *(
        f'{kind}; scheme="{_INFRA}"; class="kind"'
        for kind in ("compute", "storage", "network", "storagelink")
    ),
    *(f'{kind}; scheme="{_INFRA}"' for kind in ("networkinterface", "securitygroup", "securitygrouplink")),
    f'ipreservation; scheme="{_INFRA}"; class="kind"',
    f'entity; scheme="{OGF}/core#"; class="kind"',
    f'small; scheme="{OGF}/infrastructure/compute/template/1.1#"; class="mixin"',
    'debian-12; scheme="http://schemas.stratusgate.example/occi/infrastructure/os_tpl#"; class="mixin"',
    f'os_tpl; scheme="{_INFRA}"; class="mixin"',
    f'ipnetwork; scheme="{OGF}/infrastructure/network#"; class="mixin"',
    f'ssh_key; scheme="{OGF}/infrastructure/credentials#"; class="mixin"',
    'public_key; scheme="http://schemas.openstack.org/instance/credentials#"',
    f'user_data; scheme="{OGF}/infrastructure/compute#"; class="mixin"',
    'mine; scheme="http://example.com/tags#"; class="mixin"; location="/tags/mine/"',
    'more; scheme="http://example.com/tags#"; class="mixin"; location="/tags/more/"; title="a, b"; rel="x#y"',
    'a; scheme="http://example.com/#"; class="mixin"; location="/vms/"',
    'b; scheme="http://example.com/#"; location="/123/"',
    'nothing; scheme="http://nowhere.example/#"; class="action"',
    *(f'{a}; scheme="{OGF}/infrastructure/compute/action#"; class="action"' for a in _ACTIONS[:5]),
    *(f'{a}; scheme="{OGF}/infrastructure/storage/action#"; class="action"' for a in _ACTIONS[7:10]),
    *(f'{a}; scheme="{OGF}/infrastructure/network/action#"; class="action"' for a in _ACTIONS[5:7]),
    f'online; scheme="{OGF}/infrastructure/storagelink/action#"; class="action"',
)
_NUMBERS = (
    *("1", "2", "0.5", "0", "-1", "1e3", "1e300", "0.0000000000001", '"4"', "8589934592", "8589934591.9"),
    *("9223372036854775807", "9223372036854775808", "18446744073709551616", "9" * 309, "true", '"x"', '""'),
)
_TEXTS = (
    *('"x"', '""', '"é 😀"', '"a \\" b, c; d"', "1", "true", '"192.0.2.0/24"', '"10.0.0.5"', '"::1"'),
    *('"10.0.0.0-10.0.0.9"', '"10.9.9.9/8"', '"2001:db8::/64"', '"02:00:00:00:00:01"', '"/dev/vdb"'),
    *('"static"', '"hot"', '"aGVsbG8="', '"ssh-ed25519 AAAA me"', '"[]"', '"[{}]"', '"[[[["', '"active"'),
    '"[{\\"protocol\\": \\"tcp\\", \\"port\\": \\"22\\", \\"range\\": \\"0.0.0.0/0\\"}]"',
    f'"{"y" * 70_000}"',
)
_NUMERIC = (
    *("occi.compute.cores", "occi.compute.memory", "occi.compute.speed", "occi.compute.share"),
    *("occi.storage.size", "occi.network.vlan", "occi.compute.ephemeral_storage.size", "size"),
)
_TEXTUAL = (
    *("occi.core.title", "occi.core.summary", "occi.core.id", "occi.compute.hostname", "name", "method"),
    *("occi.compute.architecture", "occi.compute.state", "occi.compute.state.message", "occi.network.label"),
    *("occi.network.address", "occi.network.gateway", "occi.network.allocation", "occi.compute.userdata"),
    *("org.openstack.compute.user_data", "org.openstack.credentials.publickey.data"),
    *(
        "org.openstack.credentials.publickey.name",
        "occi.credentials.ssh.publickey",
        "occi.storagelink.deviceid",
    ),
    *("occi.storagelink.mountpoint", "occi.networkinterface.mac", "occi.networkinterface.address"),
    *("occi.networkinterface.interface", "occi.securitygroup.rules", "occi.ipreservation.address"),
    *("com.example.thing", "occi.unknown", "occi.ipreservation.used"),
)
_URIS = (
    "/storage/%00",
    *PLACES,
    *(
        "/network/default",
        "/compute/nobody",
        "http://gw.example:8787{compute}",
        "http://other.example{compute}",
    ),
    *(
        "urn:uuid:x",
        "",
        "{compute}?action=start",
        "http://[",
        "/storage/%00",
        "{storage}#x",
        "compute/x",
        "/123",
    ),
)

_attributes = st.one_of(
    st.builds("{}={}".format, st.sampled_from(_NUMERIC), st.sampled_from(_NUMBERS)),
    st.builds("{}={}".format, st.sampled_from(_TEXTUAL), st.sampled_from(_TEXTS)),
    st.builds('occi.core.{}="{}"'.format, st.sampled_from(("source", "target")), st.sampled_from(_URIS)),
)
_links = st.builds(
    '<{}>; rel="{}"; category="{}"{}'.format,
    st.sampled_from(_URIS),
    st.sampled_from((f"{_INFRA}storage", f"{_INFRA}network", "x")),
    st.sampled_from((f"{_INFRA}storagelink", f"{_INFRA}networkinterface", f"{_INFRA}os_tpl", "")),
    st.sampled_from(("", '; self="/x"', "; com.example.y=1", '; occi.storagelink.deviceid="/dev/vdb"')),
)
_structures = st.one_of(
    st.tuples(st.just("Category"), st.sampled_from(_CATEGORIES)),
    st.tuples(st.just("Category"), st.sampled_from(_CATEGORIES)),
    st.tuples(st.just("X-OCCI-Attribute"), _attributes),
    st.tuples(st.just("X-OCCI-Attribute"), _attributes),
    st.tuples(st.just("Link"), _links),
    st.tuples(st.just("X-OCCI-Location"), st.sampled_from(_URIS)),
)

_scalars = st.one_of(
    st.sampled_from((*_URIS, "tcp", "22", "0.0.0.0/0", "x")),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(("a", "protocol", "port", "range")), inner),
    ),
    max_leaves=5,
)
_identifiers = st.sampled_from(
    (
        *(_INFRA + kind for kind in ("compute", "storage", "network", "storagelink", "networkinterface")),
        *(_INFRA + kind for kind in ("securitygroup", "securitygrouplink", "ipreservation")),
        f"{OGF}/infrastructure/compute/template/1.1#small",
        f"{OGF}/infrastructure/compute/action#start",
        "http://example.com/tags#mine",
    )
)
_ends = st.one_of(
    st.sampled_from(_URIS), st.fixed_dictionaries({"location": st.sampled_from(_URIS)}), _values
)
_json_entities = st.fixed_dictionaries(
    {},
    optional={
        "kind": _identifiers,
        "id": st.sampled_from(_URIS),
        "title": _scalars,
        "mixins": st.lists(_identifiers, max_size=2),
        "attributes": st.one_of(
            st.dictionaries(st.sampled_from((*_NUMERIC, *_TEXTUAL)), _values, max_size=4), _values
        ),
        "source": _ends,
        "target": _ends,
        "links": st.lists(
            st.one_of(st.sampled_from(_URIS), st.fixed_dictionaries({"kind": _identifiers, "target": _ends})),
            max_size=2,
        ),
        "action": _identifiers,
    },
)
_documents = st.one_of(
    _json_entities,
    st.fixed_dictionaries({"resources": st.lists(_json_entities, max_size=2)}),
    st.fixed_dictionaries({"links": st.lists(_json_entities, max_size=2)}),
    st.lists(st.sampled_from(_URIS), max_size=2),
    _values,
)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def at(self, places: dict[str, str]) -> Request:
        """The request with its placeholders filled in."""

        def filled(text: str) -> str:
            for name, path in places.items():
                text = text.replace(name, path)
            return text

        body = self.body
        for name, path in places.items():
            body = body.replace(name.encode(), path.encode())
        headers = tuple((name, filled(value)) for name, value in self.headers)
        return Request(self.method, filled(self.path), headers, body)


def _lines(structures: list[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\n" for name, value in structures).encode()


@st.composite
def _damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """``whole``, mostly as it is, else with a piece cut out or replaced by something else."""
    if draw(st.integers(0, 3)):
        return whole
    first = draw(st.integers(0, len(whole)))
    last = draw(st.integers(first, min(len(whole), first + 12)))
    return whole[:first] + draw(st.binary(max_size=4)) + whole[last:]


def _in_headers(structures: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, Any] = {}
    for name, value in structures:
        joined.setdefault(name, []).append(value.encode().decode("latin-1"))
    return {name: ",".join(values) for name, values in joined.items()}


#: Kind -> (where it is, what of it there is, names of its attributes)
_KINDS = {
    "compute": ("/compute/", ("{compute}", "{chosen}"), (*_NUMERIC[:4], *_TEXTUAL[:6], *_TEXTUAL[11:16])),
    "storage": ("/storage/", ("{storage}",), ("occi.storage.size", *_TEXTUAL[:3])),
    "network": ("/network/", ("{network}",), ("occi.network.vlan", *_TEXTUAL[:2], *_TEXTUAL[7:11])),
    "storagelink": ("/storagelink/", ("{storagelink}",), _TEXTUAL[16:18]),
    "networkinterface": ("/networkinterface/", ("/networkinterface/x~eth0",), _TEXTUAL[18:21]),
    "securitygroup": (
        "/securitygroup/",
        ("/securitygroup/x",),
        ("occi.securitygroup.rules", "occi.core.title"),
    ),
}


@st.composite
def _sensible(draw: st.DrawFn) -> Request:
    """A create, update or action that nearly is right: only the values are odd."""
    kind = draw(st.sampled_from(sorted(_KINDS)))
    collection, there, names = _KINDS[kind]
    method, path = draw(
        st.sampled_from(
            (
                ("POST", collection),
                ("POST", "/"),
                ("PUT", "/vms/one"),
                *((method, place) for place in there for method in ("POST", "PUT")),
            )
        )
    )
    lines = [("Category", f'{kind}; scheme="{_INFRA}"; class="kind"')]
    for name in draw(st.lists(st.sampled_from(names), max_size=4)):
        value = draw(st.sampled_from(_NUMBERS if name in _NUMERIC else _TEXTS))
        lines.append(("X-OCCI-Attribute", f"{name}={value}"))
    if kind == "storage" and draw(st.booleans()):
        lines.append(("X-OCCI-Attribute", "occi.storage.size=1"))
    if "link" in kind or "interface" in kind:
        lines.append(("X-OCCI-Attribute", 'occi.core.source="{compute}"'))
        lines.append(("X-OCCI-Attribute", f'occi.core.target="{draw(st.sampled_from(_URIS))}"'))
    if kind == "compute" and draw(st.booleans()):
        lines.append(("Link", draw(_links)))
    if draw(st.booleans()):
        lines.append(("Category", draw(st.sampled_from(_CATEGORIES))))
    accept = ("Accept", draw(st.sampled_from(_TYPES[:6])))
    if draw(st.booleans()):
        return Request(method, path, (("Content-Type", "text/plain"), accept), _lines(lines))
    headers = {"Content-Type": "text/occi", **_in_headers(lines)}
    return Request(method, path, (*headers.items(), accept), b"")


def requests() -> st.SearchStrategy[Request]:
    """Requests that nearly are right, and requests that are anything."""
    return st.one_of(_sensible(), _anything())


@st.composite
def _anything(draw: st.DrawFn) -> Request:
    """Method, path, headers and body, each valid, odd or broken."""
    method = draw(st.sampled_from(_METHODS))
    path = draw(st.sampled_from((*_COLLECTIONS, *_ENTITIES))) + draw(st.sampled_from(_QUERIES))
    headers: dict[str, str] = {}
    if draw(st.booleans()):
        headers["Accept"] = draw(st.sampled_from(_TYPES))
    if draw(st.booleans()):
        headers["User-Agent"] = draw(st.sampled_from(_AGENTS))
    if draw(st.integers(0, 9)) == 0:
        headers["Idempotency-Key"] = draw(st.sampled_from(("k", "", "é", "x" * 300)))
    structures = draw(st.lists(_structures, max_size=5))
    form = draw(st.sampled_from(("plain", "plain", "occi", "json", "raw", "none")))
    body = b""
    if form == "plain":
        headers["Content-Type"] = "text/plain"
        body = draw(_damaged(_lines(structures)))
    elif form == "occi":
        headers["Content-Type"] = "text/occi"
        headers |= _in_headers(structures)
    elif form == "json":
        headers["Content-Type"] = "application/occi+json"
        body = draw(_damaged(json.dumps(draw(_documents)).encode()))
    elif form == "raw":
        headers["Content-Type"] = draw(st.sampled_from(_TYPES))
        body = draw(st.binary(max_size=60))
    if draw(st.integers(0, 9)) == 0:
        headers |= _in_headers(structures)
    return Request(method, path, tuple(headers.items()), body)
