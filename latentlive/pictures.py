"""Pictures of a corpus: its map with nodes and places, and the path between two sounds.

Apart from the previews of trainings, the one module that imports matplotlib.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import MaxNLocator

from latentlive.corpus import Corpus
from latentlive.corpus.index import Mapped
from latentlive.corpus.thumbnails import NAMES, UNITS
from latentlive.curves import Fit
from latentlive.errors import LatentliveError, did_you_mean
from latentlive.ground.files import write_whole
from latentlive.latent import Interp, Latent, Sound
from latentlive.models import load_model
from latentlive.renderer import Rendering, Spaces, corpus_sounds
from latentlive.units import Floats

FORMATS = (".png", ".svg")
PLANES = ("valence", "arousal", "duration")
SIGNED = ("valence", "arousal")
COLUMNS = 4
NUMBERED_TO = 13
"""Up to this side, every node shows its number."""

MAP = 6.0
POINTS = 6.0
LINE, LETTER = 0.1, 0.047
"""The map's side in inches, its names in points, inches per line and letter of a name."""

MOST_NAMES, MOST_LETTERS = 120, 18
"""Names that are written beside places, and letters of each."""

SHORTEST = 8
"""Fewest letters of a name worth showing."""

STEPS = 21
"""Amounts at which the path between two sounds is sampled."""

SHORTEST_STRETCH, MOST_STRETCHES = 4, 120
"""Fewest windows in a stretch, and most stretches of a sound."""

FLOOR_DB = -60.0
"""Powers this far below the strongest count as equal."""


