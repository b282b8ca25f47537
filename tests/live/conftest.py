"""A real audio device on a machine without a sound card: a private PulseAudio null sink."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

RATE = 44100
NEEDED = ("pulseaudio", "pactl", "parec")


def wait_until(condition, seconds, what):
    """Wait, bounded, until a condition holds."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)
    return value


@dataclass
class Sink:
    """The device's name, and its capture."""

    folder: Path

    def capture(self):
        """Start capturing what the device plays."""
        return Capture(self.folder / f"capture-{time.monotonic_ns()}.raw")


class Capture:
    """What came out of the device, float32 stereo, exact."""

    def __init__(self, path):
        self.path = path
        self.file = path.open("wb")
        command = ["parec", "-d", "ci.monitor", "--format=float32le", f"--rate={RATE}"]
        command += ["--channels=2", "--raw", "--latency-msec=20"]
        self.process = subprocess.Popen(command, stdout=self.file)
        wait_until(lambda: path.stat().st_size > 0, 10, "the capture to begin")

    def stop(self):
        """Return the captured samples [shape=(n, 2)]."""
        time.sleep(0.4)
        self.process.terminate()
        self.process.wait()
        self.file.close()
        data = np.fromfile(self.path, np.float32)
        return data[: len(data) // 2 * 2].reshape(-1, 2)


@pytest.fixture(scope="session")
def sink(tmp_path_factory):
    """A PulseAudio server with one null sink of 44.1 kHz float."""
    missing = [tool for tool in NEEDED if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: apt-get install pulseaudio pulseaudio-utils")
    folder = tmp_path_factory.mktemp("pulse")
    patch = pytest.MonkeyPatch()
    patch.setenv("PULSE_SERVER", f"unix:{folder}/native")
    for name in ("RUNTIME", "STATE", "CONFIG"):
        patch.setenv(f"PULSE_{name}_PATH", str(folder))
    server = subprocess.Popen(
        [
            *("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"),
            *("--disable-shm=yes", "--log-level=error"),
            *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={folder}/native"),
            *(
                "-L",
                "module-null-sink sink_name=ci format=float32le rate=44100 channels=2 norewinds=1",
            ),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ),
    )

    def listed():
        told = subprocess.run(["pactl", "list", "short", "sinks"], capture_output=True, text=True)
        return "ci" in told.stdout

    try:
        wait_until(listed, 10, "the PulseAudio server")
        yield Sink(folder)
    finally:
        server.terminate()
        server.wait()
        patch.undo()
