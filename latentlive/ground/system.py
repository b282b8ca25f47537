"""The parts that differ by operating system: shared memory, separate processes, store order.

The rest of the engine is the same code everywhere.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from latentlive.errors import EngineError

_FENCES = (threading.Lock(), threading.Lock())


def share(size: int) -> int:
    """Reserve memory that children map too; return the key to hand to them.

    The system frees the memory when the last process that holds it ends, in whatever way: it
    has no name in any folder. On Windows the key numbers a mapping of the system, elsewhere it
    is a descriptor.

    Parameters
    ----------
    size : int [bytes]

    Raises
    ------
    EngineError
        If there is not enough memory.
    """
    if sys.platform == "win32":
        return secrets.randbits(31)
    # Reserve now: a full memory file system fails here, not with a bus error on stage.
    fd = nameless()
    try:
        reserve(fd, size)
    except OSError as error:
        os.close(fd)
        raise EngineError(
            f"engine: no {size >> 20} MB of shared memory ({error.strerror}); close other programs"
        ) from None
    return fd


def nameless() -> int:
    """Return the descriptor of an empty file that has no name."""
    if sys.platform == "linux" and hasattr(os, "memfd_create"):
        return os.memfd_create("latentlive")
    with tempfile.TemporaryFile(prefix="latentlive-") as file:
        return os.dup(file.fileno())


def reserve(fd: int, size: int) -> None:
    """Set a file's size and allocate its space."""
    if sys.platform != "win32" and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
        return
    zeros = bytes(1 << 20)
    for start in range(0, size, len(zeros)):
        os.write(fd, zeros[: size - start])


def mapped(key: int, size: int) -> mmap.mmap:
    """Map the first `size` bytes of shared memory."""
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=f"latentlive-{key}")
    return mmap.mmap(key, size)


def apart() -> dict[str, Any]:
    """Return options of `subprocess.Popen` for a process in a group of its own.

    The terminal's Ctrl-C and Ctrl-Z do not reach it, nor processes that it starts `beside` it.
    """
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags}
    return {"start_new_session": True}


def beside(*keys: int) -> dict[str, Any]:
    """Return options of `subprocess.Popen` for one in our group that inherits shared memory.

    A kill of the group ends it too.
    """
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {"pass_fds": keys}


def give_way() -> None:
    """Let every other process go before this one, which was started `apart`, from now on."""
    if sys.platform == "win32":
        import ctypes

        idle, kernel = 0x40, ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), idle)
    else:
        os.nice(19)
        # Linux weighs sessions before it looks at what is in them.
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text("19")


def fence() -> None:
    """Memory fence: no store or load moves past this point over one of its kind.

    x86 keeps both in order by itself; ARM does not. Acquiring and releasing two locks that no
    thread holds for longer orders them: earlier accesses cannot sink below the first release,
    later ones cannot rise above the second acquisition.
    """
    for lock in _FENCES:
        if lock.acquire(blocking=False):
            lock.release()
