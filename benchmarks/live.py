"""What the engine holds while both cores are loaded: python -m benchmarks.live [--quick].

Each line plays layers on a private PulseAudio null sink, beside a process that renders offline in a
loop and one in ``while True: pass``. What came out of the device is compared with the engine's own
recording, sample for sample. Encodings are made first, as they are for what was played before.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import soundfile
from numpy.typing import NDArray

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.engine.desk.decisions import Gated
from latentlive.engine.log.performance import Performance
from tests.live.conftest import started

RATE = 44100
PROBE = 64
"""Samples by which a capture is found in the recording again."""

RENDERS = """
import latentlive as ll
while True:
    ll.render(ll.interp(ll.sound("gong"), ll.sound("rain"), ll.sine(8)).extend(4), seconds=20)
"""
LOADS = (RENDERS, "while True: pass")


@contextlib.contextmanager
def loaded(programs: tuple[str, ...] = LOADS) -> Iterator[None]:
    """Run some programs, one for each core that is to be busy."""
    running = [subprocess.Popen([sys.executable, "-c", program]) for program in programs]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def textures(kind: str, layers: int, corpus: Corpus) -> list[ll.Latent]:
    """Return textures that are all different: decoded all the time, or loops of a second."""
    names = [name for name in corpus.names if corpus.audio(name, RATE).samples.size > 2 * RATE]
    pairs = itertools.cycle(itertools.pairwise(names))
    if kind == "decoded":
        made = (
            ll.interp(ll.sound(a), ll.sound(b), ll.sine(5 + n % 7)).extend(4)
            for n, (a, b) in enumerate(pairs)
        )
    else:
        made = (
            ll.sound(a).slice(n % 8 / 40, n % 8 / 40 + 1).spread(0)
            for n, (a, _) in enumerate(pairs)
        )
    return list(itertools.islice(made, layers))


@dataclass
class Gaps:
    """Where a capture is not the recording: how often, and how many samples it lacks or adds."""

    count: int = 0
    samples: int = 0
    compared: int = 0


def gaps(captured: NDArray[np.float32], recorded: NDArray[np.float32]) -> Gaps:
    """Compare what the device played with what the engine recorded [shape=(n, 2)], bit by bit."""
    found = Gaps()
    sounds = np.flatnonzero(recorded.any(axis=1))
    if not len(sounds):
        raise SystemExit("nothing was recorded")
    at = int(sounds[0]) + PROBE  # past the first samples of a fade
    here = place(captured, recorded[at : at + PROBE], 0)
    if here is None:
        raise SystemExit("the capture does not hold the recording")
    while at < len(recorded) and here < len(captured):
        length = min(len(recorded) - at, len(captured) - here)
        wrong = (captured[here : here + length] != recorded[at : at + length]).any(axis=1)
        same = int(np.argmax(wrong)) if wrong.any() else length
        found.compared, at, here = found.compared + same, at + same, here + same
        if same == length:
            break
        found.count += 1
        for skipped in range(0, len(recorded) - at - PROBE, PROBE):
            again = place(captured, recorded[at + skipped : at + skipped + PROBE], here)
            if again is not None:
                found.samples += max(skipped, again - here)
                at, here = at + skipped, again
                break
        else:
            break
    return found


def place(captured: NDArray[np.float32], probe: NDArray[np.float32], since: int) -> int | None:
    """Return where some samples stand in a capture; None if nowhere."""
    width = probe[0].nbytes
    data, at = captured[since:].tobytes(), -1
    while (at := data.find(probe.tobytes(), at + 1)) >= 0:
        if at % width == 0:
            return since + at // width
    return None


def busy(pids: list[int]) -> float:
    """Return the seconds for which some processes have computed so far."""
    rows = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(row[11]) + int(row[12]) for row in rows) / os.sysconf("SC_CLK_TCK")


def measured(
    sink: Any, model: str, kind: str, layers: int, block: int, seconds: float
) -> dict[str, Any]:
    """Play so many layers for a while; return what was counted."""
    said: list[str] = []
    corpus = Corpus()
    with tempfile.TemporaryDirectory() as folder:
        heard, log = Path(folder, "heard.wav"), Path(folder, "log.py")
        capture = sink.capture()
        with ll.Engine(
            model=model, corpus=corpus, block=block, out=heard, log=log, say=said.append
        ) as live:
            with live.cell():
                for n, texture in enumerate(textures(kind, layers, corpus), 1):
                    live.layer(f"v{n}").gain(-20) >> texture
            begun, since = time.monotonic(), None
            while live.state.get("seconds", 0) < seconds:
                if since is None and live.state.get("running"):
                    workers = live.state["workers"]
                    since = time.monotonic(), busy(workers)
                if live.ended or time.monotonic() > begun + seconds + 90:
                    raise SystemExit(f"{layers} layers never sounded: {said}")
                time.sleep(0.1)
            state = live.state
            position = state["position"]
            assert since is not None
            cores = (busy(workers) - since[1]) / (time.monotonic() - since[0])
        captured = capture.stop()
        recorded = soundfile.read(heard, dtype="float32", always_2d=True)[0]
        decisions = Performance(log).decisions()
        closed = [d for d in decisions if isinstance(d, Gated) and d.level == 0.0]
    found = gaps(captured, recorded[:position])
    return {
        "p50": state["callback_p50_ms"],
        "p99": state["callback_p99_ms"],
        "max": state["callback_ms"],
        "underflows": state["underflows"],
        "missing": state["missing"],
        "late": len({d.voice for d in closed}),
        "cores": cores,
        "gaps": found.count,
        "lost": found.samples,
        "compared": found.compared / RATE,
    }


def landings(model: str, ahead: float, quant: float, lines: int = 24) -> NDArray[np.float64]:
    """Return the seconds from a line to the first sample of what it plays, a beat being one."""
    corpus, taken = Corpus(), []
    rng = np.random.default_rng(0)
    names = corpus.names[:lines]
    with ll.Engine(model=model, corpus=corpus, silent=True, ahead=ahead) as live:
        live.d2 >> ll.sound(names[0])
        live.d1.quant(quant).xfade(0)
        while live.state.get("seconds", 0) < 1:
            time.sleep(0.02)
        for name in names:
            time.sleep(rng.uniform(0.0, 1.0))  # at no particular place in the beat
            begun = live.fresh()["position"]
            live.d1 >> ll.sound(name).extend(4)
            while not (shown := _playing(live, "d1", name)):
                time.sleep(0.02)
            taken.append((shown["since"] - begun) / RATE)
    return np.array(taken)


def tell_landings(model: str) -> None:
    """Print how long it takes from a line to its first sample, at once and on the beat."""
    for quant in (0, 1):
        taken = landings(model, 2.0, quant)
        told = f"p50 {np.median(taken):.2f} s, max {taken.max():.2f} s"
        print(f"from a line to its first sample, quant {quant}: {told}", flush=True)


def _playing(live: ll.Engine, layer: str, name: str) -> dict[str, Any] | None:
    for one in live.fresh()["layers"]:
        if one["name"] == layer and one["state"] == "playing" and repr(name) in one["code"]:
            return dict(one)
    return None


def row(kind: str, layers: int, block: int, one: dict[str, Any]) -> str:
    """Return a line of the table."""
    whole = one["gaps"] == one["missing"] == one["late"] == 0
    ms = block / RATE * 1e3
    return (
        f"| {kind} | {layers} | {block} | {one['p50']:.2f} | {one['p99']:.2f} | {one['max']:.2f} "
        f"| {one['p99'] / ms:.0%} | {one['underflows']} | {one['gaps']} ({one['lost']}) "
        f"| {one['missing']} | {one['late']} | {one['cores']:.2f} | {one['compared']:.1f} s "
        f"| {'whole' if whole else 'NOT WHOLE'} |"
    )


def numbers(text: str) -> list[int]:
    """Return the numbers of an option such as 1,24,64."""
    return [int(number) for number in text.split(",")]


@click.command()
@click.option("--quick", is_flag=True, help="A minute: does it run at all?")
@click.option("--decoded", default="1,8,16,24,32,48,64", help="Layers that are decoded.")
@click.option("--looping", default="1,24,64", help="Layers that loop.")
@click.option("--blocks", default="128,256,512,1024", help="Samples of a device block.")
@click.option("--seconds", default=12.0, help="Of each line.")
@click.option("--idle", is_flag=True, help="Leave the cores to the engine.")
@click.option("--model", default="spectral", show_default=True, help="The space.")
@click.option("--landings", "only", is_flag=True, help="From lines to first samples; no more.")
def main(
    quick: bool,
    decoded: str,
    looping: str,
    blocks: str,
    seconds: float,
    idle: bool,
    model: str,
    only: bool,
) -> None:
    """Print the table."""
    if only:
        tell_landings(model)
        return
    if quick:
        decoded, looping, blocks, seconds = "1,24", "64", "512", 5.0
    corpus = Corpus()
    corpus.prepare()
    for kind, layers in (("decoded", decoded), ("looping", looping)):
        for texture in textures(kind, max(numbers(layers)), corpus):
            ll.render(texture, seconds=seconds + 4.0, model=model)
    print(
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before it began", flush=True
    )
    head = "kind|layers|block|p50 ms|p99 ms|max ms|p99 of block|underflows|gaps (samples)"
    head += "|missing|late|workers' cores|compared|"
    print(f"\n| {head.replace('|', ' | ')}|\n|{'---|' * (head.count('|') + 1)}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with (
        tempfile.TemporaryDirectory() as folder,
        loaded(() if idle else LOADS),
        contextlib.contextmanager(started)(Path(folder)) as sink,
    ):
        for kind, layers in (("decoded", decoded), ("looping", looping)):
            for count, block in itertools.product(numbers(layers), numbers(blocks)):
                one = measured(sink, model, kind, count, block, seconds)
                print(row(kind, count, block, one), flush=True)
        tell_landings(model)
    print(f"\nload average {os.getloadavg()[0]:.1f} when it ended")


if __name__ == "__main__":
    main()
