"""A gamelan of one sample: every instrument is another way of reading the same sound.

A sound that is read faster or slower than it was played changes its colour, and below some
hundred hertz its pitch: so one gong makes a whole set of keys.
"""

from __future__ import annotations

from collections.abc import Sequence

from latentlive import Latent, interp, rand, saw, seq, silence, sound


def stroke(name: str = "gong", beats: float = 4, length: float = 0.6) -> Latent:
    """Return a sound struck every so many beats, now harder, now softer.

    Parameters
    ----------
    name : str
    beats : float [beats, > 0]
    length : float [0..1]
        How much of the sound each stroke reads.

    Example
    -------
    ``d1 >> stroke()``, ``d2 >> stroke("gong", 1 / 2, 0.15)``
    """
    return interp(silence, sound(name).scrub(saw(beats) * length), rand(beats).range(0.4, 1))


def keys(
    name: str = "gong",
    lengths: Sequence[float] = (0.12, 0.2, 0.16, 0.28, 0.12, 0.34, 0.2, 0.24),
    beats: float = 1 / 2,
) -> Latent:
    """Return a melody of strokes, each reading another length of one sound in the same time.

    Parameters
    ----------
    name : str
    lengths : numbers of 0..1
        The melody: the longer, the faster the sound is read, and the higher it rings.
    beats : float [beats, > 0]
        Of one stroke.

    Example
    -------
    ``d1 >> keys()``, ``d2 >> keys("bowl-low", (0.1, 0.3, 0.2), 1 / 3)``
    """
    return sound(name).scrub(saw(beats) * seq(lengths, beats))


def kotekan(
    name: str = "gong",
    played: Sequence[float] = (1, 0, 1, 1, 0, 1, 0, 1),
    places: Sequence[float] = (0, 0.05, 0.02, 0.12, 0.08),
    beats: float = 1 / 4,
) -> Latent:
    """Return a figure of short strokes with rests: two with opposite rhythms interlock.

    Parameters
    ----------
    name : str
    played : numbers of 0..1
        The rhythm: how strongly each stroke sounds, 0 rests.
    places : numbers of 0..1
        The melody: where in the sound each stroke begins.
    beats : float [beats, > 0]
        Of one stroke.

    Example
    -------
    ``d1 >> kotekan(played=(1, 0, 1, 1, 0))``, ``d2 >> kotekan(played=(0, 1, 0, 0, 1))``
    """
    place = seq(places, beats) + saw(beats) * 0.1
    return interp(silence, sound(name).scrub(place), seq(played, beats).smooth(0.03))
