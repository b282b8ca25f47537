"""Machines that idle, weave and break down."""

from __future__ import annotations

from latentlive import Latent, path, perlin, rand, saw, seq, sound


def loom(beats: float = 1 / 2) -> Latent:
    """Return four machines taking turns at one bench, each a step of the same rhythm.

    Example
    -------
    ``d1 >> loom()``, ``d1 >> loom(1 / 3)``
    """
    bench = [sound(name).loop() for name in ("typewriter", "sewing", "ratchet", "clock")]
    return path(bench, seq([0, 1, 1 / 3, 0, 2 / 3, 1 / 3, 1, 2 / 3], beats))


def engine_room(beats: float = 40) -> Latent:
    """Return an engine that dreams of being a ship's choir, and wakes.

    Example
    -------
    ``d2 >> engine_room()``, ``d2 >> engine_room(90)``
    """
    asleep, awake = sound("basso").extend(8).loop(), sound("tractor").extend(3).loop()
    return path([awake, asleep], perlin(beats / 4).range(-0.2, 1.2))


def signals(beats: float = 3) -> Latent:
    """Return sonar, modem and computer heard through each other.

    Example
    -------
    ``d3 >> signals()``, ``d3 >> signals(1 / 2)``
    """
    heard = path([sound(name) for name in ("sonar", "modem", "computer", "fm-glass")], rand(beats))
    return heard.scrub(saw(beats) * rand(beats).range(0.3, 1))
