"""latentlive: a live-coding language and prompt for latent audio spaces.

The words of the language are the names below; ``render`` and ``Engine`` make them sound::

    import latentlive as ll

    samples = ll.render(ll.interp(ll.sound("gong"), ll.sound("rain"), ll.sine(8)))
    with ll.Engine() as live:
        live.d1 >> ll.sound("gong").extend(8)

Importing is free: no device is opened, no process started, and neither torch nor PortAudio is
loaded.
"""

from typing import TYPE_CHECKING, Any

from latentlive.curves import Brown as brown
from latentlive.curves import Cosine as cosine
from latentlive.curves import (
    Curve,
    brown2,
    cosine2,
    isaw2,
    perlin2,
    rand2,
    saw2,
    sine2,
    square2,
    tri2,
)
from latentlive.curves import Env as env
from latentlive.curves import Fit as fit
from latentlive.curves import Isaw as isaw
from latentlive.curves import Line as line
from latentlive.curves import Num as number
from latentlive.curves import Perlin as perlin
from latentlive.curves import Rand as rand
from latentlive.curves import Saw as saw
from latentlive.curves import Seq as seq
from latentlive.curves import Sine as sine
from latentlive.curves import Square as square
from latentlive.curves import Tri as tri
from latentlive.errors import (
    DeviceError,
    EngineError,
    ExpressionError,
    LatentliveError,
    ModelError,
    SoundError,
)
from latentlive.expr import dumps, loads
from latentlive.expr.fields import array
from latentlive.latent import Cluster as cluster
from latentlive.latent import Interp as interp
from latentlive.latent import Latent, blend, cat, drift, noise, prior, silence
from latentlive.latent import Near as near
from latentlive.latent import Path as path
from latentlive.latent import Slerp as slerp
from latentlive.latent import Sound as sound
from latentlive.latent import Steps as steps
from latentlive.latent import Z as z

if TYPE_CHECKING:
    from latentlive.corpus import Corpus
    from latentlive.engine import Engine
    from latentlive.models import load_model
    from latentlive.renderer import render

WORDS = (
    "array",
    "blend",
    "brown",
    "brown2",
    "cat",
    "cluster",
    "cosine",
    "cosine2",
    "drift",
    "env",
    "fit",
    "interp",
    "isaw",
    "isaw2",
    "line",
    "near",
    "noise",
    "number",
    "path",
    "perlin",
    "perlin2",
    "prior",
    "rand",
    "rand2",
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
    "tri",
    "tri2",
    "z",
)
"""The words of expressions: in scope at the prompt, in sessions, and in ``latentlive render``."""

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
    "blend",
    "brown",
    "brown2",
    "cat",
    "cluster",
    "cosine",
    "cosine2",
    "drift",
    "dumps",
    "env",
    "fit",
    "interp",
    "isaw",
    "isaw2",
    "line",
    "load_model",
    "loads",
    "near",
    "noise",
    "number",
    "path",
    "perlin",
    "perlin2",
    "prior",
    "rand",
    "rand2",
    "render",
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
    "tri",
    "tri2",
    "z",
]

_LAZY = {
    "Corpus": "latentlive.corpus",
    "Engine": "latentlive.engine",
    "load_model": "latentlive.models",
    "render": "latentlive.renderer",
}


def __getattr__(name: str) -> Any:
    """Load what is heavier than the algebra when it is first used."""
    if name not in _LAZY:
        raise AttributeError(f"module 'latentlive' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
