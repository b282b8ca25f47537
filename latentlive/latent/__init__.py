"""Latents: functions of position to a distribution (mean, std), written as data."""

from latentlive.expr import dumps, loads  # the modules below declare the operators it loads
from latentlive.latent.axes import Loudness, Pitch, Transpose, Voiced
from latentlive.latent.base import Latent, LatentLike
from latentlive.latent.blending import between, blend
from latentlive.latent.codes import Quantise
from latentlive.latent.contour import Contour, contour
from latentlive.latent.directions import Bright, Brighter, Directed, Noisier, Rougher
from latentlive.latent.follow import Follow, Lesson, follow
from latentlive.latent.freezing import Freezer, freezing_by
from latentlive.latent.hits import Hits
from latentlive.latent.improvising import Improvise, Improvised
from latentlive.latent.join import (
    DEFAULT_OVERLAP,
    Exact,
    Join,
    Joined,
    Norm,
    On,
    Overlap,
    Texture,
    join_of,
)
from latentlive.latent.mix import Interp, Path, Slerp, Steps
from latentlive.latent.parts import segment, segments
from latentlive.latent.patterns import Euclid, Pattern, Strokes
from latentlive.latent.places import OnMap, Spot
from latentlive.latent.query import Latents, Length, Query, Scope, World
from latentlive.latent.roaming import Place, Roam, place
from latentlive.latent.sources import (
    Cluster,
    Excerpts,
    Near,
    Recorded,
    Silence,
    Sound,
    Z,
    as_latent,
    drift,
    noise,
    prior,
    silence,
)
from latentlive.latent.studying import Learner, Study
from latentlive.latent.swarm import Swarm, swarm
from latentlive.latent.time import Extend, Loop, Slice, Slow, cat
from latentlive.latent.touch import Reseeded, Spread, Touch
from latentlive.latent.touring import Tour

__all__ = [
    "DEFAULT_OVERLAP",
    "Bright",
    "Brighter",
    "Cluster",
    "Contour",
    "Directed",
    "Euclid",
    "Exact",
    "Excerpts",
    "Extend",
    "Follow",
    "Freezer",
    "Hits",
    "Improvise",
    "Improvised",
    "Interp",
    "Join",
    "Joined",
    "Latent",
    "LatentLike",
    "Latents",
    "Learner",
    "Length",
    "Lesson",
    "Loop",
    "Loudness",
    "Near",
    "Noisier",
    "Norm",
    "On",
    "OnMap",
    "Overlap",
    "Path",
    "Pattern",
    "Pitch",
    "Place",
    "Quantise",
    "Query",
    "Recorded",
    "Reseeded",
    "Roam",
    "Rougher",
    "Scope",
    "Silence",
    "Slerp",
    "Slice",
    "Slow",
    "Sound",
    "Spot",
    "Spread",
    "Steps",
    "Strokes",
    "Study",
    "Swarm",
    "Texture",
    "Touch",
    "Tour",
    "Transpose",
    "Voiced",
    "World",
    "Z",
    "as_latent",
    "between",
    "blend",
    "cat",
    "contour",
    "drift",
    "dumps",
    "follow",
    "freezing_by",
    "join_of",
    "loads",
    "noise",
    "place",
    "prior",
    "segment",
    "segments",
    "silence",
    "swarm",
]
