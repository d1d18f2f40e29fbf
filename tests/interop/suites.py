"""What doyouspeakOCCI and the OGF working group's test_occi_11 have in common: text/occi in, naive reading.

Both join structures with a comma and a blank, and split answers at exactly that; an action link is built by
dropping the first character of a piece of the Link header and putting the endpoint before the rest.
"""

from __future__ import annotations

import re
from base64 import b64encode

from tests.interop.raw import Reply, once, request

OGF = "http://schemas.ogf.org/occi"
COMPUTE = f'compute; scheme="{OGF}/infrastructure#"'
NETWORK = f'network; scheme="{OGF}/infrastructure#"'
STORAGE = f'storage; scheme="{OGF}/infrastructure#"'
NETWORKINTERFACE = f'networkinterface; scheme="{OGF}/infrastructure#"'
START = f'start; scheme="{OGF}/infrastructure/compute/action#"'

#: What the suites take a category for; their scheme has no digits and no hyphen.
CATEGORY = re.compile(r'\w+; scheme="[a-z:./#]+"; class="[a-z]+"')


class Suite:
    """The HTTP side of either suite."""

    def __init__(self, port: int, user: str, agent: str) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._port, self._agent = port, agent
        self._credential = b64encode(f"{user}:secret".encode()).decode()

    def call(self, method: str, path: str, accept: str = "text/occi", **structures: str) -> Reply:
        """``structures`` become headers, ``_`` in a name stands for ``-``; the body of a change is ``OK``."""
        fields = [
            ("Host", f"127.0.0.1:{self._port}"),
            ("User-Agent", self._agent),
            ("Authorization", f"Basic {self._credential}"),
            ("Accept", accept),
            ("Content-Type", "text/occi"),
            *((name.replace("_", "-"), value) for name, value in structures.items()),
        ]
        return once(self._port, request(method, path, fields, b"" if method == "GET" else b"OK"))

    def create(self, category: str, **structures: str) -> str:
        """POST to the bare endpoint; the path of the Location that came back."""
        reply = self.call("POST", "/", Category=category, **structures)
        assert reply.status in (200, 201), reply.text
        location = reply.header("Location")
        assert location is not None
        assert location.startswith(f"{self.endpoint}/"), location
        return location.removeprefix(self.endpoint)

    def locations(self, path: str, **structures: str) -> list[str]:
        """The paths that a collection lists, split the suites' way."""
        header = self.call("GET", path, **structures).header("X-OCCI-Location")
        return [uri.removeprefix(self.endpoint) for uri in header.split(", ")] if header else []

    def attributes(self, path: str) -> dict[str, str]:
        header = self.call("GET", path).header("X-OCCI-Attribute")
        assert header is not None
        return dict(piece.split("=", 1) for piece in header.split(", "))

    def action_links(self, path: str) -> list[str]:
        """Full URIs of the actions, as the suites build them."""
        header = self.call("GET", path).header("Link")
        assert header is not None, "no Link header"
        pieces = [piece.partition(">")[0] for piece in header.split(",")]
        return [self.endpoint + piece[1:] for piece in pieces if "?action=" in piece]
