"""A real audio device on a machine without a sound card: a private PulseAudio null sink."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest

RATE = 44100
NEEDED = ("pulseaudio", "pactl", "parec", "paplay")


def wait_until(condition, seconds, what):
    """Wait, bounded, until a condition holds."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)
    return value


def strict(stream):
    """Return code after which a kind of stream opens at 48 kHz alone, as some drivers do."""
    return f"""
import sounddevice

class Strict(sounddevice.{stream}):
    def __init__(self, samplerate, channels, **options):
        if samplerate == 44100:
            raise sounddevice.PortAudioError("Invalid sample rate")
        super().__init__(samplerate=48000, channels=channels, **options)

find = sounddevice.query_devices
def query_devices(*which):
    return find(*which) if which else [{{**d, "default_samplerate": 48000.0}} for d in find()]
sounddevice.query_devices = query_devices
sounddevice.{stream} = Strict
"""


class Sink:
    """A PulseAudio server of our own with one null sink of 44.1 kHz float."""

    def __init__(self, folder):
        self.folder = folder
        self.server = None

    def environment(self, patch):
        """Let what is started from here on find this server."""
        patch.setenv("PULSE_SERVER", f"unix:{self.folder}/native")
        for name in ("RUNTIME", "STATE", "CONFIG"):
            patch.setenv(f"PULSE_{name}_PATH", str(self.folder))

    def start(self):
        """Start the server and wait for the sink."""
        native = f"module-native-protocol-unix auth-anonymous=1 socket={self.folder}/native"
        null = "module-null-sink sink_name=ci format=float32le rate=44100 channels=2 norewinds=1"
        command = ["pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no"]
        command += ["--exit-idle-time=-1", "--disable-shm=yes", "--log-level=error"]
        self.server = subprocess.Popen(
            [*command, "-L", native, "-L", null],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ),
        )
        wait_until(self.listed, 10, "the PulseAudio server")

    def listed(self):
        """Return whether the sink is there."""
        told = subprocess.run(["pactl", "list", "short", "sinks"], capture_output=True, text=True)
        return "ci" in told.stdout

    def end(self, number=signal.SIGTERM):
        """End the server."""
        self.server.send_signal(signal.SIGCONT)
        self.server.send_signal(number)
        self.server.wait()

    def microphone(self, name="stage"):
        """Plug in an input that hears what is played on a sink of its own; return its module."""
        null = ["module-null-sink", f"sink_name={name}", "format=float32le", "rate=44100"]
        loaded = subprocess.check_output(
            ["pactl", "load-module", *null, "channels=2", "norewinds=1"], text=True
        )
        subprocess.run(["pactl", "set-default-source", f"{name}.monitor"], check=True)
        return loaded.strip()

    def unplug(self, module):
        """Unplug what `microphone` plugged in."""
        subprocess.run(["pactl", "unload-module", module], check=True)

    def play(self, samples, name="stage"):
        """Begin to play samples [shape=(n, 2)] to an input; return the process."""
        path = self.folder / f"play-{time.monotonic_ns()}.raw"
        samples.astype("<f4").tofile(path)
        command = ["paplay", "-d", name, "--raw", "--format=float32le", f"--rate={RATE}"]
        return subprocess.Popen([*command, "--channels=2", "--latency-msec=500", str(path)])

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


def started(folder):
    """Yield a running sink that later processes find, and end it."""
    missing = [tool for tool in NEEDED if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: apt-get install pulseaudio pulseaudio-utils")
    with pytest.MonkeyPatch.context() as patch:
        one = Sink(folder)
        one.environment(patch)
        try:
            one.start()
            yield one
        finally:
            if one.server is not None:
                one.end()


@pytest.fixture(scope="session")
def sink(tmp_path_factory):
    """A sink that the tests share."""
    yield from started(tmp_path_factory.mktemp("pulse"))


@pytest.fixture
def own_sink(tmp_path):
    """A sink that a test may kill or freeze."""
    yield from started(tmp_path)
