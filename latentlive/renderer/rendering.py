"""One texture being rendered: any stretch of its samples, the same bits in any order and chunk.

Windows lie on a fixed grid of the texture's clock, each decoded alone; overlapping ones are
added oldest first, so no sample depends on how the rendering was cut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from latentlive.errors import ExpressionError
from latentlive.latent import (
    Latent,
    Latents,
    Length,
    Loop,
    Query,
    Reseeded,
    Scope,
    Texture,
    Touch,
    join_of,
)
from latentlive.latent.noise import drawn, noise_key
from latentlive.models import load_model
from latentlive.renderer.passes import LONGEST, Passes
from latentlive.renderer.spaces import Spaces
from latentlive.renderer.world import BoundWorld, DryWorld, Sounds
from latentlive.space import Space
from latentlive.units import Floats, Samples, Tempo, from_db

NORM_DB = -20.0
NORM_MAX_GAIN = 16.0
NORM_WINDOWS = 64
"""How many windows, spread over the whole, its loudness is measured on."""


@dataclass(frozen=True)
class Plan:
    """The blocks of one hop to render, and the windows needed for them."""

    first_block: int
    last_block: int
    first_window: int

    @property
    def windows(self) -> int:
        """How many windows are needed."""
        return self.last_block - self.first_window


class Rendering:
    """A texture bound to a space: ask for any samples.

    Parameters
    ----------
    texture : Latent or joined Latent
    spaces : Spaces or Space
        Shared between renderings, so that each window is encoded once.
    sounds : function of a recorded source to its Audio
    seed : int
        The performance's seed.
    slot : int
        The layer's slot: 0 for ``d1``.
    tempo : Tempo, optional
    looped : bool
        Whether a finite texture is repeated for ever, as it is on a layer.
    align : bool
        Whether windows of stretched recordings are chosen to fit one another.
    side : float
        From -1 to 1: how far the noise is turned away from the plain one. Renderings at -s and s
        share all but their noise, whose correlation falls from 1 at 0 to none at 1.

    Raises
    ------
    ExpressionError, SoundError
        If the texture has no meaning here.

    Example
    -------
    >>> from latentlive.space import ToySpace
    >>> sounds = corpus_sounds(None, 44100)
    >>> Rendering(Sound(np.ones(640)), ToySpace(), sounds).samples(0, 3).shape
    (3,)
    """

    def __init__(
        self,
        texture: Texture,
        spaces: Spaces | Space,
        sounds: Sounds,
        seed: int = 0,
        slot: int = 0,
        tempo: Tempo | None = None,
        looped: bool = False,
        align: bool = True,
        side: float = 0.0,
    ) -> None:
        join = join_of(texture)
        spaces = spaces if isinstance(spaces, Spaces) else Spaces(spaces)
        self.overlap, latent = join.overlap, join.latent
        self.space = space = spaces.encoder(join.model).space
        self.seed, self.tempo = seed, tempo or Tempo(sample_rate=space.sample_rate)
        self.scope = Scope(
            BoundWorld(sounds, spaces, join, align),
            beat_frames=self.tempo.beat_samples / space.window,
        )
        once = self.scope.length(latent)
        self.passes: Passes | None = None
        """Of a loop of whole hops without noise, what it decoded to when it last came by."""
        if looped and not math.isinf(once) and not isinstance(_core(latent), Loop):
            latent = Loop(latent, 0)
            period = once * self.overlap
            if period <= LONGEST and period == int(period):
                self.passes = Passes(int(period), space.dims, space.window)
        self.latent: Latent = latent
        self.length = self._samples(self.scope.length(latent))
        self.hop = space.window // self.overlap
        self._key = noise_key(seed, slot, _own_seed(latent))
        self._turn = side * math.pi / 4
        self._fade = _hann(space.window, self.overlap)
        self._tail = (0, np.empty((0, space.window), np.float32))
        self.gain = np.float32(self._gain_to_norm() if join.norm else 1.0)
        if join.norm:
            self._fade = self._fade * self.gain

    def _gain_to_norm(self) -> float:
        """Return the gain that brings the whole, or the first minute, to a common loudness."""
        rate, window = self.space.sample_rate, self.space.window
        heard = min(self.length or 60 * rate, 60 * rate)
        count = min(max(heard // window, 1), NORM_WINDOWS)
        frames = np.floor(np.arange(count) * (heard / window / count))
        decoded = self.space.decode(self.drawn(frames))
        rms = float(np.sqrt(np.mean(decoded.astype(np.float64) ** 2)))
        return min(float(from_db(NORM_DB)) / max(rms, 1e-9), NORM_MAX_GAIN)

    def _samples(self, frames: Length) -> int | None:
        if isinstance(frames, Fraction):
            return max(round(frames * self.space.window), 1)
        return None

    def plan(self, start: int, stop: int) -> Plan:
        """Return what is needed for samples `start` to `stop`."""
        first, last = start // self.hop, -(-stop // self.hop)
        needed = first - self.overlap + 1
        tail_first, tail = self._tail
        if tail_first <= needed < tail_first + len(tail):
            needed = tail_first + len(tail)
        return Plan(first, last, needed)

    def draw(self, plan: Plan) -> Samples:
        """Return the latent vectors of the windows needed [shape=(n, dims)]."""
        clock = np.arange(plan.first_window, plan.last_block, dtype=np.float64)
        return self.drawn(clock / self.overlap)

    def drawn(self, frames: Floats) -> Samples:
        """Return the latent vectors at some frames of the texture's clock [shape=(n, dims)]."""
        beats = self.tempo.beats(frames * self.space.window)
        mean, std = ask(self.latent, self.scope, frames, beats, self.seed)
        if not std.any():
            return np.zeros((len(frames), mean.shape[1]), np.float32) + mean
        self.passes = None  # no pass is like another
        z = drawn(self._key, frames, mean.shape[1])
        if self._turn:
            other = drawn(self._key ^ 1, frames, mean.shape[1])
            z = np.float32(math.cos(self._turn)) * z + np.float32(math.sin(self._turn)) * other
        z *= std
        z += mean
        return z

    def gains(self, frames: Floats) -> Samples:
        """Return the gain of windows at some frames [shape=(n, 1)]: what ``.norm()`` found."""
        return np.full((len(frames), 1), self.gain, np.float32)

    def finish(self, plan: Plan, decoded: Samples) -> Samples:
        """Join decoded windows into the samples of the planned blocks."""
        np.multiply(decoded, self._fade, out=decoded)
        needed = plan.first_block - self.overlap + 1
        tail_first, tail = self._tail
        if plan.first_window > needed:
            decoded = np.concatenate([tail[needed - tail_first :], decoded])
        blocks = plan.last_block - plan.first_block
        parts = decoded.reshape(len(decoded), self.overlap, self.hop)
        if self.overlap == 1:
            return decoded.reshape(-1)
        out = parts[:blocks, -1] + parts[1 : blocks + 1, -2]
        for lag in range(self.overlap - 3, -1, -1):
            first = self.overlap - 1 - lag
            out += parts[first : first + blocks, lag]
        kept = decoded[-(self.overlap - 1) :].copy()  # a view would keep the whole stretch alive
        self._tail = (plan.last_block - len(kept), kept)
        return out.reshape(-1)

    def cut(self, plan: Plan, joined: Samples, start: int, stop: int) -> Samples:
        """Return exactly samples `start` to `stop` of what was joined; silence past the end."""
        origin = plan.first_block * self.hop
        samples = joined[start - origin : stop - origin]
        if self.length is not None and stop > self.length:
            samples = samples.copy()
            samples[max(self.length - start, 0) :] = 0.0
        return samples

    def samples(self, start: int, stop: int) -> Samples:
        """Return samples `start` to `stop` of the texture's clock [shape=(stop - start,)]."""
        plan = self.plan(start, stop)
        decoded = self.space.decode(self.draw(plan))
        return self.cut(plan, self.finish(plan, decoded), start, stop)


