"""The world that renders an expression: recordings bound to names, a space to encode them."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Protocol, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus import Audio, Corpus, audio_digest, audio_of, recording
from latentlive.corpus.atlas import Atlas, kept_atlas
from latentlive.corpus.choosing import cluster, excerpts, near, nearest_to
from latentlive.errors import ExpressionError, SoundError
from latentlive.expr import Node
from latentlive.latent import (
    DEFAULT_OVERLAP,
    Cluster,
    Excerpts,
    Follow,
    Hits,
    Join,
    Latent,
    LatentLike,
    Latents,
    Learner,
    Near,
    OnMap,
    Place,
    Query,
    Recorded,
    Sound,
    Spot,
    Study,
    Texture,
    join_of,
)
from latentlive.latent.codes import Quantise
from latentlive.latent.directions import Directed
from latentlive.latent.moving import Direction
from latentlive.models import spaces_having
from latentlive.renderer.joints import Hearing, as_heard, as_struck, hearing, splices
from latentlive.renderer.resampling import Resampled
from latentlive.renderer.spaces import Spaces
from latentlive.renderer.tracks import Tracks
from latentlive.space import F32, Axis, Facts, Prior, Space, StartingError
from latentlive.units import Floats, Samples


class Sounds(Protocol):
    """Finds what an expression reads."""

    def __call__(self, sound: Recorded, /) -> Audio:
        """Return a sound's samples."""

    def atlas(self, node: OnMap, /) -> Atlas:
        """Return the map that a source moves on."""


HOT = 10.0 ** (1.0 / 20.0)
"""The peak above which a line reports a recording as too loud; decoders overshoot by less."""


def tell(line: str) -> None:
    """Print a line on standard error."""
    print(line, file=sys.stderr)


def is_frozen_sound(sound: Sound, corpus: Corpus) -> bool:
    """Return whether a sound is a frozen one, beside a corpus whose names come first."""
    return isinstance(sound.source, str) and corpus.frozen(sound.source) is not None


class CorpusSounds:
    """Sounds of a corpus, paths and arrays at a rate, chosen on its map; see `corpus_sounds`."""

    def __init__(self, corpus: Corpus, sample_rate: int, say: Callable[[str], object]) -> None:
        self._corpus, self._rate, self._say = corpus, sample_rate, say
        self._known: dict[str, Audio] = {}

    def __call__(self, sound: Recorded, /) -> Audio:
        """Return a sound's samples."""
        if sound.digest in self._known:
            return self._known[sound.digest]
        if isinstance(sound, Sound) and is_frozen_sound(sound, self._corpus):
            return self._found(sound)  # by the next line it may be another, as loud as it was
        audio = self._known[sound.digest] = self._found(sound)
        if audio.loudest > HOT:
            over = 20.0 * math.log10(audio.loudest)
            said = f"{sound!r} is {over:.1f} dB above full scale and plays that loud"
            self._say(f"{said}; .gain({-over:.0f}) on its layer tames it")
        return audio

    def _found(self, sound: Recorded) -> Audio:
        chosen = self._corpus, self._rate, self._say
        if isinstance(sound, Cluster):
            return cluster(*chosen, sound.n, sound.seconds, sound.valence, sound.arousal)
        if isinstance(sound, Near):
            assert isinstance(sound.sound, Sound)
            return near(*chosen, sound.sound.source, sound.n)
        if isinstance(sound, Excerpts):
            return excerpts(*chosen, sound.n)
        if isinstance(sound, Place):
            return nearest_to(self._corpus, self._rate, sound.x, sound.y)
        assert isinstance(sound, Sound)
        if isinstance(sound.source, str):
            return self._corpus.audio(sound.source, self._rate)
        return audio_of(np.asarray(sound.source, np.float32))

    def atlas(self, node: OnMap, /) -> Atlas:
        """Return the corpus's map as it is now."""
        return self._corpus.atlas(self._rate)


def corpus_sounds(corpus: Corpus, sample_rate: int, say: Callable[[str], object] = tell) -> Sounds:
    """Return a lookup of sounds at a rate: of a corpus, paths, arrays, or chosen on the map.

    A cluster chooses its sounds at its first lookup and keeps them.

    Parameters
    ----------
    say : function of a line
        Told which node stands in for an empty one, which files are missing, and which sounds are
        louder than full scale.
    """
    return CorpusSounds(corpus, sample_rate, say)


