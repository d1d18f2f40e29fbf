"""The limit: a Falcon application that gives recorded answers, under the gateway's own server settings.

``BENCH_ANSWERS`` names a JSON file: ``{"METHOD PATH": [status, [[name, value], ...], body]}``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import falcon


class Recorded:
    """Answers each request with what the gateway answered to the same."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = {
            key: (status, [(n, v) for n, v in headers], body.encode())
            for key, (status, headers, body) in answers.items()
        }

    def _answer(self, req: falcon.Request, resp: falcon.Response) -> None:
        status, headers, body = self._answers[f"{req.method} {req.path}"]
        resp.status = status
        for name, value in headers:
            resp.set_header(name, value)
        resp.data = body

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._answer(req, resp)

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        req.bounded_stream.read()
        self._answer(req, resp)

    on_delete = on_get


def application() -> falcon.App[falcon.Request, falcon.Response]:
    answers = json.loads(Path(os.environ["BENCH_ANSWERS"]).read_text(encoding="utf-8"))
    recorded = Recorded(answers)
    app: falcon.App[falcon.Request, falcon.Response] = falcon.App()
    for path in {key.split(" ", 1)[1] for key in answers}:
        app.add_route(path, recorded)
    return app
