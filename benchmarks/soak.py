"""Sixteen layers redefined all the time, for as long as is asked: python -m benchmarks.soak.

Expressions come from a seeded generator over the language; they play on a private PulseAudio null
sink. At the end the log is bounced, and compared with what was recorded, sample for sample.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
import soundfile

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.engine.desk.decisions import Gated
from latentlive.engine.log.bounce import Bounce
from latentlive.engine.log.performance import Performance
from latentlive.errors import LatentliveError
from latentlive.models import load_model
from tests.live.conftest import started

LAYERS, RATE = 16, 44100


class Words:
    """Draws expressions and changes of layers.

    Parameters
    ----------
    seed : int
    names : list of str
        Sounds that it may name.
    """

    def __init__(self, seed: int, names: list[str]) -> None:
        self.random, self.names = random.Random(seed), names

    def curve(self) -> ll.Curve:
        """Return a curve from 0 to 1."""
        beats = self.random.choice([0.5, 2, 4, 8, 16])
        kind = self.random.choice([ll.sine, ll.perlin, ll.saw, ll.tri, ll.cosine, ll.rand])
        curve: ll.Curve = kind(beats)
        return curve.range(0.1, 0.9) if self.random.random() < 0.3 else curve

    def sound(self) -> ll.Latent:
        """Return a sound, perhaps read in another way."""
        one: ll.Latent = ll.sound(self.random.choice(self.names))
        turn = self.random.randrange(6)
        if turn == 0:
            one = one.slice(0, self.random.uniform(0.5, 2)).rev()
        elif turn == 1:
            one = one.spread(self.random.choice([0.0, 0.5, 2.0]))
        return one

    def texture(self) -> ll.Latent:
        """Return a texture."""
        a, b, c = self.sound(), self.sound(), self.sound()
        made: list[ll.Latent] = [
            ll.interp(a, b, self.curve()),
            ll.slerp(a, b, self.curve()),
            ll.path([a, b, c], self.curve()),
            ll.blend((a, 0.5), (b, 0.3), (c, 0.2)),
            ll.interp(a, ll.drift(self.random.randrange(99), 4), self.curve()),
            ll.cat(a, b).jitter(0.1),
            a,
        ]
        one = self.random.choice(made)
        factor = self.random.choice([2, 3, 0.5, 4])
        turn = self.random.randrange(5)
        if turn == 0:
            return one.extend(max(factor, 2))
        return one.slow(factor) if turn == 1 else one

    def change(self, live: ll.Engine) -> str:
        """Do something to some layer; return the word for it."""
        layer = live.layer(f"d{self.random.randint(1, LAYERS)}")
        word = self.random.choices(
            ["play", "morph", "gain", "pan", "wide", "mute", "restart", "undo", "redo", "only"],
            [40, 8, 10, 6, 3, 8, 4, 8, 3, 2],
        )[0]
        if word == "play":
            layer.xfade(self.random.choice([0, 0.25, 1, 2])) >> self.texture()
        elif word == "morph":
            layer.morph(self.random.choice([1, 4])) >> self.texture()
        elif word == "gain":
            level: ll.Curve = self.curve().range(-18, -6)
            layer.gain(self.random.choice([-12, -6, level]))
        elif word == "pan":
            layer.pan(self.random.choice([0.2, 0.8, self.curve()]))
        elif word == "wide":
            layer.wide(self.random.choice([0, 0.7]))
        elif word == "mute":
            self.random.choice([layer.mute, layer.unmute, layer.unmute])()
        elif word == "restart":
            layer.restart()
        elif word == "undo":
            live.undo()
        elif word == "redo":
            live.redo()
        else:
            live.only(*([layer] if self.random.random() < 0.3 else []))
        return word

    def begin(self, live: ll.Engine) -> None:
        """Let all layers play."""
        with live.cell():
            for number in range(1, LAYERS + 1):
                live.layer(f"d{number}").gain(-12) >> self.texture()


@dataclass
class Soak:
    """What a soak counted.

    Parameters
    ----------
    minutes : float
        Of the transport.
    changes : dict of str to int
        Taken by the engine, by word.
    refused : int
        Refused in one line, such as an undo of nothing.
    missing, underflows : int
        Samples that the audio process did not find, underflows of the device.
    late : int
        How often a layer was closed because its rendering could not keep up.
    alive : int
        Layers that had a texture at the end.
    restarts : int
        Children that were started in the place of others.
    same : bool
        Whether the bounce of the log holds the samples that were recorded, bit for bit.
    memory : list of (float, dict of str to float)
        Minutes, and resident memory by process [MB].
    """

    minutes: float = 0.0
    changes: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    missing: int = 0
    underflows: int = 0
    late: int = 0
    alive: int = 0
    restarts: int = 0
    same: bool = False
    memory: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def slope(self, process: str) -> float:
        """Return by how much a process grew in the second half [MB a minute]."""
        rows = self.memory[len(self.memory) // 2 :]
        minutes, sizes = np.array([(at, one[process]) for at, one in rows]).T
        return float(np.polyfit(minutes, sizes, 1)[0])

    def line(self) -> str:
        """Return a line that tells how it stands."""
        sizes = "  ".join(f"{name} {size:.0f}" for name, size in self.memory[-1][1].items())
        return (
            f"{self.minutes:6.2f} min  {sum(self.changes.values())} changes ({self.refused} "
            f"refused)  missing {self.missing}  underflows {self.underflows}  "
            f"alive {self.alive}/{LAYERS}  MB: {sizes}"
        )


def resident(pid: int) -> float:
    """Return a process's private memory [MB]; what it shares with others is not counted."""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    kept = {row.split(":")[0]: row.split()[1] for row in rows if row.startswith("Rss")}
    return int(kept["RssAnon"]) / 1024.0


