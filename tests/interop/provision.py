"""Fetches what other people's clients need: an old Python, the client itself, its libraries."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

#: The files exactly as their authors published them.
POCCI = "pOCCI==1.0.3 --hash=sha256:f8db7fe143b067e9fec354303fe539518ade0de949a0c3284490d3ab6834d8a4"
PYCURL = "pycurl==7.43.0.5"
LIBCDMI = "libcdmi==0.1.2 --hash=sha256:a04249b036982b4e79c8b8d365e8acfb30be16323ff258da83ed52d4b07d84c7"
CDMI_CLIENT = (
    "cdmi-client==0.3 --hash=sha256:1c856412a1168d462b534af22130b73f70cc42eac4c042d10d4bddd688086864"
)
#: The last ones of their time.
CDMI_CLIENT_NEEDS = ("requests==2.27.1", "prompt_toolkit==1.0.18")
HTTPIE = "httpie==3.2.4"

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
    python = _python27("pOCCI")

    def make(work: Path) -> None:
        _unpack_pocci(python, work)
        _install_pycurl(python, work / "new" / "lib")

    home = _cached("pocci-1.0.3-pycurl-7.43.0.5", make)
    return Pocci(python, home / "pOCCI", home / "lib")


@dataclass(frozen=True)
class Installed:
    """The folder of a client and its libraries, and the Python that runs it."""

    python: Path
    libraries: Path

    def run(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """The Python of the client with these arguments."""
        command = [str(self.python), *arguments]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.environ,
            stdin=subprocess.DEVNULL,
        )

    @property
    def environ(self) -> Mapping[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.libraries), "TERM": "dumb"}


def libcdmi() -> Installed:
    """libcdmi 0.1.2, for Python 2.7. Raises Missing."""
    python = _python27("libcdmi")
    return Installed(python, _cached("libcdmi-0.1.2", lambda work: _install(python, work, LIBCDMI)))


def cdmi_client() -> Installed:
    """cdmi-client 0.3, for Python 2.7. Raises Missing."""
    python = _python27("cdmi-client")

    def make(work: Path) -> None:
        _install(python, work, CDMI_CLIENT)
        _install(python, work, *CDMI_CLIENT_NEEDS)

    return Installed(python, _cached("cdmi-client-0.3", make))


def httpie() -> Installed:
    """HTTPie 3.2.4. Raises Missing."""
    python = Path(sys.executable)
    name = f"httpie-3.2.4-{sys.version_info.major}.{sys.version_info.minor}"
    return Installed(python, _cached(name, lambda work: _install(python, work, HTTPIE)))


def program(name: str, package: str) -> str:
    """The path of a program of the system. Raises Missing."""
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not on this machine (Debian: {package})")
    return found


def _cached(name: str, make: Callable[[Path], None]) -> Path:
    """What ``make`` puts into the folder ``new`` of an empty one; made once."""
    home = _cache() / name
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as temporary:
            work = Path(temporary)
            (work / "new").mkdir()
            make(work)
            try:
                (work / "new").rename(home)
            except OSError:
                if not home.is_dir():
                    raise  # else another test run was first, with the same content
    return home


def _install(python: Path, work: Path, *wanted: str) -> None:
    """Install packages; those with a hash exactly as they were published, and nothing else with them."""
    lines = work / "wanted.txt"
    lines.write_text("".join(f"{one}\n" for one in wanted), encoding="ascii")
    alone = ["--no-deps"] if "--hash" in wanted[0] else []
    command = [str(python), "-m", "pip", "install", *alone, "--target", str(work / "new"), "-r", str(lines)]
    told = _run(command)
    if told.returncode:
        raise Missing(f"pip could not install {wanted[0].partition(' ')[0]}: {_last_line(told)}")


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "stratusgate-interop"


def _python27(wanted_by: str) -> Path:
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
        f"{wanted_by} needs Python 2.7 with pip: put python2.7 on the PATH, name it in PYTHON27, "
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
