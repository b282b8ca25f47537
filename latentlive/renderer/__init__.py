"""The pure renderer: expression and space to samples, the same offline and live."""

from latentlive.renderer.channels import Channels
from latentlive.renderer.encoding import Encoder
from latentlive.renderer.joining import Rendered, Request, beyond_of, joined_by, usual_hop
from latentlive.renderer.morphing import Morph
from latentlive.renderer.offline import HeldOut, held_out, render, render_blocks, render_file
from latentlive.renderer.rendering import Rendering, ask, check
from latentlive.renderer.sounds import Sounds, channels_of, corpus_sounds, stored_sounds
from latentlive.renderer.spaces import Spaces
from latentlive.renderer.world import BoundWorld

__all__ = [
    "BoundWorld",
    "Channels",
    "Encoder",
    "HeldOut",
    "Morph",
    "Rendered",
    "Rendering",
    "Request",
    "Sounds",
    "Spaces",
    "ask",
    "beyond_of",
    "channels_of",
    "check",
    "corpus_sounds",
    "held_out",
    "joined_by",
    "render",
    "render_blocks",
    "render_file",
    "stored_sounds",
    "usual_hop",
]
