"""Weather that is never the same twice."""

from __future__ import annotations

from latentlive import Latent, blend, brown, interp, path, perlin, rand, saw, sound


def storm(beats: float = 30) -> Latent:
    """Return wind, rain and gale mixed by weights that wander.

    Example
    -------
    ``d1 >> storm()``, ``d1 >> storm(90)``
    """
    return blend(
        (sound("wind").extend(3).loop(), perlin(beats).range(0.1, 1)),
        (sound("downpour").extend(2).loop(), brown(beats / 20) * perlin(beats / 2)),
        (sound("gale").extend(4).loop(), perlin(beats / 3) * 0.8),
        (sound("sea").extend(4).loop(), 0.2),
    )


def thunder(beats: float = 11, near: float = 0.5) -> Latent:
    """Return thunder about every so many beats, each stroke nearer or farther.

    Parameters
    ----------
    beats : float [beats, > 0]
    near : float [0..1]
        How near the strokes are on the whole.

    Example
    -------
    ``d2 >> thunder()``, ``d2 >> thunder(7, near=0.9)``
    """
    falling = saw(beats) * 1.1
    return interp(
        sound("thunder-far").scrub(falling),
        sound("thunder").scrub(falling),
        rand(beats).range(near - 0.5, near + 0.5),
    )


def shower(beats: float = 12) -> Latent:
    """Return rain that thickens into hail and thins into single drops.

    Example
    -------
    ``d3 >> shower()``, ``d3 >> shower(40)``
    """
    drops = interp(sound("drip").loop(), sound("rain").extend(2).loop(), perlin(beats))
    return path([drops, sound("hail").loop()], perlin(beats / 2).range(-0.6, 0.7))
