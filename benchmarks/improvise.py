"""What textures that choose their sounds cost, and what they choose.

python -m benchmarks.improvise roam           # words on the map against a plain sound
python -m benchmarks.improvise steps          # whether the steps of a roam click
"""

from __future__ import annotations

import os

# Before numpy is imported: one thread for every library.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import time
from statistics import median

import click
import numpy as np

import latentlive as ll
from latentlive.corpus import Audio, Corpus
from latentlive.corpus.atlas import Atlas
from latentlive.latent import Latent
from latentlive.latent.places import OnMap
from latentlive.models import load_model
from latentlive.renderer import Rendering, Spaces, corpus_sounds
from latentlive.renderer.world import CorpusSounds
from latentlive.units import Floats

SPACES = ("spectral", "spectralvae", "rawaudiovae")
SECONDS = 8.0
AROUND = 66
"""Samples to either side of a step."""

CHUNK = 11_025
"""Samples at a time, as a worker renders."""


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


if __name__ == "__main__":
    main()
