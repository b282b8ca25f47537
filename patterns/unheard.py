"""Places of the space where no recording lies: sums, differences, wanderings."""

from __future__ import annotations

from latentlive import Latent, drift, interp, path, perlin, saw, silence, sine, sound


def ghost(
    kept: str = "choir-ah", along: str = "bowl-low", without: str = "strings", beats: float = 20
) -> Latent:
    """Return a sound moved by what sets two others apart.

    Example
    -------
    ``d1 >> ghost()``, ``d1 >> ghost("rain", "harp-c5", "hiss")``
    """
    shift = sound(along).extend(6).loop() - sound(without).extend(6).loop()
    return sound(kept).extend(6).loop().offset(shift, sine(beats) * 0.3)


def starlight(seed: int = 1, beats: float = 10) -> Latent:
    """Return bowls and glass in a slow circle, each a quarter of the way to a place of its own.

    The places wander, and nobody recorded them. Gone towards, they colour a sound; as an offset
    they would make it louder as well.

    Example
    -------
    ``d2 >> starlight()``, ``d2 >> starlight(7, 24)``
    """
    stars = [
        interp(sound(name).extend(8).loop(), drift(seed + n, beats / 3), 0.25)
        for n, name in enumerate(("bowl-high", "glass-harp", "musical-saw", "crotale"))
    ]
    return path(stars, sine(3 * beats))


def haunted(name: str = "piano-c2", by: str = "wow", beats: float = 8) -> Latent:
    """Return a struck sound with another always about to come through it.

    Example
    -------
    ``d3 >> haunted()``, ``d3 >> haunted("harp-c2", "soprano", 12)``
    """
    other = sound(by).extend(4).loop() - silence
    return sound(name).scrub(saw(beats).ease("out")).offset(other, perlin(beats / 3) * 0.3)
