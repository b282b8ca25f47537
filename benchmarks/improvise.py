"""What textures that choose their sounds cost, and what they choose.

python -m benchmarks.improvise roam           # words on the map against a plain sound
python -m benchmarks.improvise steps          # whether the steps of a roam click
python -m benchmarks.improvise walks          # the order of improvisers against that of their piece
python -m benchmarks.improvise layers         # improvisers against a plain sound
"""

from __future__ import annotations

import os

# Before numpy is imported: one thread for every library.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import time
from collections import Counter
from collections.abc import Sequence
from statistics import median

import click
import numpy as np

import latentlive as ll
from latentlive.corpus import Audio, Corpus
from latentlive.corpus.atlas import Atlas
from latentlive.latent import Improvised, Latent
from latentlive.latent.oracle import Order
from latentlive.latent.places import OnMap
from latentlive.latent.walking import Piece, Walk
from latentlive.models import load_model
from latentlive.renderer import Rendering, Spaces, corpus_sounds
from latentlive.renderer.scoring import Scoring, scored
from latentlive.renderer.sounds import CorpusSounds
from latentlive.units import Floats

SPACES = ("spectral", "spectralvae", "rawaudiovae")
SECONDS = 8.0
AROUND = 66
"""Samples to either side of a step."""

CHUNK = 11_025
"""Samples at a time, as a worker renders."""

PIECES = {
    "a clock and its like": ll.near(ll.sound("clock"), 24),
    "voices": ll.near(ll.sound("choir-ah"), 24),
}
HOUR = 7200
"""Steps of half a second."""


@click.group()
def main() -> None:
    """Print tables of what chooses its sounds."""


class Crowd:
    """A map of many sounds that has the recordings of a few: finding the nearest costs its full
    price, decoding them nothing."""

    digest = "a crowd"

    def __init__(self, few: Atlas, count: int) -> None:
        self._few = few
        self.places: Floats = np.random.default_rng(0).random((count, 2))

    def row(self, name: str) -> int | None:
        """Return None: nobody asks by name."""

    def audio(self, row: int, wait: bool = True) -> Audio | None:
        """Return one of the few sounds."""
        return self._few.audio(row % len(self._few.names), wait)


class Crowded(CorpusSounds):
    """The starter sounds on a map of many."""

    crowd: Crowd

    def atlas(self, node: OnMap, /) -> Atlas:
        """Return the map of many."""
        return self.crowd  # type: ignore[return-value]


def textures() -> dict[str, Latent]:
    """Return what is compared, the plain sound first."""
    x, y = ll.sine(16), ll.perlin(5)
    return {
        'sound("gong").loop()': ll.sound("gong").loop(),
        "roam(every=0.5)": ll.roam(x, y, every=0.5),
        "roam()": ll.roam(x, y),
        "roam(every=0.5, blend=4)": ll.roam(x, y, every=0.5, blend=4),
        "roam(blend=4)": ll.roam(x, y, blend=4),
        "tour, 4 sounds": ll.tour(["gong", "rain", "surf", "cello-g2"], beats=8),
        "swarm(4)": ll.swarm(4, x, y, 0.15),
        "swarm(8)": ll.swarm(8, x, y, 0.15),
    }


def seconds(rendering: Rendering) -> float:
    """Return how long a stretch of a rendering takes, in chunks."""
    rendering.forget()
    begun = time.perf_counter()
    total = round(SECONDS * rendering.rate)
    for start in range(0, total, CHUNK):
        rendering.samples(start, min(start + CHUNK, total))
    return time.perf_counter() - begun


