"""The driver of values: found by its name, told its options, reached by ``config check --online``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from backends.values import DirectoryStore
from backends.values.s3 import S3Store
from gateway import app
from gateway.app import Gateway
from gateway.cli import main
from gateway.config import ConfigError, load, shown
from tests.conftest import Site
from tests.swift import Swift

Make = Callable[..., Gateway]
CDMI: dict[str, Any] = {"occi": {}, "cdmi": {}}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A factory of gateways with CDMI; keyword arguments are those of ``[objects]``."""
    made: list[Gateway] = []

    def gateway(environ: dict[str, str] | None = None, **objects: Any) -> Gateway:
        tables = {"frontends": CDMI, "objects": objects}
        made.append(Gateway(load(None, data=tmp_path, environ=environ or {}, overrides=tables)))
        return made[-1]

    yield gateway
    for each in made:
        each.database.close()


class Elsewhere(DirectoryStore):
    """A driver that somebody else has written."""


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two drivers of other projects, one of which lacks a library."""
    more = [
        EntryPoint("elsewhere", f"{__name__}:Elsewhere", app.VALUES),
        EntryPoint("poor", "no_such_library:Store", app.VALUES),
    ]
    real = app.entry_points
    monkeypatch.setattr(
        app,
        "entry_points",
        lambda group: [*real(group=group), *more] if group == app.VALUES else real(group=group),
    )


def problems(work: Callable[[], object]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        work()
    return caught.value.problems


def test_values_lie_in_a_directory_unless_it_is_told_otherwise(make: Make, tmp_path: Path) -> None:
    assert isinstance(make().values, DirectoryStore)
    assert (tmp_path / "objects").is_dir()


def test_a_driver_is_told_its_options(make: Make, tmp_path: Path) -> None:
    make(path="elsewhere")
    assert (tmp_path / "elsewhere").is_dir()
    assert isinstance(make(driver="s3", bucket="values", access_key="a", secret_key="b").values, S3Store)


def test_options_of_a_driver_come_from_the_environment_with_their_types(make: Make) -> None:
    environ = {
        "STRATUSGATE__OBJECTS__DRIVER": "s3",
        "STRATUSGATE__OBJECTS__BUCKET": "values",
        "STRATUSGATE__OBJECTS__PATH_STYLE": "false",
        "STRATUSGATE__OBJECTS__READ_TIMEOUT": "2.5",
        "STRATUSGATE__OBJECTS__ENTERPRISE": "7",
    }
    gateway = make(environ)
    assert gateway.config.objects == {"bucket": "values", "path_style": False, "read_timeout": 2.5}
    assert (type(gateway.values), gateway.config.get("objects", "enterprise")) == (S3Store, 7)


@pytest.mark.usefixtures("others")
def test_a_driver_of_another_project_is_found(make: Make) -> None:
    assert isinstance(make(driver="elsewhere", path="x").values, Elsewhere)


@pytest.mark.usefixtures("others")
def test_a_driver_that_cannot_be_loaded_says_what_it_lacks(make: Make) -> None:
    [told] = problems(lambda: make(driver="poor"))
    assert told == "objects.driver: poor cannot be loaded: No module named 'no_such_library'"


def test_a_driver_that_does_not_exist_is_answered_with_those_that_do(make: Make) -> None:
    told = problems(lambda: make(driver="s4"))
    assert told == ["objects.driver: no driver 's4'; known: directory, s3"]


@pytest.mark.parametrize(
    ("objects", "told"),
    [
        ({"paht": "x"}, "objects.paht: unknown key; known: path"),
        ({"path": 7}, "objects.path: a path, relative to the data folder or absolute"),
        ({"bucket": "x"}, "objects.bucket: unknown key; known: path"),
        ({"driver": "s3"}, "objects.bucket: is missing"),
        ({"driver": "s3", "bukcet": "x"}, "objects.bukcet: unknown key; did you mean bucket?"),
        ({"driver": "s3", "bucket": "x/y"}, "objects.bucket: 'x/y' is not the name of a bucket"),
        ({"driver": 7}, "objects.driver: 7 is not a text"),
    ],
)
def test_a_wrong_option_is_a_configuration_error(make: Make, objects: dict[str, Any], told: str) -> None:
    [problem] = problems(lambda: make(**objects))
    assert problem.startswith(told)


def test_a_wrong_option_is_told_also_where_no_front_end_needs_values(tmp_path: Path) -> None:
    config = load(None, data=tmp_path, environ={}, overrides={"objects": {"paht": "x"}})
    assert problems(lambda: Gateway(config)) == ["objects.paht: unknown key; known: path"]


def test_a_gateway_without_objects_makes_no_folder_for_them(tmp_path: Path) -> None:
    gateway = Gateway(load(None, data=tmp_path, environ={}, overrides={"frontends": {"occi": {}}}))
    assert (gateway.values, (tmp_path / "objects").exists()) == (None, False)
    gateway.database.close()


def test_keys_are_not_shown(tmp_path: Path) -> None:
    objects = {"driver": "s3", "bucket": "values", "access_key": "AKIA", "secret_key": "hidden"}
    lines = list(shown(load(None, data=tmp_path, environ={}, overrides={"objects": objects})))
    assert "objects.bucket = 'values'  # command line" in lines
    assert [line for line in lines if "AKIA" in line or "hidden" in line] == []


def configuration(folder: Path, **objects: str) -> str:
    options = "".join(f'{name} = "{value}"\n' for name, value in objects.items())
    file = folder / "gw.toml"
    file.write_text(f'[frontends.cdmi]\n[objects]\ndriver = "s3"\n{options}')
    return str(file)


def checked(tmp_path: Path, file: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    assert main(["db", "upgrade", "--data", str(tmp_path)]) == 0
    capsys.readouterr()
    status = main(["config", "check", "--online", "--data", str(tmp_path), "--config", file])
    return status, capsys.readouterr().err


def test_a_check_online_reaches_the_bucket(
    swift: Swift, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = configuration(tmp_path, **swift.options(swift.new_bucket()))
    assert checked(tmp_path, there, capsys) == (0, "")


def test_a_check_online_tells_a_bucket_that_is_not_there(
    swift: Swift, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, told = checked(tmp_path, configuration(tmp_path, **swift.options("not-there")), capsys)
    assert status != 0
    assert "objects: object store, bucket not-there: " in told
    assert "NoSuchBucket" in told


def test_an_object_is_put_and_got_over_http_with_its_value_in_the_bucket(
    swift: Swift, make_site: Callable[..., Site]
) -> None:
    bucket = swift.new_bucket()
    site = make_site(objects={"driver": "s3", **swift.options(bucket)}, frontends={"cdmi": {"prefix": ""}})
    client = site.client("ada")
    container = {"Content-Type": "application/cdmi-container", "X-CDMI-Specification-Version": "1.1"}
    assert client.request("PUT", "/lab/", b"{}", container).status == 201
    value = bytes(range(256)) * 40_000
    raw = {"Content-Type": "application/octet-stream"}
    assert client.request("PUT", "/lab/scan", value, raw).status == 201
    assert client.get("/lab/scan").body == value
    assert client.get("/lab/scan", Range="bytes=1000-1999").body == value[1000:2000]
    [stored] = swift.client.list_objects_v2(Bucket=bucket)["Contents"]
    assert stored["Size"] == len(value)
