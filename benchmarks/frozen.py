"""What is heard where processes of a playing engine freeze: python -m benchmarks.frozen [--loaded].

Eight decoded layers play on a private PulseAudio null sink. For each line one or two processes are
stopped (SIGSTOP) or killed, and the longest silence in what the device plays is looked for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from numpy.typing import NDArray

import latentlive as ll
from benchmarks.live import RATE, loaded, textures
from latentlive.corpus import Corpus
from tests.live.conftest import started, wait_until

FRAME = 64
"""Samples, silent or not."""

Fault = Callable[[ll.Engine], None]


def signalled(number: int, *which: str) -> Fault:
    """Return what sends a signal to processes: ``worker 0``, ``audio``, ``standby``, ``engine``."""

    def send(live: ll.Engine) -> None:
        state = live.state
        pids = {"audio": state["audio"], "standby": state["standby"], "engine": live.welcome.pid}
        pids |= {f"worker {lane}": pid for lane, pid in enumerate(state["workers"])}
        for name in which:
            os.kill(pids[name], number)

    return send


def killed_beside_a_frozen_one(live: ll.Engine) -> None:
    """Kill the audio process while the one that stands by is frozen."""
    signalled(signal.SIGSTOP, "standby")(live)
    signalled(signal.SIGKILL, "audio")(live)


def held_up(live: ll.Engine) -> None:
    """Freeze the engine for a second."""
    signalled(signal.SIGSTOP, "engine")(live)
    time.sleep(1.0)
    signalled(signal.SIGCONT, "engine")(live)


FAULTS: dict[str, Fault] = {
    "nothing": lambda live: None,
    "the first worker frozen": signalled(signal.SIGSTOP, "worker 0"),
    "the second worker frozen": signalled(signal.SIGSTOP, "worker 1"),
    "both workers frozen": signalled(signal.SIGSTOP, "worker 0", "worker 1"),
    "both workers killed": signalled(signal.SIGKILL, "worker 0", "worker 1"),
    "the audio process frozen": signalled(signal.SIGSTOP, "audio"),
    "the audio process killed": signalled(signal.SIGKILL, "audio"),
    "the audio process killed, the one that stands by frozen": killed_beside_a_frozen_one,
    "the engine frozen for a second": held_up,
}


def silence(captured: NDArray[np.float32]) -> float:
    """Return the longest silence [seconds] between the first and the last sound of a capture."""
    frames = captured[: len(captured) // FRAME * FRAME].reshape(-1, FRAME * captured.shape[1])
    sounds = np.flatnonzero(frames.any(axis=1))
    return float(np.diff(sounds).max() - 1) * FRAME / RATE


def measured(sink: Any, fault: Fault, seconds: float) -> tuple[float, list[str], bool]:
    """Return the longest silence [s], what was said, and whether all layers play in the end."""
    said: list[str] = []
    with ll.Engine(say=said.append) as live:
        with live.cell():
            for number, texture in enumerate(textures("decoded", 8, Corpus()), 1):
                live.layer(f"d{number}") >> texture
        wait_until(lambda: live.state.get("seconds", 0) > 4, 120, "them to sound")
        wait_until(lambda: live.state["standby"] and live.state["workers_up"] == 2, 60, "all")
        capture = sink.capture()
        said.clear()
        fault(live)
        end = live.state["seconds"] + seconds
        wait_until(lambda: live.state["seconds"] > end, 60 + seconds, "what follows")
        captured = capture.stop()
        whole = all(layer["state"] == "playing" for layer in live.state["layers"])
    return silence(captured), said, whole


def ended(word: str) -> tuple[float, str]:
    """Return how long a word from another terminal takes to end a frozen engine, and its line."""
    live = ll.Engine(say=lambda line: None)
    live.wait_for(lambda: live.state)
    signalled(signal.SIGSTOP, "engine")(live)
    begun = time.monotonic()
    command = [sys.executable, "-m", "latentlive.cli", word]
    told = subprocess.run(command, capture_output=True, text=True)
    took = time.monotonic() - begun
    live.close()
    return took, told.stderr.strip()


@click.command()
@click.option("--loaded", "busy", is_flag=True, help="Beside two programs that compute.")
@click.option("--seconds", default=8.0, show_default=True, help="Watched after each fault.")
def main(busy: bool, seconds: float) -> None:
    """Print a table of Markdown."""
    print("| | longest silence | layers closed | all play again | said |\n|---|---|---|---|---|")
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        contextlib.contextmanager(started)(Path(folder)) as sink,
        loaded() if busy else contextlib.nullcontext(),
    ):
        patch.setenv("LATENTLIVE_CACHE", str(Path(folder, "cache")))  # `panic` reaches all engines
        for name, fault in FAULTS.items():
            length, said, whole = measured(sink, fault, seconds)
            closed = sum(": " in line and "silent until" in line for line in said)
            told = "; ".join(line for line in said if "silent until" not in line)
            row = f"{name} | {length * 1000:.0f} ms | {closed} | {'yes' if whole else 'NO'}"
            print(f"| {row} | {told} |", flush=True)
        for word in ("panic", "stop"):
            took, told = ended(word)
            print(
                f"| the engine frozen, `{word}` | ended in {took:.1f} s | | | {told} |", flush=True
            )


if __name__ == "__main__":
    main()
