"""Renders one texture: any stretch of its samples, the same bits in any order and chunk size."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from latentlive.curves import Clock, Lag, Live, Tapes
from latentlive.latent import (
    Hits,
    Latent,
    Latents,
    Learner,
    Length,
    Loop,
    OnMap,
    Reseeded,
    Scope,
    Texture,
    Touch,
    join_of,
)
from latentlive.latent.noise import drawn, noise_key
from latentlive.latent.wandering import Wandering
from latentlive.models import facts_of
from latentlive.renderer.dryworld import DryWorld
from latentlive.renderer.joining import Rendered, joined_by
from latentlive.renderer.paper import kinds_of
from latentlive.renderer.sounds import Sounds
from latentlive.renderer.spaces import Spaces
from latentlive.renderer.world import BoundWorld
from latentlive.space import Facts, Space
from latentlive.units import Floats, Samples, Tempo, from_db

NORM_DB = -20.0
NORM_MAX_GAIN = 16.0
NORM_WINDOWS = 64
"""Windows, spread over the whole, on which its loudness is measured."""

NORM_STRETCHES = 8
"""Stretches measured instead where each costs a block."""


class Rendering(Rendered):
    """A texture bound to a space: renders any stretch of samples.

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
        Whether a finite texture repeats forever, as on a layer.
    align : bool
        Whether to align windows of stretched recordings to one another.
    side : float
        From -1 to 1: how far the noise is turned away from the plain noise. Renderings at -s and s
        differ only in their noise, whose correlation falls from 1 at 0 to none at 1.
    channel : int, optional
        Of the stereo recordings that it plays: 0 left, 1 right; None is their mix.

    Raises
    ------
    ExpressionError, SoundError
        If this space or its sounds cannot render the texture.

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
        channel: int | None = None,
    ) -> None:
        join = join_of(texture)
        spaces = spaces if isinstance(spaces, Spaces) else Spaces(spaces)
        latent, space = join.latent, spaces.encoder(join.model).space
        self.seed, self.tempo = seed, tempo or Tempo(sample_rate=spaces.rate)
        bound, scope = kinds_of(join)
        world = bound(sounds, spaces, join, align, channel)
        self.scope = scope(
            world,
            beat_frames=self.tempo.beat_samples
            / (space.window * (spaces.rate / space.sample_rate)),
        )
        self.once = _samples(self.scope.length(latent), space, spaces.rate)
        """Samples of one pass of a texture that is looped; None if it never ends."""
        if looped and not math.isinf(self.scope.length(latent)) and not _loops(latent):
            latent = Loop(latent, 0)
        self.latent: Latent = latent
        length = _samples(self.scope.length(latent), space, spaces.rate)
        key = noise_key(seed, slot, _own_seed(latent))
        nodes = list(latent.walk())
        live = any(isinstance(node, Live) for node in nodes)
        super().__init__(space, joined_by(join, space.facts), key, length, spaces.rate, live)
        moves = Hits | Lag | OnMap | Wandering
        self._clocked = live or any(isinstance(node, moves) for node in nodes)
        self._tapes: Tapes | None = None
        self._shift = 0
        self.turn = side * math.pi / 4
        self._gain = np.float32(world.level)
        if join.norm:
            self._gain = np.float32(self._gain_to_norm(world))

    def listen(self, tapes: Tapes, origin: int, lead: int) -> None:
        """Follow tapes from now on, or from another origin of the texture's clock.

        Parameters
        ----------
        tapes : Tapes
        origin, lead : int [samples]
            Live curves at a sample of the clock are read at ``origin - lead`` after it.
        """
        if self.live:
            self._tapes, self._shift = tapes, origin - lead
            self.forget()

    def start(self) -> bool:
        """Go on with what must be ready first, briefly; return whether all is."""
        query = self.scope.query(np.zeros(0), np.zeros(0), self.seed)
        learners = [node for node in self.latent.walk() if isinstance(node, Learner)]
        lessons = [self.scope.world.lesson(node, query) for node in learners]
        return super().start() and all(one.go_on() for one in lessons if one)

    def _gain_to_norm(self, world: BoundWorld) -> float:
        """Return the gain that brings the whole, or the first minute, to a common loudness: both
        channels to the mean of theirs."""
        channel, turn, powers = world.channel, self.turn, []
        for one in (None,) if channel is None else (0, 1):
            if one is not None:
                world.channel, self.turn = one, turn if one == channel else -turn
            powers.append(self._power())
            self.forget()  # the measured windows are of another gain, or channel
        world.channel, self.turn = channel, turn
        rms = float(np.sqrt(np.mean(powers)))
        return min(float(from_db(NORM_DB)) / max(rms, 1e-9), NORM_MAX_GAIN) * float(self._gain)

    def _power(self) -> float:
        """Return the mean power of windows, spread over the whole or the first minute."""
        rate, window = self.rate, self.space.window
        heard = min(self.length or 60 * rate, 60 * rate)
        count = min(max(int(heard // self.frame), 1), NORM_WINDOWS)
        if self.space.hop or self.space.block > 1 or self.space.behind or self.space.ahead:
            # Windows that depend on neighbours are decoded with them: measure fewer.
            count = min(count, NORM_STRETCHES)
            starts = [round(i * heard / count) for i in range(count)]
            decoded = np.stack([self.samples(start, start + window) for start in starts])
        else:
            frames = np.floor(np.arange(count) * (heard / self.frame / count))
            decoded = self.space.decode(self.drawn(frames)) * self._gain
        return float(np.mean(decoded.astype(np.float64) ** 2))

    def drawn(self, frames: Floats) -> Samples:
        """Return the latent vectors at some frames of the texture's clock [shape=(n, dims)]."""
        samples = frames * self.frame
        beats, clock = self.tempo.beats(samples), None
        if self._clocked:
            clock = Clock(samples, self.tempo, self._tapes, self._shift)
        mean, std = ask(self.latent, self.scope, frames, beats, self.seed, clock)
        if not std.any():
            return np.zeros((len(frames), mean.shape[1]), np.float32) + mean
        z = drawn(self.key, frames, mean.shape[1])
        if self.turn:
            other = drawn(self.key ^ 1, frames, mean.shape[1])
            z = np.float32(math.cos(self.turn)) * z + np.float32(math.sin(self.turn)) * other
        z *= std
        z += mean
        return z

    def gains(self, frames: Floats) -> Samples:
        """Return the gains of windows at some frames [shape=(n, 1)], from level and ``.norm()``."""
        return np.full((len(frames), 1), self._gain, np.float32)


def ask(
    latent: Latent,
    scope: Scope,
    frames: Floats,
    beats: Floats,
    seed: int,
    clock: Clock | None = None,
) -> Latents:
    """Return the latents of an expression at some frames and beats of its own clock."""
    return scope.query(frames, beats, seed, clock).latents(latent)


def check(texture: Texture, facts: Facts, sounds: Sounds, beat: float) -> Length:
    """Return a texture's length in frames, or raise for anything wrong with it; decode nothing.

    Parameters
    ----------
    texture : Latent or joined Latent
    facts : Facts
        Of the rendering space, unless the texture names another; its rate is the sounds'.
    sounds : function of a recorded source to its Audio
    beat : float [seconds]
        Length of a beat.

    Raises
    ------
    ExpressionError, SoundError
        The errors that rendering would raise.
    """
    join = join_of(texture)
    rate = facts.sample_rate
    if join.model is not None:
        facts = facts_of(join.model, rate)
    joined_by(join, facts)
    beat_frames = beat * facts.sample_rate / facts.window
    _, scope_of = kinds_of(join)
    scope = scope_of(DryWorld(sounds, facts, rate), beat_frames=beat_frames)
    length = scope.length(join.latent)
    ask(join.latent, scope, np.zeros(1), np.zeros(1), 0)
    return length


def _core(latent: Latent) -> Latent:
    """Return the node below the operators that leave time unchanged."""
    while isinstance(latent, Touch):
        latent = latent.of
    return latent


def _own_seed(latent: Latent) -> int | None:
    """Return the seed at the root, if any: it changes the noise too."""
    while isinstance(latent, Touch):
        if isinstance(latent, Reseeded):
            return latent.n
        latent = latent.of
    return None


def _loops(latent: Latent) -> bool:
    """Return whether a latent sets its own number of repeats."""
    return isinstance(_core(latent), Loop)


def _samples(frames: Length, space: Space, rate: int) -> int | None:
    """Return the length of some frames in samples at a rate."""
    if not isinstance(frames, Fraction):
        return None
    return max(round(frames * Fraction(space.window * rate, space.sample_rate)), 1)
