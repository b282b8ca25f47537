"""A world without encodings: what lengths and recordings alone say of an expression."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import cast

import numpy as np

from latentlive.corpus import Audio
from latentlive.corpus.atlas import Atlas
from latentlive.errors import ExpressionError
from latentlive.expr import Node
from latentlive.latent import LatentLike, Latents, Learner, OnMap, Query, Recorded, Spot, Study
from latentlive.latent.directions import Directed
from latentlive.latent.moving import Direction
from latentlive.models import spaces_having
from latentlive.renderer.resampling import Resampled
from latentlive.renderer.sounds import Sounds
from latentlive.space import F32, Axis, Facts, Prior, StartingError
from latentlive.units import Samples


class DryWorld:
    """Sounds, and what is known of a space, but silence instead of encodings.

    It checks an expression cheaply: the algebra's `World`, in which everything has its length.

    Parameters
    ----------
    sounds : function of a recorded source to its Audio
    facts : Facts
        Of the space that will render it.
    rate : int [samples a second]
        Of the sounds.
    channel : int, optional
        Of stereo recordings: 0 left, 1 right; None is the mix. Where to read them is decided by
        the mix, so that both channels stay together.
    """

    def __init__(self, sounds: Sounds, facts: Facts, rate: int, channel: int | None = None) -> None:
        self.sounds, self.facts, self.rate, self.channel = sounds, facts, rate, channel
        self._resampled: dict[str, Audio] = {}
        self._atlases: dict[str, Atlas] = {}

    @property
    def window(self) -> int:
        """Samples of one frame."""
        return self.facts.window

    @property
    def dims(self) -> int:
        """Numbers of one latent vector."""
        return self.facts.dims

    @property
    def linear(self) -> bool:
        """Whether latents mix only linearly."""
        return self.facts.linear

    @property
    def space(self) -> str:
        """The name of the space."""
        return self.facts.name

    def frames(self, seconds: float) -> Fraction:
        """Return some seconds in frames, to the nearest output sample."""
        samples = round(seconds * self.rate)
        return Fraction(samples * self.facts.sample_rate, self.rate * self.facts.window)

    def axis(self, name: str) -> Axis:
        """Return the function that moves vectors along an axis of the space.

        Raises
        ------
        ExpressionError
            If the space has no such axis.
        """
        if name not in self.facts.axes:
            having = " or ".join(f".on({space!r})" for space in spaces_having(name))
            raise ExpressionError(
                f"{name}: the space {self.space!r} has no such axis; write {having}"
            )
        return self._axis(name)

    def prior(self, word: str) -> Prior:
        """Return the prior of the space's vectors.

        Raises
        ------
        ExpressionError
            If the space has no prior.
        """
        if not self.facts.prior:
            raise ExpressionError(f"{word}: the space {self.space!r} has no prior to draw from")
        return self._prior()

    def _axis(self, name: str) -> Axis:
        return lambda z, values: z

    def _prior(self) -> Prior:
        return Prior()

    def silence(self) -> Latents:
        """Return zeros."""
        zeros = np.zeros((1, self.dims), np.float32)
        return Latents(zeros, zeros)

    def louder(self, latents: Latents, gains: F32) -> Latents:
        """Return latents with their amplitudes multiplied by gains [shape=(n,), >= 0].

        By the space's axis of gain; without one, towards silence or as far beyond.
        """
        mean, std = latents
        if "gain" in self.facts.axes:
            decibels = 20.0 * np.log10(np.maximum(gains, np.float32(1e-10)))
            return Latents(self._axis("gain")(mean, decibels.astype(np.float32)), std)
        quiet, factor = self.silence().mean, gains[:, None]
        return Latents(quiet + factor * (mean - quiet), factor * std)

    @property
    def grain(self) -> int:
        """One: this world encodes nothing."""
        return 1

    @property
    def reach(self) -> float:
        """Zero: this world encodes nothing."""
        return 0.0

    def heard(self, node: LatentLike, query: Query) -> Samples:
        """Return zeros."""
        return np.zeros((len(query.frames), 1), np.float32)

    def length(self, source: Node) -> Fraction:
        """Return a recorded source's length in frames.

        Raises
        ------
        ExpressionError
            If the space cannot encode recordings.
        """
        if not self.facts.encodes:
            raise ExpressionError(
                f"{source!r}: the space {self.space!r} encodes no recordings; play z(...), "
                "prior(...), noise(...) or drift(...) in it"
            )
        return Fraction(len(self.audio(source).samples), self.window)

    def read(self, source: Node, query: Query) -> Latents:
        """Return zeros."""
        zeros = np.zeros((len(query.frames), self.dims), np.float32)
        return Latents(zeros, zeros)

    def lesson(self, node: Learner, query: Query) -> Study | None:
        """Learn nothing."""
        return None

    def direction(self, node: Directed) -> Direction | None:
        """Move nothing."""
        return None

    def audio(self, source: Node) -> Audio:
        """Return a recorded source at the rate of the space."""
        assert isinstance(source, Recorded)
        audio = self._spot(source) if isinstance(source, Spot) else self.sounds(source)
        rate = self.facts.sample_rate
        if rate == self.rate:
            return audio
        if audio.recording not in self._resampled:
            found = self._converted(audio)
            sides = tuple(self._converted(side) for side in audio.sides)
            self._resampled[audio.recording] = replace(found, sides=sides)
        return self._resampled[audio.recording]

    def _converted(self, audio: Audio) -> Audio:
        rate = self.facts.sample_rate
        samples = cast("Samples", Resampled(audio.samples, self.rate, rate))  # but it is lazy
        return Audio(samples, f"{audio.digest} {self.rate} {rate}", known_peak=audio.known_peak)

    def atlas(self, node: OnMap) -> Atlas:
        """Return the map that a source moves on."""
        if node.digest not in self._atlases:
            self._atlases[node.digest] = self.sounds.atlas(node)
        return self._atlases[node.digest]

    def _spot(self, spot: Spot) -> Audio:
        """Return a sound of the map; nothing waits here for one that is still being decoded."""
        audio = cast("Atlas", spot.atlas).audio(spot.row, wait=not self.hurried)
        if audio is None:
            raise StartingError(f"{spot!r} is being decoded")
        return audio

    @property
    def hurried(self) -> bool:
        """False: this world is asked where one may wait."""
        return False