def soak(
    minutes: float,
    every: float,
    folder: Path,
    *,
    seed: int = 0,
    corpus: Corpus | None = None,
    silent: bool = True,
    compared: float | None = None,
    show: bool = False,
) -> Soak:
    """Redefine layers for so many minutes; return what was counted.

    Parameters
    ----------
    minutes : float
    every : float [seconds]
        Between two changes.
    folder : Path
        Where recording and log are written.
    compared : float [seconds], optional
        How much of the end is bounced; all when left out.
    """
    corpus = corpus or Corpus()
    words, result = Words(seed, corpus.names), Soak()
    heard, log = folder / "heard.wav", folder / "soak.py"
    live = ll.Engine(
        model="rawaudiovae",  # in which every word has a meaning
        corpus=corpus,
        out=heard,
        log=log,
        seed=seed,
        silent=silent,
        say=result.said.append,
    )
    with live:
        words.begin(live)
        begun = told = time.monotonic()
        while not live.state.get("running"):
            if time.monotonic() > begun + 60:
                raise SystemExit(f"nothing sounded: {result.said}")
            time.sleep(0.05)
        while live.state["seconds"] < minutes * 60 and not live.ended:
            try:
                word = words.change(live)
                result.changes[word] = result.changes.get(word, 0) + 1
            except LatentliveError:
                result.refused += 1
            time.sleep(words.random.uniform(0.5, 1.5) * every)
            _look(live, result)
            if show and time.monotonic() > told + 60:
                told = time.monotonic()
                print(result.line(), flush=True)
        _settle(live)
        _look(live, result)
        position = live.state["position"]
    performance = Performance(log)
    closed = [d for d in performance.decisions() if isinstance(d, Gated) and d.level == 0.0]
    result.late = len(closed)
    result.restarts = sum("died" in line for line in result.said)
    begin = 0 if compared is None else max(position - round(compared * RATE), 0)
    result.same = equal(performance, heard, begin, position)
    return result


def _look(live: ll.Engine, result: Soak) -> None:
    """Note how the engine stands."""
    state = live.state
    assert live.process is not None
    pids = {"engine": live.process.pid, "audio": state["audio"]}
    pids.update({f"worker{n}": pid for n, pid in enumerate(state["workers"], 1)})
    result.minutes = state["seconds"] / 60.0
    result.missing, result.underflows = state["missing"], state["underflows"]
    result.alive = sum(bool(one["code"]) and not one["error"] for one in state["layers"])
    with contextlib.suppress(OSError, KeyError):  # a process that has just died or begun
        result.memory.append((result.minutes, {n: resident(p) for n, p in pids.items()}))


def _settle(live: ll.Engine) -> None:
    """Wait until nothing changes any more."""
    end = time.monotonic() + 10
    while time.monotonic() < end and any(
        one["state"] in ("coming", "changing") for one in live.state["layers"]
    ):
        time.sleep(0.1)


def equal(performance: Performance, heard: Path, begin: int, stop: int) -> bool:
    """Return whether the bounce of a log is what was recorded, bit for bit."""
    header = performance.header
    bounce = Bounce(performance, load_model(header.model_file or None), begin, stop)
    with soundfile.SoundFile(heard) as file:
        file.seek(begin)
        return all(
            np.array_equal(file.read(len(one.mix), "float32", always_2d=True), one.mix)
            for one in bounce.blocks()
        )


@click.command()
@click.option("--minutes", default=60.0, show_default=True)
@click.option("--every", default=0.7, show_default=True, help="Seconds between two changes.")
@click.option("--seed", default=0, show_default=True)
@click.option("--compared", type=float, help="Seconds of the end that are bounced [all].")
@click.option("--silent", is_flag=True, help="Open no device.")
def main(minutes: float, every: float, seed: int, compared: float | None, silent: bool) -> None:
    """Print a line a minute, then what was counted."""
    cores = os.cpu_count()
    print(f"{cores} cores, load average {os.getloadavg()[0]:.1f} before it began", flush=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        if not silent:
            stack.enter_context(contextlib.contextmanager(started)(Path(folder)))
        options: dict[str, Any] = {"seed": seed, "silent": silent, "compared": compared}
        result = soak(minutes, every, Path(folder), **options, show=True)
    print(result.line())
    print("changes:", ", ".join(f"{n} {word}" for word, n in sorted(result.changes.items())))
    growth = {name: result.slope(name) for name in result.memory[-1][1]}
    print("growth in the second half, MB a minute:", end=" ")
    print(", ".join(f"{name} {value:+.2f}" for name, value in growth.items()))
    print(f"closed because rendering could not keep up: {result.late} times")
    print(f"children started again: {result.restarts}; lines said: {len(result.said)}")
    for line in dict.fromkeys(result.said[-5:]):
        print("  ", line)
    print(f"the bounce of the log is what was recorded: {'yes' if result.same else 'NO'}")
    print(f"load average {os.getloadavg()[0]:.1f} when it ended")
    sys.exit(not (result.same and not result.missing))


if __name__ == "__main__":
    main()
