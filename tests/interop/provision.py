"""Fetches what other people's clients need: an old Python, the client itself, its libraries."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: The files exactly as their authors published them.
POCCI = "pOCCI==1.0.3 --hash=sha256:f8db7fe143b067e9fec354303fe539518ade0de949a0c3284490d3ab6834d8a4"
PYCURL = "pycurl==7.43.0.5"

_STEP_SECONDS = 300


class Missing(Exception):
    """Something cannot be had on this machine; the text says what and how to get it."""


@dataclass(frozen=True)
class Pocci:
    """An unpacked pOCCI and the Python 2.7 that runs it."""

    python: Path
    folder: Path
    libraries: Path


def pocci() -> Pocci:
    """pOCCI 1.0.3 with pycurl, fetched once into the cache. Raises Missing."""
    python = _python27()
    home = _cache() / "pocci-1.0.3-pycurl-7.43.0.5"
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as name:
            work = Path(name)
            (work / "new").mkdir()
            _unpack_pocci(python, work)
            _install_pycurl(python, work / "new" / "lib")
            try:
                (work / "new").rename(home)
            except OSError:
                if not home.is_dir():
                    raise  # else another test run was first, with the same content
    return Pocci(python, home / "pOCCI", home / "lib")


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "stratusgate-interop"


def _python27() -> Path:
    for candidate in _candidates():
        try:
            told = subprocess.run(
                [candidate, "-c", "import sys, pip; print(sys.version_info[:2])"],
                capture_output=True,
                text=True,
                timeout=_STEP_SECONDS,
            )
        except OSError:
            continue
        if told.stdout.strip() == "(2, 7)":
            return Path(candidate)
    raise Missing(
        "pOCCI needs Python 2.7 with pip: put python2.7 on the PATH, name it in PYTHON27, "
        "or install one with pyenv"
    )


def _candidates() -> Iterator[str]:
    if "PYTHON27" in os.environ:
        yield os.environ["PYTHON27"]
    found = shutil.which("python2.7")
    if found:
        yield found
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from (str(python) for python in sorted(root.glob("versions/2.7*/bin/python2.7")))


def _unpack_pocci(python: Path, work: Path) -> None:
    """The sdist lacks a file that its setup.py reads, so pip fetches and unpacks it and then gives up."""
    wanted = work / "pocci.txt"
    wanted.write_text(f"{POCCI}\n", encoding="ascii")
    scratch = work / "scratch"
    scratch.mkdir()
    command = [python, "-m", "pip", "download", "--no-clean", "--no-deps", "--no-binary", ":all:"]
    told = _run([*map(str, command), "-d", str(work), "-r", str(wanted)], TMPDIR=str(scratch))
    program = next(scratch.glob("**/pOCCI/pOCCI.py"), None)
    if program is None:
        raise Missing(f"pip could not fetch pOCCI: {_last_line(told)}")
    shutil.copytree(program.parent.parent, work / "new" / "pOCCI")


def _install_pycurl(python: Path, target: Path) -> None:
    command = [str(python), "-m", "pip", "install", "--target", str(target), PYCURL]
    told = _run(command, PYCURL_SSL_LIBRARY="openssl")
    if told.returncode and os.geteuid() == 0 and shutil.which("apt-get"):
        _run(["apt-get", "update"])
        _run(["apt-get", "install", "-y", "gcc", "libcurl4-openssl-dev", "libssl-dev"])
        told = _run(command, PYCURL_SSL_LIBRARY="openssl")
    if told.returncode:
        raise Missing(
            f"{PYCURL} could not be built: {_last_line(told)}; "
            "it needs a C compiler and the headers of libcurl and OpenSSL "
            "(Debian: libcurl4-openssl-dev, libssl-dev)"
        )


def _run(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=_STEP_SECONDS, env={**os.environ, **variables}
    )


def _last_line(told: subprocess.CompletedProcess[str]) -> str:
    lines = (told.stderr or told.stdout).strip().splitlines()
    return lines[-1] if lines else f"exit status {told.returncode}"
