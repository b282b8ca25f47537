"""Processes by their numbers: whether one is there, since when, how much it works, its end.

A number alone is not enough: systems give the numbers of ended processes to new ones.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

NONE = ""

PATIENCE = 2.0
"""Seconds to wait for the end of what was ended."""


def started(pid: int) -> str:
    """Return what tells a process from a later one of the same number; empty if it has ended.

    Parameters
    ----------
    pid : int
        Of any process of this machine.

    Raises
    ------
    OSError
        If that cannot be found out: descriptors have run out.
    """
    if pid <= 0:
        return NONE
    if sys.platform == "linux":
        fields = _stat(pid)
        return NONE if not fields or fields[0] in "ZX" else fields[19]
    if sys.platform == "win32":
        return _windows_times(pid)[0]
    told = _ps(pid, "state=,lstart=")
    return NONE if not told or told.startswith("Z") else told.partition(" ")[2].strip()


def worked(pid: int) -> float:
    """Return how much a process has worked: seconds of computing, and a hundredth for each read.

    What stands still is frozen, waits for its turn, or for a disk that does not answer. Where
    that cannot be found out, since descriptors have run out, it is infinity: it is not blamed.
    """
    try:
        if sys.platform == "linux":
            fields = _stat(pid)
            if not fields:
                return 0.0
            computed = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            return computed + 0.01 * (int(fields[9]) + _read_pages(pid))
        if sys.platform == "win32":
            return _windows_times(pid)[1]
        return _seconds(_ps(pid, "time="))
    except OSError:
        return math.inf


def stopped(pid: int) -> bool:
    """Return whether a process was stopped, as SIGSTOP does, where the system tells so."""
    if sys.platform != "linux":
        return False
    try:
        return _stat(pid)[:1] == ["T"]
    except OSError:
        return False


def would_go_on(pid: int) -> bool:
    """Return whether a process needs nothing but its turn on a processor.

    One that a debugger holds counts too, where the system tells so; one that is stopped does not.
    """
    with contextlib.suppress(OSError):
        if sys.platform == "linux":
            return any(state in "Rt" for state in _states(pid))
        if sys.platform != "win32":
            return _ps(pid, "state=").startswith("R")
    return False


def end(pid: int, since: str = NONE) -> None:
    """End a process at once, and those that it started in its group, and wait for its end.

    It cannot object; only a stuck disk can hold it for longer than the two seconds of the wait.

    Parameters
    ----------
    pid : int
    since : str, optional
        What `started` told of it: a later process of the same number is left alone.
    """
    with contextlib.suppress(OSError):  # it has ended by itself, or cannot be looked for
        found = started(pid)
        if not found or since not in (NONE, found):
            return
        if sys.platform == "win32":
            os.kill(pid, signal.SIGTERM)  # which is at once, there
        elif os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
        given_up = time.monotonic() + PATIENCE
        while started(pid) == found and time.monotonic() < given_up:
            time.sleep(0.005)


def unmoved_by_signals() -> None:
    """Let this process outlive what asks the engine to end: it goes when its input ends."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _stat(pid: int) -> list[str]:
    """Return what Linux tells of a process, from its state on."""
    return _fields(Path(f"/proc/{pid}/stat"))


def _states(pid: int) -> list[str]:
    """Return the states of the threads of a process, as Linux tells them."""
    threads = [_fields(one / "stat") for one in Path(f"/proc/{pid}/task").glob("*")]
    return [fields[0] for fields in threads if fields]


def _fields(stat: Path) -> list[str]:
    try:
        text = stat.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()  # its name may hold anything


def _read_pages(pid: int) -> int:
    """Return how many pages a process has read from disks."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/io").read_text().splitlines():
            if line.startswith("read_bytes:"):
                return int(line.split()[1]) // 4096
    return 0


def _ps(pid: int, what: str) -> str:
    """Return what ps tells of a process."""
    done = subprocess.run(["ps", "-o", what, "-p", str(pid)], capture_output=True, text=True)
    return done.stdout.strip()


def _seconds(told: str) -> float:
    """Return the seconds of ``1-02:03:04.56``, as ps writes them."""
    days, _, rest = told.rpartition("-")
    seconds = float(days or 0) * 86400.0
    for place, part in enumerate(reversed(rest.split(":"))):
        seconds += float(part or 0) * 60.0**place
    return seconds


def _windows_times(pid: int) -> tuple[str, float]:
    """Return when a process of Windows began, and the seconds that it computed."""
    if sys.platform != "win32":
        raise NotImplementedError
    import ctypes

    kernel, query, running = ctypes.windll.kernel32, 0x1000, 259
    handle = kernel.OpenProcess(query, False, pid)
    if not handle:
        return NONE, 0.0
    code, (begun, ended, system, user) = ctypes.c_ulong(), (ctypes.c_uint64() for _ in range(4))
    times = [ctypes.byref(one) for one in (begun, ended, system, user)]
    told = kernel.GetProcessTimes(handle, *times) and kernel.GetExitCodeProcess(
        handle, ctypes.byref(code)
    )
    kernel.CloseHandle(handle)
    if not told or code.value != running:
        return NONE, 0.0
    return str(begun.value), (system.value + user.value) / 1e7
