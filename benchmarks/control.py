"""From a message to what comes out of the device: python -m benchmarks.control [--quick].

OSC messages are sent to an engine that plays on a private PulseAudio null sink, and each is looked
for in what the sink's monitor delivers. Two constant sounds make both kinds of curves visible at
once: a level on the left, a texture on the right. The times include the up to 20 ms in which the
monitor gathers what it delivers. The reference of each line is the same sink's latency, as the
engine was told to ask for it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from pythonosc.osc_message_builder import OscMessageBuilder

import latentlive as ll
from tests.live.conftest import RATE, started
from tests.peer import Peer

HALF_SLEW = 0.01
"""Seconds after which a curve is half-way to a new value."""

SOURCES = 8


class Monitor:
    """What a sink plays, with the moment at which each sample came."""

    def __init__(self) -> None:
        command = ["parec", "-d", "ci.monitor", "--format=float32le", f"--rate={RATE}"]
        self._process = subprocess.Popen(
            [*command, "--channels=2", "--raw", "--latency-msec=20"], stdout=subprocess.PIPE
        )
        self._parts: list[bytes] = []
        self._came: list[tuple[int, float]] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        assert self._process.stdout is not None
        count = 0
        while part := self._process.stdout.read1(65536):  # type: ignore[attr-defined]
            count += len(part)
            self._came.append((count // 8, time.monotonic()))
            self._parts.append(part)

    def stop(self) -> tuple[NDArray[np.float32], float]:
        """Return the samples [shape=(n, 2)], and the moment of the first of them."""
        time.sleep(0.5)
        self._process.terminate()
        self._process.wait()
        data = b"".join(self._parts)
        samples = np.frombuffer(data[: len(data) // 8 * 8], np.float32).reshape(-1, 2)
        return samples, min(moment - count / RATE for count, moment in self._came)

    def moments(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return when some samples came, by the sink's own pace: it is not exactly its rate."""
        count, moment = np.array(self._came, np.float64).T
        late = moment - count / RATE
        parts = np.array_split(np.arange(len(late)), 8)
        soonest = [part[np.argmin(late[part])] for part in parts]
        slope, offset = np.polyfit(count[soonest], late[soonest], 1)
        moments: NDArray[np.float64] = places / RATE + offset + slope * places
        return moments


def turns(samples: NDArray[np.float32], first: float) -> NDArray[np.float64]:
    """Return the moments at which a signal crosses the middle of its range, upwards or down."""
    middle = (float(samples.max()) + float(samples.min())) / 2.0
    return first + np.flatnonzero(np.diff((samples > middle).astype(np.int8))) / RATE


def delays(sent: list[float], heard: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how long after each message the signal turned [seconds]."""
    after = [heard[heard > moment] for moment in sent]
    return np.array([one[0] - moment for one, moment in zip(after, sent, strict=True) if len(one)])


class Sender:
    """Sends messages to an engine."""

    def __init__(self, live: ll.Engine) -> None:
        while not live.state.get("osc"):
            time.sleep(0.02)
        host, port = live.state["osc"].rsplit(":", 1)
        self._place = host, int(port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, path: str, value: float) -> float:
        """Send a value; return when."""
        message = OscMessageBuilder(path)
        message.add_arg(value)
        data = message.build().dgram
        now = time.monotonic()
        self._socket.sendto(data, self._place)
        return now


@contextlib.contextmanager
def loaded(load: bool) -> Iterator[None]:
    """Run beside two processes that never rest, if asked."""
    command = [sys.executable, "-S", "-c", "while True: pass"]
    beside = [subprocess.Popen(command) for _ in range(2 if load else 0)]
    try:
        yield
    finally:
        for one in beside:
            one.kill()
            one.wait()


def latencies(count: int, lead: float | None, load: bool, **options: Any) -> dict[str, Any]:
    """Return how long levels and textures take [seconds], and what was lost."""
    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder, loaded(load):
        monitor, log = Monitor(), Path(folder, "log.py")
        with ll.Engine(model="toy", log=log, osc="0", say=said.append, **options) as live:
            sender = Sender(live)
            loud = ll.sound(np.full(RATE, 0.5, np.float32)).spread(0)
            quiet = ll.sound(np.full(RATE, 0.05, np.float32)).spread(0)
            live.d1.fade(0).pan(0).amp(ll.osc("/level").range(0.1, 1)) >> loud
            if lead is not None:
                live.d2.lead(lead)
            live.d2.fade(0).pan(1) >> ll.interp(quiet, loud, ll.osc("/texture"))
            while live.state.get("seconds", 0) < 3.0:
                time.sleep(0.02)
            chance = random.Random(1)
            sent = []
            for turn in range(count):
                time.sleep(1.0 + chance.random() / 10)
                now = sender.send("/level", float(turn % 2 == 0))
                sender.send("/texture", float(turn % 2 == 0))
                sent.append(now)
            time.sleep(1.5)
            state = live.fresh()
        samples, first = monitor.stop()
    begin = round((sent[0] - 0.5 - first) * RATE)
    heard = [turns(samples[begin:, side], first + begin / RATE) for side in (0, 1)]
    level, texture = (delays(sent, one) - HALF_SLEW for one in heard)
    lost = state["underflows"], state["missing"], sum("cannot keep up" in line for line in said)
    return {"level": level, "texture": texture, "lost": lost}


def crowd(seconds: float, values: int) -> tuple[float, tuple[int, int]]:
    """Return the callback's p99 [ms] while values come from eight sources, and what was lost."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ll.Engine(log=Path(folder, "log.py"), osc="0", say=print) as live,
    ):
        sender = Sender(live)
        a, b = ll.sound("gong"), ll.sound("rain")
        for n in range(SOURCES):
            layer = live.layer(f"v{n}").gain(-20).pan(ll.osc(f"/pan/{n}", start=0.5))
            layer.lead(0.8) >> ll.interp(a, b, ll.osc(f"/x/{n}")).loop()
        while live.state.get("seconds", 0) < 2.0:
            time.sleep(0.02)
        begun, count = time.monotonic(), 0
        while (passed := time.monotonic() - begun) < seconds:
            while count < passed * values:
                kind = "pan" if count % 2 else "x"
                sender.send(f"/{kind}/{count // 2 % SOURCES}", (count * 0.618) % 1.0)
                count += 1
            time.sleep(0.002)
        state = live.fresh()
        return state["callback_p99_ms"], (state["underflows"], state["missing"])


