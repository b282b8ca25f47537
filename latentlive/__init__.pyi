"""Written by docs/make_words.py."""

from latentlive.client import Engine as Engine
from latentlive.corpus import Corpus as Corpus
from latentlive.curves import Bend as bend
from latentlive.curves import Brown as brown
from latentlive.curves import Cc as cc
from latentlive.curves import Cosine as cosine
from latentlive.curves import Curve as Curve
from latentlive.curves import Env as env
from latentlive.curves import Fit as fit
from latentlive.curves import Gate as gate
from latentlive.curves import Isaw as isaw
from latentlive.curves import Key as key
from latentlive.curves import Knob as knob
from latentlive.curves import Level as level
from latentlive.curves import Line as line
from latentlive.curves import Num as number
from latentlive.curves import Osc as osc
from latentlive.curves import Perlin as perlin
from latentlive.curves import Rand as rand
from latentlive.curves import Saw as saw
from latentlive.curves import Seq as seq
from latentlive.curves import Sine as sine
from latentlive.curves import Square as square
from latentlive.curves import Touch as touch
from latentlive.curves import Tri as tri
from latentlive.curves import Velocity as velocity
from latentlive.curves import brown2 as brown2
from latentlive.curves import cosine2 as cosine2
from latentlive.curves import isaw2 as isaw2
from latentlive.curves import perlin2 as perlin2
from latentlive.curves import rand2 as rand2
from latentlive.curves import saw2 as saw2
from latentlive.curves import sine2 as sine2
from latentlive.curves import square2 as square2
from latentlive.curves import track as track
from latentlive.curves import tri2 as tri2
from latentlive.curves import xy as xy
from latentlive.errors import DeviceError as DeviceError
from latentlive.errors import EngineError as EngineError
from latentlive.errors import ExpressionError as ExpressionError
from latentlive.errors import LatentliveError as LatentliveError
from latentlive.errors import ModelError as ModelError
from latentlive.errors import SoundError as SoundError
from latentlive.expr.fields import array as array
from latentlive.latent import Cluster as cluster
from latentlive.latent import Euclid as euclid
from latentlive.latent import Excerpts as excerpts
from latentlive.latent import Improvise as improvise
from latentlive.latent import Improvised as improvised
from latentlive.latent import Interp as interp
from latentlive.latent import Latent as Latent
from latentlive.latent import Near as near
from latentlive.latent import Path as path
from latentlive.latent import Roam as roam
from latentlive.latent import Slerp as slerp
from latentlive.latent import Sound as sound
from latentlive.latent import Steps as steps
from latentlive.latent import Strokes as strokes
from latentlive.latent import Tour as tour
from latentlive.latent import Z as z
from latentlive.latent import between as between
from latentlive.latent import blend as blend
from latentlive.latent import cat as cat
from latentlive.latent import contour as contour
from latentlive.latent import drift as drift
from latentlive.latent import dumps as dumps
from latentlive.latent import follow as follow
from latentlive.latent import loads as loads
from latentlive.latent import noise as noise
from latentlive.latent import place as place
from latentlive.latent import prior as prior
from latentlive.latent import silence as silence
from latentlive.latent import swarm as swarm
from latentlive.models import load_model as load_model
from latentlive.renderer import render as render

WORDS: tuple[str, ...]
__all__ = [
    "WORDS",
    "Corpus",
    "Curve",
    "DeviceError",
    "Engine",
    "EngineError",
    "ExpressionError",
    "Latent",
    "LatentliveError",
    "ModelError",
    "SoundError",
    "array",
    "bend",
    "between",
    "blend",
    "brown",
    "brown2",
    "cat",
    "cc",
    "cluster",
    "contour",
    "cosine",
    "cosine2",
    "drift",
    "dumps",
    "env",
    "euclid",
    "excerpts",
    "fit",
    "follow",
    "gate",
    "improvise",
    "improvised",
    "interp",
    "isaw",
    "isaw2",
    "key",
    "knob",
    "level",
    "line",
    "load_model",
    "loads",
    "near",
    "noise",
    "number",
    "osc",
    "path",
    "perlin",
    "perlin2",
    "place",
    "prior",
    "rand",
    "rand2",
    "render",
    "roam",
    "saw",
    "saw2",
    "seq",
    "silence",
    "sine",
    "sine2",
    "slerp",
    "sound",
    "square",
    "square2",
    "steps",
    "strokes",
    "swarm",
    "touch",
    "tour",
    "track",
    "tri",
    "tri2",
    "velocity",
    "xy",
    "z",
]
