"""The S3 store against a real server: the contract of all value stores, and what is its own."""

from __future__ import annotations

import json
import random
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from backends.suite.values import ValueStoreSuite
from backends.values import BLOCK, ValueStore, s3
from backends.values.s3 import S3Store
from gateway.model import BackendError, BackendUnavailable, GatewayError, InvalidRequest, NotFound
from tests.serving import eventually, free_port
from tests.swift import Swift
from tests.wire import Wire

PART = 5 * BLOCK
LATER = timedelta(days=2)


@pytest.fixture(scope="module")
def shared(swift: Swift) -> Iterator[ValueStore]:
    """One store for all tests of the contract: to make a client takes longer than most of them."""
    with S3Store.from_options(swift.options(swift.new_bucket()), data="") as values:
        yield values


class TestS3(ValueStoreSuite):
    @pytest.fixture
    def values(self, shared: ValueStore) -> ValueStore:
        return shared


@pytest.fixture
def bucket(swift: Swift) -> str:
    return swift.new_bucket()


@pytest.fixture
def make(swift: Swift, bucket: str) -> Iterator[Callable[..., S3Store]]:
    """A factory of stores of one bucket; keyword arguments are options."""
    made: list[S3Store] = []

    def store(**options: Any) -> S3Store:
        made.append(S3Store.from_options({**swift.options(bucket, part_size=PART), **options}, data=""))
        return made[-1]

    yield store
    for each in made:
        each.close()


@pytest.fixture
def wire(swift: Swift) -> Iterator[Wire]:
    with Wire(swift.port) as wire:
        yield wire


def content(size: int) -> bytes:
    return random.Random(7).randbytes(size)


def in_blocks(value: bytes) -> Iterator[bytes]:
    for at in range(0, len(value), 100_003):
        yield value[at : at + 100_003]


def broken(blocks: Iterator[bytes]) -> Iterator[bytes]:
    yield from blocks
    raise ConnectionResetError("the client went away")


def all_keys(values: ValueStore) -> list[str]:
    return list(values.keys(datetime.now(UTC) + LATER))


# Values in parts


@pytest.mark.parametrize("size", [PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 17])
def test_a_value_of_several_parts_is_read_whole_and_in_part(make: Callable[..., S3Store], size: int) -> None:
    values, value = make(), content(size)
    stored = values.write(in_blocks(value))
    assert stored.size == size
    assert b"".join(values.read(stored.key)) == value
    assert b"".join(values.read(stored.key, PART - 7, 20)) == value[PART - 7 : PART + 13]


def test_a_block_larger_than_several_parts_is_kept(make: Callable[..., S3Store]) -> None:
    values, value = make(), content(2 * PART + 5)
    assert b"".join(values.read(values.write([value]).key)) == value


def test_nothing_is_left_of_an_upload_whose_source_breaks_off(
    make: Callable[..., S3Store], swift: Swift, bucket: str
) -> None:
    values = make()
    with pytest.raises(ConnectionResetError):
        values.write(broken(in_blocks(content(2 * PART + 5))))
    assert (all_keys(values), swift.unfinished(bucket)) == ([], [])