@main.command()
@click.option("--rounds", default=7, show_default=True)
@click.option("--sounds", default=5000, show_default=True, help="Of the large map.")
def roam(rounds: int, sounds: int) -> None:
    """What words on the map cost against a plain sound: encoded before, in turns, one thread."""
    print("| space       | texture                   | first, s | warm, s | ratio |", end="")
    print(f" ratio, {sounds} sounds |\n|---|---|--:|--:|--:|--:|")
    for name in SPACES:
        space = load_model(name)
        space.warm()
        spaces, find = Spaces(space), corpus_sounds(Corpus(), space.sample_rate)
        many = Crowded(Corpus(), space.sample_rate, print)
        many.crowd = Crowd(Corpus().atlas(space.sample_rate), sounds)
        made = {what: Rendering(one, spaces, find) for what, one in textures().items()}
        crowd = {w: Rendering(t, spaces, many) for w, t in textures().items() if "tour" not in w}
        first = {what: seconds(one) for what, one in made.items()}
        for one in crowd.values():
            seconds(one)
        taken: dict[str, list[float]] = {what: [] for what in [*made, *(f"+{w}" for w in crowd)]}
        for _ in range(rounds):
            for what, one in [*made.items(), *((f"+{w}", r) for w, r in crowd.items())]:
                taken[what].append(seconds(one))
        plain = taken[next(iter(made))]
        for what in made:
            times = [mine / theirs for mine, theirs in zip(taken[what], plain, strict=True)]
            large = [m / p for m, p in zip(taken.get(f"+{what}", []), plain, strict=False)]
            shown = f"{median(large):5.2f}" if large else "    -"
            told = (
                f"{first[what]:8.2f} | {median(taken[what]):7.3f} | {median(times):5.2f} | {shown}"
            )
            print(f"| {name:11} | {what:25} | {told} |", flush=True)


@main.command()
@click.option("--beats", default=32, show_default=True)
def steps(beats: int) -> None:
    """How far samples bend where a step begins, against elsewhere: the largest second difference
    within a millisecond and a half to either side."""
    held = ll.perlin(9).range(0.1, 0.45), ll.perlin(11).range(0.7, 1.0)
    ways = {
        "all over the map": ll.roam(ll.sine(17), ll.perlin(5), every=0.5),
        "among held sounds": ll.roam(*held, every=0.5),
        "among held sounds, blend=4": ll.roam(*held, every=0.5, blend=4),
    }
    print("| space       | roam                       | median | 90 % | largest |")
    print("|---|---|--:|--:|--:|")
    for name in SPACES:
        space = load_model(name)
        for what, way in ways.items():
            find = corpus_sounds(Corpus(), space.sample_rate)
            rendering = Rendering(way, Spaces(space), find)
            samples = rendering.samples(0, beats * space.sample_rate).astype(np.float64)
            bend, step = np.abs(np.diff(samples, 2)), space.sample_rate // 2
            near = np.arange(step, len(bend) - step, step)
            elsewhere = near[:, None] + np.linspace(0.15, 0.85, 60) * step
            here, there = (
                np.array([bend[at - AROUND : at + AROUND].max() for at in where.astype(int).flat])
                for where in (near, elsewhere)
            )
            told = [np.quantile(here, q) / np.quantile(there, q) for q in (0.5, 0.9, 1.0)]
            shown = f"{told[0]:6.2f} | {told[1]:4.2f} | {told[2]:7.2f}"
            print(f"| {name:11} | {what:26} | {shown} |", flush=True)


class Hand:
    """Constant congruence, half a second a step."""

    def __init__(self, congruence: float) -> None:
        self._congruence = congruence

    def congruence(self, start: float) -> float:
        """Return it."""
        return self._congruence

    def typicality(self, start: float) -> float:
        """Return 0.5: any."""
        return 0.5

    def lasting(self, unit: int, start: float) -> float:
        """Return half a second."""
        return 0.5


def grams(nodes: Sequence[int], n: int) -> Counter[tuple[int, ...]]:
    """Return how often each sequence of `n` nodes occurs."""
    return Counter(tuple(nodes[i : i + n]) for i in range(len(nodes) - n + 1))


def apart(one: Counter[tuple[int, ...]], other: Counter[tuple[int, ...]]) -> float:
    """Return the total variation distance of two distributions, 0 to 1."""
    a, b = one.total(), other.total()
    return 0.5 * sum(abs(one[key] / a - other[key] / b) for key in one.keys() | other.keys())


def repeated(units: Sequence[int]) -> tuple[int, float]:
    """Return the longest run of parts that comes twice, and how many parts come in 64 steps."""
    low, high = 0, len(units) // 2
    while low < high:
        length = (low + high + 1) // 2
        seen = {tuple(units[i : i + length]) for i in range(len(units) - length + 1)}
        if len(seen) < len(units) - length + 1:
            low = length
        else:
            high = length - 1
    windows = [len(set(units[i : i + 64])) for i in range(0, len(units) - 64, 64)]
    return low, float(np.mean(windows))


