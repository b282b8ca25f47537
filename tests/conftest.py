"""Fixtures that several floors share."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from latentlive.models import RawAudioVAE
from tests.stage import Stage, starter_names

SONIC_PI = Path("/usr/share/sonic-pi/samples")
REAL_TIME = ("tests/live/", "tests/imports/test_live.py", "tests/test_overload.py")


def pytest_collection_modifyitems(items):
    """Begin with what runs in real time: it takes longest, and waits more than it computes."""
    items.sort(key=lambda item: not item.nodeid.startswith(REAL_TIME))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With several workers (``-n 2``) keep each file on one of them, and all that runs in real
    time on the first: those tests must not wait for each other."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "real time" if nodeid.startswith(REAL_TIME) else nodeid.partition("::")[0]

    return ByFile(config, log)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Keep the tests' files apart from the performer's, yet make the starter sounds once; open no
    window on the performer's screen."""
    patch = pytest.MonkeyPatch()
    patch.setenv("LATENTLIVE_CACHE", str(tmp_path_factory.mktemp("cache")))
    patch.setenv("LATENTLIVE_CONFIG", str(tmp_path_factory.mktemp("config")))
    patch.setattr("webbrowser.open", lambda url: True)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _no_thread_left():
    """A test ends the threads that it starts: what ticks on slows all tests after it."""
    before = set(threading.enumerate())
    yield
    end = time.monotonic() + 10.0
    while left := [one for one in threading.enumerate() if one not in before and is_ours(one)]:
        assert time.monotonic() < end, f"the test left threads running: {left}"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _environment_as_it_was():
    """A test leaves the environment as it was: what it sets reaches the processes of all others."""
    before = environment()
    yield
    assert environment() == before


def environment():
    """Return what processes inherit, without what libraries note there as they are loaded."""
    theirs = ("PYTEST_", "KMP_", "TORCHINDUCTOR_")
    return {name: value for name, value in os.environ.items() if not name.startswith(theirs)}


def is_ours(thread):
    """Return whether a thread is the project's, not of a progress bar or of Dask."""
    return not thread.name.startswith(("tqdm_monitor", "Dask-", "IO loop"))


@pytest.fixture
def sleeper():
    """A process that does nothing, in a group of its own, to be frozen and killed."""
    code = [sys.executable, "-c", "import time; time.sleep(60)"]
    process = subprocess.Popen(code, start_new_session=True)
    yield process
    process.kill()
    process.wait()


class Starved:
    """A process that computes, on a processor that another one of higher rank never leaves."""

    def __init__(self):
        self._processor = min(os.sched_getaffinity(0))
        self._other = self._start(os.SCHED_OTHER)
        self.process = self._start(os.SCHED_IDLE)
        self.pid = self.process.pid
        self.sent = []

    def _start(self, policy):
        def place():
            os.sched_setaffinity(0, {self._processor})
            os.sched_setscheduler(0, policy, os.sched_param(0))

        code = [sys.executable, "-S", "-c", "while True: pass"]
        return subprocess.Popen(code, preexec_fn=place)  # sessions would be given equal shares

    def send(self, message):
        """Take what a child is sent; it reads nothing."""
        self.sent.append(message)

    def feed(self):
        """Let it come to its turn, beside whatever else there is."""
        self._other.kill()
        self._other.wait()
        with contextlib.suppress(OSError):  # it has ended, or systems do not let us
            os.sched_setaffinity(self.pid, os.sched_getaffinity(0))
            os.sched_setscheduler(self.pid, os.SCHED_OTHER, os.sched_param(0))

    def close(self):
        """End both."""
        self.feed()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def starved():
    """A process that waits for its turn all the time, until it is fed."""
    if sys.platform != "linux":
        pytest.skip("only Linux can be told who comes last")
    process = Starved()
    yield process
    process.close()


@pytest.fixture(scope="session")
def recordings():
    """The folder of real recordings of Debian's sonic-pi-samples."""
    if not SONIC_PI.is_dir():
        pytest.skip("real recordings are missing: apt-get install sonic-pi-samples")
    return SONIC_PI


@pytest.fixture(scope="session")
def starter(tmp_path_factory):
    """A folder of stand-ins for the starter sounds, quick to make."""
    return starter_names(tmp_path_factory.mktemp("starter"))


@pytest.fixture
def stage(starter, tmp_path, monkeypatch, request):
    """A silent engine that runs code with the words of the prompt in scope, in a space by name."""
    monkeypatch.chdir(tmp_path)
    stage = Stage(starter, getattr(request, "param", None))
    yield stage
    stage.close()


@pytest.fixture(scope="session")
def made(recordings):
    """The corpus of those recordings, with its map."""
    from latentlive.corpus import Corpus
    from latentlive.mapping import make_map

    corpus = Corpus(recordings)
    make_map(corpus)
    return corpus


def random_weights(window=1024, units=2048, dims=256, seed=0):
    """Return the tensors of an untrained RawAudioVAE."""
    rng = np.random.default_rng(seed)
    shapes = {
        "fc1": (units, window),
        "fc21": (dims, units),
        "fc22": (dims, units),
        "fc3": (units, dims),
        "fc4": (window, units),
    }
    weights = {}
    for layer, (rows, columns) in shapes.items():
        bound = columns**-0.5
        weights[f"{layer}.weight"] = rng.uniform(-bound, bound, (rows, columns)).astype("f4")
        weights[f"{layer}.bias"] = rng.uniform(-bound, bound, rows).astype("f4")
    return weights


@pytest.fixture(scope="session")
def vae():
    """An untrained RawAudioVAE of the real size."""
    return RawAudioVAE(random_weights())


settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    # A landing must not hang on a lucky draw; at the desk every run draws anew.
    settings.load_profile("ci")
