"""Who a request comes from behind a proxy, sharing by command, the audit file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.model import Compute, ComputeSpec, NotFound
from tests.conftest import Site
from tests.gateway.test_permissions import ADA, BOB, EVE

Make = Callable[..., Site]


@pytest.mark.parametrize(
    ("trusted", "forwarded", "expected"),
    [
        (["192.0.2.1"], "198.51.100.7", "198.51.100.7"),
        (["192.0.2.1"], "203.0.113.5, 198.51.100.7", "198.51.100.7"),
        (["192.0.2.1", "198.51.100.7"], "203.0.113.5, 198.51.100.7", "203.0.113.5"),
        (["192.0.2.1", "198.51.100.7"], "nonsense, 198.51.100.7", "198.51.100.7"),
        (["127.0.0.1"], "203.0.113.5", "192.0.2.1"),
        (["192.0.2.1"], "", "192.0.2.1"),
    ],
)
def test_the_client_is_the_last_peer_that_no_trusted_proxy_is(
    make_site: Make, trusted: list[str], forwarded: str, expected: str
) -> None:
    site = make_site(server={"trusted_proxies": trusted})
    answer = site.client("ada").request(
        "POST",
        "/compute/",
        b'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\n',
        {"Content-Type": "text/plain", "X-Forwarded-For": forwarded},
    )
    assert answer.status == 201
    [record] = site.cloud.audit.query(event="compute.create")
    assert record["client_ip"] == expected


def test_every_record_is_appended_to_the_audit_file_and_an_undone_one_is_not(
    make_site: Make, tmp_path: Path
) -> None:
    file = tmp_path / "audit.jsonl"
    site = make_site(audit={"file": str(file)})
    site.cloud.create(ADA, Compute, ComputeSpec(title="kept"))

    def undo() -> None:
        with site.cloud.database.write() as tx:
            site.cloud.audit.append(tx, ADA, "compute.create", "success", resource_title="undone")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undo()
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert records == list(site.cloud.audit.query())
    assert [r["resource_title"] for r in records if r["event"] == "compute.create"] == ["kept"]


def test_an_audit_file_that_cannot_be_written_stops_no_work(make_site: Make, tmp_path: Path) -> None:
    cloud = make_site(audit={"file": str(tmp_path / "missing" / "audit.jsonl")}).cloud
    assert cloud.create(ADA, Compute, ComputeSpec()).resource.id
    assert len(cloud.audit.query(event="compute.create")) == 1


def test_an_operator_shares_a_machine_by_command(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = site.cloud.create(ADA, Compute, ComputeSpec()).resource.id
    common = ["--data", str(tmp_path)]
    assert main(["share", "compute", machine, "--mode", "604", "--other-tenants", "yes", *common]) == 0
    assert "owner ada, tenant bio, group lab, mode 604, other means every tenant" in capsys.readouterr().out
    assert site.cloud.get(EVE, Compute, machine)
    assert main(["share", "compute", machine, "--owner", "bob", "--other-tenants", "no", *common]) == 0
    assert site.cloud.get(BOB, Compute, machine).overlay.owner == "bob"
    with pytest.raises(NotFound):
        site.cloud.get(EVE, Compute, machine)


def test_sharing_by_command_refuses_what_it_cannot_do(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["share", "compute", "nothing", "--mode", "604", "--data", str(tmp_path)]) == 1
    assert "no compute nothing" in capsys.readouterr().err
    assert main(["share", "compute", "nothing", "--mode", "1777", "--data", str(tmp_path)]) == 1
    assert "--mode: 1777 is not three octal digits" in capsys.readouterr().err
