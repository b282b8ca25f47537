"""How a frozen sound is rendered: once, whole, and so that it loops without a seam."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from latentlive.corpus import Audio, Corpus, read_audio
from latentlive.corpus.frozen import forget_others, place_of
from latentlive.corpus.segmenting import By, segmented
from latentlive.corpus.takes import Wav
from latentlive.errors import ExpressionError, ModelError, SoundError, reason
from latentlive.ground.files import write_whole
from latentlive.ground.lines import print_aside
from latentlive.latent import Recorded, Sound, Texture, join_of
from latentlive.latent.freezing import LONGEST
from latentlive.models import load_model
from latentlive.renderer.channels import Channels, write_blocks
from latentlive.renderer.frozen import Frozen, Setting, to_freeze
from latentlive.renderer.joints import fading
from latentlive.renderer.measuring import measured_here
from latentlive.renderer.sounds import corpus_sounds, stored_sounds
from latentlive.renderer.spaces import Spaces
from latentlive.space import Space
from latentlive.units import Floats, Samples, Tempo

STEP, LONGEST_STEP = 0.1, 4.0
"""Seconds rendered at a time: at first, and at most, where rendering is fast."""

SHORT = 0.25
"""Seconds of rendering below which the next step is twice as long."""

SEAM, CUT_SEAM = 0.006, 0.25
"""Seconds in which an end is crossed over into the beginning: of a pass, and of what was cut."""

Progress = Callable[[int, int], object]
"""Told how many samples are done, and how many there are."""

Blocks = Callable[[Frozen, Channels, int], Iterator[Samples]]
"""Yields samples 0 to a number of a rendering, where something else renders them."""


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
        render = _rendered if elsewhere is None else elsewhere
        blocks = render(sound, rendering, total)
        whole = _seamless(rendering, blocks, total, sound.seconds is not None)
        take = Wav(beside, spaces.rate, rendering.count)
        write_blocks(take, whole, lambda count: progress(take.frames, total))

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


def _rendered(sound: Frozen, rendering: Channels, total: int) -> Iterator[Samples]:
    """Yield samples 0 to `total` in such steps that it is told soon and often how far it is."""
    step = max(round(STEP * rendering.rate / rendering.hop), 1) * rendering.hop
    start = 0
    while start < total:
        begun = time.monotonic()
        yield rendering.samples(start, min(start + step, total))
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
            print_aside(f"freezing {sound.name!r}")
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
