"""Work on answered requests: together, soon, in order, and whatever happens to standard error."""

from __future__ import annotations

import io
import logging
import os
import threading
from select import PIPE_BUF
from types import SimpleNamespace
from typing import TypeVar

import pytest

from gateway import afterwards
from gateway.afterwards import WAITING, Afterwards
from tests.serving import eventually

S = TypeVar("S", bound=io.StringIO)


class Pieces(io.StringIO):
    """Standard error that remembers each write."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str, /) -> int:
        self.pieces.append(text)
        return super().write(text)


def _instead(monkeypatch: pytest.MonkeyPatch, stream: S) -> S:
    """The stream in the place of standard error, which pytest puts back between a fixture and its test."""
    monkeypatch.setattr(afterwards, "sys", SimpleNamespace(stderr=stream))
    return stream


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Pieces:
    return _instead(monkeypatch, Pieces())


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Afterwards:
    """One whose thread never gets to it by itself."""
    monkeypatch.setattr(afterwards, "DELAY_SECONDS", 3600)
    return Afterwards()


def test_what_is_left_is_done_by_itself_and_in_order(told: Pieces) -> None:
    own = Afterwards()
    for number in range(50):
        own.leave(str, f"{number}\n")
    assert eventually(lambda: told.getvalue().count("\n") == 50)
    assert told.getvalue().split() == [str(number) for number in range(50)]
    own.leave(str, "later\n")
    assert eventually(lambda: told.getvalue().endswith("later\n"))


def test_lines_are_written_together(told: Pieces, waiting: Afterwards) -> None:
    for _ in range(5):
        waiting.leave(str, "a line\n")
    assert told.pieces == []
    waiting.flush()
    assert told.pieces == ["a line\n" * 5]


@pytest.mark.parametrize("letter", ["a", "é", "\U0001f600"])
def test_no_piece_is_longer_than_what_a_pipe_takes_at_once(
    told: Pieces, waiting: Afterwards, letter: str
) -> None:
    lines = [letter * number + "\n" for number in range(0, 600, 7)]
    for line in lines:
        waiting.leave(str, line)
    waiting.flush()
    assert told.getvalue() == "".join(lines)
    assert max(len(piece.encode()) for piece in told.pieces) <= PIPE_BUF
    assert len(told.pieces) < len(lines) / 2
    assert all(piece.endswith("\n") for piece in told.pieces)


def test_a_line_that_is_too_long_for_a_pipe_is_a_piece_of_its_own(told: Pieces, waiting: Afterwards) -> None:
    for line in ("before\n", "x" * PIPE_BUF + "\n", "after\n"):
        waiting.leave(str, line)
    waiting.flush()
    assert [len(piece) for piece in told.pieces] == [7, PIPE_BUF + 1, 6]


def test_work_without_a_line_writes_nothing(told: Pieces, waiting: Afterwards) -> None:
    done: list[int] = []
    waiting.leave(lambda number: done.append(number) or "", 7)
    waiting.flush()
    assert (done, told.pieces) == ([7], [])


def test_work_that_fails_is_logged_and_keeps_nothing_else_from_being_done(
    told: Pieces, waiting: Afterwards, caplog: pytest.LogCaptureFixture
) -> None:
    for facts in ("1\n", None, "2\n"):
        waiting.leave(lambda facts: "" + facts, facts)
    with caplog.at_level(logging.ERROR):
        waiting.flush()
    assert told.getvalue() == "1\n2\n"
    assert [record.exc_info is not None for record in caplog.records] == [True]


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O operation on closed file")])
def test_the_work_is_done_even_where_nobody_takes_its_lines(
    monkeypatch: pytest.MonkeyPatch, waiting: Afterwards, error: Exception
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str, /) -> int:
            raise error

    _instead(monkeypatch, Gone())
    done: list[int] = []
    for number in range(3):
        waiting.leave(lambda number: f"{done.append(number)}{'x' * PIPE_BUF}\n", number)
    waiting.flush()
    assert done == [0, 1, 2]


def test_who_ends_when_too_many_wait_does_the_work(told: Pieces, waiting: Afterwards) -> None:
    for _ in range(WAITING):
        waiting.leave(str, "x\n")
    assert told.pieces == []
    waiting.leave(str, "last\n")
    assert told.getvalue().count("x\n") == WAITING
    assert told.getvalue().endswith("last\n")


def test_many_threads_lose_and_repeat_nothing(told: Pieces) -> None:
    own = Afterwards()

    def leave(name: int) -> None:
        for number in range(200):
            own.leave(str, f"{name}-{number}\n")

    threads = [threading.Thread(target=leave, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert eventually(lambda: told.getvalue().count("\n") == 1600)
    own.flush()
    found = told.getvalue().split()
    assert sorted(found) == sorted(f"{name}-{number}" for name in range(8) for number in range(200))


def test_a_fork_does_its_own_work_and_not_its_parents(monkeypatch: pytest.MonkeyPatch, told: Pieces) -> None:
    monkeypatch.setattr(afterwards, "DELAY_SECONDS", 0.2)
    afterwards.flush()
    afterwards.leave(str, "of the parent\n")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        told.pieces.clear()
        afterwards.leave(str, "of the child\n")
        done = eventually(lambda: "of the child\n" in told.pieces)
        os.write(writing, "".join(told.pieces).encode() if done else b"nothing")
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as said:
        assert said.read() == "of the child\n"
    assert eventually(lambda: told.pieces == ["of the parent\n"])
