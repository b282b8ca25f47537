"""Processes by their numbers: whether one exists, its start, its work, its end.

A number alone is not enough: systems reuse the numbers of ended processes.
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
"""Seconds to wait for a killed process to end."""


def started(pid: int) -> str:
    """Return a process's start, to tell it from a later one of its number; empty if ended.

    Parameters
    ----------
    pid : int
        Of any process of this machine.

    Raises
    ------
    OSError
        If the system cannot tell, because descriptors have run out.
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
    """Return a process's work: seconds of computing, plus a hundredth for each read.

    Processes that it started count too, where the system lists them, for it may wait for them. A
    process without progress is frozen, waits for its turn, or waits for a disk that does not
    answer. If descriptors have run out, the result is infinity, so the process is not blamed.
    """
    try:
        if sys.platform == "linux":
            return sum(map(_worked, [pid, *_children(pid)]))
        if sys.platform == "win32":
            return _windows_times(pid)[1]
        return _seconds(_ps(pid, "time="))
    except OSError:
        return math.inf


def stopped(pid: int) -> bool:
    """Return whether a process is stopped, as by SIGSTOP, if the system tells."""
    if sys.platform != "linux":
        return False
    try:
        return _stat(pid)[:1] == ["T"]
    except OSError:
        return False


def would_go_on(pid: int) -> bool:
    """Return whether a process needs nothing but its turn on a processor.

    A process held by a debugger counts too, if the system tells; a stopped one does not.
    """
    with contextlib.suppress(OSError):
        if sys.platform == "linux":
            family = [pid, *_children(pid)]
            return any(state in "Rt" for one in family for state in _states(one))
        if sys.platform != "win32":
            return _ps(pid, "state=").startswith("R")
    return False


def end(pid: int, since: str = NONE) -> None:
    """Kill a process and those that it started in its group, and wait for its end.

    It cannot refuse; only a stuck disk can delay it beyond the two seconds of the wait.

    Parameters
    ----------
    pid : int
    since : str, optional
        The result of `started`: spares a later process of the same number.
    """
    with contextlib.suppress(OSError):  # it has ended by itself, or cannot be looked up
        found = started(pid)
        if not found or since not in (NONE, found):
            return
        if sys.platform == "win32":
            os.kill(pid, signal.SIGTERM)  # which kills at once on Windows
        elif os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
        given_up = time.monotonic() + PATIENCE
        while started(pid) == found and time.monotonic() < given_up:
            time.sleep(0.005)


ABOVE, NORMAL, BELOW = 0x8000, 0x20, 0x4000
"""Classes of priority, as Windows numbers them."""


def go_first() -> None:
    """Let this process, for which a device waits, go before others, where its user may ask that."""
    _prioritise(-5, ABOVE)


def let_deadlines_go_first() -> None:
    """Let what a device waits for go before this process, which renders seconds ahead."""
    _prioritise(5, NORMAL)


def stand_back() -> None:
    """Let this process compute where others leave time: what sounds comes first."""
    _prioritise(10, BELOW)


def _prioritise(nice: int, priority_class: int) -> None:
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), priority_class)
    else:
        with contextlib.suppress(OSError):  # not every user may go before others
            os.nice(nice)


def unmoved_by_signals() -> None:
    """Ignore signals that ask the engine to end: this process ends when its input ends."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


class Signals:
    """Notes SIGINT, SIGHUP and SIGTERM; a loop looks at them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        for name in ("SIGINT", "SIGHUP", "SIGTERM"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._note)

    def _note(self, number: int, _: object) -> None:
        self.names.append(signal.Signals(number).name)


def _worked(pid: int) -> float:
    """Return how much one process has worked, as Linux tells it."""
    fields = _stat(pid)
    if not fields or sys.platform == "win32":
        return 0.0
    computed = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return computed + 0.01 * (int(fields[9]) + _read_pages(pid))


def _children(pid: int) -> list[int]:
    """Return the processes that one has started, as Linux tells them."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, (thread / "children").read_text().split())
    return found


def _stat(pid: int) -> list[str]:
    """Return Linux's stat fields of a process, from its state on."""
    return _fields(Path(f"/proc/{pid}/stat"))


def _states(pid: int) -> list[str]:
    """Return the states of a process's threads, as Linux reports them."""
    threads = [_fields(one / "stat") for one in Path(f"/proc/{pid}/task").glob("*")]
    return [fields[0] for fields in threads if fields]


def _fields(stat: Path) -> list[str]:
    try:
        text = stat.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()  # its name may hold anything


def _read_pages(pid: int) -> int:
    """Return the number of pages that a process has read from disks."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/io").read_text().splitlines():
            if line.startswith("read_bytes:"):
                return int(line.split()[1]) // 4096
    return 0


def _ps(pid: int, what: str) -> str:
    """Return the output of ps for a process."""
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
    """Return a Windows process's start, and its seconds of computing."""
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
