"""Draw ``docs/roam.png``: what a point meets on its way over the map of the starter sounds.

python docs/roam_picture.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.latent import Scope
from latentlive.latent.places import Steps, nearest, shares
from latentlive.pictures import draw_places
from latentlive.renderer.dryworld import DryWorld
from latentlive.renderer.sounds import corpus_sounds
from latentlive.space import ToySpace

PAGE = Path(__file__).with_name("roam.png")
BEATS, EVERY, BLEND = 16.0, 1.0, 4
WAY = ll.roam(ll.sine(19).range(0.1, 0.9), ll.perlin(5), every=EVERY)
"""The roam that is drawn: a step a beat, and beside it the mix of the four nearest."""


def main() -> None:
    """Draw the picture."""
    mapped = Corpus().placed()
    world = DryWorld(corpus_sounds(Corpus(), 44100), ToySpace().facts, 44100)
    beats = np.linspace(0.0, BEATS - 1e-6, 2400)
    query = Scope(world).query(np.zeros_like(beats), beats, 0)
    x, y = (np.clip(query.curve(curve, WAY), 0.0, 1.0) for curve in (WAY.x, WAY.y))
    steps = Steps(query, EVERY)
    at = np.stack([np.clip(steps.curve(curve, WAY), 0.0, 1.0) for curve in (WAY.x, WAY.y)], axis=1)
    met = nearest(mapped.places, *at.T, 1)[0][:, 0]
    figure = Figure(figsize=(15, 7.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.1, 1.0])
    draw_places(left, mapped, named=False)
    way = np.stack([x, y], axis=1)
    line = LineCollection(
        list(np.stack([way[:-1], way[1:]], axis=1)), array=beats[:-1], cmap="viridis", linewidths=3
    )
    left.add_collection(line)
    for number, (place, row) in enumerate(zip(at[: int(BEATS)], met, strict=False)):
        there = mapped.places[row]
        left.plot(*np.stack([place, there]).T, color="0.3", lw=0.8, zorder=4)
        left.plot(*place, "o", color="k", ms=5, zorder=5)
        name = f"{number} {mapped.names[row]}"
        told = left.annotate(name, there, (4, 4), textcoords="offset points", size=8, zorder=6)
        told.set_path_effects([Stroke(linewidth=3, foreground="w"), Normal()])
    figure.colorbar(line, ax=left, label="beat", shrink=0.8)
    left.set_title(f"each step plays the sound nearest to the point\n{WAY}", size=10)
    mixed(right, mapped, beats, x, y)
    figure.savefig(PAGE, dpi=80)


def mixed(axes, mapped, beats, x, y) -> None:
    """Draw how much of the mix each sound is, from beat to beat."""
    rows, squares = nearest(mapped.places, x, y, BLEND + 1)
    held = np.zeros((len(mapped.names), len(beats)))
    np.put_along_axis(held, rows[:, :BLEND].T, shares(squares, BLEND).T, axis=0)
    heard = np.flatnonzero(held.max(axis=1) > 0.0)
    first = np.argsort([np.argmax(held[row] > 0.0) for row in heard], kind="stable")
    colours = [f"C{n % 10}" for n in range(len(heard))]
    axes.stackplot(beats, held[heard[first]], colors=colours, lw=0)
    below = np.cumsum(held[heard[first]], axis=0) - 0.5 * held[heard[first]]
    for middle, row in zip(below, heard[first], strict=True):
        most = int(held[row].argmax())
        if held[row, most] > 0.4:
            axes.text(
                beats[most], middle[most], mapped.names[row], size=8, ha="center", rotation=90
            )
    axes.set(xlim=(0, BEATS), ylim=(0, 1), xlabel="beat", ylabel="share of the mix")
    axes.set_title(
        f"blend={BLEND}: the nearest four on the same way, each by its distance", size=10
    )


if __name__ == "__main__":
    main()
