"""rOCCI-cli 4.3.10 with rOCCI-api 4.3.14 and rOCCI-core 4.3.6: what it sends, and how it reads answers.

The tool is a Ruby program; here are its bytes and its habits: parameters in one fixed order, headers cut at
every comma, a URI of another endpoint refused, the location of what was made picked by status and place.
"""

from __future__ import annotations

import json
import re
import uuid
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.interop.raw import Reply, once, request

OGF = "http://schemas.ogf.org/occi"
INFRASTRUCTURE = f"{OGF}/infrastructure#"

_AGENT = "rOCCI-core/4.3.6 rOCCI-api/4.3.14 OCCI/1.1 ruby-2.7.8"
JSON = "application/occi+json"

#: Parameters are optional but come in this order and no other; what does not fit makes the line unreadable.
_CATEGORY = re.compile(
    r"(?P<term>[a-zA-Z0-9][a-zA-Z0-9_-]*)\s*;\s*scheme=\"(?P<scheme>[^\"\s]+#)\""
    r"\s*;\s*class=\"?(?P<class>kind|mixin|action)\"?"
    r"(?:\s*;\s*title=\"(?P<title>[^\"]*)\")?"
    r"(?:\s*;\s*rel=\"(?P<rel>[^\"]+)\")?"
    r"(?:\s*;\s*location=\"(?P<location>[^\"]+)\")?"
    r"(?:\s*;\s*attributes=\"(?P<attributes>[^\"]+)\")?"
    r"(?:\s*;\s*actions=\"(?P<actions>[^\"]+)\")?"
    r"\s*;?"
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._-]*)="
    r"(?:\"(?P<text>(?:\\.|[^\"\\])*)\"|(?P<number>\d+(?:\.\d+)?)|(?P<flag>true|false))"
)
_LINK = re.compile(
    r"<(?P<target>[^>?]+)(?:\?action=(?P<action>[a-z]+))?>\s*;\s*rel=\"(?P<rel>[^\"]+)\""
    r"(?:\s*;\s*self=\"(?P<self>[^\"]+)\")?(?:\s*;\s*category=\"(?P<category>[^\"]+)\")?"
    r"(?P<attributes>(?:\s*;\s*" + re.sub(r"\?P<\w+>", "?:", _ATTRIBUTE.pattern) + r")*)\s*;?"
)
_LINE = re.compile(r"(?P<name>Category|X-OCCI-Attribute|Link|X-OCCI-Location): (?P<value>.*)")


class Refused(Exception):
    """The client has given up, as it would before its user."""


@dataclass(frozen=True)
class Category:
    term: str
    scheme: str
    kind: str
    rel: str
    location: str

    @property
    def identifier(self) -> str:
        return self.scheme + self.term


@dataclass(frozen=True)
class Seen:
    """An entity as the client shows it to its user."""

    categories: Sequence[str]
    attributes: Mapping[str, Any]
    links: Sequence[Mapping[str, str]]
    is_link: bool


def match(pattern: re.Pattern[str], text: str) -> Mapping[str, str]:
    found = pattern.fullmatch(text.strip())
    if found is None:
        raise Refused(f"cannot read {text!r}")
    return {name: value or "" for name, value in found.groupdict().items()}


