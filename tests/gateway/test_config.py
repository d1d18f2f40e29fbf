"""Configuration: every source, every option, and one clear line for every mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.config import OPTIONS, Config, ConfigError, load, shown
from gateway.options import integer, size

DATA = Path("/nowhere")


def _load(
    text: str = "", environ: dict[str, str] | None = None, *, folder: Path | None = None, **tables: Any
) -> Config:
    file = None
    if folder is not None:
        file = folder / "gw.toml"
        file.write_text(text)
    return load(file, data=DATA, environ=environ or {}, overrides=tables)


def _problems(*arguments: Any, **keywords: Any) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        _load(*arguments, **keywords)
    assert all(problem.isprintable() for problem in refused.value.problems)
    return refused.value.problems


def test_without_any_source_every_option_has_its_default() -> None:
    config = _load()
    assert config.get("server", "bind") == "127.0.0.1:8787"
    assert config.get("auth", "methods") == ("basic",)
    assert config.get("tenancy", "umask") == 0o177
    assert config.store_url == "sqlite:////nowhere/store.db"
    assert config.backends == {"default": {"driver": "sandbox"}}
    assert config.frontends == {"occi": {}, "cdmi": {}}


@pytest.mark.parametrize("section", OPTIONS)
def test_every_default_is_a_value_that_its_own_option_takes(section: str) -> None:
    for key, option in OPTIONS[section].items():
        default = option.default
        option.read(list(default) if isinstance(default, tuple) else default)
        assert option.help, key


@pytest.mark.parametrize(
    ("section", "key", "value", "read"),
    [
        ("server", "bind", "0.0.0.0:80", "0.0.0.0:80"),
        ("server", "bind", "[::1]:8787", "[::1]:8787"),
        ("server", "admin_bind", "127.0.0.1:9000", "127.0.0.1:9000"),
        ("server", "admin_bind", "", ""),
        ("server", "public_url", "https://cloud.site.example/gw/", "https://cloud.site.example/gw"),
        ("server", "workers", "4", 4),
        ("server", "threads", 8, 8),
        ("server", "timeout", 60, 60),
        ("server", "graceful_timeout", 5, 5),
        ("server", "trusted_proxies", "10.0.0.1, 10.0.0.2", ("10.0.0.1", "10.0.0.2")),
        ("server", "trusted_proxies", ["10.0.0.1"], ("10.0.0.1",)),
        ("server", "max_body", "2MiB", 2 << 20),
        ("server", "server_name", "cloud/1", "cloud/1"),
        ("store", "url", "postgresql://gw@db/gw", "postgresql://gw@db/gw"),
        ("auth", "realm", "site", "site"),
        ("auth", "anonymous_model", "true", True),
        ("auth", "failures_per_minute", 0, 0),
        ("tenancy", "umask", "133", 0o133),
        ("tenancy", "collection_delete", "off", "off"),
        ("tenancy", "import", "none", "none"),
        ("defaults", "instance_type", "small", "small"),
        ("defaults", "image", "debian-12", "debian-12"),
        ("defaults", "cores", 2, 2),
        ("defaults", "memory", "1.5GiB", 3 << 29),
        ("defaults", "templates_required", True, True),
        ("log", "format", "json", "json"),
        ("log", "level", "debug", "debug"),
        ("log", "access", False, False),
        ("metrics", "enabled", "False", False),
        ("metrics", "token", "t", "t"),
    ],
)
def test_a_good_value_is_taken(section: str, key: str, value: Any, read: Any) -> None:
    assert _load(**{section: {key: value}}).get(section, key) == read


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        *(("server", "bind", value) for value in ("localhost", ":80", "h:99999", "h:²", "", 8787, None)),
        *(
            ("server", "bind", value)
            for value in ("::1:80", "[::1:80", "[::1]80", "unix:80", "a b:80", "a/b:80")
        ),
        *(
            ("server", "public_url", value)
            for value in (
                "cloud.example",
                "ftp://x",
                "https://x/?q",
                "https://",
                "https://x/\u20ac",
                "https://x/a\x00",
                5,
            )
        ),
        *(("server", "workers", value) for value in (0, -1, "x", 1.5, True, [], {}, "9" * 5000)),
        *(("server", "trusted_proxies", value) for value in (5, [1], {"a": 1})),
        *(("server", "max_body", value) for value in ("big", "1 parsec", -1, 1.5, None, "9" * 400 + ".5")),
        *(
            ("store", "url", value)
            for value in (
                *("nonsense", "mysql://h/d", "sqlite", 5, "postgresql+x://h", "://"),
                *("sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite+pysqlite:////nowhere/store.db"),
            )
        ),
        ("auth", "realm", 'a"b'),
        ("auth", "realm", "a\nb"),
        ("auth", "realm", "Zo\u20ac"),
        ("auth", "realm", "Zo\u00eb"),
        *(("server", "server_name", value) for value in ("a\r\nb", "\u20ac", "\u00e9", "a\x7f", 5)),
        *(("auth", "anonymous_model", value) for value in ("yes", 1, None)),
        ("auth", "failures_per_minute", -1),
        *(("tenancy", "umask", value) for value in (177, "0177", "899", "")),
        ("tenancy", "collection_delete", "on"),
        ("tenancy", "import", ["admin"]),
        ("log", "level", "loud"),
        ("log", "format", {"a": 1}),
    ],
)
def test_a_bad_value_is_one_problem_that_names_option_and_what_is_allowed(
    section: str, key: str, value: Any
) -> None:
    [problem] = _problems(**{section: {key: value}})
    assert problem.startswith(f"{section}.{key}: ")
    assert " is not " in problem
    assert len(problem) < 300


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4GiB", 4 << 30),
        ("500 MB", 500_000_000),
        ("1.5G", 3 << 29),
        ("7", 7),
        ("7B", 7),
        ("2TiB", 2 << 40),
        ("1P", 1 << 50),
    ],
)
def test_sizes_are_read_with_their_units(text: str, number: int) -> None:
    assert size(text) == number


@pytest.mark.parametrize("text", ["", "GiB", "4 gib", "-1", "1e3", "4GiB!", "٣"])
def test_a_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a number of bytes"):
        size(text)


def test_a_whole_number_is_no_truth_and_no_fraction() -> None:
    for value in (True, 1.0, "1.0", None, ""):
        with pytest.raises(ValueError, match="a whole number"):
            integer(value)


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"sever": {}}, "unknown section sever; did you mean server?"),
        ({"server": {"bnid": "x"}}, "unknown key server.bnid; did you mean bind?"),
        ({"zzzzzz": {}}, "unknown section zzzzzz; known: "),
        ({"instance_types": {"a": {"core": 1}}}, "unknown key instance_types.a.core; did you mean cores?"),
        ({"quotas": {"tennant": {}}}, "unknown quota scope quotas.tennant; did you mean tenant?"),
        (
            {"quotas": {"user": {"ada": {"instance": 1}}}},
            "unknown dimension quotas.user.ada.instance; did you mean instances?",
        ),
        (
            {"restricted": {"op": ["interface.max"]}},
            "unknown attribute restricted.op.interface.max; did you mean mac?",
        ),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_known(tables: dict[str, Any], told: str) -> None:
    [problem] = _problems(**tables)
    assert told in problem


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"server": "x"}, "server: must be a table"),
        ({"backends": "x"}, "backends: must hold tables"),
        ({"backends": {"default": "x"}}, "backends: must hold tables"),
        ({"backends": {"default": {}}}, "backends.default: driver is missing"),
        ({"backends": {"Kvm--1": {"driver": "sandbox"}}}, "backends.Kvm--1: a zone's name"),
        ({"frontends": {"occi": 5}}, "frontends: must hold tables"),
        ({"instance_types": {"A b": {}}}, "instance_types.A b: the name must be"),
        ({"instance_types": {"a": {"cores": 0}}}, "instance_types.a: expected"),
        ({"instance_types": {"a": {"memory": "x"}}}, "instance_types.a: expected"),
        ({"instance_types": {"a": {"title": 5}}}, "instance_types.a: expected"),
        ({"instance_types": {"a": {"tags": "x"}}}, "instance_types.a: expected"),
        ({"quotas": {"user": {"ada": 5}}}, "quotas.user.ada: must be a table"),
        ({"quotas": {"user": {"ada": {"instances": -1}}}}, "quotas.user.ada.instances: -1 is not"),
        ({"quotas": {"user": {"ada": {"volume_bytes": "x"}}}}, "quotas.user.ada.volume_bytes: 'x' is not"),
        ({"restricted": {"op": 5}}, "restricted.op: 5 is not"),
        ({"restricted": "x"}, "restricted: must"),
    ],
)
def test_a_table_that_is_none_or_holds_nonsense_is_told(tables: dict[str, Any], told: str) -> None:
    [problem] = _problems(**tables)
    assert told in problem


@pytest.mark.parametrize(
    ("bind", "admin_bind"),
    [("127.0.0.1:8787", "127.0.0.2:8787"), ("[::]:8787", "127.0.0.1:08787"), ("h:1", "h:1")],
)
def test_two_listeners_with_one_port_are_refused(bind: str, admin_bind: str) -> None:
    [problem] = _problems(server={"bind": bind, "admin_bind": admin_bind})
    assert problem.startswith(f"server.admin_bind: {admin_bind} has the port of server.bind")


def test_two_listeners_with_two_ports_are_taken() -> None:
    server = {"bind": "[::1]:8787", "admin_bind": "[fe80::1%eth0]:8788"}
    assert _load(server=server).get("server", "admin_bind") == "[fe80::1%eth0]:8788"


def test_several_problems_are_told_at_once(tmp_path: Path) -> None:
    text = '[server]\nbind = "x"\nworkers = 0\nfoo = 1\n[tenancy]\numask = 7\n[backends.b]\n'
    problems = _problems(text, folder=tmp_path)
    assert len(problems) == 5
    assert [p for p in problems if p.startswith(f"{tmp_path / 'gw.toml'}: unknown key server.foo")]


def test_quotas_types_and_allowances_are_read() -> None:
    config = _load(
        quotas={
            "tenant": {"bio": {"instances": 3, "memory_bytes": "4GiB", "instances:small": 0}},
            "user": {"*": {"volumes": "2"}},
        },
        instance_types={
            "s": {"cores": 2, "memory": "1GiB", "disk": "5GB", "title": "S", "tags": {"price": 1}}
        },
        restricted={"operator": ["interface.mac"]},
    )
    assert config.quotas["tenant"]["bio"] == {"instances": 3, "memory_bytes": 4 << 30, "instances:small": 0}
    assert config.quotas["user"]["*"] == {"volumes": 2}
    offered = config.instance_types["s"]
    assert (offered.cores, offered.memory, offered.disk, offered.title) == (2, 1 << 30, 5 * 10**9, "S")
    assert offered.tags == {"price": "1"}
    assert config.restricted == {"operator": ("interface.mac",)}


def test_later_sources_win_and_each_value_knows_its_origin(tmp_path: Path) -> None:
    drop_ins = tmp_path / "gw.toml.d"
    drop_ins.mkdir()
    (drop_ins / "10.toml").write_text(
        "[server]\nworkers = 2\nthreads = 2\ntimeout = 2\n[backends.default]\ndelay = 1.0\n"
    )
    (drop_ins / "20.toml").write_text("[server]\nthreads = 3\ntimeout = 3\n")
    (drop_ins / "ignored.txt").write_text("nonsense")
    text = '[server]\nworkers = 1\nthreads = 1\ntimeout = 1\nserver_name = "f"\n'
    text += '[backends.default]\ndriver = "sandbox"\n'
    environ = {"STRATUSGATE__SERVER__TIMEOUT": "4", "OTHER__SERVER__TIMEOUT": "9", "STRATUSGATE_SERVER": "9"}
    config = _load(text, environ, folder=tmp_path, server={"bind": "h:1"})
    assert [
        config.get("server", key) for key in ("server_name", "workers", "threads", "timeout", "bind")
    ] == ["f", 2, 3, 4, "h:1"]
    assert config.backends["default"] == {"driver": "sandbox", "delay": 1.0}
    origins = [
        config.origin[f"server.{key}"] for key in ("server_name", "workers", "threads", "timeout", "bind")
    ]
    assert origins == [
        str(tmp_path / "gw.toml"),
        str(drop_ins / "10.toml"),
        str(drop_ins / "20.toml"),
        "environment STRATUSGATE__SERVER__TIMEOUT",
        "command line",
    ]


def test_the_environment_reaches_tables_of_any_depth() -> None:
    environ = {
        "STRATUSGATE__BACKENDS__KVM__DRIVER": "sandbox",
        "STRATUSGATE__QUOTAS__USER__ADA__INSTANCES": "3",
        "STRATUSGATE__AUTH__METHODS": "basic",
    }
    config = _load(environ=environ)
    assert config.backends == {"kvm": {"driver": "sandbox"}}
    assert config.quotas == {"user": {"ada": {"instances": 3}}}


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("0.5", 0.5),
        ("7", 7),
        ("true", True),
        ('["a", "b"]', ["a", "b"]),
        ("{ cores = 8 }", {"cores": 8}),
        ('"7"', "7"),
        ("qemu:///system", "qemu:///system"),
        ("2020-01-01", "2020-01-01"),
        ("7\nserver = 1", "7\nserver = 1"),
        ("", ""),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_an_option_of_a_driver_is_a_toml_value_in_the_environment_or_else_a_text(
    value: str, read: Any
) -> None:
    environ = {"STRATUSGATE__BACKENDS__DEFAULT__OPTION": value}
    found = _load(environ=environ, backends={"default": {"driver": "d"}}).backends["default"]["option"]
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("TENANCY__UMASK", "133", 0o133),
        ("METRICS__TOKEN", "12345", "12345"),
        ("DEFAULTS__IMAGE", "true", "true"),
        ("SERVER__TRUSTED_PROXIES", '["10.0.0.1", "10.0.0.2"]', ("10.0.0.1", "10.0.0.2")),
        ("SERVER__TRUSTED_PROXIES", "10.0.0.1,10.0.0.2", ("10.0.0.1", "10.0.0.2")),
        ("AUTH__REALM", '"the site"', "the site"),
    ],
)
def test_an_option_of_ours_takes_from_the_environment_what_it_needs(name: str, value: str, read: Any) -> None:
    section, key = name.lower().split("__")
    assert _load(environ={f"STRATUSGATE__{name}": value}).get(section, key) == read


def test_a_name_in_the_environment_with_a_small_letter_is_taken_as_it_stands() -> None:
    environ = {
        "STRATUSGATE__QUOTAS__USER__Ada__INSTANCES": "3",
        "STRATUSGATE__QUOTAS__TENANT": "{ BIO = { volumes = 1 } }",
    }
    assert _load(environ=environ).quotas == {
        "user": {"Ada": {"instances": 3}},
        "tenant": {"BIO": {"volumes": 1}},
    }


def test_a_table_in_the_environment_may_point_at_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hidden\n")
    environ = {
        "STRATUSGATE__METRICS__TOKEN": f'{{ file = "{tmp_path / "secret"}" }}',
        "STRATUSGATE__BACKENDS__DEFAULT__PASSWORD": f'{{ file = "{tmp_path / "secret"}" }}',
    }
    config = _load(environ=environ, backends={"default": {"driver": "d"}})
    assert (config.get("metrics", "token"), config.backends["default"]["password"]) == ("hidden", "hidden")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("STRATUSGATE__Server__BIND", "unknown section Server; did you mean server?"),
        ("STRATUSGATE__SERVER", "server: must be a table"),
        ("STRATUSGATE__SERVER__BNID", "environment STRATUSGATE__SERVER__BNID: unknown key server.bnid"),
        ("STRATUSGATE__", "unknown section"),
        ("STRATUSGATE__SERVER__WORKERS__X", "server.workers"),
    ],
)
def test_a_bad_name_in_the_environment_is_told(name: str, told: str) -> None:
    assert any(told in problem for problem in _problems(environ={name: "1"}))


def test_a_value_may_come_from_a_file_or_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("SG_TEST_REALM", "from the environment")
    text = (
        f'[metrics]\ntoken = {{ file = "{tmp_path / "secret"}" }}\n'
        '[auth]\nrealm = { env = "SG_TEST_REALM" }\n'
        f'[backends.default]\ndriver = "sandbox"\npassword = {{ file = "{tmp_path / "secret"}" }}\n'
    )
    config = _load(text, folder=tmp_path)
    assert config.get("metrics", "token") == "from the file"
    assert config.get("auth", "realm") == "from the environment"
    assert config.backends["default"]["password"] == "from the file"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('{ file = "/no/such/file" }', "auth.realm: "),
        ("{ file = 5 }", "auth.realm: "),
        ("{ file = [] }", "auth.realm: "),
        ('{ env = "SG_TEST_UNSET" }', "auth.realm: environment variable SG_TEST_UNSET is not set"),
        ("{ env = 5 }", "auth.realm: "),
    ],
)
def test_a_source_of_a_value_that_is_not_there_is_told(tmp_path: Path, value: str, told: str) -> None:
    problems = _problems(f"[auth]\nrealm = {value}\n", folder=tmp_path)
    assert any(problem.startswith(told) for problem in problems)


@pytest.mark.parametrize("text", ["[server", "bind", "a = 1\na = 2", "[server]\nbind = \x00"])
def test_a_file_that_is_no_toml_is_told_with_its_name(tmp_path: Path, text: str) -> None:
    [problem] = _problems(text, folder=tmp_path)
    assert problem.startswith(f"{tmp_path / 'gw.toml'}: ")


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError) as refused:
        load(Path("/no/such.toml"), data=DATA, environ={})
    [problem] = refused.value.problems
    assert problem.startswith("/no/such.toml: ")


def test_the_effective_values_are_shown_with_origin_and_without_secrets(tmp_path: Path) -> None:
    text = """
