"""How level stays where a loop comes round, in each space: the seams beside the rest.

    python -m benchmarks.loops

A loop is rendered four times over. At each of its three seams, and at 300 places away from them,
the 50 ms around are heard:

- around: the level of the 50 ms, in dB;
- least: the level of the quietest 5 ms in them, in dB. A hole or a soft attack is seen here.

Seams are given as a mean over the three, the rest as a median. A recording may be quiet of itself
where it is cut: "dry" is what its samples give, written end to end.
"""

from __future__ import annotations

from typing import NamedTuple

import click
import numpy as np

from latentlive.corpus import Corpus
from latentlive.latent import Latent, Sound
from latentlive.models import load_model
from latentlive.renderer import Rendering, Spaces, corpus_sounds
from latentlive.starter import synthesise
from latentlive.units import Samples

RATE = 44100
TURNS, SECONDS = 4, 2
PLACES = 300
SPACES = ("spectral", "rawaudiovae")


class Heard(NamedTuple):
    """Levels at the seams and elsewhere [dB]."""

    seams: float
    rest: float


def level(samples: Samples) -> float:
    """Return the RMS level in dB."""
    return 10.0 * float(np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-12))


def around(samples: Samples, place: int) -> float:
    """Return the level of the 50 ms around a place."""
    half = RATE // 40
    return level(samples[place - half : place + half])


def least(samples: Samples, place: int) -> float:
    """Return the level of the quietest 5 ms within the 50 ms around a place."""
    half, short = RATE // 40, RATE // 200
    starts = range(place - half, place + half - short, short // 4)
    return min(level(samples[start : start + short]) for start in starts)


def tone(hz: float = 220.0) -> Samples:
    """Return a steady tone that lasts a whole number of periods."""
    turns = hz * np.arange(SECONDS * RATE) / RATE
    return (0.3 * np.sin(2 * np.pi * turns)).astype(np.float32)


def heard(samples: Samples) -> dict[str, Heard]:
    """Return what is heard where two seconds that are looped come round, by measure."""
    seams = np.arange(1, TURNS) * SECONDS * RATE
    places = np.random.default_rng(0).integers(RATE // 10, len(samples) - RATE // 10, PLACES)
    far = [place for place in places if np.abs(seams - place).min() > RATE // 10]
    return {
        measure.__name__: Heard(
            float(np.mean([measure(samples, seam) for seam in seams])),
            float(np.median([measure(samples, place) for place in far])),
        )
        for measure in (around, least)
    }


def looped(once: Latent, spaces: Spaces) -> Samples:
    """Return two seconds that are looped, rendered in the loaded space."""
    rendering = Rendering(once.loop(TURNS), spaces, corpus_sounds(Corpus(), RATE))
    return rendering.samples(0, TURNS * SECONDS * RATE)


@click.command()
def main() -> None:
    """Print the levels at the seams of loops beside those elsewhere."""
    surf, steady = synthesise("surf"), tone()
    click.echo(f"{'dB':38s} {'seams':>6s} {'rest':>6s}")
    loops = {
        "surf, 1 s to 3 s": (Sound(surf).slice(1, 3), surf[RATE : 3 * RATE]),
        "a steady tone": (Sound(steady), steady),
    }
    for name, (once, dry) in loops.items():
        rendered = {"dry": np.tile(dry, TURNS)}
        for space in SPACES:
            rendered[space] = looped(once, Spaces(load_model(space)))
        for space, samples in rendered.items():
            for measure, levels in heard(samples).items():
                row = f"{name:18s} {space:12s} {measure:6s}"
                click.echo(f"{row} {levels.seams:6.1f} {levels.rest:6.1f}")


if __name__ == "__main__":
    main()
