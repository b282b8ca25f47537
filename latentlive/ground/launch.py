"""The launch of our modules, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, Any

ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
"""One thread a process: two threads on two busy cores would wait for each other."""


def command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module; it imports nothing from the working folder."""
    return [sys.executable, "-P", "-m", module, *arguments]


def launched(
    command: Sequence[str], errors: int | IO[bytes] = subprocess.DEVNULL, **options: Any
) -> subprocess.Popen[bytes]:
    """Start a process of one thread, with pipes to it and from it.

    Parameters
    ----------
    command : sequence of str
    errors : file, or a constant of `subprocess`
        Receives its standard error.
    options
        More options of `subprocess.Popen`, such as those of `system.apart` and `system.beside`.

    Raises
    ------
    OSError, MemoryError
        If there is no room for another process.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env={**os.environ, **ONE_THREAD},
        **options,
    )