[server]
workers = 7
[store]
url = "postgresql://gw:hunter2@db/gw"
[metrics]
token = "hunter2"
[backends.default]
driver = "sandbox"
password = "hunter2"
api_key = "hunter2"
endpoint = "https://me:hunter2@cloud.example/"
[backends.default.login]
secret = "hunter2"
user = "me"
[instance_types.s]
cores = 1
[quotas.user.ada]
instances = 3
"""
    config = _load(text, {"STRATUSGATE__SERVER__THREADS": "5"}, folder=tmp_path)
    lines = list(shown(config))
    assert "hunter2" not in "\n".join(lines)
    file = tmp_path / "gw.toml"
    assert f"server.workers = 7  # {file}" in lines
    assert "server.threads = 5  # environment STRATUSGATE__SERVER__THREADS" in lines
    assert "server.timeout = 120  # default" in lines
    assert f"metrics.token = '***'  # {file}" in lines
    assert f"store.url = 'postgresql://gw:***@db/gw'  # {file}" in lines
    assert "tenancy.umask = '177'  # default" in lines
    assert f"quotas.user.ada.instances = 3  # {file}" in lines
    assert any(line.startswith("instance_types.s = 1 cores") for line in lines)
    assert {f"{section}.{key}" for section, keys in OPTIONS.items() for key in keys} <= {
        line.split(" = ")[0] for line in lines
    }


def test_a_switch_of_a_front_end_may_come_from_the_environment() -> None:
    from gateway.frontends import mounted

    config = _load(environ={"STRATUSGATE__FRONTENDS__OCCI__ENABLED": "false"})
    assert mounted(config.frontends) == []
    assert len(mounted(_load(environ={"STRATUSGATE__FRONTENDS__OCCI__ENABLED": "true"}).frontends)) == 1