def test_a_value_of_too_many_parts_is_refused_and_nothing_is_left(
    make: Callable[..., S3Store], swift: Swift, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = make()
    monkeypatch.setattr(s3, "_MOST_PARTS", 2)
    with pytest.raises(BackendError) as caught:
        values.write(in_blocks(content(2 * PART + 1)))
    assert (caught.value.reason, all_keys(values), swift.unfinished(bucket)) == ("no_space", [], [])


def test_an_upload_of_too_many_hours_is_given_up(
    make: Callable[..., S3Store], swift: Swift, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = make()
    monkeypatch.setattr(s3, "_LONGEST", timedelta(0))
    with pytest.raises(BackendError):
        values.write(in_blocks(content(2 * PART)))
    assert swift.unfinished(bucket) == []


def test_a_value_in_parts_counts_as_complete_only_when_no_upload_of_its_age_can_go_on(
    make: Callable[..., S3Store],
) -> None:
    values = make()
    short, long = values.write([b"short"]).key, values.write(in_blocks(content(PART))).key
    assert list(values.keys(datetime.now(UTC) + timedelta(hours=11))) == [short]
    assert sorted(values.keys(datetime.now(UTC) + timedelta(hours=13))) == sorted([short, long])


# What is left behind

KILLED = """
import json, os, signal, sys
from backends.values.s3 import S3Store

def blocks():
    yield bytes(6 << 20)
    os.kill(os.getpid(), signal.SIGKILL)

S3Store.from_options(json.loads(sys.stdin.read()), data="").write(blocks())
"""


def run(program: str, options: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(options),
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_what_a_killed_writer_has_left_is_no_value_and_is_swept(
    make: Callable[..., S3Store], swift: Swift, bucket: str
) -> None:
    values = make()
    assert run(KILLED, swift.options(bucket, part_size=PART)).returncode == -signal.SIGKILL
    assert (all_keys(values), len(swift.unfinished(bucket))) == ([], 1)
    assert values.sweep(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert (values.sweep(datetime.now(UTC) + LATER), swift.unfinished(bucket)) == (1, [])


def in_another_second() -> datetime:
    """A time that servers tell from that of the call: they have whole seconds, rounded up or down."""
    begun = datetime.now(UTC)
    eventually(lambda: datetime.now(UTC) > begun + timedelta(seconds=1.1))
    return datetime.now(UTC)


def test_an_upload_that_goes_on_is_not_swept_however_long_ago_it_has_begun(
    make: Callable[..., S3Store], swift: Swift, bucket: str
) -> None:
    values, value = make(), content(3 * PART)
    swept: list[int] = []

    def blocks() -> Iterator[bytes]:
        yield value[:PART]
        yield value[PART : PART + 1]  # asked for when the first part is there
        between = in_another_second()
        in_another_second()
        yield value[PART + 1 : 2 * PART]
        yield value[2 * PART : -1]
        swept.append(values.sweep(between))
        yield value[-1:]

    assert b"".join(values.read(values.write(blocks()).key)) == value
    assert swept == [0]


def test_an_upload_that_has_just_begun_is_not_swept(
    make: Callable[..., S3Store], swift: Swift, bucket: str
) -> None:
    swift.client.create_multipart_upload(Bucket=bucket, Key="0" * 32)
    assert make().sweep(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert make().sweep(datetime.now(UTC) + LATER) == 1


def test_what_others_have_in_the_bucket_is_left_alone(
    make: Callable[..., S3Store], swift: Swift, bucket: str
) -> None:
    mine, yours = make(prefix="a/"), make(prefix="b/")
    key = mine.write([b"mine"]).key
    swift.client.put_object(Bucket=bucket, Key="a/README", Body=b"not a value")
    swift.client.create_multipart_upload(Bucket=bucket, Key="a/backup.tar")
    assert (all_keys(mine), all_keys(yours), all_keys(make())) == ([key], [], [])
    assert (mine.sweep(datetime.now(UTC) + LATER), swift.unfinished(bucket)) == (0, ["a/backup.tar"])
    with pytest.raises(NotFound):
        yours.read(key)


# When the server cannot be used


def within(seconds: float, work: Callable[[], object]) -> str:
    """The message of the BackendUnavailable that comes in time."""
    begun = time.monotonic()
    with pytest.raises(BackendUnavailable) as caught:
        work()
    assert time.monotonic() - begun < seconds
    return caught.value.message


@pytest.mark.parametrize(
    "work",
    [
        lambda values: values.check(),
        lambda values: values.write([b"x"]),
        lambda values: values.write([bytes(PART + 1)]),
        lambda values: values.read("0" * 32),
        lambda values: values.read("0" * 32, 0, 0),
        lambda values: values.delete("0" * 32),
        lambda values: list(values.keys(datetime.now(UTC))),
        lambda values: values.sweep(datetime.now(UTC)),
    ],
    ids=["check", "write", "write in parts", "read", "read nothing", "delete", "keys", "sweep"],
)
def test_a_server_that_is_down_makes_everything_unavailable_soon(
    make: Callable[..., S3Store], work: Callable[[ValueStore], object]
) -> None:
    values = make(endpoint=f"http://127.0.0.1:{free_port()}", attempts=1)
    within(5, lambda: work(values))


def test_a_client_is_not_told_where_the_server_is_and_the_operator_is(make: Callable[..., S3Store]) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    values = make(endpoint=endpoint, attempts=1)
    assert within(5, lambda: values.write([b"x"])) == "object store: EndpointConnectionError"
    assert endpoint in within(5, values.check)


def test_a_server_that_never_answers_is_waited_for_as_long_as_the_options_say(
    make: Callable[..., S3Store],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        values = make(
            endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}",
            connect_timeout=1,
            read_timeout=0.3,
            attempts=2,
        )
        within(10, values.check)


def test_a_wrong_key_is_told_to_the_operator(make: Callable[..., S3Store]) -> None:
    values = make(secret_key="wrong")
    assert "SignatureDoesNotMatch" in within(10, values.check)
    within(10, lambda: values.write([b"x"]))


def test_a_bucket_that_is_missing_is_told_to_the_operator(make: Callable[..., S3Store]) -> None:
    values = make(bucket="nobody-made-me")
    told = within(10, values.check)
    assert ("NoSuchBucket" in told, "nobody-made-me" in told) == (True, True)
    within(10, lambda: values.write([b"x"]))
    within(10, lambda: values.read("0" * 32))


@contextmanager
def answering(status: int, code: str, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that gives everybody one answer; its URL."""
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody wants to know."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "code", "error", "reason"),
    [
        (507, "InsufficientStorage", BackendError, "no_space"),
        (507, "", BackendError, "no_space"),
        (507, "XMinioStorageFull", BackendError, "no_space"),
        (403, "QuotaExceeded", BackendError, "no_space"),
        (413, "EntityTooLarge", BackendError, "no_space"),
        (403, "AccessDenied", BackendUnavailable, "backend_unavailable"),
        (503, "SlowDown", BackendUnavailable, "backend_unavailable"),
        (500, "InternalError", BackendUnavailable, "backend_unavailable"),
        (429, "", BackendUnavailable, "backend_unavailable"),
        (400, "InvalidArgument", BackendError, "backend_error"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_gateway(
    make: Callable[..., S3Store], status: int, code: str, error: type[GatewayError], reason: str
) -> None:
    with answering(status, code) as endpoint, pytest.raises(error) as caught:
        make(endpoint=endpoint, attempts=1).write([b"x"])
    assert (type(caught.value), caught.value.reason) == (error, reason)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that nobody but itself vouches for, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + LATER
    )
    made = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = serialization.Encoding.PEM
    file.write_bytes(key.private_bytes(pem, *plain) + made.public_bytes(pem))
    return file


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "object store: SSLError"),
        ({"ca_file": "the certificate"}, "object store: access is refused (AccessDenied)"),
        ({"verify": False}, "object store: access is refused (AccessDenied)"),
    ],
)
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_server_is_believed_by_its_certificate(
    make: Callable[..., S3Store], certificate: Path, options: dict[str, Any], told: str
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    if "ca_file" in options:
        options = {"ca_file": str(certificate)}
    with answering(403, "AccessDenied", tls) as endpoint:
        values = make(endpoint=endpoint, attempts=1, **options)
        assert within(10, lambda: values.write([b"x"])) == told


# Connections that break


def test_a_read_whose_connection_is_cut_goes_on_where_it_was(
    make: Callable[..., S3Store], wire: Wire
) -> None:
    values, value = make(endpoint=wire.endpoint), content(8 * BLOCK)
    key = values.write([value]).key
    wire.cut("down", after=3 * BLOCK)
    assert b"".join(values.read(key, 10)) == value[10:]
    assert wire.cuts == 1


def test_a_read_that_is_cut_again_and_again_ends_with_an_error_behind_right_bytes(
    make: Callable[..., S3Store], wire: Wire
) -> None:
    values, value = make(endpoint=wire.endpoint, attempts=2), content(8 * BLOCK)
    key = values.write([value]).key
    wire.cut("down", after=2 * BLOCK, times=1000)
    got: list[bytes] = []
    with pytest.raises(BackendUnavailable):
        got.extend(values.read(key))
    assert wire.cuts == 2
    assert value.startswith(b"".join(got))


def test_a_value_that_is_deleted_while_a_cut_read_goes_on_is_not_found(
    make: Callable[..., S3Store], wire: Wire
) -> None:
    values = make(endpoint=wire.endpoint)
    key = values.write([content(8 * BLOCK)]).key
    wire.cut("down", after=3 * BLOCK)
    reader = values.read(key)
    next(reader)
    values.delete(key)
    with pytest.raises(NotFound):
        list(reader)


def test_a_write_whose_connection_is_cut_is_sent_again(make: Callable[..., S3Store], wire: Wire) -> None:
    values, value = make(endpoint=wire.endpoint), content(2 * PART)
    wire.cut("up", after=2 * BLOCK)
    assert b"".join(values.read(values.write([value]).key)) == value
    assert wire.cuts == 1


def test_nothing_is_left_of_an_upload_that_the_server_does_not_get(
    make: Callable[..., S3Store], wire: Wire, swift: Swift, bucket: str
) -> None:
    values = make(endpoint=wire.endpoint, attempts=1)
    wire.cut("up", after=2 * BLOCK)
    with pytest.raises(BackendUnavailable):
        values.write([content(2 * PART)])
    assert (all_keys(values), swift.unfinished(bucket)) == ([], [])


# Memory, processes, options

STREAMED = """
import json, sys
from backends.values.s3 import S3Store

def high_water():
    [line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return int(line.split()[1])

values = S3Store.from_options(json.loads(sys.stdin.read()), data="")
values.delete(values.write([b"x"]).key)
idle = high_water()
key = values.write(bytes(1 << 20) for _ in range(40)).key
size = sum(len(block) for block in values.read(key))
assert size == 40 << 20, size
print(high_water() - idle)
"""


def test_a_value_passes_in_parts_and_blocks(swift: Swift, bucket: str) -> None:
    """40 MiB go in and out of a process that may use 20 MiB more than an idle one: a part is 8 MiB."""
    told = run(STREAMED, swift.options(bucket))
    assert told.returncode == 0, told.stderr
    assert int(told.stdout) < 20 * 1024


FORKED = """
import json, os, sys
from backends.values.s3 import S3Store

values = S3Store.from_options(json.loads(sys.stdin.read()), data="")
keys = [values.write([text]).key for text in (b"of the parent", b"of the child")]
child = os.fork()
key, text = (keys[0], b"of the parent") if child else (keys[1], b"of the child")
for _ in range(50):
    assert b"".join(values.read(key)) == text
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_fork_has_connections_of_its_own(swift: Swift, bucket: str) -> None:
    told = run(FORKED, swift.options(bucket, attempts=1))
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"bucket": None}, "bucket"),
        ({"bucket": ""}, "bucket"),
        ({"bucket": "a/b"}, "bucket"),
        ({"bukcet": "x"}, "bukcet"),
        ({"endpoint": "s3.site.example"}, "endpoint"),
        ({"endpoint": "ftp://s3.site.example"}, "endpoint"),
        ({"endpoint": "http://user:pass@s3.site.example"}, "endpoint"),
        ({"endpoint": "http://s3.site.example:99999"}, "endpoint"),
        ({"region": ""}, "region"),
        ({"access_key": ""}, "access_key"),
        ({"secret_key": ""}, "secret_key"),
        ({"secret_key": 7}, "secret_key"),
        ({"prefix": "/a"}, "prefix"),
        ({"prefix": "a b"}, "prefix"),
        ({"prefix": "a" * 501}, "prefix"),
        ({"path_style": "yes"}, "path_style"),
        ({"verify": 1}, "verify"),
        ({"ca_file": "/does/not/exist.pem"}, "ca_file"),
        ({"connect_timeout": 0}, "connect_timeout"),
        ({"read_timeout": True}, "read_timeout"),
        ({"attempts": 0}, "attempts"),
        ({"part_size": "1MiB"}, "part_size"),
        ({"part_size": "lots"}, "part_size"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], field: str) -> None:
    given = {"bucket": "values", "access_key": "key", "secret_key": "hidden", **options}
    with pytest.raises(InvalidRequest) as caught:
        S3Store.from_options({k: v for k, v in given.items() if v is not None}, data="")
    assert caught.value.field == field
    assert "hidden" not in caught.value.message


def test_sizes_and_whole_seconds_are_taken(make: Callable[..., S3Store]) -> None:
    make(read_timeout=7).check()
    make(part_size="16 MiB").check()


WITHOUT_BOTO3 = """
import sys
sys.modules["boto3"] = None
import backends.values.s3
"""


def test_without_boto3_the_way_to_get_it_is_told() -> None:
    told = subprocess.run([sys.executable, "-c", WITHOUT_BOTO3], capture_output=True, text=True, timeout=60)
    assert "pip install 'stratusgate[s3]'" in told.stderr
