"""Small things in great number."""

from __future__ import annotations

from latentlive import Latent, blend, interp, perlin, rand, silence, sound


def meadow(beats: float = 16) -> Latent:
    """Return crickets, bees and cicadas, each nearer and farther by turns.

    Example
    -------
    ``d1 >> meadow()``, ``d1 >> meadow(40)``
    """
    return blend(
        (sound("cricket").loop(), perlin(beats).seed(1)),
        (sound("bees").extend(2).loop(), perlin(beats).seed(2)),
        (sound("cicada").loop(), perlin(beats).seed(3) * 0.6),
        (sound("breeze").extend(3).loop(), 0.5),
    )


def grains(name: str = "wind-chimes", beats: float = 1 / 8, scatter: float = 0.3) -> Latent:
    """Return dust of one sound: a new place in it many times a beat.

    Example
    -------
    ``d2 >> grains()``, ``d2 >> grains("kalimba-c4", 1 / 6, 0.5)``
    """
    place = perlin(6).range(0, 1 - scatter) + rand(beats) * scatter
    return interp(silence, sound(name).scrub(place), rand(beats).range(0.6, 1))


def embers(beats: float = 20) -> Latent:
    """Return a fire that sinks to gravel and flares again.

    Example
    -------
    ``d3 >> embers()``, ``d3 >> embers(60)``
    """
    low = interp(sound("gravel").loop(), sound("embers").extend(2).loop(), perlin(beats / 4))
    return interp(low, sound("fire").extend(3).loop(), perlin(beats / 5).ease("inout"))
