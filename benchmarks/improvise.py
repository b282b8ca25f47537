"""What textures that choose their sounds cost, and what they choose.

python -m benchmarks.improvise roam           # words on the map against a plain sound
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


if __name__ == "__main__":
    main()
