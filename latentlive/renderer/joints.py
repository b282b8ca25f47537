"""Joints: windows that hold the end of one recording and the beginning of another.

Where one latent follows another, each recording there is read from a splice: its own samples up to
the joint and the other's after it, or the reverse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus import Audio, audio_digest
from latentlive.latent import Query
from latentlive.latent.query import F32, Joint
from latentlive.latent.striking import SOFT
from latentlive.renderer.encoding import windows_at
from latentlive.units import Floats, Samples

FADES = 4
"""A fade lasts a quarter of a window: 6 ms."""


class Splice(NamedTuple):
    """The positions of a query that one splice serves.

    Parameters
    ----------
    rows : array [shape=(m,)]
        Indices of these positions in the query.
    audio : Audio
    positions : array [shape=(m,), samples]
        Where in the splice their windows begin.
    """

    rows: NDArray[np.int64]
    audio: Audio
    positions: Floats


def splices(audio: Audio, offsets: Floats, query: Query) -> Iterator[Splice]:
    """Yield the splices of a recording where its windows reach a joint.

    Parameters
    ----------
    audio : Audio
    offsets : array [shape=(n,), samples]
        Where the windows would begin in the recording.
    query : Query
        Whose `joint` is known.
    """
    assert query.joint is not None
    near = np.isfinite(query.joint.distance)
    if not near.any():
        return
    rows, there = np.flatnonzero(near), query.only(near)
    distance, ahead, which, beside, _ = query.joint.only(near)
    fade = beyond_of(query.joint, query.world.window)
    size = beside.shape[1] - fade
    ends = joints(there, distance)
    heard = round(query.joint.tail / float(query.scope.stretch))
    tail = min(max(heard, SOFT), fade)
    kinds, kind = np.unique(np.stack([ends, ahead, which]), axis=1, return_inverse=True)
    own = side(audio.samples, kinds[0], kinds[1] > 0, size, fade)
    for i, (end, is_end, row) in enumerate(kinds.T):
        sides = (own[i], beside[row]) if is_end else (beside[row], own[i])
        samples = struck(*sides, fade, tail) if query.joint.tail else spliced(*sides, fade)
        here = rows[kind.reshape(-1) == i]
        splice = Audio(samples, audio_digest(samples)).lowered(audio.level)
        yield Splice(here, splice, offsets[here] - end + size)


def as_heard(query: Query, frames: float, reach: float) -> Query:
    """Return the query of a recording of `frames` frames, with audible distances to its ends.

    A stretched part continues as recorded while the recording lasts, so that its successor is not
    heard early; a whole recording has nothing more to continue with.
    """
    assert query.joint is not None
    distance, ahead, *_ = query.joint
    longer = distance * float(query.scope.stretch)
    distance = np.where(ahead & (query.frames + longer <= frames), longer, distance)
    distance = np.where(distance < 1.0 + reach, distance, np.inf)
    return replace(query, joint=query.joint._replace(distance=distance))


def as_struck(query: Query, offsets: Floats, length: int) -> tuple[Query, Floats]:
    """Return the query of a recording of `length` samples that is struck, and its offsets.

    Windows that begin before a stroke hold its attack where it is heard, however the recording is
    stretched. A joint with silence at the recording's own end is none.
    """
    joint = query.joint
    assert joint is not None
    distance, ahead, which, beside, _ = joint
    window, ends = query.world.window, (query.frames + np.where(np.isfinite(distance), distance, 0))
    early = ~ahead & np.isfinite(distance) & (distance > 0.0)
    heard = (ends - distance * float(query.scope.stretch)) * window
    offsets = np.where(early, heard, offsets)
    quiet = ~np.any(beside != 0.0, axis=1)[which]
    whole = np.where(ahead, ends * window >= length - 0.5, ends * window <= 0.5)
    distance = np.where(quiet & whole, np.inf, distance)
    return replace(query, joint=joint._replace(distance=distance)), offsets


def beyond_of(joint: Joint, window: int) -> int:
    """Return how many samples of each sound are read beyond a joint."""
    return joint.tail or window // FADES


def struck(before: Samples, after: Samples, beyond: int, tail: int) -> Samples:
    """Return a stroke that follows another sound, which fades out after the joint.

    A stroke that begins in mid-recording fades in before the joint.

    Parameters
    ----------
    before, after : array
        Each with `beyond` samples beyond the joint.
    tail : int [samples, SOFT to beyond]
        Of the fade.
    """
    joined = np.concatenate([before[:-beyond], after[beyond:]])
    joint = len(before) - beyond
    joined[joint - SOFT : joint] += fading(SOFT) * after[beyond - SOFT : beyond]
    joined[joint : joint + tail] += fading(tail)[::-1] * before[joint : joint + tail]
    return joined


def spliced(before: Samples, after: Samples, fade: int) -> Samples:
    """Return two recordings cut together, each given with `fade` samples beyond the joint.

    If the second begins in mid-recording, it fades in before the joint. Otherwise the first, if it
    ends in mid-recording, fades out after the joint; attacks stay intact.
    """
    joined = np.concatenate([before[:-fade], after[fade:]])
    joint, rise = len(before) - fade, fading(fade)
    if after[:fade].any():
        last = joined[joint - fade : joint]
        last += rise * (after[:fade] - last)
    else:
        joined[joint : joint + fade] += rise[::-1] * before[-fade:]
    return joined


@lru_cache(maxsize=8)
def fading(count: int) -> Samples:
    """Return a rise from 0 to 1, half a cosine [shape=(count,)]."""
    phase = (np.arange(count, dtype=np.float64) + 0.5) / count
    return (0.5 - 0.5 * np.cos(np.pi * phase)).astype(np.float32)


def joints(query: Query, distance: Floats) -> NDArray[np.int64]:
    """Return the positions of joints in a recording [shape=(n,), samples]."""
    return np.rint((query.frames + distance) * query.world.window).astype(np.int64)


def side(
    samples: Samples, ends: NDArray[np.int64], ahead: NDArray[np.bool_], size: int, fade: int
) -> F32:
    """Return samples before joints `ahead` and after the others, with a fade beyond each joint.

    Returns
    -------
    array [shape=(n, size + fade)]
    """
    starts = ends - np.where(ahead, size, fade)
    return windows_at(samples, starts, np.zeros(len(starts), np.bool_), size + fade)
