"""Drones: one tone held for as long as you like, with something moving inside it."""

from __future__ import annotations

from latentlive import Latent, brown, cat, interp, path, perlin, sine, sound


def bowed(low: str = "bass-bow", high: str = "strings-low", beats: float = 24) -> Latent:
    """Return two strings bowed without an end, the bow moving from one to the other.

    Example
    -------
    ``d1 >> bowed()``, ``d1 >> bowed("cello-g2", "erhu", 16)``
    """
    return interp(
        sound(low).extend(12),
        sound(high).extend(12),
        sine(beats).range(0.1, 0.9) + perlin(beats / 5).range(-0.1, 0.1),
        match="repeat",
    )


def bronze(*bells: str, beats: float = 60) -> Latent:
    """Return bells without their strokes: the long ends of several, one melting into the next.

    Example
    -------
    ``d1 >> bronze()``, ``d1 >> bronze("temple-bell", "tubular", beats=90)``
    """
    names = bells or ("gong-low", "bowl-low", "great-bell", "bowed-gong")
    ends = [sound(name).slice(0.6, 2).extend(8) for name in names]
    # There and back again, so that no loop is heard to begin.
    return path([cat(end, end.rev()).loop() for end in ends], brown(beats / 30).range(-0.5, 1.5))


def throat(beats: float = 20) -> Latent:
    """Return a singer's drone whose vowel wanders, with a didgeridoo under its breath.

    Example
    -------
    ``d3 >> throat()``, ``d3 >> throat(8)``
    """
    voices = [sound(name).extend(8).loop() for name in ("throat", "om", "hum", "didgeridoo")]
    return path(voices, perlin(beats))
