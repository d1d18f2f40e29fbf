"""The life of the process: first start, restart, end, new configuration, health."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Callable
from functools import partial

import psycopg
import pytest
import requests

from tests.client import COMPUTE
from tests.interop.raw import Closed, Wire, request
from tests.postgres import Postgres
from tests.server.conftest import SIGNED_IN, ask, basic
from tests.serving import Server, eventually, free_port

TEXT = ("Content-Type", "text/plain")
MakeServer = Callable[..., Server]


def _create(server: Server) -> int:
    return ask(server, "POST", "/compute/", TEXT, body=f"Category: {COMPUTE}\n".encode()).status


# First start


def _told_password(server: Server) -> str:
    found = re.search(r"user admin, password (\S+)", server.told())
    assert found, server.told()
    return found[1]


def test_a_first_start_without_a_password_tells_one_that_signs_in(make_server: MakeServer) -> None:
    server = make_server(password=None)
    server.start()
    reply = ask(server, "GET", "/-/", basic("admin", _told_password(server)), signed_in=False)
    assert reply.status == 200


def test_the_generated_password_is_told_once_and_never_again(make_server: MakeServer) -> None:
    server = make_server(password=None)
    server.start()
    password = _told_password(server)
    server.stop()
    server.start()
    ask(server, "GET", "/-/", basic("admin", password), signed_in=False)
    assert server.told().count(password) == 1


def test_a_given_password_is_not_told(make_server: MakeServer) -> None:
    server = make_server(password="chosen-by-the-operator")
    server.start()
    ask(server, "GET", "/-/", basic("admin", "chosen-by-the-operator"), signed_in=False)
    assert "chosen-by-the-operator" not in server.told()


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("[server]\nworker = 3\n", "unknown key server.worker; did you mean workers?"),
        ("[sever]\nworkers = 3\n", "unknown section sever; did you mean server?"),
        ('[server]\nworkers = "many"\n', "server.workers: 'many' is not a whole number"),
        ('[backends.a]\ndriver = "sandboxx"\n', "no driver 'sandboxx'; known: sandbox"),
        ('[backends.a]\ndriver = "sandbox"\ndelaay = 1\n', "no option delaay; did you mean delay?"),
        ('[auth]\nmethods = ["magic"]\n', "no mode 'magic'; known: basic"),
    ],
    ids=["key", "section", "value", "driver", "option", "mode"],
)
def test_a_wrong_configuration_ends_the_start_with_the_reason(
    make_server: MakeServer, config: str, told: str
) -> None:
    ended = make_server(config).command("serve", "--bind", "127.0.0.1:1")
    assert (ended.returncode, told in ended.stderr, "Traceback" in ended.stderr) == (1, True, False)


# Restart


@pytest.fixture(params=["stop", "kill"])
def restarted(request: pytest.FixtureRequest, server: Server) -> tuple[Server, dict[str, str]]:
    """A gateway that was ended, gently or not, and started again; the paths of what it had."""
    server.add_user("keeper")
    volume = server.create("storage", "occi.storage.size=1.0")
    paths = {"machine": server.create("compute", 'occi.core.title="kept"'), "volume": volume}
    tag = 'kept; scheme="http://site.example/tags#"; class="mixin"; location="/tag/kept/"'
    ask(server, "POST", "/-/", TEXT, body=f"Category: {tag}".encode())
    ask(server, "POST", "/tag/kept/", TEXT, body=f"X-OCCI-Location: {paths['machine']}".encode())
    link = server.create(
        "storagelink", f'occi.core.source="{paths["machine"]}"', f'occi.core.target="{volume}"'
    )
    paths["link"] = link
    getattr(server, request.param)()
    server.start()
    return server, paths


def test_a_restart_keeps_users_tags_machines_volumes_and_links(
    restarted: tuple[Server, dict[str, str]],
) -> None:
    server, paths = restarted
    statuses = {name: ask(server, "GET", path).status for name, path in paths.items()}
    tagged = paths["machine"] in ask(server, "GET", "/tag/kept/").text
    keeper = ask(server, "GET", "/-/", basic("keeper"), signed_in=False).status
    titled = 'occi.core.title="kept"' in ask(server, "GET", paths["machine"]).text
    assert (statuses, tagged, keeper, titled) == (
        {"machine": 200, "volume": 200, "link": 200},
        True,
        200,
        True,
    )


def test_it_starts_again_at_once_after_only_the_serving_process_was_killed(server: Server) -> None:
    path = server.create("compute")
    server.behead()
    server.start()
    eventually(lambda: server.told().count(f"OCCI: {server.url}/") == 2)
    assert ask(server, "GET", path).status == 200


def test_a_second_one_on_the_same_folder_ends_with_one_line_and_the_first_serves_on(server: Server) -> None:
    ended = server.command("serve", "--bind", f"127.0.0.1:{free_port()}")
    [line] = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout) == (1, "")
    assert line.startswith(
        f"stratusgate: --data: {server.folder / 'data'}: another stratusgate serve uses it"
    )
    assert _create(server) == 201


# End


def test_sigterm_lets_a_request_in_flight_finish_and_ends_with_0(server: Server) -> None:
    body = f"Category: {COMPUTE}\n".encode()
    whole = request("POST", "/compute/", [*SIGNED_IN, TEXT], body)
    with Wire(server.port) as wire:
        wire.send(request("GET", "/readyz", SIGNED_IN))
        wire.receive()
        wire.send(whole[:-10])
        _until_begun(server)
        server.signal(signal.SIGTERM)
        eventually(lambda: not _ready(server))
        wire.send(whole[-10:])
        status = wire.receive().status
    assert (status, server.wait()) == (201, 0)


def _until_begun(server: Server) -> None:
    """Until a worker has the unfinished request in its hands."""

    def in_progress() -> bool:
        text = requests.get(f"{server.url}/metrics", auth=("admin", "secret"), timeout=10).text
        return 'http_requests_in_progress{protocol="occi"} 1.0' in text

    eventually(in_progress)


def _ready(server: Server) -> bool:
    try:
        return requests.get(f"{server.url}/readyz", timeout=2).status_code == 200
    except (requests.ConnectionError, requests.Timeout):
        return False


def test_an_end_without_requests_is_quick_and_clean(server: Server) -> None:
    assert (server.stop(seconds=5), "Traceback" in server.told()) == (0, False)


def test_an_end_leaves_no_answered_request_without_its_line(server: Server) -> None:
    for number in range(30):
        ask(server, "GET", "/-/", ("X-Request-Id", f"last-{number}"))
    server.stop()
    assert [number for number in range(30) if f'"last-{number}"' not in server.told()] == []


# New configuration


def test_sighup_takes_a_new_configuration(make_server: MakeServer) -> None:
    server = make_server("[quotas.user.admin]\ninstances = 1\n")
    server.start()
    first = [_create(server), _create(server)]
    server.configure("[quotas.user.admin]\ninstances = 3\n")
    server.signal(signal.SIGHUP)
    assert (first, eventually(lambda: _survives(server) == 201)) == ([201, 403], True)


def test_sighup_changes_the_name_that_the_server_header_begins_with(make_server: MakeServer) -> None:
    server = make_server('[server]\nserver_name = "first/1"\n')
    server.start()
    before = _server_header(server)
    server.configure('[server]\nserver_name = "second/2"\n')
    server.signal(signal.SIGHUP)
    assert before.startswith("first/1 OCCI/")
    assert eventually(lambda: _server_header(server).startswith("second/2 OCCI/"))


def _server_header(server: Server) -> str:
    try:
        return ask(server, "GET", "/healthz").header("Server") or ""
    except (OSError, Closed):
        return ""


def test_sighup_changes_form_and_level_of_the_log(make_server: MakeServer) -> None:
    server = make_server('[log]\nlevel = "error"\nformat = "json"\n')
    server.start()
    before = server.told()
    server.configure('[log]\nlevel = "info"\nformat = "text"\n')
    server.signal(signal.SIGHUP)
    assert "Booting worker" not in before
    assert eventually(lambda: re.search('level=info logger=gunicorn msg="Booting worker', server.told()))


def _survives(server: Server) -> int:
    try:
        return _create(server)
    except OSError:
        return 0


def test_a_bad_configuration_is_refused_at_sighup_and_the_old_stays(make_server: MakeServer) -> None:
    server = make_server("[quotas.user.admin]\ninstances = 1\n")
    server.start()
    server.configure("[quotas.user.admin]\ninstance = 9\n")
    server.signal(signal.SIGHUP)
    line = eventually(lambda: re.search("the old configuration stays in force: .*instances", server.told()))
    assert (bool(line), [_create(server), _create(server)]) == (True, [201, 403])


def test_sighup_takes_another_listener_and_keeps_the_one_that_stays(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    ports = free_port(), free_port()
    answers = []
    for port in ports:
        server.configure(f'[server]\nadmin_bind = "127.0.0.1:{port}"\n')
        server.signal(signal.SIGHUP)
        answers.append(eventually(partial(_status, f"http://127.0.0.1:{port}/metrics")))
    eventually(lambda: not _status(f"http://127.0.0.1:{ports[0]}/metrics"))
    assert (answers, _create(server)) == ([200, 200], 201)


def _status(url: str) -> int:
    try:
        return requests.get(url, timeout=2).status_code
    except (requests.ConnectionError, requests.Timeout):
        return 0


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid", "192.0.2.1", "a..b"])
def test_a_listener_that_cannot_be_had_is_refused_at_sighup_and_the_old_stay(
    make_server: MakeServer, host: str
) -> None:
    server = make_server("[quotas.user.admin]\ninstances = 1\n")
    server.start()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server.configure(f'[server]\nadmin_bind = "{host}:{port}"\n')
        server.signal(signal.SIGHUP)
        told = f"the old configuration stays in force: server: cannot listen at {host} port {port}"
        eventually(lambda: told in server.told())
        assert [_create(server), _create(server)] == [201, 403]


def test_what_the_web_server_does_not_take_is_refused_at_sighup_and_the_old_stays(
    make_server: MakeServer,
) -> None:
    server = make_server("[quotas.user.admin]\ninstances = 1\n")
    server.start()
    server.configure('[server]\ntrusted_proxies = ["nonsense"]\n')
    server.signal(signal.SIGHUP)
    eventually(lambda: "the old configuration stays in force: server: 'nonsense'" in server.told())
    assert [_create(server), _create(server)] == [201, 403]


def test_a_worker_that_ends_while_the_disk_is_full_takes_nothing_else_along(server: Server) -> None:
    [folder] = (server.folder / "data").glob("metrics-*")
    (folder / "ended.new").mkdir()  # no file can be written in its place
    ask(server, "GET", "/-/")
    server.signal(signal.SIGHUP)
    eventually(lambda: "is not added to the ended ones yet" in server.told())
    assert eventually(lambda: _survives(server) == 201)


# Health


@pytest.mark.parametrize(
    ("path", "told"), [("/healthz", "ok"), ("/readyz", "ready"), ("/startupz", "started")]
)
def test_health_is_told_to_anybody(shared: Server, path: str, told: str) -> None:
    reply = ask(shared, "GET", path, signed_in=False)
    assert (reply.status, reply.text.strip()) == (200, told)


def test_the_single_checks_are_told_to_monitors_only(shared: Server) -> None:
    stranger = ask(shared, "GET", "/readyz?verbose=1", signed_in=False).text
    monitor = ask(shared, "GET", "/readyz?verbose=1").text
    assert ("checks" in stranger, '"store"' in monitor) == (False, True)


class Store:
    """A database that can be taken away from a gateway and given back."""

    def __init__(self, postgres: Postgres) -> None:
        self.url = postgres.new_database()
        self._name = self.url.partition("@/")[2].partition("?")[0]
        self._admin = postgres.new_database()

    def take_away(self) -> None:
        self._run(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        self._run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")

    def give_back(self) -> None:
        self._run(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._admin, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def store(postgres: Postgres) -> Store:
    return Store(postgres)


def test_without_its_store_it_is_alive_but_not_ready(make_server: MakeServer, store: Store) -> None:
    server = make_server(f'[store]\nurl = "{store.url}"\n')
    server.start()
    store.take_away()
    statuses = [ask(server, "GET", path).status for path in ("/healthz", "/readyz", "/startupz", "/compute/")]
    assert statuses == [200, 503, 503, 503]


def test_it_serves_again_at_once_when_its_store_is_back(make_server: MakeServer, store: Store) -> None:
    server = make_server(f'[store]\nurl = "{store.url}"\n')
    server.start()
    path = server.create("compute")
    store.take_away()
    gone = ask(server, "GET", path).status
    store.give_back()
    assert (gone, ask(server, "GET", path).status) == (503, 200)
