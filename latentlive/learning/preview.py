"""A preview of a model: a sound to hear and a picture to see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latentlive.curves import Line
from latentlive.ground.files import write_whole
from latentlive.latent import Interp, Sound
from latentlive.learning.measures import FFT, HOP, magnitudes
from latentlive.renderer import render
from latentlive.space import Space
from latentlive.units import Samples

SECONDS = 4.0
PAUSE_SECONDS = 0.25


def excerpts(space: Space, sounds: Sequence[Samples]) -> dict[str, Samples]:
    """Return a recording, its reconstruction, and a morph from it to another, each at most 4 s.

    Parameters
    ----------
    space : Space
    sounds : sequence of arrays [shape=(n,)]
        The preview uses the two longest; a single one morphs into its own reverse.
    """
    most = round(SECONDS * space.sample_rate)
    chosen = [np.array(s[:most]) for s in sorted(sounds, key=len, reverse=True)[:2]]
    first, second = chosen[0], chosen[1] if len(chosen) > 1 else chosen[0][::-1]
    length = min(len(first), len(second))
    curve = Line(0.0, 1.0, length / space.sample_rate)
    mixed = Interp(Sound(first[:length]), Sound(second[:length]), curve)
    return {
        "a held-out recording": first,
        "rebuilt": render(Sound(first).spread(0), model=space),
        "interpolated to another": render(mixed.spread(0), model=space),
    }


def write_preview(space: Space, sounds: Sequence[Samples], sound: Path, picture: Path) -> None:
    """Write the three excerpts one after another, and their spectrograms.

    Parameters
    ----------
    space : Space
    sounds : sequence of arrays [shape=(n,)]
    sound : Path
        A ``.flac`` file.
    picture : Path
        A ``.png`` file.
    """
    import soundfile

    shown = excerpts(space, sounds)
    pause = np.zeros(round(PAUSE_SECONDS * space.sample_rate), np.float32)
    heard = np.concatenate([part for samples in shown.values() for part in (samples, pause)])
    clipped = np.clip(heard, -1.0, 1.0)
    write_whole(sound, lambda beside: soundfile.write(beside, clipped, space.sample_rate))
    write_whole(picture, lambda beside: draw(beside, shown, space.sample_rate))


def draw(path: Path, shown: dict[str, Samples], sample_rate: int) -> None:
    """Draw the spectrograms of some sounds, one below the other, on one scale of 80 dB."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 2.0 * len(shown)), layout="constrained")
    axes = figure.subplots(len(shown), squeeze=False)[:, 0]
    levels = [20.0 * np.log10(magnitudes(samples) + 1e-5) for samples in shown.values()]
    top = max(float(level.max()) for level in levels)
    for axis, (title, samples), level in zip(axes, shown.items(), levels, strict=True):
        axis.imshow(
            level.T,
            origin="lower",
            aspect="auto",
            vmin=top - 80.0,
            vmax=top,
            cmap="magma",
            extent=(0.0, len(level) * HOP / sample_rate, 0.0, sample_rate / 2000.0),
        )
        axis.set_title(title, fontsize=9, loc="left")
        axis.set_ylabel("kHz")
        axis.set_xlim(0.0, max(len(samples), FFT) / sample_rate)
    axes[-1].set_xlabel("seconds")
    figure.savefig(path, dpi=80)
