"""The limit of small objects: bare Falcon that does the same work with files and one row, and nothing else.

``BENCH_FOLDER`` names the folder. A PUT streams its body to a temporary file, brings it to the disk, renames
it, brings the folder to the disk, and commits one durable row that says where the value is. A GET reads that
row and gives the open file to the server, which sends it unread. There is no one who may or may not do it.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from pathlib import Path

import falcon

_BLOCK = 1 << 20


class Files:
    """Values in a folder, their places in a table."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._local = folder, threading.local()
        (folder / "values").mkdir(exist_ok=True)
        rows = self._rows()
        rows.execute("CREATE TABLE IF NOT EXISTS objects (name TEXT PRIMARY KEY, key TEXT, size INTEGER)")
        rows.close()
        del self._local.rows  # the workers are forks

    def _rows(self) -> sqlite3.Connection:
        if not hasattr(self._local, "rows"):
            rows = sqlite3.connect(self._folder / "rows.db", timeout=30, isolation_level=None)
            rows.execute("PRAGMA journal_mode=WAL")
            rows.execute("PRAGMA synchronous=FULL")
            self._local.rows = rows
        kept: sqlite3.Connection = self._local.rows
        return kept

    def on_put(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        key, stream, size = secrets.token_hex(16), req.bounded_stream, 0
        draft, place = self._folder / key, self._folder / "values" / key
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        while block := stream.read(_BLOCK):
            size += os.write(descriptor, block)
        os.fsync(descriptor)
        os.close(descriptor)
        os.rename(draft, place)
        folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder)
        os.close(folder)
        self._rows().execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", (name, key, size))
        resp.status = 201

    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        row = self._rows().execute("SELECT key, size FROM objects WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise falcon.HTTPNotFound
        resp.content_type = "application/octet-stream"
        resp.set_header("ETag", f'"{row[0]}"')
        resp.set_header("Accept-Ranges", "bytes")
        resp.content_length = row[1]
        resp.stream = (self._folder / "values" / row[0]).open("rb", buffering=0)


def application() -> falcon.App[falcon.Request, falcon.Response]:
    files = Files(Path(os.environ["BENCH_FOLDER"]))
    app: falcon.App[falcon.Request, falcon.Response] = falcon.App()
    app.add_route("/cdmi/bench/{name}", files)
    return app
