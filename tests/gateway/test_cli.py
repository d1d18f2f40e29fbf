"""The command line: results on standard output, problems on standard error, exit statuses 0, 1 and 2."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.model import Compute, ComputeSpec
from gateway.store import Database
from gateway.store.users import Users
from tests.conftest import Site
from tests.gateway.test_permissions import ADA


class Command:
    """Runs commands on one data folder."""

    def __init__(
        self, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.data, self._capsys, self._monkeypatch = data, capsys, monkeypatch

    def __call__(self, *words: str, stdin: str = "") -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        self._capsys.readouterr()
        try:
            status = main([*words, "--data", str(self.data)])
        except SystemExit as end:
            status = int(str(end.code))
        told = self._capsys.readouterr()
        return status, told.out, told.err

    def refused(self, *words: str, stdin: str = "") -> str:
        """The one line in which a command was refused."""
        status, out, err = self(*words, stdin=stdin)
        assert (status, out) == (1, "")
        [line] = err.splitlines()
        assert line.startswith("stratusgate: ")
        assert line.isprintable()
        return line

    @property
    def users(self) -> Users:
        return Users(Database(f"sqlite:///{self.data / 'store.db'}"))


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(tmp_path / "data", capsys, monkeypatch)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["user"],
        ["user", "add"],
        ["user", "add", "x", "--role", "king"],
        ["db"],
        ["image", "import"],
        ["audit", "--limit", "x"],
    ],
)
def test_wrong_usage_is_2(run: Command, words: list[str]) -> None:
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert "usage:" in err


def test_a_user_is_added_with_a_password_from_standard_input(run: Command) -> None:
    assert run(
        "user",
        "add",
        "ada",
        "--tenant",
        "bio",
        "--group",
        "lab",
        "--role",
        "admin",
        "--password-stdin",
        stdin="a good password\n",
    ) == (0, "", "")
    user = run.users.get("ada")
    assert user is not None
    assert (user.tenant, user.groups, user.roles, user.disabled) == ("bio", ("lab",), ("admin",), False)
    assert "good" not in user.password


def test_a_password_is_generated_and_told_once(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    status, out, _ = run("user", "add", "ada")
    assert (status, len(out.split())) == (0, 1)
    monkeypatch.setenv("PASSWORD_OF_ADA", out.strip())
    status, out, _ = run("whoami", "--user", "ada", "--password-env", "PASSWORD_OF_ADA")
    assert (status, json.loads(out)["tenant"]) == (0, "ada")


def test_a_user_who_is_there_or_not_there_is_told(run: Command) -> None:
    run("user", "add", "ada")
    assert "exists already" in run.refused("user", "add", "ada")
    for words in (["passwd"], ["disable"], ["enable"]):
        assert "no user bob" in run.refused("user", *words, "bob")


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("a:b", "x\n"),
        ("", "x\n"),
        ("ada", ""),
        ("ada", "a\tb\n"),
        ("ada", "a\udc80\n"),
        ("a\nb", "x\n"),
        ("a\u0378", "x\n"),
        ("a\u202eb", "x\n"),
    ],
)
def test_a_name_or_password_that_cannot_be_used_is_refused(run: Command, name: str, password: str) -> None:
    run.refused("user", "add", name, "--password-stdin", stdin=password)
    assert run.users.list() == []


def test_a_password_that_is_no_text_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateway.cli", "user", "add", "ada", "--password-stdin"]
    ended = subprocess.run(
        [*command, "--data", str(tmp_path)], input=b"\xff\n", capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr.count(b"\n"), b"Traceback" in ended.stderr) == (1, 1, False)


@pytest.mark.parametrize("option", ["--tenant", "--group"])
@pytest.mark.parametrize("name", ["", "a\nb", "a\u202eb", "x" * 129, "\u0378"])
def test_a_tenant_or_group_that_cannot_be_used_is_refused(run: Command, option: str, name: str) -> None:
    assert option in run.refused("user", "add", "ada", option, name)
    assert run.users.list() == []


@pytest.mark.parametrize(
    "words", [["user", "add", "a\udc80"], ["audit", "--user", "a\udc80"], ["whoami", "--user", "a\udc80"]]
)
def test_an_argument_that_is_no_text_is_wrong_usage(run: Command, words: list[str]) -> None:
    status, out, err = run(*words)
    assert (status, out, "not UTF-8" in err) == (2, "", True)


def test_users_are_listed_for_people_and_for_programs(run: Command) -> None:
    run("user", "add", "ada", "--tenant", "bio", "--group", "lab", "--group", "wheel", "--role", "monitor")
    run("user", "add", "bob")
    run("user", "disable", "bob")
    assert run("user", "list")[1].splitlines() == [
        "ada\tbio\tlab,wheel\tmonitor\tenabled",
        "bob\tbob\t-\t-\tdisabled",
    ]
    found = json.loads(run("user", "list", "--json")[1])
    assert found[1] == {"name": "bob", "tenant": "bob", "groups": [], "roles": [], "disabled": True}
    run("user", "enable", "bob")
    assert "disabled" not in run("user", "list")[1]


def test_whoami_tells_principal_and_quotas_or_refuses(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    run("user", "add", "ada", "--tenant", "bio", "--password-stdin", stdin="pw\n")
    monkeypatch.setenv("STRATUSGATE_PASSWORD", "pw")
    monkeypatch.setenv("STRATUSGATE__QUOTAS__TENANT__BIO__INSTANCES", "3")
    facts = json.loads(run("whoami", "--user", "ada")[1])
    assert (facts["subject"], facts["auth_method"], facts["quotas"]) == (
        "local:ada",
        "basic",
        [{"scope": "tenant", "name": "bio", "dimension": "instances", "used": 0, "limit": 3}],
    )
    monkeypatch.setenv("STRATUSGATE_PASSWORD", "wrong")
    assert "wrong user name or password" in run.refused("whoami", "--user", "ada")


def test_the_store_goes_up_down_and_up(run: Command) -> None:
    assert run("db", "current")[1] == "empty\n"
    status, head, _ = run("db", "upgrade")
    assert status == 0
    assert run("db", "upgrade")[1] == run("db", "current")[1] == head
    for revision in ("0002", "0001", "empty"):
        assert run("db", "downgrade")[1] == f"{revision}\n"
    assert run("db", "upgrade")[1] == head


def test_the_configuration_is_checked_and_shown(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "gw.toml"
    file.write_text("[server]\nworkers = 3\n")
    assert run("config", "check", "--config", str(file)) == (0, "the configuration is valid\n", "")
    assert run("config", "check", "--online", "--config", str(file))[0] == 0
    status, out, _ = run("config", "show", "--config", str(file))
    assert (status, f"server.workers = 3  # {file}" in out.splitlines()) == (0, True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[server]\nworkers = 0\n", "server.workers"),
        ('[auth]\nmethods = ["magic"]\n', "auth.methods: no mode 'magic'"),
        ('[backends.default]\ndriver = "nothing"\n', "no driver 'nothing'; known: "),
        ('[backends.default]\ndriver = "sandbox"\ndelya = 1\n', "did you mean delay?"),
        ("[frontends.ocii]\n", "no such front end; known: "),
        ('[frontends.occi]\nscheme = "x"\n', "frontends.occi.scheme"),
        ('[frontends.occi]\nenabled = "maybe"\n', "frontends.occi.enabled"),
    ],
)
def test_a_bad_configuration_is_one_line_and_1(run: Command, tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "gw.toml"
    file.write_text(text)
    assert told in run.refused("config", "check", "--config", str(file))


@pytest.mark.parametrize(
    "words", [["db", "upgrade"], ["user", "list"], ["audit"], ["config", "check", "--online"], ["reconcile"]]
)
@pytest.mark.parametrize("url", ["sqlite:////no/such/folder/store.db", "postgresql://gw@127.0.0.1:1/gw"])
def test_a_store_out_of_reach_is_one_line_and_1(
    run: Command, monkeypatch: pytest.MonkeyPatch, words: list[str], url: str
) -> None:
    monkeypatch.setenv("STRATUSGATE__STORE__URL", url)
    run.refused(*words)


def test_a_data_folder_that_cannot_be_made_is_told(run: Command, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    run.refused("user", "list")


def test_an_image_is_imported_for_everybody_and_listed(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "disk.img"
    file.write_bytes(b"x" * 1000)
    status, out, _ = run("image", "import", str(file), "--name", "My image", "--origin", "abc")
    assert status == 0
    lines = run("image", "list")[1].splitlines()
    assert [line.split("\t")[1:3] for line in lines if line.startswith(out.strip())] == [["My image", "1000"]]
    assert "no such file" in run.refused("image", "import", str(tmp_path / "none"), "--name", "x")
    assert "zone" in run.refused("image", "import", str(file), "--name", "x", "--zone", "nowhere")


def test_an_imported_image_is_a_template_of_every_user(
    run: Command, tmp_path: Path, make_site: object
) -> None:
    file = tmp_path / "disk.img"
    file.write_bytes(b"x")
    run("image", "import", str(file), "--name", "Imported")
    site: Site = make_site(data=run.data)  # type: ignore[operator]  # the fixture is a factory
    assert 'title="Imported"' in site.client("eve").get("/-/").text


@pytest.fixture
def history(run: Command, site: Site, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line on the store of a site in which ada has made and lost a machine."""
    machine = site.cloud.create(ADA, Compute, ComputeSpec()).resource.id
    site.cloud.delete(ADA, Compute, machine)
    run.data = site.config.data
    return run


