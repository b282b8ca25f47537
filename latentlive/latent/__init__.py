"""Latents: functions of position to a distribution (mean, std), written as data."""

from latentlive.latent.base import Latent, Latents, Length, Query, Scope, World
from latentlive.latent.join import Exact, Joined, Overlap, Texture, join_of
from latentlive.latent.mix import Interp
from latentlive.latent.sources import Sound
from latentlive.latent.time import Extend, Loop, Slow
from latentlive.latent.touch import Reseeded, Spread

__all__ = [
    "Exact",
    "Extend",
    "Interp",
    "Joined",
    "Latent",
    "Latents",
    "Length",
    "Loop",
    "Overlap",
    "Query",
    "Reseeded",
    "Scope",
    "Slow",
    "Sound",
    "Spread",
    "Texture",
    "World",
    "join_of",
]
