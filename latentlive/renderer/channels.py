"""The channels of a texture, rendered side by side: two where it plays stereo recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from latentlive.corpus.takes import Take
from latentlive.curves import Tapes
from latentlive.latent import Scope, Texture
from latentlive.renderer.rendering import Rendering
from latentlive.renderer.sounds import Sounds, channels_of
from latentlive.renderer.spaces import Spaces
from latentlive.space import Space
from latentlive.units import Samples

MONO: tuple[tuple[float, int | None], ...] = ((0.0, None),)
STEREO: tuple[tuple[float, int | None], ...] = ((-1.0, 0), (1.0, 1))
"""The `side` and `channel` of each rendering: left and right have noise of their own."""


class Channels:
    """Renders a texture in as many channels as it has.

    Parameters
    ----------
    texture : Latent or joined Latent
    spaces : Spaces or Space
    sounds : function of a recorded source to its Audio
    told
        As for `Rendering`.

    Example
    -------
    >>> from latentlive.space import ToySpace
    >>> sounds = corpus_sounds(None, 44100)
    >>> Channels(Sound(np.eye(640)[:, :2]), ToySpace(), sounds).samples(0, 3).shape
    (3, 2)
    """

    def __init__(
        self, texture: Texture, spaces: Spaces | Space, sounds: Sounds, **told: Any
    ) -> None:
        spaces = spaces if isinstance(spaces, Spaces) else Spaces(spaces)
        self.texture, self.sounds = texture, sounds
        self.count = channels_of(texture, sounds)
        self.renderings = [
            Rendering(texture, spaces, sounds, side=side, channel=channel, **told)
            for side, channel in (MONO if self.count == 1 else STEREO)
        ]
        first = self.renderings[0]
        self.rate, self.hop = first.rate, first.hop
        self.length, self.once = first.length, first.once

    @property
    def scope(self) -> Scope:
        """The scope of the first channel."""
        return self.renderings[0].scope

    def listen(self, tapes: Tapes, origin: int, lead: int) -> None:
        """Follow tapes; as `Rendering.listen`."""
        for one in self.renderings:
            one.listen(tapes, origin, lead)

    def samples(self, start: int, stop: int) -> Samples:
        """Return samples `start` to `stop` [shape=(n,), or (n, 2) of two channels], decoded
        together."""
        requests = [one.request(start, stop) for one in self.renderings]
        space = self.renderings[0].space
        decoded = space.synthesize([part for request in requests for part in request.parts])
        ends = np.cumsum([request.windows for request in requests])[:-1]
        whole = zip(self.renderings, requests, np.split(decoded, ends), strict=True)
        found = [one.join(request, windows) for one, request, windows in whole]
        return found[0] if self.count == 1 else np.stack(found, axis=1)


def write_blocks(take: Take, blocks: Iterable[Samples], progress: Callable[[int], object]) -> None:
    """Write a rendering to a file, block by block, and end the file.

    Parameters
    ----------
    take : Take
    blocks : iterable of arrays [shape=(n,) or (n, 2)]
    progress : function of a number of samples
        Called with each block written.
    """
    try:
        for block in blocks:
            take.write(block[:, None] if block.ndim == 1 else block)
            progress(len(block))
    finally:
        take.close()
