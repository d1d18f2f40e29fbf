"""Numbers that several processes count into."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from gateway.metrics import Metrics, worker_ended
from gateway.tally import Tally, process_ended

_FORK = multiprocessing.get_context("fork")


def _add(tally: Tally, key: tuple[str, ...], number: float, size: int = 1) -> None:
    view, at = tally.block(key, size)
    with tally.lock:
        view[at] += number


def _in_a_process(folder: Path, number: float, *, then_die: bool = False) -> int:
    """Add to ("n",) and ("gauge",) in another process; its pid."""

    def work() -> None:
        tally = Tally(folder)
        _add(tally, ("n", "a"), number)
        _add(tally, ("gauge", "a"), 1)
        if then_die:
            os.kill(os.getpid(), signal.SIGKILL)

    process = _FORK.Process(target=work)
    process.start()
    process.join()
    assert process.pid is not None
    return process.pid


@pytest.mark.parametrize("shared", [True, False])
def test_threads_lose_no_addition(tmp_path: Path, shared: bool) -> None:
    tally = Tally(tmp_path if shared else None)

    def work() -> None:
        for _ in range(2000):
            _add(tally, ("n",), 1)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally.sums() == {("n",): [8000.0]}


def test_the_sum_is_over_all_processes_also_those_that_were_killed(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    _add(tally, ("n", "a"), 1)
    _in_a_process(tmp_path, 10)
    _in_a_process(tmp_path, 100, then_die=True)
    assert tally.sums()["n", "a"] == [111.0]


def test_what_an_ended_process_counted_stays_and_its_files_go(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    _add(tally, ("n", "a"), 1)
    for number in (10, 100):
        process_ended(tmp_path, _in_a_process(tmp_path, number), forget="gauge")
    assert tally.sums() == {("n", "a"): [111.0]}
    assert len(list(tmp_path.glob("*.numbers"))) == 1


def test_that_a_process_has_ended_may_be_told_twice(tmp_path: Path) -> None:
    pid = _in_a_process(tmp_path, 10)
    process_ended(tmp_path, pid, forget="gauge")
    process_ended(tmp_path, pid, forget="gauge")
    assert Tally(tmp_path).sums() == {("n", "a"): [10.0]}


def _full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("fails", ["write_text", "replace", "unlink"])
def test_an_end_told_on_a_full_disk_loses_nothing_and_counts_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    process_ended(tmp_path, _in_a_process(tmp_path, 1), forget="gauge")
    pid = _in_a_process(tmp_path, 10)
    with monkeypatch.context() as disk, suppress(OSError):
        disk.setattr(Path, fails, _full)
        process_ended(tmp_path, pid, forget="gauge")
    assert Tally(tmp_path).sums()["n", "a"] == [11.0]


@pytest.mark.parametrize("fails", ["write_text", "replace", "unlink"])
def test_what_a_full_disk_kept_from_being_moved_goes_with_the_next_that_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    with monkeypatch.context() as disk, suppress(OSError):
        disk.setattr(Path, fails, _full)
        process_ended(tmp_path, _in_a_process(tmp_path, 1), forget="gauge")
    process_ended(tmp_path, _in_a_process(tmp_path, 10), forget="gauge")
    assert Tally(tmp_path).sums() == {("n", "a"): [11.0]}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ended.keys", "lock"]


def test_a_live_process_keeps_counting_while_another_is_moved(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    _add(tally, ("n", "a"), 1)
    process_ended(tmp_path, _in_a_process(tmp_path, 10), forget="gauge")
    _add(tally, ("n", "a"), 100)
    assert tally.sums() == {("n", "a"): [111.0]}


@pytest.mark.parametrize("shared", [True, False])
def test_there_is_room_for_more_numbers_than_one_segment_holds(tmp_path: Path, shared: bool) -> None:
    tally = Tally(tmp_path if shared else None)
    for number in range(3000):
        _add(tally, ("n", str(number)), number, size=7)
    assert tally.sums() == {("n", str(number)): [number, *[0.0] * 6] for number in range(3000)}


def test_a_full_disk_takes_the_sum_and_not_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    tally = Tally(tmp_path)
    _add(tally, ("n",), 1)
    assert tally.block(("n",), 1)[0][0] == 1.0
    assert tally.sums() == {}


def test_a_line_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    _add(tally, ("n",), 1)
    keys = next(tmp_path.glob("*.keys"))
    with keys.open("a", encoding="utf-8") as file:
        file.write('[1, 1, "ha')
    assert tally.sums() == {("n",): [1.0]}


def test_a_label_may_be_any_text(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    _add(tally, ("n", 'a"\n\\é\ud800'), 1)
    assert tally.sums() == {("n", 'a"\n\\é\ud800'): [1.0]}


def test_a_histogram_is_cumulative_and_ends_with_the_count(tmp_path: Path) -> None:
    metrics = Metrics("1", tmp_path)
    for seconds in (0.005, 0.2, 100.0):
        metrics.backend_call("default", "compute.get", "ok", seconds)
    page = metrics.report().decode()
    shown = re.findall(r"request_duration_seconds_bucket{.*le=\"([^\"]*)\".*} (.*)", page)
    within = dict(shown)
    assert [within[limit] for limit in ("0.005", "0.1", "0.25", "60.0", "+Inf")] == [
        "1.0",
        "1.0",
        "2.0",
        "2.0",
        "3.0",
    ]
    assert 'duration_seconds_sum{backend="default",operation="compute.get"} 100.205' in page
    assert 'duration_seconds_count{backend="default",operation="compute.get"} 3.0' in page


def test_requests_of_a_worker_that_was_killed_are_no_longer_in_progress(tmp_path: Path) -> None:
    def work() -> None:
        Metrics("1", tmp_path).begin("occi")

    process = _FORK.Process(target=work)
    process.start()
    process.join()
    metrics = Metrics("1", tmp_path)
    metrics.begin("occi")
    assert 'requests_in_progress{protocol="occi"} 2.0' in metrics.report().decode()
    assert process.pid is not None
    worker_ended(tmp_path, process.pid)
    assert 'requests_in_progress{protocol="occi"} 1.0' in metrics.report().decode()
