"""Freezing: a texture rendered once, whole, into a recording that is found by its name."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from latentlive.corpus import Audio, Corpus, read_audio
from latentlive.corpus.frozen import forget_others, is_frozen, place_of
from latentlive.corpus.grabbed import grabbed_file
from latentlive.corpus.segmenting import By, segmented
from latentlive.corpus.shelf import kept_name
from latentlive.corpus.takes import Wav
from latentlive.errors import ExpressionError, LatentliveError, ModelError, SoundError, reason
from latentlive.expr import Node, dump, load
from latentlive.ground.files import write_whole
from latentlive.ground.names import normal
from latentlive.latent import Latent, Loop, On, Recorded, Sound, Texture, join_of
from latentlive.latent.freezing import LONGEST
from latentlive.latent.time import Early, Slice
from latentlive.models import load_model
from latentlive.renderer.channels import Channels, framed
from latentlive.renderer.joints import fading
from latentlive.renderer.measuring import measured_here
from latentlive.renderer.rendering import check
from latentlive.renderer.scoring import Scoring, scored
from latentlive.renderer.sounds import (
    Sounds,
    corpus_sounds,
    is_frozen_sound,
    recordings,
    stored_sounds,
    tell,
)
from latentlive.renderer.spaces import Spaces
from latentlive.space import Facts, Space, Verbatim
from latentlive.units import Floats, Samples, Tempo

KIND = 1
"""Which way of rendering a frozen sound was made with: others are rendered anew."""

STEP, LONGEST_STEP = 0.1, 4.0
"""Seconds rendered at a time: at first, and at most, where rendering is fast."""

SHORT = 0.25
"""Seconds of rendering below which the next step is twice as long."""

SEAM, CUT_SEAM = 0.006, 0.25
"""Seconds in which an end is crossed over into the beginning: of a pass, and of what was cut."""

Progress = Callable[[int, int], object]
"""Told how many samples are done, and how many there are."""

Blocks = Callable[["Frozen", Channels, int], Iterator[Samples]]
"""Yields samples 0 to a number of a rendering, where something else renders them."""


class Cluster(NamedTuple):
    """Other machines that render instead of this one.

    Parameters
    ----------
    address : str
        Of a Dask scheduler.
    tls : sequence of str
        Files of authority, certificate and key; empty without encryption.
    """

    address: str
    tls: tuple[str, ...] = ()

    @classmethod
    def of(cls, address: str, tls: Iterable[str | os.PathLike[str]] | None) -> Cluster | None:
        """Return where to render, None for this machine.

        Raises
        ------
        LatentliveError
            ``--tls belongs to --cluster``
        """
        files = tuple(os.path.abspath(file) for file in tls or ())
        if address:
            return cls(address, files)
        if files:
            raise LatentliveError("--tls belongs to --cluster")
        return None


@dataclass(frozen=True)
class Setting:
    """What a performance renders with.

    Parameters
    ----------
    corpus : Corpus
    sounds : function of a recorded source to its Audio
    model, digest : str
        The space that plays where a texture names none: its name or file (empty for the default),
        and its digest.
    facts : Facts
        Of that space.
    seed : int
    tempo : float [beats per minute]
    """

    corpus: Corpus
    sounds: Sounds
    model: str
    digest: str
    facts: Facts
    seed: int = 0
    tempo: float = 60.0
    patience: float | None = None
    """Seconds to wait for the piece of an improviser to be heard; None waits for any time."""
    cluster: Cluster | None = None
    """Where to freeze; None is here."""

    @property
    def scoring(self) -> Scoring:
        """Where the parts of pieces come from."""
        return Scoring(self.corpus, self.sounds, self.facts.sample_rate, self.patience)


@dataclass(frozen=True)
class Frozen:
    """A frozen sound: its name, and all that its samples depend on.

    Parameters
    ----------
    name : str
    texture : Latent or joined Latent
    sounds : mapping
        The digests of its recordings, by those of the nodes that name them.
    model, digest : str
        The space that plays where it names none, and the digest of the one that it is played in.
    seed : int
    tempo : float [beats per minute]
    seconds : float or None [seconds]
        How much; None is one pass.
    cluster : Cluster, optional
        Where it is rendered, of which no sample depends.
    """

    name: str
    texture: Texture
    sounds: Mapping[str, str]
    model: str
    digest: str
    seed: int
    tempo: float
    seconds: float | None
    cluster: Cluster | None = None

    noun = property(lambda self: self.name)
    be, made, played = "is", "frozen", "it"

    @property
    def module(self) -> str:
        """The process that has it rendered."""
        return f"latentlive.{'machines' if self.cluster else 'renderer'}.freezer"

    @property
    def awaited(self) -> str:
        """What a layer that waits plays, and when."""
        return f"{self.name} when it is frozen"

    @property
    def lacking(self) -> str:
        """How a refusal begins."""
        return f"sound: {self.name!r} is"

    def concerns(self, texture: Any) -> bool:
        """Return whether a texture plays the sound."""
        return self.name in sound_names(texture)

    @cached_property
    def key(self) -> str:
        """The digest of what its samples depend on, 32 hexadecimal digits."""
        told = [KIND, self.texture.digest, sorted(self.sounds.items()), self.digest]
        told += [self.seed, self.tempo, self.seconds]
        return hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()

    @property
    def done(self) -> bool:
        """Whether its name has this sound already."""
        return is_frozen(self.key, self.name)

    def dump(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            **asdict(replace(self, texture=cast("Texture", None))),
            "texture": dump(self.texture),
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Frozen:
        """Return what `dump` wrote."""
        cluster = data["cluster"] and Cluster(*data["cluster"])
        return cls(**{**data, "texture": load(data["texture"]), "cluster": cluster})


def sound_names(texture: Node) -> set[str]:
    """Return the names of the sounds in a texture."""
    named = (node.source for node in texture.walk() if isinstance(node, Sound))
    return {normal(name) for name in named if isinstance(name, str)}


def to_freeze(texture: Texture, name: str, seconds: float | None, setting: Setting) -> Frozen:
    """Return the sound that a texture is to be frozen to, after checking both.

    Raises
    ------
    LatentliveError
        If the texture has no meaning or no end, or its name is none or a sound's of the corpus.
    """
    name, corpus = kept_name(name, "frozen"), setting.corpus
    if corpus.holds(name):
        raise ExpressionError(
            f"frozen: the corpus {corpus.name!r} has a sound {name!r}, which comes first; "
            "take another name"
        )
    if grabbed_file(name) is not None:
        raise ExpressionError(
            f"frozen: a sound of the input was grabbed as {name!r}; take another name"
        )
    texture = as_played(scored(texture, setting.scoring), corpus)
    length = check(texture, setting.facts, setting.sounds, 60.0 / setting.tempo)
    if seconds is None and math.isinf(length):
        raise ExpressionError(
            f"frozen: the texture never ends; say how much: .frozen({name!r}, seconds=60)"
        )
    other = join_of(texture).model
    return Frozen(
        name,
        texture,
        recordings(texture, setting.sounds),
        setting.model,
        setting.digest if other is None else load_model(other).digest,
        setting.seed,
        setting.tempo,
        seconds,
        setting.cluster,
    )


def as_played(texture: Texture, corpus: Corpus) -> Texture:
    """Return a texture as it is rendered: a frozen sound alone plays its samples.

    So it costs nothing, and no space changes it a second time. It may be repeated, cut and shifted;
    all other words mean what they mean of any recording, in the space.
    """
    join = join_of(texture)
    if join.model is not None or join.exact or join.overlap is not None:
        return texture
    node: Latent = join.latent
    while isinstance(node, Loop | Slice | Early):
        node = node.of
    alone = isinstance(node, Sound) and is_frozen_sound(node, corpus)
    return On(texture, Verbatim.name) if alone else texture


def freeze(
    sound: Frozen,
    progress: Progress = lambda done, total: None,
    elsewhere: Blocks | None = None,
) -> Path:
    """Render a sound, whole or not at all; return its file.

    Parameters
    ----------
    sound : Frozen
    progress : function of the samples that are done, and of all
    elsewhere : function of the sound, its rendering and a number of samples, optional
        Yields that many samples, as the rendering does.

    Raises
    ------
    LatentliveError
        If it cannot be rendered or written.
    """
    spaces = Spaces(load_model(sound.model or None))
    if spaces.space(join_of(sound.texture).model).digest != sound.digest:
        raise ModelError(f"frozen: {sound.name!r} was asked of a model that has changed; ask again")
    tempo = Tempo(sound.tempo, spaces.rate)
    sounds = stored_sounds(sound.sounds)
    told: dict[str, Any] = {"seed": sound.seed, "tempo": tempo, "looped": True}
    rendering = Channels(sound.texture, spaces, sounds, **told)
    total = _extent(sound, rendering)

    def write(beside: Path) -> None:
        take = Wav(beside, spaces.rate, rendering.count)
        try:
            blocks: Iterator[Samples]
            if elsewhere is None:
                blocks = (rendering.samples(a, b) for a, b in _steps(rendering, total))
            else:
                blocks = elsewhere(sound, rendering, total)
            for block in _seamless(rendering, blocks, total, sound.seconds is not None):
                take.write(framed(block))
                progress(take.frames, total)
        finally:
            take.close()

    try:
        path = place_of(sound.key, sound.name)
        write_whole(path, write)
    except OSError as error:
        raise SoundError(f"frozen: {sound.name!r} cannot be written: {reason(error)}") from None
    forget_others(path, sound.name)
    read_audio(path, spaces.rate)  # decoded now, so that a layer need not wait for it
    return path


def _extent(sound: Frozen, rendering: Channels) -> int:
    """Return how many samples are wanted."""
    most = round(LONGEST * rendering.rate)
    total = rendering.once if sound.seconds is None else round(sound.seconds * rendering.rate)
    assert total is not None
    if total > most:
        raise ExpressionError(f"frozen: {sound.name!r} is longer than {LONGEST / 3600:g} hours")
    return max(total, 1)


def _seamless(
    rendering: Channels, blocks: Iterable[Samples], total: int, cut: bool
) -> Iterator[Samples]:
    """Yield samples 0 to `total`, block by block; the first follow the last without a seam."""
    seam = round((CUT_SEAM if cut else SEAM) * rendering.rate)
    seam = 0 if rendering.length is not None else min(seam, total // 4)
    first = crossed(rendering.samples(total, total + seam), rendering.samples(0, seam))
    start = 0
    for block in blocks:
        stop = start + len(block)
        if start < seam:
            block = np.concatenate([first[start:stop], block[seam - start :]])
        yield block
        start = stop


def crossed(before: Samples | Floats, after: Samples | Floats) -> Samples:
    """Return samples that cross over from some to others, at an even level.

    How much alike they are, over all channels, decides the law: what is the same is mixed in
    shares, what has nothing in common in powers.

    >>> crossed(np.ones(9), np.ones(9)).round(6).tolist() == [1.0] * 9
    True
    """
    before, after = before.astype(np.float64), after.astype(np.float64)
    rise = fading(len(after)).astype(np.float64)
    if after.ndim == 2:
        rise = rise[:, None]
    fall = 1.0 - rise
    one, other = before.ravel(), after.ravel()
    power = math.sqrt((one @ one) * (other @ other))
    alike = max(float(one @ other), 0.0) / power if power else 1.0
    level = np.sqrt(rise**2 + fall**2 + 2.0 * alike * rise * fall)
    return ((fall * before + rise * after) / level).astype(np.float32)


def _steps(rendering: Channels, total: int) -> Iterator[tuple[int, int]]:
    """Yield where to render from and to, so that it is told soon and often how far it is."""
    step = max(round(STEP * rendering.rate / rendering.hop), 1) * rendering.hop
    start = 0
    while start < total:
        begun = time.monotonic()
        yield start, min(start + step, total)
        start += step
        if time.monotonic() - begun < SHORT and step < LONGEST_STEP * rendering.rate:
            step *= 2


class Here:
    """Freezes in this process and waits: for scripts and commands that perform nothing.

    Parameters
    ----------
    model : path, optional
        The starter model when left out.
    corpus : Corpus or path, optional
        The starter corpus when left out.
    seed : int
    tempo : float [beats per minute]
    elsewhere : function, optional
        As for `freeze`.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        corpus: str | os.PathLike[str] | None = None,
        seed: int = 0,
        tempo: float = 60.0,
        elsewhere: Blocks | None = None,
    ) -> None:
        self._elsewhere = elsewhere
        self._model, self._corpus = os.fspath(model or ""), corpus
        self._seed, self._tempo = seed, tempo

    @cached_property
    def _space(self) -> Space:
        return load_model(self._model or None)

    @cached_property
    def _setting(self) -> Setting:
        space, corpus = self._space, Corpus(self._corpus)
        sounds = corpus_sounds(corpus, space.sample_rate)
        told = self._model, space.digest, space.facts, self._seed, self._tempo
        return Setting(corpus, sounds, *told)

    def freeze(self, texture: Texture, name: str, seconds: float | None) -> Sound:
        """Return the sound of a name, once it is rendered."""
        texture = measured_here(texture, self._space, self._model, self._setting.corpus)
        sound = to_freeze(texture, name, seconds, self._setting)
        if not sound.done:
            tell(f"freezing {sound.name!r}")
            freeze(sound, elsewhere=self._elsewhere)
        return Sound(sound.name)

    def boundaries(self, sound: Recorded, by: By, shortest: float) -> Floats:
        """Return where the parts of a recording begin, and where the last one ends [seconds]."""
        setting = self._setting
        return segmented(setting.sounds(sound), setting.facts.sample_rate, by, shortest)

    def recording(self, sound: Sound) -> tuple[Audio, int]:
        """Return a recording, and its samples a second."""
        return self._setting.sounds(sound), self._setting.facts.sample_rate


HERE = Here()
