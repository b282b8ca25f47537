"""Pictures of a corpus: its map, and the way between two sounds through the latent space.

The one module that imports matplotlib and scikit-learn.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.manifold import TSNE

from latentlive.corpus import Corpus
from latentlive.corpus.cache import write_whole
from latentlive.corpus.map import SoundMap
from latentlive.corpus.thumbnails import NAMES, UNITS
from latentlive.curves import Fit
from latentlive.errors import LatentliveError, did_you_mean
from latentlive.latent import Interp, Latent, Sound
from latentlive.models import load_model
from latentlive.renderer import Rendering, Spaces, corpus_sounds
from latentlive.units import Floats

FORMATS = (".png", ".svg")
PLANES = ("valence", "arousal", "duration")
SIGNED = ("valence", "arousal")
NUMBERED_TO = 13
"""Up to this side, every node shows its number."""

MOST_WINDOWS = 400
"""Of each sound in a picture of a path; a longer one is thinned out evenly."""


def file_format(path: Path) -> str:
    """Return a picture's format, refusing one that cannot be written.

    Raises
    ------
    LatentliveError
        If the suffix is unknown or the folder is missing.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise LatentliveError(f"plot: the file must end in .png or .svg, got {path.name!r}")
    if not path.parent.is_dir():
        raise LatentliveError(f"plot: no folder {os.fspath(path.parent)!r}")
    return suffix[1:]


def plot_map(corpus: Corpus, path: Path, planes: Sequence[str] = ()) -> None:
    """Draw how many sounds each node holds, and planes: what a feature is at each node.

    Parameters
    ----------
    corpus : Corpus
    path : Path
        ``.png`` or ``.svg``.
    planes : names of features, optional
        Valence, arousal and duration when left out.

    Raises
    ------
    LatentliveError, SoundError
        ``plot: no feature 'loudnes_mean'; did you mean 'loudness_mean'?``
    """
    chosen = list(planes) or list(PLANES)
    for name in chosen:
        if name not in NAMES:
            raise LatentliveError(f"plot: no feature {name!r}{did_you_mean(name, NAMES)}")
    sounds = corpus.need_map().map
    columns = 2 if len(chosen) < 6 else 4
    rows = -(-(len(chosen) + 1) // columns)
    figure = Figure(figsize=(6.2 * columns, 5.6 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    _sizes(figure, grid[0], sounds, corpus.name)
    values = sounds.scale.raw(sounds.nodes)
    for axes, name in zip(grid[1:], chosen, strict=False):
        _plane(figure, axes, values[:, NAMES.index(name)].reshape(sounds.side, -1), name)
    for axes in grid[len(chosen) + 1 :]:
        axes.set_axis_off()
    _save(figure, path)


def _sizes(figure: Figure, axes: Axes, sounds: SoundMap, name: str) -> None:
    side = sounds.side
    sizes = sounds.sizes.reshape(side, side)
    shown = np.ma.masked_equal(sizes, 0)
    image = axes.imshow(shown, cmap="viridis", vmin=0, origin="lower")
    axes.set_facecolor("0.88")
    axes.set_title(f"{name}: {len(sounds.seconds)} sounds, {side} x {side} nodes")
    _labelled(axes)
    figure.colorbar(image, ax=axes, label="sounds in a node (grey: none)", shrink=0.85)
    if side <= NUMBERED_TO:
        middle = sizes.max() / 2
        for node in range(side * side):
            y, x = divmod(node, side)
            dark = 0 < sizes[y, x] < middle
            axes.text(x, y, str(node), ha="center", va="center", color="w" if dark else "k")


def _plane(figure: Figure, axes: Axes, values: Floats, name: str) -> None:
    kind = "mfcc" if name.startswith("mfcc") else name.split("_")[0]
    unit = f" ({UNITS[kind]})" if kind in UNITS else ""
    options: dict[str, Any] = {"cmap": "cividis"}
    if name in SIGNED:
        most = float(np.abs(values).max())
        options = {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
    image = axes.imshow(values, origin="lower", **options)
    axes.set_title(name.replace("_", " "))
    _labelled(axes)
    figure.colorbar(image, ax=axes, label=name.replace("_", " ") + unit, shrink=0.85)


def _labelled(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("x")
    axes.set_ylabel("y (node = x + y * side)")


def plot_path(corpus: Corpus, path: Path, a: str, b: str, model: str | None = None) -> None:
    """Draw the latents of two sounds and of the mix that goes from one to the other, in a plane.

    Parameters
    ----------
    corpus : Corpus
    path : Path
        ``.png`` or ``.svg``.
    a, b : str
        Names of sounds.
    model : path, optional
        The starter model when left out.

    Source: Tatar, Cotton, Bisig (SMC 2023), the figures of latent paths; van der Maaten and
    Hinton, Visualizing data using t-SNE (JMLR 2008).
    """
    spaces = Spaces(load_model(model))
    sounds = corpus_sounds(corpus, spaces.encoder(None).space.sample_rate)
    amounts = ([0.0, 0.0], [1.0, 1.0], [0.0, 1.0])  # all to the end of the shorter
    drawn = [Interp(Sound(a), Sound(b), Fit(amount)) for amount in amounts]
    parts = [latents(latent, spaces, sounds) for latent in drawn]
    flat = embedded(np.concatenate(parts))
    figure = Figure(figsize=(8, 7), layout="constrained")
    axes = figure.subplots()
    one, other, way = np.split(flat, 3)
    axes.scatter(one[:, 0], one[:, 1], s=22, color="tab:blue", label=a, alpha=0.8)
    axes.scatter(other[:, 0], other[:, 1], s=22, color="tab:red", label=b, alpha=0.8)
    x, y = way.T
    image = axes.scatter(
        x,
        y,
        s=26,
        c=np.linspace(0.0, 1.0, len(way)),
        cmap="viridis",
        marker="^",
        label="the mix",
    )
    figure.colorbar(image, ax=axes, label=f"amount: 0 is {a}, 1 is {b}", shrink=0.85)
    axes.set_title(f"from {a} to {b}: latents in a plane (t-SNE)")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend()
    _save(figure, path)


def latents(latent: Latent, spaces: Spaces, sounds: Any) -> Floats:
    """Return the mean of each window of a finite latent [shape=(n, dims)], thinned out evenly."""
    rendering = Rendering(latent.spread(0), spaces, sounds, align=False)
    assert rendering.length is not None
    z = rendering.drawn(np.arange(0.0, rendering.length / rendering.space.window))
    if len(z) > MOST_WINDOWS:
        z = z[np.linspace(0, len(z) - 1, MOST_WINDOWS).astype(int)]
    return z.astype(np.float64)


def embedded(points: Floats) -> Floats:
    """Return points in a plane [shape=(n, 2)] by t-SNE that starts from their main axes."""
    perplexity = min(30.0, max((len(points) - 1) / 3.0, 1.0))
    flat: Floats = TSNE(2, init="pca", perplexity=perplexity, random_state=0).fit_transform(points)
    return flat


def _save(figure: Figure, path: Path) -> None:
    kind = file_format(path)
    try:
        with rc_context({"svg.fonttype": "none"}):  # text stays text
            write_whole(path, lambda beside: figure.savefig(beside, format=kind, dpi=110))
    except OSError as error:
        raise LatentliveError(f"plot: cannot write {path}: {error.strerror}") from None