class StoredSounds:
    """Sounds that were decoded already; see `stored_sounds`."""

    def __init__(self, digests: Mapping[str, str]) -> None:
        self._digests, self._known = digests, dict[str, Audio]()

    def __call__(self, sound: Recorded, /) -> Audio:
        """Return a sound's samples."""
        known = self._known
        if sound.digest not in known:
            if not isinstance(sound, Sound) or isinstance(sound.source, str):
                known[sound.digest] = recording(self._named(sound, "recording"))
            else:
                known[sound.digest] = audio_of(np.asarray(sound.source, np.float32))
        return known[sound.digest]

    def atlas(self, node: OnMap, /) -> Atlas:
        """Return the map that was sent with a source."""
        return kept_atlas(self._named(node, "map"))

    def _named(self, node: Latent, what: str) -> str:
        digest = self._digests.get(node.digest)
        if digest is None:
            raise SoundError(f"{node!r}: its {what} was not sent with it")
        return digest


def stored_sounds(digests: Mapping[str, str]) -> Sounds:
    """Return the sounds that were decoded already, by the digests of the nodes that name them."""
    return StoredSounds(digests)


def channels_of(texture: Texture, sounds: Sounds) -> int:
    """Return how many channels a texture has: 2 if it plays a stereo recording, else 1."""
    join = join_of(texture)
    if join.exact or join.mono:
        return 1
    return max((sounds(one).channels for one in _played(join.latent)), default=1)


def _played(latent: Latent) -> Iterator[Recorded]:
    """Yield the recordings that a latent plays, once each."""
    seen, waiting = set[str](), [latent]
    while waiting:
        node = waiting.pop()
        if node.digest in seen:
            continue
        seen.add(node.digest)
        if isinstance(node, Recorded):
            yield node
        else:
            below = [node.of] if isinstance(node, Quantise) else node.children
            waiting += [one for one in below if isinstance(one, Latent)]


@lru_cache(maxsize=8)
def _quiet(window: int) -> Audio:
    samples = np.zeros(window, np.float32)
    return Audio(samples, audio_digest(samples))


