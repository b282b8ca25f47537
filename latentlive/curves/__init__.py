"""Curves: functions of beats to numbers, written as data."""

from latentlive.curves.base import Curve, CurveLike, Factor, Time, hashed
from latentlive.curves.chance import Brown, Perlin, Rand, brown2, perlin2, rand2
from latentlive.curves.literals import Fit, Num, as_curve
from latentlive.curves.operators import slowing
from latentlive.curves.shapes import Env, Line, Seq
from latentlive.curves.track import Track, track
from latentlive.curves.waves import (
    Cosine,
    Isaw,
    Saw,
    Sine,
    Square,
    Tri,
    cosine2,
    isaw2,
    saw2,
    sine2,
    square2,
    tri2,
)

__all__ = [
    "Brown",
    "Cosine",
    "Curve",
    "CurveLike",
    "Env",
    "Factor",
    "Fit",
    "Isaw",
    "Line",
    "Num",
    "Perlin",
    "Rand",
    "Saw",
    "Seq",
    "Sine",
    "Square",
    "Time",
    "Track",
    "Tri",
    "as_curve",
    "brown2",
    "cosine2",
    "hashed",
    "isaw2",
    "perlin2",
    "rand2",
    "saw2",
    "sine2",
    "slowing",
    "square2",
    "track",
    "tri2",
]
