"""Choirs and crowds."""

from __future__ import annotations

from latentlive import Latent, brown, interp, path, perlin, rand, sine, sound

VOWELS = ("choir-oo", "choir-ah", "choir-ee", "choir-ah", "choir-low")


def vowels(beats: float = 24) -> Latent:
    """Return a choir that goes slowly round its vowels.

    Example
    -------
    ``d1 >> vowels()``, ``d1 >> vowels(60)``
    """
    return path([sound(name).extend(6).loop() for name in VOWELS], sine(beats))


def murmur(name: str = "tenor", beats: float = 1 / 2) -> Latent:
    """Return a voice that speaks in no language: it leaps about in one sung note.

    Example
    -------
    ``d2 >> murmur()``, ``d2 >> murmur("laugh", 1 / 4)``
    """
    where = rand(beats).range(0.05, 0.7) + perlin(beats / 3).range(0, 0.2)
    return interp(sound(name), sound("whisper"), brown(beats)).scrub(where)


def answer(call: str = "soprano", reply: str = "shakuhachi", beats: float = 6) -> Latent:
    """Return one phrase after another, the second voice always a little of the first.

    Example
    -------
    ``d3 >> answer()``, ``d3 >> answer("alto", "musical-saw", 10)``
    """
    turns = sine(2 * beats).ease("inout")
    phrase = (sine(beats) * perlin(beats)).range(0.02, 0.98)
    return interp(sound(call).scrub(phrase), sound(reply).scrub(phrase), turns.range(0, 0.9))