class Rocci:
    """One invocation after another of the command line tool with the same options."""

    def __init__(self, port: int, user: str, media_type: str = "text/plain,text/occi") -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.media_type = media_type
        self.in_headers = media_type == "text/occi"
        self.in_json = media_type == JSON
        self._port = port
        self._credential = b64encode(f"{user}:secret".encode()).decode()
        self.model: Sequence[Category] = ()

    # Wire

    def call(
        self,
        method: str,
        path: str,
        *,
        accept: str = "",
        body: bytes = b"",
        fields: Sequence[tuple[str, str]] = (),
    ) -> Reply:
        head = [
            ("Host", f"127.0.0.1:{self._port}"),
            ("Accept", accept or self.media_type),
            ("Accept-Encoding", "gzip,deflate"),
            ("User-Agent", _AGENT),
            ("Authorization", f"Basic {self._credential}"),
            ("Content-Type", self.media_type),
            ("Connection", "close"),
            *fields,
        ]
        if method == "POST" and not body:
            head.append(("Content-Length", "0"))
        return once(self._port, request(method, path, head, body))

    def send(self, method: str, path: str, lines: Sequence[tuple[str, str]]) -> Reply:
        """Structures in the body, or one header for each name where headers carry them."""
        if not self.in_headers:
            body = "\n".join(f"{name}: {value}" for name, value in lines).encode()
            return self.call(method, path, body=body)
        joined: dict[str, list[str]] = {}
        for name, value in lines:
            joined.setdefault(name, []).append(value)
        return self.call(method, path, fields=[(name, ",".join(values)) for name, values in joined.items()])

    # Reading

    def lines(self, reply: Reply) -> list[tuple[str, str]]:
        """(name, value) of every structure in the answer."""
        if reply.media_type == "text/occi":
            found = []
            for name in ("Category", "X-OCCI-Attribute", "Link", "X-OCCI-Location"):
                found += [(name, piece.strip()) for piece in (reply.header(name) or "").split(",") if piece]
            return found
        if reply.media_type != "text/plain":
            raise Refused(f"content type {reply.header('Content-Type')!r}")
        pairs = [match(_LINE, line) for line in reply.text.splitlines()]
        return [(pair["name"], pair["value"]) for pair in pairs]

    def start(self) -> None:
        """One request for authentication, one for the model."""
        first = self.call("GET", "/-/", accept="text/plain,text/occi;q=0.2")
        if first.status == 401:
            raise Refused("not signed in")
        reply = self.call("GET", "/-/")
        if reply.status != 200:
            raise Refused(f"model: {reply.status}")
        self.model = self._json_model(reply) if self.in_json else self._text_model(reply)

    def _text_model(self, reply: Reply) -> list[Category]:
        found = []
        for _, value in self.lines(reply):
            at = match(_CATEGORY, value)
            found.append(Category(at["term"], at["scheme"], at["class"], at["rel"], at["location"]))
        return found

    @staticmethod
    def _json_model(reply: Reply) -> list[Category]:
        if reply.media_type != JSON:
            raise Refused(f"content type {reply.media_type}")
        model = json.loads(reply.body)
        found = []
        for kind in model["kinds"]:
            rel = " ".join(kind["related"])
            found.append(Category(kind["term"], kind["scheme"], "kind", rel, kind.get("location", "")))
        for mixin in model["mixins"]:
            rel = " ".join(mixin["depends"])
            found.append(Category(mixin["term"], mixin["scheme"], "mixin", rel, mixin["location"]))
        return found

    def kind(self, term: str) -> Category:
        """The kind that a word of the command line means."""
        for category in self.model:
            if category.kind == "kind" and category.term == term and category.rel:
                return category
        raise Refused(f"I have no idea what {term} is")

    def templates(self, family: str) -> list[Category]:
        return [c for c in self.model if c.kind == "mixin" and c.rel == f"{INFRASTRUCTURE}{family}"]

    def mixin(self, family: str, term: str) -> Category:
        return next(c for c in self.templates(family) if c.term == term)

    def path(self, uri: str) -> str:
        """The path of a URI; one that does not begin with the endpoint, or with /, is refused."""
        if uri.startswith("/"):
            return uri
        if not uri.startswith(f"{self.endpoint}/"):
            raise Refused(f"{uri} is not below {self.endpoint}")
        return uri.removeprefix(self.endpoint)

    # Commands

    def list(self, word: str) -> list[str]:
        reply = self.call("GET", urlsplit(self.kind(word).location).path, accept="text/uri-list")
        if reply.status not in (200, 204):
            raise Refused(f"list: {reply.status}")
        found = reply.text.splitlines()
        for uri in found:
            self.path(uri)
        return found

    def describe(self, uri: str) -> Seen:
        path = self.path(uri)
        reply = self.call("GET", path)
        if reply.status != 200:
            raise Refused(f"describe: {reply.status}")
        parent = path.rpartition("/")[0] + "/"
        is_link = any(c.location == parent and c.rel.endswith("core#link") for c in self.model)
        if self.in_json:
            if reply.media_type != JSON:
                raise Refused(f"content type {reply.media_type}")
            return self._json_entity(json.loads(reply.body), is_link)
        categories, attributes, links = [], {}, []
        for name, value in self.lines(reply):
            if name == "Category":
                at = match(_CATEGORY, value)
                categories.append(at["scheme"] + at["term"])
            elif name == "X-OCCI-Attribute":
                at = match(_ATTRIBUTE, value)
                attributes[at["name"]] = at["text"] or at["number"] or at["flag"]
            elif name == "Link":
                links.append(match(_LINK, value))
            else:
                raise Refused(f"{name} in a rendering")
        return Seen(categories, attributes, links, is_link)

    @staticmethod
    def _json_entity(document: Any, is_link: bool) -> Seen:
        entity = document["links" if is_link else "resources"][0]
        links = [
            {
                "target": link["target"],
                "category": link["kind"],
                "rel": link["rel"],
                "self": link.get("id", ""),
                "action": "",
            }
            for link in entity.get("links", ())
        ]
        for link in links:
            if not isinstance(link["target"], str):
                raise Refused("a target that is no text")
        links += [{"rel": action, "action": action.partition("#")[2]} for action in entity.get("actions", ())]
        categories = [entity["kind"], *entity.get("mixins", ())]
        return Seen(categories, dict(_flat("", entity["attributes"])), links, is_link)

    def create(
        self, title: str, os_tpl: str, resource_tpl: str, *, links: Sequence[str] = (), context: bool = False
    ) -> str:
        """``create -r compute -t occi.core.title=... -M ... -j ...``; the URI of what was made."""
        mixins = [self.mixin("os_tpl", os_tpl).identifier]
        mixins.append(self.mixin("resource_tpl", resource_tpl).identifier)
        attributes = {
            "occi.core.id": str(uuid.uuid4()),
            "occi.core.title": title,
            "occi.compute.hostname": title,
        }
        if context:
            mixins += [
                "http://schemas.openstack.org/instance/credentials#public_key",
                "http://schemas.openstack.org/compute/instance#user_data",
            ]
            attributes |= {
                "org.openstack.credentials.publickey.name": "Public SSH key",
                "org.openstack.credentials.publickey.data": "ssh-ed25519 AAAAC3NzaC1 me@site.example",
                "org.openstack.compute.user_data": b64encode(b"#cloud-config\n").decode(),
            }
        if self.in_json:
            return self._created(self._post_json(mixins, attributes, links))
        kind = self.kind("compute")
        lines = [("Category", f'{kind.term};scheme="{kind.scheme}";class="kind"')]
        lines += [("Category", _mixin(identifier)) for identifier in mixins]
        lines += [("X-OCCI-Attribute", f'{name}="{value}"') for name, value in attributes.items()]
        lines += [("Link", _inline(target)) for target in links]
        return self._created(self.send("POST", kind.location, lines))

    def _post_json(self, mixins: Sequence[str], attributes: Mapping[str, str], links: Sequence[str]) -> Reply:
        resource = {
            "kind": f"{INFRASTRUCTURE}compute",
            "mixins": mixins,
            "attributes": _nested(attributes),
            "id": attributes["occi.core.id"],
            "links": [
                {
                    "kind": INFRASTRUCTURE + _link_kind(target),
                    "attributes": _nested({"occi.core.id": str(uuid.uuid4()), "occi.core.target": target}),
                    "target": target,
                    "rel": INFRASTRUCTURE + target.split("/")[1],
                }
                for target in links
            ],
        }
        body = json.dumps({"resources": [resource]}).encode()
        return self.call("POST", self.kind("compute").location, body=body)

    def _created(self, reply: Reply) -> str:
        if reply.status not in (200, 201, 202, 204):
            raise Refused(f"create: {reply.status} {reply.text}")
        if reply.status == 200:
            raise Refused("200: the client would guess the location from a rendering")
        location = reply.header("Location") or reply.header("X-OCCI-Location")
        if not location:
            raise Refused("no location")
        self.path(location)
        return location

    def link(self, vm: str, target: str) -> str:
        """``link -r VM -j TARGET``: both as paths."""
        kind = self.kind(_link_kind(self.path(target)))
        ends = {"occi.core.source": self.path(vm), "occi.core.target": self.path(target)}
        if self.in_json:
            document = {
                "kind": kind.identifier,
                "attributes": _nested({**ends, "occi.core.id": str(uuid.uuid4())}),
                "source": ends["occi.core.source"],
                "target": ends["occi.core.target"],
                "rel": INFRASTRUCTURE + ends["occi.core.target"].split("/")[1],
            }
            body = json.dumps({"links": [document]}).encode()
            return self._created(self.call("POST", kind.location, body=body))
        lines = [("Category", f'{kind.term};scheme="{kind.scheme}";class="kind"')]
        lines += [("X-OCCI-Attribute", f'{name}="{value}"') for name, value in ends.items()]
        return self._created(self.send("POST", kind.location, lines))

    def trigger(self, uri: str, action: str, **parameters: str) -> None:
        scheme = f"{OGF}/infrastructure/compute/action#"
        path = f"{self.path(uri)}?action={action}"
        if self.in_json:
            body = json.dumps({"action": scheme + action, "attributes": parameters}).encode()
            reply = self.call("POST", path, body=body)
            if reply.status == 200:
                json.loads(reply.body)
        else:
            lines = [("Category", f'{action};scheme="{scheme}";class="action"')]
            lines += [("X-OCCI-Attribute", f'{name}="{value}"') for name, value in parameters.items()]
            reply = self.send("POST", path, lines)
            if reply.media_type not in ("text/plain", "text/occi"):
                raise Refused(f"content type {reply.media_type}")
        if reply.status not in (200, 204):
            raise Refused(f"trigger: {reply.status} {reply.text}")

    def update(self, uri: str, resource_tpl: str) -> None:
        identifier = self.mixin("resource_tpl", resource_tpl).identifier
        if self.in_json:
            body = json.dumps({"mixins": [identifier]}).encode()
            reply = self.call("POST", self.path(uri), body=body)
        else:
            reply = self.send("POST", self.path(uri), [("Category", _mixin(identifier))])
        if not 200 <= reply.status < 300:
            raise Refused(f"update: {reply.status} {reply.text}")

    def delete(self, uri: str) -> None:
        reply = self.call("DELETE", self.path(uri))
        if reply.status not in (200, 201, 202, 204):
            raise Refused(f"delete: {reply.status} {reply.text}")


def _mixin(identifier: str) -> str:
    scheme, _, term = identifier.partition("#")
    return f'{term};scheme="{scheme}#";class="mixin"'


def _link_kind(target: str) -> str:
    return "networkinterface" if "/network/" in target else "storagelink"


def _inline(target: str) -> str:
    """An inline link with everything of the client's own making that the gateway must not believe."""
    kind, own = _link_kind(target), str(uuid.uuid4())
    return (
        f'<{target}>;rel="{INFRASTRUCTURE}{target.split("/")[1]}";self="/link/{kind}/{own}";'
        f'category="{INFRASTRUCTURE}{kind}";occi.core.id="{own}";occi.core.target="{target}"'
    )


def _nested(attributes: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in attributes.items():
        *parents, last = name.split(".")
        at = tree
        for parent in parents:
            at = at.setdefault(parent, {})
        at[last] = value
    return tree


def _flat(at: str, tree: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Names and values; a name that is already dotted makes this client fail."""
    found: list[tuple[str, Any]] = []
    for name, value in tree.items():
        if "." in name:
            raise Refused(f"flat attribute {name}")
        found += _flat(f"{at}{name}.", value) if isinstance(value, dict) else [(at + name, value)]
    return found
