"""A gamelan of one sample: every key is the same gong, moved up or down as a whole.

Moved by semitones, a gong stays a gong: its partials keep their intervals, and the lowest one
carries the tune. Five keys an octave, 2.4 semitones apart, are slendro. The space must have pitch
as an axis, as `spectral` has.
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
    return interp(silence, sound(name).scrub(saw(beats) * length), rand(beats).range(0.7, 1))


def keys(
    name: str = "gong",
    steps: Sequence[float] = (12, 16.8, 14.4, 19.2, 12, 21.6, 16.8, 14.4),
    beats: float = 1 / 2,
    length: float = 0.15,
) -> Latent:
    """Return a melody of strokes of one sound, now harder, now softer.

    Parameters
    ----------
    name : str
    steps : numbers of semitones
        The melody, above or below the sound as it is.
    beats : float [beats, > 0]
        Of one stroke.
    length : float [0..1]
        How much of the sound each stroke reads.

    Example
    -------
    ``d1 >> keys()``, ``d2 >> keys("bowl-low", (0, 7.2, 4.8), 1 / 3)``
    """
    struck = sound(name).scrub(saw(beats) * length).transpose(seq(steps, beats))
    return interp(silence, struck, rand(beats).range(0.65, 0.9))


def kotekan(
    name: str = "gong",
    played: Sequence[float] = (1, 0, 1, 1, 0, 1, 0, 1),
    steps: Sequence[float] = (24, 26.4, 28.8, 26.4, 31.2),
    beats: float = 1 / 4,
) -> Latent:
    """Return a figure of short strokes with rests: two with opposite rhythms interlock.

    Parameters
    ----------
    name : str
    played : numbers of 0..1
        The rhythm: how strongly each stroke sounds, 0 rests; 0.8 is 5 dB softer than 1.
    steps : numbers of semitones
        The melody, rests included.
    beats : float [beats, > 0]
        Of one stroke.

    Example
    -------
    ``d1 >> kotekan(played=(1, 0, 1, 1, 0))``, ``d2 >> kotekan(played=(0, 1, 0, 0, 1))``
    """
    return interp(silence, keys(name, steps, beats, 0.1), seq(played, beats).smooth(0.03))
