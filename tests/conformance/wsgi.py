"""A WSGI application as the network of a conformance run: no socket, the same bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit
from wsgiref.types import WSGIApplication

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse


class WSGIAdapter(BaseAdapter):
    """Carries each request to the application as a server would; repeated headers are joined by a comma."""

    def __init__(self, application: WSGIApplication) -> None:
        super().__init__()
        self._application = application

    def send(self, request: requests.PreparedRequest, *args: object, **kwargs: object) -> requests.Response:
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
            answer["status"], answer["headers"] = status, headers
            return answer.setdefault("written", io.BytesIO()).write

        result: Iterable[bytes] = self._application(self._environ(request), start_response)
        try:
            body = b"".join(result)
        finally:
            close = getattr(result, "close", None)
            if close:
                close()
        code, _, reason = answer["status"].partition(" ")
        raw = HTTPResponse(
            body=io.BytesIO(body),
            headers=answer["headers"],
            status=int(code),
            reason=reason,
            preload_content=False,
            request_method=request.method,
        )
        return HTTPAdapter().build_response(request, raw)

    @staticmethod
    def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
        parts = urlsplit(request.url or "")
        body = request.body or b""
        assert isinstance(body, bytes)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(parts.path or "/").decode("latin-1"),
            "QUERY_STRING": parts.query,
            "RAW_URI": (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            "SERVER_NAME": parts.hostname,
            "SERVER_PORT": str(parts.port or 80),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": parts.netloc,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": parts.scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        return {**environ, **_cgi_headers(request)}

    def close(self) -> None:
        """Nothing is held."""


def _cgi_headers(request: requests.PreparedRequest) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        found[key] = f"{found[key]},{value}" if key in found else value
    return found
