"""Measures the features of a sound: the one module that imports librosa.

It runs in worker processes: while a folder is indexed, and, started as
``python -m latentlive.corpus.features DIGEST RATE``, for a single sound outside the index.

Sources: Peeters, A large set of audio features (CUIDADO, 2004), for loudness, decrease and
tristimulus on Bark bands; de Cheveigné and Kawahara, YIN (JASA 2002); Zwicker and Fastl,
Psychoacoustics (1990), for the bands and the exponent of loudness.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import librosa
import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.descriptors import BARK
from latentlive.corpus.store import stored
from latentlive.corpus.streams import streamed
from latentlive.corpus.thumbnails import MFCCS, arousal, valence
from latentlive.errors import SoundError
from latentlive.units import Floats, Samples

RATE = 44100
FRAME, HOP = 2048, 1024
FRAMES_AT_ONCE = 512
FLOOR = 1e-8
"""The least power: 80 dB below a full-scale sine."""

THRESHOLD = 1e-9
"""The hearing threshold of a critical band, in power: 90 dB below a full-scale sine."""

F0_RANGE = (50.0, 2000.0)
F0_DEPTH = 1e-4
"""A frame's pitch counts if its energy is at most 40 dB below the loudest frame's."""


@lru_cache(maxsize=1)
def _bank() -> tuple[Floats, Floats, Floats]:
    """Return the window, the mel filters and the Bark bands [shape=(bands, bins)]."""
    window = np.hanning(FRAME + 1)[:-1]
    mel = librosa.filters.mel(sr=RATE, n_fft=FRAME, n_mels=40, norm=None).astype(np.float64)
    hz = np.fft.rfftfreq(FRAME, 1.0 / RATE)
    bark = np.array([(hz >= low) & (hz < high) for low, high in itertools.pairwise(BARK)])
    return window, mel, bark.astype(np.float64)


def _measured(samples: NDArray[np.float64]) -> Floats:
    """Return the features of each frame [shape=(frames, 20)] of a stretch of whole frames."""
    window, mel, bark = _bank()
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]
    # A full-scale sine has energy 1: half the window's sum is its peak, 1.5 the lobe's width.
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2 / ((window.sum() / 2) ** 2 * 1.5)
    specific = np.maximum(power @ bark.T, THRESHOLD) ** 0.23
    total = specific.sum(axis=1)
    loudness = total - len(bark) * THRESHOLD**0.23
    steps = np.arange(1, len(bark))
    rest = specific[:, 1:].sum(axis=1)
    decrease = ((specific[:, 1:] - specific[:, :1]) / steps).sum(axis=1) / rest
    log_mel = 0.5 * np.log10(np.maximum(power @ mel.T, FLOOR))
    mfcc = librosa.feature.mfcc(S=log_mel.T, n_mfcc=MFCCS).T
    flatness = librosa.feature.spectral_flatness(S=power.T, power=1.0)[0]
    low, high = F0_RANGE
    f0 = librosa.yin(
        samples, fmin=low, fmax=high, sr=RATE, frame_length=FRAME, hop_length=HOP, center=False
    )
    columns = (
        loudness,
        flatness,
        specific[:, 1:4].sum(axis=1) / total,
        specific[:, 4:].sum(axis=1) / total,
        decrease,
        f0,
        power.sum(axis=1),
    )
    return np.column_stack([*columns, mfcc])


def _stretches(blocks: Iterable[Samples]) -> Iterator[NDArray[np.float64]]:
    """Yield stretches of whole frames; each frame comes once, independent of block boundaries.

    Zeros pad a sound shorter than a frame; otherwise an incomplete last frame is left out, since
    the point where a recording is cut off says nothing about its sound.
    """
    held = np.empty(0)
    size = (FRAMES_AT_ONCE - 1) * HOP + FRAME
    some = False
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) >= size:
            yield held[:size]
            held, some = held[FRAMES_AT_ONCE * HOP :], True
    if len(held) >= FRAME:
        yield held[: (len(held) - FRAME) // HOP * HOP + FRAME]
    elif not some:
        yield np.pad(held, (0, FRAME - len(held)))


def thumbnail(blocks: Iterable[Samples]) -> Floats:
    """Return the thumbnail of a sound given in blocks.

    Parameters
    ----------
    blocks : iterable of arrays [shape=(n,), float32, mono, 44100 Hz]
        Cut anywhere.

    Returns
    -------
    array [shape=(35,)]
        In the order and units of `latentlive.corpus.thumbnails`.

    Example
    -------
    >>> tone = np.sin(np.arange(44100) * 2 * np.pi * 440 / 44100)
    >>> round(float(thumbnail([tone])[-2]), -1)
    440.0
    """
    count = 0

    def counted() -> Iterator[Samples]:
        nonlocal count
        for block in blocks:
            count += len(block)
            yield block

    table = frames(counted())
    return summary(table, count)


def frames(blocks: Iterable[Samples]) -> Floats:
    """Return the features of every frame [shape=(frames, 20)] of a sound given in blocks."""
    return np.concatenate([_measured(stretch) for stretch in _stretches(blocks)])


def summary(table: Floats, count: int) -> Floats:
    """Return the thumbnail [shape=(35,)] of some frames that last `count` samples."""
    loudness, flatness, second, third, decrease, f0, energy = table[:, :7].T
    mfcc = table[:, 7:]
    mfcc_std = mfcc.std(axis=0)
    heard = f0[energy >= F0_DEPTH * energy.max()]
    levels = float(loudness.mean()), float(loudness.std())
    v = valence(
        loudness_mean=levels[0],
        flatness_mean=float(flatness.mean()),
        mfcc1_std=mfcc_std[1],
        mfcc5_std=mfcc_std[5],
        decrease_std=float(decrease.std()),
    )
    a = arousal(
        loudness_mean=levels[0],
        loudness_std=levels[1],
        tristimulus2_std=float(second.std()),
        tristimulus3_mean=float(third.mean()),
        mfcc3_std=mfcc_std[3],
        mfcc5_std=mfcc_std[5],
        mfcc11_std=mfcc_std[11],
    )
    tail = (decrease.mean(), decrease.std(), heard.mean(), heard.std())
    return np.array([1000.0 * count / RATE, v, a, *levels, *mfcc.mean(axis=0), *mfcc_std, *tail])


def of_file(path: str) -> tuple[Floats | None, str]:
    """Return a file's thumbnail and no error, or None and the error in one line."""
    try:
        found = thumbnail(streamed(Path(path), RATE))
    except SoundError as error:
        return None, " ".join(str(error).removeprefix("sound: ").split())
    except Exception as error:  # noqa: BLE001 - decoders raise anything, and other files continue
        return None, f"cannot measure {path}: {' '.join(str(error).split()) or repr(error)}"
    if not np.isfinite(found).all():
        return None, f"cannot measure {path}: its features are not finite"
    return found, ""


def main(digest: str, sample_rate: int) -> None:
    """Print the thumbnail of a decoded sound of the cache as JSON."""
    import soxr

    samples: Samples = stored(digest)
    if sample_rate != RATE:
        samples = soxr.resample(samples, sample_rate, RATE, quality="HQ")
    print(json.dumps(thumbnail([samples]).tolist()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
