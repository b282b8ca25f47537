"""A worker that works is told from one that hangs, and both from one that was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from latentlive.engine.render.pool import Worker
from latentlive.engine.timing import WORKER_START
from latentlive.protocol.rendering import Render
from tests.live.conftest import wait_until

QUIET = 0.4
COMPUTES = "while True: pass"
WAITS = "import time; time.sleep(60)"
READS = """
import os, tempfile
with tempfile.NamedTemporaryFile() as file:
    file.write(bytes(1 << 20))
    file.flush()
    os.fsync(file.fileno())
    print(flush=True)
    while True:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        os.pread(file.fileno(), 4096, 0)
        __import__("time").sleep(0.05)
"""


class Process:
    """A child that answers nothing."""

    def __init__(self, code):
        self.process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        self.sent = []

    def send(self, message):
        self.sent.append(message)


@pytest.fixture
def worker(request):
    child = Process(request.param)
    worker = Worker(child, QUIET)
    worker.answered()  # it is ready
    worker.tell(Render(()))
    yield worker
    child.process.kill()
    child.process.wait()
    child.process.stdout.close()


def hung(worker, seconds):
    """Watch a worker for so long; return when it was found to hang, None if it was not."""
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        if worker.hangs():
            return passed
        time.sleep(0.01)
    return None


@pytest.mark.parametrize("worker", [COMPUTES], indirect=True)
def test_a_decode_that_takes_long_is_not_disturbed_until_it_is_frozen(worker):
    assert hung(worker, 4 * QUIET) is None
    worker.child.process.send_signal(signal.SIGSTOP)
    assert hung(worker, 4 * QUIET) is not None


def test_one_that_does_not_come_to_its_turn_is_waited_for(starved):
    worker = Worker(starved, QUIET)
    worker.answered()
    worker.tell(Render(()))
    assert hung(worker, 4 * QUIET) is None
    starved.feed()
    starved.process.send_signal(signal.SIGSTOP)
    assert hung(worker, 4 * QUIET) is not None


@pytest.mark.parametrize("worker", [WAITS], indirect=True)
def test_what_waits_for_ever_hangs_and_what_owes_nothing_is_asked(worker):
    assert QUIET <= hung(worker, 10 * QUIET) < 3 * QUIET
    worker.answered()
    assert hung(worker, 0.2) is None
    wait_until(lambda: worker.hangs() or worker.child.sent[-1] == {"op": "ping"}, 2, "a question")
    assert hung(worker, 10 * QUIET) is not None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what is read")
@pytest.mark.parametrize("worker", [READS], indirect=True)
def test_a_slow_disk_that_delivers_is_waited_for(worker):
    worker.child.process.stdout.readline()
    if hung(worker, 0.2) is None and not reads(worker):
        pytest.skip("the file system of temporary files is in memory")
    assert hung(worker, 4 * QUIET) is None


def reads(worker):
    with open(f"/proc/{worker.child.process.pid}/io") as file:
        return "read_bytes: 0\n" not in file.read()


def test_one_that_starts_has_more_time():
    child = Process(WAITS)
    try:
        assert WORKER_START > 4 * QUIET
        assert hung(Worker(child, QUIET), 3 * QUIET) is None
    finally:
        child.process.kill()
        child.process.wait()
        child.process.stdout.close()