def usual_hop(space: Space) -> int:
    """Return the samples from one vector to the next: the space's, or those of most overlap that
    its window allows where nobody chooses another."""
    if space.hop is not None:
        return space.hop
    return next(space.window // k for k in (DEFAULT_OVERLAP, 2, 1) if not space.window % k)


def reads_map(node: Node) -> TypeGuard[OnMap]:
    """Return whether a node needs the places of a map."""
    return isinstance(node, OnMap) and node.charted


def level_of(peak: float, most: float) -> float:
    """Return the power of two that brings a peak to `most` or below; 1 if it is there."""
    return 2.0 ** math.ceil(math.log2(peak / most)) if peak > most else 1.0


def joined_by(join: Join, facts: Facts) -> int:
    """Return how many windows of a space overlap at each moment.

    Raises
    ------
    ExpressionError
        If the space does not support the join.
    """
    if facts.hop is None:
        overlap = DEFAULT_OVERLAP if join.overlap is None else join.overlap
        if facts.window % overlap:
            fits = max(k for k in (1, 2, 4, 8) if not facts.window % k)
            raise ExpressionError(
                f"overlap: {overlap} does not divide the {facts.window} samples of a window of "
                f"{facts.name!r}; write .overlap({fits})"
            )
        return overlap
    if join.exact:
        raise ExpressionError(
            f"exact: the space {facts.name!r} has no windows to write end to end; "
            'write .on("rawaudiovae")'
        )
    if join.overlap is not None:
        raise ExpressionError(
            f"overlap: the space {facts.name!r} has a hop of its own; leave overlap out, "
            'or write .on("rawaudiovae")'
        )
    return facts.window // facts.hop


class BoundWorld:
    """Sounds and a space: the algebra's `World`.

    Parameters
    ----------
    sounds : function of a recorded source to its Audio
    spaces : Spaces
    join : Join
        The root of the expression.
    align : bool
        Whether to align windows of stretched recordings, or read them at nominal positions.
    channel : int, optional
        Of stereo recordings: 0 left, 1 right; None is the mix. Where to read them is decided by
        the mix, so that both channels stay together.
    """

    channel: int | None = None

    def __init__(
        self,
        sounds: Sounds,
        spaces: Spaces,
        join: Join,
        align: bool = True,
        channel: int | None = None,
    ) -> None:
        self.sounds, self.spaces, self.channel = sounds, spaces, channel
        self.encoder = spaces.encoder(join.model)
        self.facts, self.rate = self.encoder.space.facts, spaces.rate
        self._resampled: dict[str, Audio] = {}
        self._atlases: dict[str, Atlas] = {}
        self.overlap = joined_by(join, self.facts)
        self.align = align and self.overlap > 1 and not isinstance(self.encoder, Tracks)
        self.level = self._level(join.latent)
        """Encoding divides recordings by this; gain after decoding restores it."""

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
        return self.encoder.space.axes[name]

    def _prior(self) -> Prior:
        prior = self.encoder.space.prior
        assert prior is not None
        return prior

    def silence(self) -> Latents:
        """Return the latents of one window of silence [shape=(1, dims)]."""
        if isinstance(self.encoder, Tracks):
            vector = self.encoder.silence[None]
            return Latents(vector, np.zeros_like(vector))
        audio = _quiet(self.window)
        return self.encoder.encode(audio, np.zeros(1, np.int64), np.zeros(1, np.bool_))

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
        """Samples from one encoded window to the next; 1 where any window can be encoded."""
        return self.encoder.hop if isinstance(self.encoder, Tracks) else 1

    @property
    def reach(self) -> float:
        """How many frames beyond a window its vector hears."""
        space = self.encoder.space
        if not isinstance(self.encoder, Tracks):
            return 0.0
        return (space.margin if space.hears is None else space.hears) / self.window

    def _listening(self, tail: int) -> Listening:
        """Return the world that reads samples beside a joint, as many as windows there read."""
        read = self.encoder.space.margin / self.window if isinstance(self.encoder, Tracks) else 0.0
        dims = math.ceil(3.0 + self.reach + read + 2.0 * tail / self.window) * self.window
        return Listening(self.sounds, replace(self.facts, dims=dims), self.rate, self.channel)

    def heard(self, node: LatentLike, query: Query) -> Samples:
        """Return the samples of a node beside a joint [shape=(n, any)]."""
        assert query.joint is not None
        scope = replace(query.scope, world=self._listening(query.joint.tail))
        return hearing(query, scope).latents(node).mean

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
        """Return a recorded source's latents at the positions of a query."""
        mix, level = self.audio(source), self.level
        if isinstance(source, Spot):  # not known before it is reached, so nothing is raised for it
            level = max(level, level_of(mix.peak, self.encoder.space.peak))
        mix = mix.lowered(level)
        audio = mix.side(self.channel)
        offsets = query.frames * self.window
        if query.scope.stretch > 1 and self.align:
            offsets = self._aligned(mix, query.frames, query.scope.stretch).astype(np.float64)
        again = query.after(Fraction(len(audio.samples), self.window))
        if query.joint is None:
            return self._encoded(audio, offsets, query.wrap, again)
        query = as_heard(query, len(audio.samples) / self.window, self.reach)
        assert query.joint is not None
        if query.joint.tail:
            query, offsets = as_struck(query, offsets, len(audio.samples))
        assert query.joint is not None
        shape = (len(offsets), self.dims)
        mean, std = np.empty(shape, np.float32), np.empty(shape, np.float32)
        alone = np.isinf(query.joint.distance)
        if alone.any():
            mean[alone], std[alone] = self._encoded(
                audio, offsets[alone], query.wrap[alone], again[alone]
            )
        for rows, splice, positions in splices(audio, offsets, query):
            never = np.zeros(len(rows), np.bool_)
            mean[rows], std[rows] = self._encoded(splice, positions, never, never, short=True)
        return Latents(mean, std)

    def _encoded(
        self,
        audio: Audio,
        offsets: Floats,
        wrap: NDArray[np.bool_],
        again: NDArray[np.bool_],
        short: bool = False,
    ) -> Latents:
        if isinstance(self.encoder, Tracks):
            return self.encoder.read(audio, offsets, wrap, again, short)
        return self.encoder.encode(audio, np.rint(offsets).astype(np.int64), wrap)

    def _level(self, latent: Latent) -> float:
        """Return the power of two that brings every recording into the range of the space."""
        most = self.encoder.space.peak
        if math.isinf(most):
            return 1.0
        nodes = list(latent.walk())
        sounds = (self.sounds(one) for one in nodes if isinstance(one, Recorded))
        recorded = (one.peak if self.channel is None else one.loudest for one in sounds)
        accents = (max(one.loudest, 1.0) for one in nodes if isinstance(one, Hits))
        return level_of(max(recorded, default=0.0) * math.prod(accents), most)

    def _aligned(self, audio: Audio, frames: Floats, stretch: Fraction) -> NDArray[np.int64]:
        hop = self.window // self.overlap
        alignment = self.spaces.alignment(audio, hop / stretch, hop, self.window)
        # The window's index in the stretched recording; snapped first, so that rounding errors
        # never decide a position half-way between two.
        index = np.floor(np.rint(frames * float(stretch * self.overlap) * 1024.0) / 1024.0 + 0.5)
        return alignment.offsets(index.astype(np.int64))

    def lesson(self, node: Learner, query: Query) -> Study | None:
        """Return what a node learns in this space, begun or done."""
        if self.channel is not None and not isinstance(node, Follow):  # it decides on places
            scope = replace(query.scope, world=self._mixed)
            return self._mixed.lesson(node, replace(query, scope=scope, memo={}))
        inside = [one for taught in node.taught for one in taught.walk()]
        heard = [self.audio(one).digest for one in inside if isinstance(one, Recorded)]
        heard += [self.atlas(one).digest for one in inside if reads_map(one)]
        space, kind = self.encoder.space.digest, type(self).__name__
        side = () if self.channel is None else (self.channel,)
        key = (*node.subject(query), *heard, self.level, space, kind, *side)
        return self.spaces.lessons.lesson(key, lambda: node.study(query))

    @cached_property
    def _mixed(self) -> BoundWorld:
        """This world, reading the mix of both channels."""
        mixed = copy(self)
        mixed.channel = None
        return mixed

    def direction(self, node: Directed) -> Direction | None:
        """Return a node's measured direction.

        Raises
        ------
        ExpressionError
            If it was not measured, or in a space of other dimensions.
        """
        found = node.direction
        if found is None:
            raise ExpressionError(
                f"{node.word}: its direction in {self.space!r} is not measured yet; type it again"
            )
        if found.dims != self.dims:
            raise ExpressionError(
                f"{node.word}: its direction was measured in a space of {found.dims} "
                f"dimensions, {self.space!r} has {self.dims}"
            )
        return found

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
        """Whether layers play, and nothing may wait here."""
        return self.encoder.space.hurried


class DryWorld(BoundWorld):
    """The same lengths, but silence instead of encodings: to check an expression cheaply.

    Parameters
    ----------
    sounds : function of a recorded source to its Audio
    facts : Facts
        Of the space that will render it.
    rate : int [samples a second]
        Of the sounds.
    channel : int, optional
        As for `BoundWorld`.
    """

    def __init__(self, sounds: Sounds, facts: Facts, rate: int, channel: int | None = None) -> None:
        self.sounds, self.facts, self.rate, self.channel = sounds, facts, rate, channel
        self._resampled, self._atlases = {}, {}

    @property
    def hurried(self) -> bool:
        """False: this world is asked where one may wait."""
        return False

    @property
    def reach(self) -> float:
        """Zero: this world encodes nothing."""
        return 0.0

    @property
    def grain(self) -> int:
        """One: this world encodes nothing."""
        return 1

    def heard(self, node: LatentLike, query: Query) -> Samples:
        """Return zeros."""
        return np.zeros((len(query.frames), 1), np.float32)

    def _axis(self, name: str) -> Axis:
        return lambda z, values: z

    def _prior(self) -> Prior:
        return Prior()

    def silence(self) -> Latents:
        """Return zeros."""
        zeros = np.zeros((1, self.dims), np.float32)
        return Latents(zeros, zeros)

    def lesson(self, node: Learner, query: Query) -> None:
        """Learn nothing."""

    def direction(self, node: Directed) -> None:
        """Move nothing."""

    def read(self, source: Node, query: Query) -> Latents:
        """Return zeros."""
        zeros = np.zeros((len(query.frames), self.dims), np.float32)
        return Latents(zeros, zeros)


class Listening(DryWorld):
    """Samples of recordings beside a joint, instead of latents."""

    def louder(self, latents: Latents, gains: F32) -> Latents:
        """Return samples multiplied by gains."""
        return Latents(latents.mean * gains[:, None], latents.std)

    def read(self, source: Node, query: Query) -> Latents:
        """Return a recorded source's samples before or after a joint [shape=(n, dims)]."""
        audio = self.audio(source).side(self.channel)
        samples = cast("Hearing", query).samples(audio.samples, self.dims)
        return Latents(samples, np.zeros_like(samples))