def file_format(path: Path) -> str:
    """Return a picture's format; refuse a file that cannot be written.

    Raises
    ------
    LatentliveError
        If the suffix is unknown or the folder is missing.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise LatentliveError(f"plot: the file must end in .png or .svg, got {path.name!r}")
    if not os.path.isdir(path.parent):
        raise LatentliveError(f"plot: no folder {os.fspath(path.parent)!r}")
    return suffix[1:]


def plot_map(corpus: Corpus, path: Path, planes: Sequence[str] = ()) -> None:
    """Draw the sounds at each node and at their places, and planes: a feature's value at each node.

    Parameters
    ----------
    corpus : Corpus
    path : Path
        ``.png`` or ``.svg``.
    planes : names of features, optional
        By default valence, arousal and duration.

    Raises
    ------
    LatentliveError, SoundError
        ``plot: no feature 'loudnes_mean'; did you mean 'loudness_mean'?``
    """
    chosen = list(planes) or list(PLANES)
    for name in chosen:
        if name not in NAMES:
            raise LatentliveError(f"plot: no feature {name!r}{did_you_mean(name, NAMES)}")
    mapped = corpus.placed()
    sounds = mapped.map
    rows = 2 + -(-len(chosen) // COLUMNS)  # nodes and places take the room of four planes each
    figure = Figure(figsize=(4.2 * COLUMNS, 3.7 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, COLUMNS)
    _sizes(figure, figure.add_subplot(grid[:2, :2]), mapped, corpus.name)
    axes = figure.add_subplot(grid[:2, 2:])
    draw_places(axes, mapped)
    axes.set_title("the places of its sounds, in the colours of their nodes")
    values = sounds.scale.raw(sounds.nodes)
    free = [(y, x) for y in range(2, rows) for x in range(COLUMNS)]
    for place, name in zip(free, chosen, strict=False):
        shown = values[:, NAMES.index(name)].reshape(sounds.side, -1)
        _plane(figure, figure.add_subplot(grid[place]), shown, name)
    _save(figure, path)


def _sizes(figure: Figure, axes: Axes, mapped: Mapped, name: str) -> None:
    sounds = mapped.map
    side = sounds.side
    sizes = sounds.sizes.reshape(side, side)
    shown = np.ma.masked_equal(sizes, 0)
    image = axes.imshow(shown, cmap="viridis", vmin=0, origin="lower")
    axes.set_facecolor("0.88")
    axes.set_title(f"{name}: {len(sounds.seconds)} sounds, {side} x {side} nodes")
    _labelled(axes)
    figure.colorbar(image, ax=axes, label="sounds in a node (grey: none)", shrink=0.85)
    middle = sizes.max() / 2
    for node in range(side * side if side <= NUMBERED_TO else 0):
        y, x = divmod(node, side)
        colour = "w" if 0 < sizes[y, x] < middle else "k"
        if rows := named(mapped, node, *room(side)):
            top, left = y + 0.44, x - 0.46
            axes.text(left, top, str(node), color=colour, ha="left", va="top", weight="bold")
            axes.text(
                left,
                top - 1.5 * LINE * side / MAP,
                "\n".join(rows),
                color=colour,
                ha="left",
                va="top",
                fontsize=POINTS,
                linespacing=60.0 * LINE / POINTS,
            )
        else:
            axes.text(x, y, str(node), color=colour, ha="center", va="center")


def draw_places(axes: Axes, mapped: Mapped, named: bool = True) -> None:
    """Draw the sounds of a map that has places, with the names for which there is room.

    Parameters
    ----------
    axes : Axes
    mapped : Mapped
    named : bool
        Whether to write names.
    """
    assert mapped.places is not None
    x, y = mapped.places.T
    side = mapped.map.side
    across, up = (part / max(side - 1, 1) for part in (mapped.labels % side, mapped.labels // side))
    # Nodes that are neighbours have similar colours.
    colour = np.stack([0.15 + 0.75 * across, np.full(len(x), 0.45), 0.9 - 0.75 * up], axis=1)
    size = float(np.clip(6000.0 / len(x), 2.0, 30.0))
    axes.scatter(x, y, s=size, color=colour, lw=0, zorder=2)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal", xlabel="x", ylabel="y")
    kept: list[tuple[float, float, float]] = []
    for row in range(len(x) if named else 0):
        name = mapped.names[row].rpartition("/")[2][:MOST_LETTERS]
        left, base, wide = x[row] + 0.008, y[row] + 0.008, len(name) * LETTER / MAP
        apart = all(
            left > a + w or left + wide < a or abs(base - b) > LINE / MAP for a, b, w in kept
        )
        if apart and left + wide < 1.0 and len(kept) < MOST_NAMES:
            kept.append((left, base, wide))
            axes.text(left, base, name, fontsize=POINTS, color="0.25", zorder=3)


def room(side: int) -> tuple[int, int]:
    """Return the lines of names that fit into a node of the map, and the letters in each."""
    lines, letters = int(0.9 * MAP / side / LINE - 1.4), int(0.94 * MAP / side / LETTER)
    return (lines, letters) if lines > 0 and letters >= SHORTEST else (0, 0)


def named(mapped: Mapped, node: int, lines: int, letters: int) -> list[str]:
    """Return the names of a node's sounds for `lines` lines, nearest to the node first.

    Parameters
    ----------
    mapped : Mapped
    node : int
    lines, letters : int
        Longer names are cut; the last line counts the rest.
    """
    if not lines or not mapped.map.sizes[node]:
        return []
    names = [mapped.names[row].rpartition("/")[2] for row in mapped.map.cluster(node)]
    if len(names) > lines:
        names[lines - 1 :] = [f"{len(names) - lines + 1} more"]
    return [name if len(name) <= letters else f"{name[: letters - 1]}…" for name in names]


def _plane(figure: Figure, axes: Axes, values: Floats, name: str) -> None:
    kind = "mfcc" if name.startswith("mfcc") else name.split("_")[0]
    unit = f" ({UNITS[kind]})" if kind in UNITS else ""
    image = axes.imshow(values, origin="lower", **colours(values, name in SIGNED))
    axes.set_title(name.replace("_", " "))
    _labelled(axes)
    figure.colorbar(image, ax=axes, label=name.replace("_", " ") + unit, shrink=0.85)


def colours(values: Floats, signed: bool) -> dict[str, Any]:
    """Return colour map and range for a plane: centred on 0 only if it has both signs."""
    if not signed or values.min() >= 0.0 or values.max() <= 0.0:
        return {"cmap": "cividis", "vmin": values.min(), "vmax": values.max()}
    most = float(np.abs(values).max())
    return {"cmap": "RdBu_r", "vmin": -most, "vmax": most}


def _labelled(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("x")
    axes.set_ylabel("y (node = x + y * side)")


def plot_path(corpus: Corpus, path: Path, a: str, b: str, model: str | None = None) -> None:
    """Draw two sounds, the mix from one to the other, and its path, in a plane.

    A point is a stretch of a sound: the strength of each dimension of its latents. The line joins
    the mean of the mix at each amount, from one sound's to the other's.

    Parameters
    ----------
    corpus : Corpus
    path : Path
        ``.png`` or ``.svg``.
    a, b : str
        Names of sounds.
    model : path, optional
        By default the starter model.

    Source: Tatar, Cotton, Bisig (SMC 2023), the figures of latent paths.
    """
    spaces = Spaces(load_model(model))
    sounds = corpus_sounds(corpus, spaces.rate)

    def mixed(first: float, last: float) -> Floats:
        mix = Interp(Sound(a), Sound(b), Fit([first, last]))  # to the end of the shorter
        return strengths(latents(mix, spaces, sounds))

    amounts = np.linspace(0.0, 1.0, STEPS)
    held = [mixed(amount, amount) for amount in amounts]
    middles = np.stack([part.mean(axis=0) for part in held])
    one, other, mix, way = plane([held[0], held[-1], mixed(0.0, 1.0), middles])
    figure = Figure(figsize=(9, 6.5), layout="constrained")
    axes = figure.subplots()
    axes.scatter(one[:, 0], one[:, 1], s=18, color="tab:blue", alpha=0.5, lw=0, label=a)
    axes.scatter(other[:, 0], other[:, 1], s=18, color="tab:red", alpha=0.5, lw=0, label=b)
    colour = ScalarMappable(Normalize(0.0, 1.0), "viridis")
    shade = colour.to_rgba(np.linspace(0.0, 1.0, len(mix)))
    axes.plot(mix[:, 0], mix[:, 1], color="0.8", lw=0.8, zorder=1)
    axes.scatter(mix[:, 0], mix[:, 1], s=22, color=shade, marker="^", label=f"from {a} to {b}")
    line = LineCollection(
        list(np.stack([way[:-1], way[1:]], axis=1)),
        colors=colour.to_rgba((amounts[:-1] + amounts[1:]) / 2.0),
        linewidths=4,
        zorder=3,
        label="the way, on the whole",
    )
    line.set_path_effects([Stroke(linewidth=7, foreground="w"), Normal()])
    axes.add_collection(line)
    for end, name, side in ((0, a, "right"), (-1, b, "left")):
        place, shift = (way[end, 0], way[end, 1]), -10 if side == "right" else 10
        told = axes.annotate(
            name, place, (shift, 0), textcoords="offset points", ha=side, va="center", zorder=5
        )
        told.set_path_effects([Stroke(linewidth=4, foreground="w"), Normal()])
        axes.plot(*place, "o", color="k", zorder=4)
    figure.colorbar(colour, ax=axes, label=f"amount: 0 is {a}, 1 is {b}", shrink=0.85)
    axes.set_title(f"from {a} to {b} through the latent space")
    axes.set_xlabel(f"from {a} to {b} (dB, over all dimensions)")
    axes.set_ylabel("across that, where most varies (dB)")
    axes.margins(x=0.15)
    axes.legend(loc="best", fontsize="small")
    _save(figure, path)


def latents(latent: Latent, spaces: Spaces, sounds: Any) -> Floats:
    """Return the mean of each window of a finite latent [shape=(n, dims)]."""
    rendering = Rendering(latent.spread(0), spaces, sounds, align=False)
    assert rendering.length is not None
    z = rendering.drawn(np.arange(0.0, rendering.length / rendering.frame))
    return z.astype(np.float64)


def strengths(z: Floats) -> Floats:
    """Return the strength of each dimension, stretch by stretch [shape=(n, dims), dB].

    One window alone says little: it depends on its phase in the wave.

    Parameters
    ----------
    z : array [shape=(windows, dims)]
    """
    stretches = np.array_split(z, max(1, min(len(z) // SHORTEST_STRETCH, MOST_STRETCHES)))
    power = np.stack([np.mean(part**2, axis=0) for part in stretches])
    floor = max(float(power.max()), 1e-12) * 10.0 ** (FLOOR_DB / 10.0)
    db: Floats = 10.0 * np.log10(np.maximum(power, floor))
    return db


def plane(parts: Sequence[Floats]) -> list[Floats]:
    """Return points in a plane [shape=(n, 2)] that shows the path from some points to others.

    Parameters
    ----------
    parts : arrays [shape=(n, dims)]
        The first group, the second, and further points.

    The first axis leads from the mean of the first group to that of the second; the second axis
    is the direction across it in which both vary most.
    """
    one, other = (part.mean(axis=0) for part in parts[:2])
    both = np.concatenate([parts[0] - one, parts[1] - other])
    along = other - one
    if not along.any():  # a sound and itself
        along = np.linalg.svd(both, full_matrices=False)[2][0]
    along = along / np.linalg.norm(along)
    across = np.linalg.svd(both - np.outer(both @ along, along), full_matrices=False)[2][0]
    axes = np.stack([along, across], axis=1)
    return [(part - one) @ axes for part in parts]


def _save(figure: Figure, path: Path) -> None:
    kind = file_format(path)
    try:
        with rc_context({"svg.fonttype": "none"}):  # text stays text
            write_whole(path, lambda beside: figure.savefig(beside, format=kind, dpi=110))
    except OSError as error:
        raise LatentliveError(f"plot: cannot write {path}: {error.strerror}") from None
