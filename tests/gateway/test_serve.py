"""What ``serve`` does before its first request: alone in its folder, it settles what was left behind."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli.alone import hold
from gateway.cli.serve import reconcile_now
from gateway.config import ConfigError
from gateway.store.overlay import Holding
from tests.conftest import Site
from tests.gateway.test_permissions import ADA

_FORK = multiprocessing.get_context("fork")
Make = Callable[..., Site]


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    held = hold(tmp_path)
    with pytest.raises(ConfigError, match="another stratusgate serve uses it"):
        hold(tmp_path, patience=0)
    os.close(held)
    os.close(hold(tmp_path, patience=0))


def test_a_fork_that_lives_on_holds_the_folder_until_it_ends(tmp_path: Path) -> None:
    ended = _FORK.Event()
    held = hold(tmp_path)
    worker = _FORK.Process(target=ended.wait)
    worker.start()
    os.close(held)
    with pytest.raises(ConfigError):
        hold(tmp_path, patience=0)
    ended.set()
    os.close(hold(tmp_path, patience=30))
    worker.join()


def test_a_folder_that_cannot_be_locked_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--data: .*nowhere"):
        hold(tmp_path / "nowhere")


def _making(site: Site, *, alone: bool) -> int:
    """How many rows are being made once one of ada's has been begun and ``serve`` has reconciled."""
    with site.cloud.database.write() as tx:
        site.cloud.overlays.reserve(
            tx, ADA.principal, kind="compute", zone="default", token="t", mode=0o600, holding=Holding()
        )
    reconcile_now(site.config, alone=alone)
    return len(site.cloud.overlays.making(1 << 62))


def test_what_is_being_made_in_a_folder_held_alone_was_left_behind(site: Site) -> None:
    assert _making(site, alone=True) == 0


def test_what_is_being_made_in_a_store_elsewhere_may_be_another_folders(
    make_site: Make, tmp_path: Path
) -> None:
    site = make_site(data=tmp_path, store={"url": f"sqlite:///{tmp_path.parent / f'{tmp_path.name}.db'}"})
    assert _making(site, alone=True) == 1


def test_who_is_not_alone_leaves_what_was_begun_just_now(site: Site) -> None:
    assert _making(site, alone=False) == 1
