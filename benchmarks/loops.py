"""How level stays where a loop comes round, in each space: the seams beside the rest.

    python -m benchmarks.loops

A loop is rendered four times over. At each of its three seams, and at 300 places away from them,
the 50 ms around are heard:

- around: the level of the 50 ms, in dB;
- least: the level of the quietest 5 ms in them, in dB. A hole or a soft attack is seen here.

Seams are given as a mean over the three, the rest as a median. A recording may be quiet of itself
where it is cut: "dry" is what its samples give, written end to end.

Then what a joint costs that was never heard before: the processor's time for the second around one,
and as a multiple of that for a second elsewhere whose recordings are encoded already.
"""

from __future__ import annotations

import os
import tempfile
import time
from typing import NamedTuple

import click
import numpy as np

from latentlive.corpus import Corpus
from latentlive.latent import Latent, Path, Sound, cat
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


def there_and_back(name: str, k: int) -> Latent:
    """Return a second and a half of a recording, forwards and backwards, slowed."""
    part = Sound(name).slice(0.6, 2.0).extend(k)
    return cat(part, part.rev()).loop()


def costs(texture: Latent, space: str, k: int) -> tuple[float, float]:
    """Return the processor's seconds for the second around a joint, and for one elsewhere."""
    joint = 3 * round(1.4 * k * RATE)  # the recordings are encoded by then
    rendering = Rendering(texture, Spaces(load_model(space)), corpus_sounds(Corpus(), RATE))
    rendering.samples(0, joint - 2 * RATE)
    taken = []
    for start in (joint - 3 * RATE // 4, joint + RATE):
        begun = time.process_time()
        rendering.samples(start, start + RATE)
        taken.append(time.process_time() - begun)
    return taken[0], taken[1]


def joints() -> None:
    """Print what joints cost."""
    click.echo(f"{'a joint of':34s} {'s':>6s} {'x':>6s}")
    names = ("bowl-high", "glass-harp", "musical-saw", "bowl-sung")
    for space in SPACES:
        for k in (2, 8):
            one = there_and_back(names[0], k)
            four = Path([there_and_back(name, k) for name in names], 0.5)
            for told, texture in (("one sound", one), ("a path of four", four)):
                with tempfile.TemporaryDirectory() as cache:
                    os.environ["LATENTLIVE_CACHE"] = cache
                    there, elsewhere = costs(texture, space, k)
                row = f"{told}, slowed {k} times"
                click.echo(f"{row:24s} {space:12s}{there:5.2f} {there / elsewhere:6.1f}")


@click.command()
def main() -> None:
    """Print the levels at the seams of loops beside those elsewhere, and what joints cost."""
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
    click.echo()
    joints()


if __name__ == "__main__":
    main()
