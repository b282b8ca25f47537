"""What a space makes of sounds of a corpus: stretches are decoded, and listened to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.descriptors import STRETCH, heard
from latentlive.errors import LatentliveError
from latentlive.latent import Latent, Sound, noise
from latentlive.renderer.rendering import Rendering, ask
from latentlive.renderer.sounds import Sounds
from latentlive.renderer.spaces import Spaces
from latentlive.units import Floats, Samples

SECONDS = 1.05
"""What is decoded of a sound: in `spectral` most of a page of its encoding."""

PLACES = 6
"""Stretches of a sound that are listened to."""

VECTORS = 16
"""Vectors that are read of each stretch."""

SILENT = 1e-7
"""The power below which a stretch tells nothing: 70 dB below full scale."""

BRIEF = 2 * STRETCH
"""Samples of each that are decoded moved."""

PRIORS = 60
"""Textures of drawn vectors, in a space that encodes no recordings."""


class Place(NamedTuple):
    """A texture, and the samples of it that are listened to."""

    texture: Latent
    start: int
    stop: int


class Material(NamedTuple):
    """The vectors of some stretches, and what is heard of these.

    Parameters
    ----------
    vectors : array [shape=(n, VECTORS, dims)]
    heard : mapping of descriptor to array [shape=(n,)]
    sound : array [shape=(n,)]
        The number of the sound of each.
    """

    vectors: Floats
    heard: dict[str, Floats]
    sound: NDArray[np.int64]

    def only(self, chosen: NDArray[np.bool_]) -> Material:
        """Return some of the stretches."""
        part = {name: values[chosen] for name, values in self.heard.items()}
        return Material(self.vectors[chosen], part, self.sound[chosen])


def places(spaces: Spaces, sounds: Sounds, names: Sequence[str]) -> list[Place]:
    """Return where to listen: in sounds by name, or to the prior of a space that encodes none."""
    space, chance = spaces.default, np.random.default_rng(0)
    count = round(SECONDS * spaces.rate)
    if not space.encodes:
        return [Place(noise(number), 0, count) for number in range(PRIORS)]
    page = space.page * (space.hop or 0) * Fraction(spaces.rate, space.sample_rate)
    found = []
    for name in names:
        try:
            length = len(sounds(Sound(name)).samples)
        except LatentliveError:
            continue  # whoever plays it is told
        start = int(chance.integers(0, max(length - count, 1)))
        if page:
            start = round(page * (start // page))  # two pages would be encoded for nothing
        if length - start >= STRETCH:
            found.append(Place(Sound(name), start, min(start + count, length)))
    return found


def listened(
    there: Sequence[Place], spaces: Spaces, sounds: Sounds, progress: Callable[[int], object]
) -> Material:
    """Return what is read and heard at some places; silent stretches are left out.

    Parameters
    ----------
    there : sequence of Place
    spaces : Spaces
    sounds : function of a recorded source to its Audio
    progress : function of the number of places that are done
    """
    vectors, parts, owners = list[Floats](), list[Samples](), list[int]()
    for number, place in enumerate(there):
        for mean, samples in _read(place, spaces, sounds):
            vectors.append(mean)
            parts.append(samples)
            owners.append(number)
        progress(number + 1)
    if not parts:
        return Material(np.empty((0, VECTORS, spaces.default.dims)), {}, np.empty(0, np.int64))
    return Material(np.array(vectors), heard(np.array(parts), spaces.rate), np.array(owners))


def _read(place: Place, spaces: Spaces, sounds: Sounds) -> Iterator[tuple[Floats, Samples]]:
    rendering = Rendering(place.texture, spaces, sounds)
    samples = rendering.samples(place.start, place.stop)
    for start in starts(len(samples)):
        part = samples[start : start + STRETCH]
        if sounding(part):
            at = place.start + start + np.linspace(0.0, STRETCH - rendering.frame, VECTORS)
            beats = rendering.tempo.beats(at)
            latents = ask(rendering.latent, rendering.scope, at / rendering.frame, beats, 0)
            yield latents.mean.astype(np.float64), part


def starts(count: int) -> list[int]:
    """Return where the stretches of some samples begin."""
    places = min(PLACES, 2 * (count // STRETCH) - 1)
    found: list[int] = np.linspace(0, count - STRETCH, places).astype(int).tolist()
    return found


def sounding(part: Samples) -> bool:
    """Return whether a stretch is no silence."""
    return float(np.mean(part.astype(np.float64) ** 2)) > SILENT


def moved(
    there: Sequence[Place],
    textures: Sequence[Callable[[Latent], Latent]],
    descriptor: str,
    spaces: Spaces,
    sounds: Sounds,
) -> Floats:
    """Return a descriptor of what is decoded at places, moved in some ways [shape=(n, ways)].

    Each is a mean over the stretches of a place that sound in all ways; places without any are
    left out.
    """
    rows = []
    for place in there:
        stop = min(place.stop, place.start + BRIEF)
        ways = [
            Rendering(way(place.texture), spaces, sounds).samples(place.start, stop)
            for way in textures
        ]
        parts = np.array([[way[s : s + STRETCH] for way in ways] for s in starts(len(ways[0]))])
        kept = [part for part in parts if all(sounding(way) for way in part)]
        if kept:
            found = heard(np.concatenate(kept), spaces.rate)[descriptor]
            rows.append(found.reshape(len(kept), len(ways)).mean(axis=0))
    return np.array(rows).reshape(len(rows), len(textures))
