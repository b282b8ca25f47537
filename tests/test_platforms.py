"""Windows and macOS as far as Linux can tell: faked calls, odd consoles, odd names."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from latentlive.ground import processes, system

CONSOLES = ("cp1252", "cp437", "cp932", "ascii", "utf-8")


class Kernel:
    """Windows' kernel32, as far as we call it: notes what was asked."""

    def __init__(self, running=True):
        self.asked, self._running = [], running

    def GetCurrentProcess(self):  # noqa: N802
        return 7

    def SetPriorityClass(self, handle, which):  # noqa: N802
        self.asked.append((handle, which))

    def OpenProcess(self, access, inherited, pid):  # noqa: N802
        return 11 if self._running else 0

    def GetProcessTimes(self, handle, begun, ended, system, user):  # noqa: N802
        begun._obj.value, system._obj.value, user._obj.value = 133_000, 20_000_000, 10_000_000
        return 1

    def GetExitCodeProcess(self, handle, code):  # noqa: N802
        code._obj.value = 259
        return 1

    def CloseHandle(self, handle):  # noqa: N802
        self.asked.append(("closed", handle))


@pytest.fixture
def windows(monkeypatch):
    """Calls of Windows, faked."""
    kernel = Kernel()
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", 0x8000000, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    return kernel


def test_windows_shares_memory_by_a_name_that_both_sides_make_of_the_key(windows, monkeypatch):
    made = []

    def mapping(handle, size, tagname):
        made.append((handle, size, tagname))

    monkeypatch.setattr(system, "mmap", SimpleNamespace(mmap=mapping))
    key, other = (system.share(4096) for _ in range(2))
    assert key != other
    for _ in range(2):  # here and in a child process, which is given the key
        system.mapped(key, 4096)
    assert made == [(-1, 4096, f"latentlive-{key}")] * 2


def test_windows_starts_processes_without_windows_and_apart_from_ctrl_c(windows):
    assert system.apart() == {"creationflags": 0x200 | 0x8000000}
    assert system.beside(3) == {"creationflags": 0x8000000}


def test_windows_processes_stand_back_and_are_told_apart(windows, monkeypatch):
    processes.stand_back()
    system.give_way()
    assert windows.asked == [(7, 0x4000), (7, 0x40)]
    assert processes.started(42) == "133000"
    assert processes.worked(42) == 3.0
    assert ("closed", 11) in windows.asked
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=Kernel(running=False)))
    assert processes.started(42) == processes.NONE
    assert not processes.would_go_on(42)


def test_macos_asks_ps_what_linux_reads_in_proc(monkeypatch):
    told = {"state=,lstart=": "S    Fri Nov 27 11:47:26 2026", "time=": "1-02:03:04.5"}
    monkeypatch.setattr(processes, "_ps", lambda pid, what: told.get(what, "R"))
    monkeypatch.setattr(sys, "platform", "darwin")
    assert processes.started(42) == "Fri Nov 27 11:47:26 2026"
    assert processes.worked(42) == 86400 + 2 * 3600 + 3 * 60 + 4.5
    assert processes.would_go_on(42)
    assert not processes.stopped(42)


@pytest.mark.parametrize("encoding", CONSOLES)
def test_every_console_shows_names_that_it_has_no_letters_for(encoding, tmp_path):
    folder = tmp_path / "Glöckchen 夜"
    folder.mkdir()
    (folder / "schön-雨.wav").write_bytes(b"RIFF")
    code = "import sys; from latentlive.cli import main; sys.argv[0] = 'latentlive'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "corpus", str(folder), "--workers", "1"],
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": encoding},
    )
    assert done.returncode == 1
    shown = done.stderr.decode("utf-8" if encoding == "ascii" else encoding)  # as click has it
    assert "left out: " in shown
    assert "Error: corpus: none of the sounds below" in shown
    assert "Traceback" not in shown


def test_no_file_of_ours_has_a_name_that_windows_refuses():
    root = Path(__file__).parents[1]
    told = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=root)
    if told.returncode:
        pytest.skip("no checkout")
    names = told.stdout.split("\n")
    assert not [name for name in names if set(name) & set('<>:"|?*\\')]
    assert len({name.lower() for name in names}) == len(names)
    reserved = {"con", "prn", "aux", "nul"}
    assert not [name for name in names if Path(name).stem.lower() in reserved]