@main.command()
def walks() -> None:
    """An hour of half-second steps: its order against that of the piece."""
    corpus = Corpus()
    scoring = Scoring(corpus, corpus_sounds(corpus, 44100), 44100)
    print("| piece | congruence | n = 1 | 2 | 3 | 4 | cycle | longest repeat | parts in 64 steps |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name, piece in PIECES.items():
        found = scored(ll.improvise(piece), scoring)
        assert isinstance(found, Improvised)
        nodes = np.asarray(found.parts)[:, 3].astype(int).tolist()
        around = [*nodes, *nodes[:3]]  # the piece begins again at its end
        order = Order(nodes, 4)
        whole = Piece(order, [[i] for i in range(len(nodes))], [0.5] * len(nodes), True)
        for congruence in (0.0, 0.5, 0.8, 1.0):
            walk = Walk(whole, 7, Hand(congruence))
            units = [walk.step(number).unit for number in range(HOUR)]
            told(name, f"{congruence:g}", units, [nodes[unit] for unit in units], around)
        chance = np.random.default_rng(7).integers(len(nodes), size=HOUR).tolist()
        told(name, "chance", chance, [nodes[unit] for unit in chance], around)
        exact = sum(len(order.alike(place, 4)) for place in range(len(nodes)))
        known = grams(nodes, 4)
        there = sum(known[tuple(nodes[i - 3 : i + 1])] - 1 for i in range(3, len(nodes)))
        print(
            f"{name}: {len(nodes)} parts on {len(set(nodes))} nodes; suffix links join "
            f"{exact} of {there} pairs of places with the same past of 4"
        )
    begun = time.process_time()
    walk = Walk(whole, 7, Hand(0.8))
    walk.at(np.array([14399.0]))
    steps = 28_800
    print(f"a million steps: {(time.process_time() - begun) / steps * 1e6:.1f} s")


def told(
    name: str, led: str, units: Sequence[int], nodes: Sequence[int], piece: Sequence[int]
) -> None:
    """Print a row: distances of n-grams, and repetitions."""
    away = [apart(grams(nodes, n), grams(piece, n)) for n in (1, 2, 3, 4)]
    tail = list(units[-400:])
    half = len(units) // 2
    cycle = next((p for p in range(1, half) if tail == list(units[-400 - p : -p])), None)
    longest, many = repeated(units)
    row = " | ".join(f"{one:.2f}" for one in away)
    print(f"| {name} | {led} | {row} | {cycle or 'none'} | {longest} | {many:.0f} |")


@main.command()
@click.option("--rounds", default=5, show_default=True)
def layers(rounds: int) -> None:
    """What improvisers and palettes cost against a plain sound: encoded before, in turns."""
    piece = ll.sound("typewriter")
    asked = {
        'sound("typewriter").loop()': piece.loop(),
        "improvise": ll.improvise(piece),
        "improvise(every=1/8)": ll.improvise(piece, every=1 / 8),
        'improvise(memory="corpus")': ll.improvise(piece, memory="corpus"),
        'improvise(over="codes")': ll.improvise(piece, over="codes"),
        "quantise(64)": piece.loop().quantise(64),
    }
    print("| space       | texture                    | first, s | warm, s | ratio |")
    print("|---|---|--:|--:|--:|")
    for name in SPACES:
        space = load_model(name)
        space.warm()
        spaces, find = Spaces(space), corpus_sounds(Corpus(), space.sample_rate)
        scoring = Scoring(Corpus(), find, space.sample_rate)
        made = {w: Rendering(scored(t, scoring), spaces, find) for w, t in asked.items()}
        first = {}
        for what, one in made.items():
            begun = time.perf_counter()
            while not one.start():
                pass
            first[what] = time.perf_counter() - begun + seconds(one)
        taken: dict[str, list[float]] = {what: [] for what in made}
        for _ in range(rounds):
            for what, one in made.items():
                taken[what].append(seconds(one))
        plain = taken[next(iter(made))]
        for what in made:
            ratio = median(mine / p for mine, p in zip(taken[what], plain, strict=True))
            told = f"{first[what]:8.2f} | {median(taken[what]):7.3f} | {ratio:5.2f}"
            print(f"| {name:11} | {what:26} | {told} |", flush=True)


if __name__ == "__main__":
    main()
