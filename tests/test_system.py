"""What each system does in its own way: here the ways that Linux can take."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest

from latentlive.engine.shared import Shared
from latentlive.errors import EngineError
from latentlive.ground import system
from latentlive.ground.system import apart, beside

READER = """
import sys
from latentlive.engine.shared import Shared
shared = Shared.attach(int(sys.argv[1]))
shared.tap[7] = shared.audio[3, 5] + 1
"""


@pytest.fixture(params=["memory", "file"])
def way(request, monkeypatch):
    """Shared memory as Linux makes it, and as systems without its calls do."""
    if request.param == "file":
        monkeypatch.delattr(os, "memfd_create")
        monkeypatch.delattr(os, "posix_fallocate")
    return request.param


def names():
    import tempfile

    return {f"{d}/{n}" for d in ("/dev/shm", tempfile.gettempdir()) for n in os.listdir(d)}


def test_another_process_maps_the_block_and_no_name_is_left(way):
    before = names()
    shared = Shared.create(4)
    assert not {n for n in names() - before if "latentlive" in n}
    shared.audio[3, 5] = 41.0
    child = subprocess.Popen([sys.executable, "-c", READER, str(shared.fd)], **beside(shared.fd))
    assert child.wait(20) == 0
    assert (shared.tap[7] == 42.0).all()
    assert os.fstat(shared.fd).st_blocks * 512 >= shared.audio.nbytes  # reserved, not promised


def test_a_block_that_nobody_holds_gives_its_memory_back(way):
    shared = Shared.create()
    fd = shared.fd
    del shared
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_too_little_memory_is_one_line(way, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(system, "reserve", full)
    with pytest.raises(EngineError, match=r"no \d+ MB of shared memory \(No space left"):
        Shared.create()


def test_a_process_apart_has_a_session_of_its_own():
    code = "import os; print(os.getsid(0) == os.getpid())"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, **apart())
    assert child.communicate(timeout=20)[0] == b"True\n"


def test_a_fence_never_waits():
    for lock in system._FENCES:
        lock.acquire()
    try:
        system.fence()
    finally:
        for lock in system._FENCES:
            lock.release()
