"""The tables of the sandbox, as the steps from one version of the file to the next.

``number`` is the order of creation. Times are seconds since 1970 UTC. Addresses are packed bytes, which
sort as addresses do. A state that is on its way is stored with its end (``target``) and when it is reached
(``due``); ``gone`` is when a thing that is being deleted vanishes. Structured values that are never searched
are JSON. ``deletions`` counts the times that identifiers of a noun have become invalid.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from gateway.model import BackendUnavailable

_FIRST = """
CREATE TABLE deletions (noun TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO deletions (noun, count) VALUES ('compute', 0), ('volume', 0);

CREATE TABLE failures (rule TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE computes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    token TEXT,
    title TEXT, summary TEXT,
    state TEXT NOT NULL, target TEXT, due REAL, state_message TEXT,
    architecture TEXT NOT NULL, cores INTEGER NOT NULL, memory INTEGER NOT NULL, disk INTEGER NOT NULL,
    speed REAL, share INTEGER, hostname TEXT NOT NULL,
    instance_type TEXT, image TEXT,
    created REAL NOT NULL, started REAL,
    ran REAL NOT NULL, running_since REAL,
    user_data BLOB, public_keys TEXT, security_groups TEXT, tags TEXT,
    gone REAL
);
CREATE UNIQUE INDEX computes_token ON computes (token) WHERE token IS NOT NULL;
CREATE INDEX computes_gone ON computes (gone) WHERE gone IS NOT NULL;

CREATE TABLE volumes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    token TEXT,
    title TEXT, summary TEXT,
    state TEXT NOT NULL, target TEXT, due REAL, state_message TEXT,
    size INTEGER NOT NULL, created REAL NOT NULL,
    image TEXT, snapshot TEXT, tags TEXT,
    gone REAL
);
CREATE UNIQUE INDEX volumes_token ON volumes (token) WHERE token IS NOT NULL;
CREATE INDEX volumes_gone ON volumes (gone) WHERE gone IS NOT NULL;

CREATE TABLE snapshots (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    token TEXT,
    title TEXT, volume TEXT NOT NULL, size INTEGER NOT NULL, created REAL NOT NULL,
    state TEXT NOT NULL, target TEXT, due REAL
);
CREATE UNIQUE INDEX snapshots_token ON snapshots (token) WHERE token IS NOT NULL;

CREATE TABLE images (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    token TEXT,
    title TEXT, summary TEXT,
    state TEXT NOT NULL, target TEXT, due REAL, state_message TEXT,
    size INTEGER NOT NULL, architecture TEXT NOT NULL, origin TEXT, compute TEXT,
    created REAL NOT NULL, tags TEXT
);
CREATE UNIQUE INDEX images_token ON images (token) WHERE token IS NOT NULL;

CREATE TABLE networks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    token TEXT,
    title TEXT, summary TEXT,
    state TEXT NOT NULL, state_message TEXT,
    vlan INTEGER, label TEXT,
    range TEXT, first BLOB, last BLOB, gateway BLOB,
    allocation TEXT NOT NULL, created REAL NOT NULL, tags TEXT
);
CREATE UNIQUE INDEX networks_token ON networks (token) WHERE token IS NOT NULL;
INSERT INTO networks (id, title, state, range, first, last, gateway, allocation, created) VALUES (
    'default', 'default', 'active', '10.96.0.0/16', X'0A600002', X'0A60FFFE', X'0A600001', 'dynamic',
    CAST(strftime('%s', 'now') AS REAL)
);

CREATE TABLE attachments (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    compute TEXT NOT NULL, volume TEXT NOT NULL,
    title TEXT, device TEXT NOT NULL, mountpoint TEXT, read_only INTEGER NOT NULL, state TEXT NOT NULL,
    UNIQUE (compute, device)
);
CREATE INDEX attachments_volume ON attachments (volume);

CREATE TABLE interfaces (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    compute TEXT NOT NULL, network TEXT NOT NULL,
    title TEXT, device TEXT NOT NULL, mac TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL, address BLOB, gateway BLOB,
    allocation TEXT NOT NULL, reservation TEXT, state TEXT NOT NULL,
    UNIQUE (compute, device)
);
CREATE UNIQUE INDEX interfaces_reservation ON interfaces (reservation) WHERE reservation IS NOT NULL;
CREATE INDEX interfaces_network ON interfaces (network);

CREATE TABLE leases (
    source TEXT NOT NULL, address BLOB NOT NULL, state TEXT NOT NULL, mac TEXT, compute TEXT,
    PRIMARY KEY (source, address)
) WITHOUT ROWID;
CREATE TABLE lowest (source TEXT PRIMARY KEY, address BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE addresses (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    token TEXT,
    title TEXT, pool TEXT NOT NULL, address BLOB NOT NULL, state TEXT NOT NULL,
    UNIQUE (pool, address)
);
CREATE UNIQUE INDEX addresses_token ON addresses (token) WHERE token IS NOT NULL;

CREATE TABLE security_groups (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    token TEXT,
    title TEXT, summary TEXT, rules TEXT NOT NULL, state TEXT NOT NULL
);
CREATE UNIQUE INDEX security_groups_token ON security_groups (token) WHERE token IS NOT NULL;

CREATE TABLE key_pairs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    token TEXT,
    title TEXT NOT NULL UNIQUE, public_key TEXT NOT NULL, fingerprint TEXT NOT NULL
);
CREATE UNIQUE INDEX key_pairs_token ON key_pairs (token) WHERE token IS NOT NULL;

CREATE TABLE port_mappings (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    token TEXT,
    title TEXT, compute TEXT NOT NULL,
    protocol TEXT NOT NULL, public_port INTEGER NOT NULL, port INTEGER NOT NULL,
    UNIQUE (protocol, public_port)
);
CREATE UNIQUE INDEX port_mappings_token ON port_mappings (token) WHERE token IS NOT NULL;
CREATE INDEX port_mappings_compute ON port_mappings (compute);
"""

#: Step n leads from version n of the file to version n + 1. A released step is never changed.
STEPS: Sequence[str] = (_FIRST,)

_PATIENCE_SECONDS = 30.0


def prepare(connection: sqlite3.Connection) -> None:
    """Make the file durable and concurrent, and bring it to the present version."""
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")
    upgrade(connection)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log; SQLite does not wait here when another process does the same."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def upgrade(connection: sqlite3.Connection, steps: Sequence[str] = STEPS) -> None:
    """Run the steps that the file lacks, each once however many processes try.

    Raises BackendUnavailable for a file of a later version.
    """
    if _version(connection) == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection)
        if found > len(steps):
            raise BackendUnavailable(
                f"sandbox database: the file has version {found}, later than the last one known,"
                f" {len(steps)}; use the program that wrote it"
            )
        for step in steps[found:]:
            for statement in step.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
