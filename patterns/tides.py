"""Textures that come and go slowly; functions that return expressions."""

from __future__ import annotations

from latentlive import Latent, interp, perlin, sine, sound


def tide(low: str = "surf", high: str = "choir-ah", beats: float = 32) -> Latent:
    """Return a slow swell from one sound into another, a little different each time.

    Example
    -------
    ``d1 >> tide()``, ``d1 >> tide("rain", "strings-low", 48)``
    """
    return interp(sound(low), sound(high), curve=sine(beats) * perlin(beats / 3)).extend(6)


def undertow(low: str = "sea", high: str = "horn-f3", beats: float = 40) -> Latent:
    """Return a tide that draws back before it comes: each sound is read backwards and forwards.

    Example
    -------
    ``d2 >> undertow()``, ``d2 >> undertow("gale", "conch", 24)``
    """
    reading = perlin(beats / 5).range(0.05, 0.95)
    return interp(
        sound(low).scrub(reading),
        sound(high).scrub(perlin(beats / 4).range(0.2, 0.8)),
        sine(beats).ease("inout"),
    )