def linked(beats: int) -> NDArray[np.float64]:
    """Return how much later than a Link session's our beats come out of the sink [seconds]."""
    peer = Peer(104.5)
    with tempfile.TemporaryDirectory() as folder:
        monitor = Monitor()
        with ll.Engine(model="toy", log=Path(folder, "log.py"), say=print) as live:
            live.link(True)
            while not peer.ask()["peers"] or not (live.fresh()["link"]["bpm"] or 0.0):
                time.sleep(0.02)
            loud = ll.sound(np.full(RATE, 0.5, np.float32)).spread(0)
            live.d1.fade(0).pan(0).amp(ll.square(1)) >> loud
            settled = time.monotonic()
            while time.monotonic() < settled + 3.0:
                apart = live.fresh()["link"]["apart"]
                if apart is None or abs(apart) > 0.01:
                    settled = time.monotonic()
                time.sleep(0.05)
            begun = time.monotonic()
            time.sleep(beats * 60.0 / 104.5)
            ended, bpm = time.monotonic(), live.fresh()["bpm"]
        samples, _ = monitor.stop()
        heard = monitor.moments(turns(samples[:, 0], 0.0) * RATE)
        heard = heard[(heard > begun) & (heard < ended)]
        theirs = np.array(peer.ask(at=[round(one * 1e9) for one in heard])["beats"]) * 2.0
    peer.close()
    print(f"Link: our tempo {bpm:.3f}, theirs 104.500; ", end="")
    return (theirs - np.round(theirs)) / 2.0 * 60.0 / 104.5


def row(what: str, found: dict[str, Any], latency: float) -> list[str]:
    """Return the lines of a setting."""
    lines = []
    for kind in ("level", "texture"):
        one = found[kind]
        middle = float(np.median(one)) if len(one) else float("nan")
        jitter = float(np.abs(one - middle).max()) * 1e3 if len(one) else float("nan")
        lines.append(
            f"| {what}, {kind} | {middle * 1e3:.0f} ms | +-{jitter:.1f} ms | "
            f"{middle / latency:.1f}x | {found['lost']} |"
        )
    return lines


@click.command()
@click.option("--quick", is_flag=True, help="A few messages: does it run at all?")
def main(quick: bool) -> None:
    """Measure, and print a table."""
    count = 4 if quick else 30
    settings = [
        ("as it comes", None, False, {}, 0.1),
        ("256 frames, 30 ms, lead 0.25", 0.25, False, {"block": 256, "latency": 0.03}, 0.03),
        ("as it comes, both cores taken", None, True, {}, 0.1),
        ("lead 0.8, both cores taken", 0.8, True, {}, 0.1),
    ]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.contextmanager(started)(Path(folder)))
        print("| setting | median | farthest | of the device's latency | lost |")
        print("|---|--:|--:|--:|---|")
        for what, lead, load, options, latency in settings:
            for line in row(what, latencies(count, lead, load, **options), latency):
                print(line, flush=True)
        seconds = 3.0 if quick else 20.0
        alone, _ = crowd(seconds, 0)
        if importlib.util.find_spec("link") is not None:
            late = linked(16 if quick else 64) * 1e3
            middle = float(np.median(late))
            print(f"our beats come out {middle:+.1f} ms beside theirs, ", end="")
            print(f"at most {np.abs(late - middle).max():.1f} ms from that")
        p99, lost = crowd(seconds, 1000)
        print(f"1,000 values a second from {2 * SOURCES} sources, {SOURCES} layers: ", end="")
        print(f"callback p99 {p99:.2f} ms, {p99 / alone:.2f}x of without; lost {lost}")


if __name__ == "__main__":
    main()
