"""Draw one way from a sound to another in two spaces: where partials fade, and where they move.

python benchmarks/morph_picture.py -o docs/morph.png
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from latentlive.corpus import Corpus
from latentlive.curves import Line
from latentlive.latent import Interp, Sound
from latentlive.models import load_model
from latentlive.renderer import render
from latentlive.units import Samples

PAIRS = (("cello-g2", "flute-a4"), ("rain", "cello-d4"))
SPACES = ("rawaudiovae", "spectral")
SECONDS = 3
RATE = 44100
SIZE, HOP, TOP_HZ = 4096, 256, 4000


def decibels(samples: Samples) -> Samples:
    """Return a spectrogram up to 4 kHz [shape=(bins, frames), dB below its maximum]."""
    padded = np.pad(samples, (SIZE // 2, SIZE))
    frames = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(SIZE + 1)[:-1], axis=1))
    level: Samples = 20 * np.log10(spectrum[:, : TOP_HZ * SIZE // RATE].T + 1e-9)
    return level - level.max()


@click.command()
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True)
def main(output: Path) -> None:
    """Draw the picture."""
    from matplotlib.figure import Figure

    corpus = Corpus(None)
    figure = Figure(figsize=(10.0, 6.0), layout="constrained")
    axes = figure.subplots(len(PAIRS), len(SPACES), sharex=True, sharey=True)
    for row, (first, last) in zip(axes, PAIRS, strict=True):
        a, b = (Sound(corpus.audio(name, RATE).samples[: SECONDS * RATE]) for name in (first, last))
        for axis, space in zip(row, SPACES, strict=True):
            way = Interp(a, b, Line(0.0, 1.0, float(SECONDS)))
            level = decibels(render(way, SECONDS, model=load_model(space)))
            extent = (0.0, float(SECONDS), 0.0, TOP_HZ / 1000)
            look = {"origin": "lower", "aspect": "auto", "cmap": "magma", "extent": extent}
            axis.imshow(level, vmin=-70.0, vmax=0.0, **look)
            axis.set_title(f"{first} to {last}, {space}", fontsize=9, loc="left")
        row[0].set_ylabel("kHz")
    for axis in axes[-1]:
        axis.set_xlabel("seconds")
    figure.savefig(output, dpi=80)


if __name__ == "__main__":
    main()
