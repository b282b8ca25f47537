"""The world that an expression is rendered in: recordings bound to names, a space to encode."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from latentlive.corpus import Audio, Corpus, audio_digest
from latentlive.errors import ExpressionError
from latentlive.expr import Node
from latentlive.latent import Latents, Length, Query, Sound
from latentlive.renderer.encoding import Encoder

Sounds = Callable[[Sound], Audio]
"""Where a sound's samples are found."""


def corpus_sounds(corpus: Corpus, sample_rate: int) -> Sounds:
    """Return the sounds of a corpus, of paths, and of arrays, at a rate."""
    known: dict[str, Audio] = {}

    def find(sound: Sound) -> Audio:
        audio = known.get(sound.digest)
        if audio is None:
            if isinstance(sound.source, str):
                audio = corpus.audio(sound.source, sample_rate)
            else:
                samples = np.asarray(sound.source, np.float32)
                audio = Audio(samples, audio_digest(samples))
            known[sound.digest] = audio
        return audio

    return find


class BoundWorld:
    """Sounds and an encoder; `World` for the algebra.

    Parameters
    ----------
    sounds : function of a Sound node to its Audio
    encoder : Encoder
    exact : bool
        Whole windows only, nothing rounded or clamped.
    """

    def __init__(self, sounds: Sounds, encoder: Encoder, exact: bool = False) -> None:
        self.sounds, self.encoder, self.exact = sounds, encoder, exact
        self.window = encoder.space.window

    def length(self, source: Node, stretch: Fraction) -> Length:
        """Return a sound's length in frames.

        In exact mode that is the number of whole windows of the padded sound, as many as the
        paper's strategies write: ``ceil(N / hop) - window / hop + 1`` for a hop inside a window.
        """
        window = self.window
        samples = len(self._audio(source).samples)
        if not self.exact:
            return Fraction(samples, window)
        hop = window / stretch
        if hop.denominator != 1:
            raise ExpressionError(
                f"exact: a window of {window} samples cannot be read in steps of {hop}; "
                f"extend by a factor that divides {window}"
            )
        padded = math.ceil(Fraction(samples) / hop) * hop
        count = max((padded - window) // hop + 1, 1)
        return count * hop / window

    def read(self, source: Node, query: Query) -> Latents:
        """Return a sound's latents at the positions of a query."""
        offsets = np.rint(query.frames * self.window).astype(np.int64)
        return self.encoder.encode(self._audio(source), offsets, query.wrap, self.exact)

    def _audio(self, source: Node) -> Audio:
        assert isinstance(source, Sound)
        return self.sounds(source)


class DryWorld(BoundWorld):
    """The same lengths, but silence instead of encodings: to check an expression cheaply."""

    def __init__(self, sounds: Sounds, window: int, exact: bool = False) -> None:
        self.sounds, self.window, self.exact = sounds, window, exact

    def read(self, source: Node, query: Query) -> Latents:
        """Return zeros of one dimension."""
        zeros = np.zeros((len(query.frames), 1), np.float32)
        return Latents(zeros, zeros)
