"""Training data and held-out data."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latentlive.corpus import Corpus
from latentlive.corpus.library import SUFFIXES
from latentlive.errors import SoundError
from latentlive.units import Samples

SILENCE = 1e-4
"""A sound whose peak is below this, -80 dBFS, is silent."""
EVERY = 10
"""One sound in this many is held out, or one part in this many of each."""
MEASURED_SECONDS = 20.0
MEASURED_SOUNDS = 80


@dataclass(frozen=True)
class Material:
    """Recordings to learn from, and others to measure on.

    Parameters
    ----------
    sounds : list of arrays [shape=(n,), float32, mono]
    held_out : list of arrays [shape=(n,), float32, mono, about 20 s in all]
    sample_rate : int [samples per second]
    """

    sounds: list[Samples]
    held_out: list[Samples]
    sample_rate: int


def read_material(
    folder: Path, sample_rate: int, say: Callable[[str], object] = lambda _: None
) -> Material:
    """Return a folder's recordings, every tenth held out.

    With fewer than ten recordings, the fifth tenth of each is held out instead.

    Parameters
    ----------
    folder : Path
    sample_rate : int [samples per second]
    say : function of a line
        Told which sounds were left out, and why.

    Raises
    ------
    SoundError
        If there are no sounds, or only silent ones.
    """
    corpus = Corpus(folder)
    if not corpus.names:
        known = " ".join(sorted(SUFFIXES))
        raise SoundError(f"train: no sounds in {os.fspath(folder)!r}; these are read: {known}")
    heard: list[Samples] = []
    for name in corpus.names:
        try:
            samples = corpus.audio(name, sample_rate).samples
        except SoundError as error:
            say(f"left out: {error}")
            continue
        if _audible(samples):
            heard.append(samples)
        else:
            say(f"left out: {name!r} is silent")
    if not heard:
        raise SoundError(f"train: nothing to hear in {os.fspath(folder)!r}; every sound is silent")
    return _divided(heard, sample_rate)


def _divided(heard: list[Samples], sample_rate: int) -> Material:
    if len(heard) >= EVERY:
        kept = [s for i, s in enumerate(heard) if i % EVERY != EVERY - 1]
        left = [s for i, s in enumerate(heard) if i % EVERY == EVERY - 1]
    else:
        parts = [np.split(s, [(len(s) * 4) // EVERY, (len(s) * 5) // EVERY]) for s in heard]
        kept = [part for before, _, after in parts for part in (before, after) if len(part)]
        left = [middle for _, middle, _ in parts]
    # If the remainder cannot be measured, only the training data is left.
    left = [s for s in left if _audible(s)] or kept
    left = left[:MEASURED_SOUNDS]
    each = round(max(MEASURED_SECONDS / len(left), 0.25) * sample_rate)
    return Material(kept, [_loudest(s, each) for s in left], sample_rate)


def _loudest(samples: Samples, length: int) -> Samples:
    """Return the loudest stretch of at most a length, never a silent one."""
    if len(samples) <= length:
        return samples
    starts = range(0, len(samples) - length + 1, max(length // 2, 1))
    powers = [float(np.square(samples[s : s + length], dtype=np.float64).sum()) for s in starts]
    start = starts[int(np.argmax(powers))]
    return samples[start : start + length]


def _audible(samples: Samples) -> bool:
    return bool(len(samples)) and float(np.max(np.abs(samples))) >= SILENCE