def ask(latent: Latent, scope: Scope, frames: Floats, beats: Floats, seed: int) -> Latents:
    """Return the latents of an expression at some frames and beats of its own clock."""
    wrap = np.zeros(len(frames), np.bool_)
    return Query(frames, beats, wrap, scope, seed).latents(latent)


def check(texture: Texture, window: int, dims: int, sounds: Sounds, beat_frames: float) -> Length:
    """Return a texture's length in frames, or raise for anything wrong with it; decode nothing.

    Parameters
    ----------
    texture : Latent or joined Latent
    window, dims : int
        Of the space that will render it.
    sounds : function of a recorded source to its Audio
    beat_frames : float [frames]
        Frames of one beat.

    Raises
    ------
    ExpressionError, SoundError
        What rendering would raise.
    """
    join = join_of(texture)
    if join.model is not None:
        other = load_model(join.model)
        window, dims = other.window, other.dims
    scope = Scope(DryWorld(sounds, window, dims, join.exact), beat_frames=beat_frames)
    length = scope.length(join.latent)
    ask(join.latent, scope, np.zeros(1), np.zeros(1), 0)
    return length


def _core(latent: Latent) -> Latent:
    """Return the node below the operators that leave time alone."""
    while isinstance(latent, Touch):
        latent = latent.of
    return latent


def _own_seed(latent: Latent) -> int | None:
    """Return the seed that stands at the root, if any: it moves the noise as well."""
    while isinstance(latent, Touch):
        if isinstance(latent, Reseeded):
            return latent.n
        latent = latent.of
    return None


@lru_cache(maxsize=32)
def _hann(window: int, overlap: int) -> Samples:
    """Return the periodic Hann window whose overlapped sum is 1; ones without overlap."""
    if overlap == 1:
        return np.ones(window, np.float32)
    if overlap > window:
        raise ExpressionError(f"overlap: k must be at most {window}, got {overlap}")
    phase = np.arange(window) / window
    return ((0.5 - 0.5 * np.cos(2 * np.pi * phase)) * 2.0 / overlap).astype(np.float32)
