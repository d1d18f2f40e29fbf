"""One ``stratusgate serve`` for each data folder: a lock that ends with the last process that makes anything.

The workers are forks and share it. After a SIGKILL of the process that started them they live on for a
moment, or for as long as a call of a back end takes; the next ``serve`` would take what they are making for
something left behind. What is started by exec, the background process, does not get the lock: it makes
nothing, waits long before it settles anything, and has a lease in the store to be alone by.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from gateway.config import ConfigError

FILE = "serve.lock"

#: Workers look once a second whether the process that started them is still there.
PATIENCE_SECONDS = 5.0


def hold(folder: Path, patience: float = PATIENCE_SECONDS) -> int:
    """Lock the folder until this process and its forks have ended.

    It gives the descriptor of the lock; to close it in all of them ends it earlier.

    Raises ConfigError where another holds it for longer than ``patience`` seconds.
    """
    try:
        file = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError([f"--data: {error}"]) from None
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < end:
                time.sleep(0.1)
                continue
            problem = "another stratusgate serve uses it; stop that one, or give this one a folder of its own"
        except OSError as error:
            problem = f"cannot be locked: {error}"
        else:
            return file
        os.close(file)
        raise ConfigError([f"--data: {folder}: {problem}"])