def test_the_audit_record_is_asked_by_user_event_resource_text_and_time(history: Command) -> None:
    def events(*words: str) -> list[str]:
        status, out, err = history("audit", *words)
        assert (status, err) == (0, "")
        return [json.loads(line)["event"] for line in out.splitlines()]

    both = ["compute.create", "compute.delete"]
    assert events("--user", "ada") == both
    assert events("--user", "ada", "--event", "compute.delete") == both[1:]
    assert events("--user", "nobody") == []
    assert events("--user", "ada", "--limit", "1") == both[:1]
    made = json.loads(history("audit", "--event", "compute.create")[1])
    assert events("--resource", made["resource_id"]) == both
    assert events("--text", made["addresses"][0], "--user", "ada") == both[:1]
    assert events("--user", "ada", "--since", made["time"]) == both
    assert events("--user", "ada", "--since", "2099-01-01") == []
    for since in ("1m", "12h", "7d", "2020-01-01T00:00:00Z"):
        assert events("--user", "ada", "--since", since) == both


@pytest.mark.parametrize(
    "since", ["", "yesterday", "5", "5w", "²h", "9" * 30 + "d", "2020-13-01", "m", "999999d"]
)
def test_a_time_that_is_none_is_refused(history: Command, since: str) -> None:
    assert "--since" in history.refused("audit", "--since", since)


def test_a_text_beyond_ascii_is_found_in_the_record(history: Command) -> None:
    history("user", "add", "Zo\u00eb")
    status, out, err = history("audit", "--text", "Zo\u00eb")
    assert (status, err, [json.loads(line)["resource_id"] for line in out.splitlines()]) == (
        0,
        "",
        ["Zo\u00eb"],
    )


def test_a_limit_below_one_is_refused(history: Command) -> None:
    for limit in ("0", "-1", "9" * 30):
        assert history("audit", "--limit", limit)[0] == 2


def test_reconciling_tells_what_it_did(run: Command) -> None:
    status, out, err = run("reconcile")
    assert (status, out, err) == (0, "finished 0, released 0, adopted 3, forgotten 0\n", "")
    assert run("reconcile")[1] == "finished 0, released 0, adopted 0, forgotten 0\n"


def test_a_reader_who_has_seen_enough_is_no_error(history: Command) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", "config", "show", "--data", str(history.data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0
    process.stderr.close()


def test_the_version_and_the_help_are_on_standard_output(run: Command) -> None:
    status, out, err = run("--version")
    assert (status, out.split()[0], err) == (0, "stratusgate", "")
    assert run("--help")[0] == 0
