"""Textures that come and go slowly; functions that return expressions."""

from __future__ import annotations

from latentlive import Latent, interp, perlin, sine, sound


def tide(low: str = "surf", high: str = "choir-ah", beats: float = 32) -> Latent:
    """Return a slow swell from one sound into another, a little different each time."""
    return interp(sound(low), sound(high), curve=sine(beats) * perlin(beats / 3)).extend(6)
