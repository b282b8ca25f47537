"""Hears a recording part by part: where its parts begin and end, and the thumbnail of each.

Started as ``python -m latentlive.corpus.listening DIGEST RATE``: it reads a decoded sound of the
cache block by block, so an hour needs little memory, tells how far it is, and ends with its input.
If it takes long, it gives way to what sounds.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from latentlive.corpus import features
from latentlive.corpus.segmenting import boundaries
from latentlive.corpus.store import stored
from latentlive.errors import printable
from latentlive.ground import threads
from latentlive.ground.processes import stand_back
from latentlive.units import Floats, Samples

SHORTEST = 0.1
"""Seconds of the shortest part."""

MOST = 4096
"""Parts of one recording: where it has more onsets, parts are longer."""

BLOCK = 1 << 18

LONG = 60.0
"""Seconds of a recording that takes long."""


def heard(
    samples: Samples, rate: int, told: Callable[[float], object] = lambda done: None
) -> Floats:
    """Return the parts of a recording [shape=(n, 2 + 35)]: start and end [seconds], thumbnail.

    Parameters
    ----------
    samples : array [shape=(n,), float32, mono]
    rate : int [samples per second]
    told : function of a number from 0 to 1
        Told how much is done.
    """
    seconds = len(samples) / rate
    table = features.frames(_blocks(samples, rate, lambda done: told(0.8 * done)))
    edges = boundaries(samples, rate, shortest=max(SHORTEST, seconds / (MOST - 1)))
    told(1.0)
    parts = []
    for start, stop in pairwise(edges):
        first, last = (round(edge * features.RATE / features.HOP) for edge in (start, stop))
        first = min(first, len(table) - 1)
        rows = table[first : max(last - 1, first + 1)]
        count = round((stop - start) * features.RATE)
        parts.append([start, stop, *features.summary(rows, count)])
    found = np.array(parts)
    found[~np.isfinite(found)] = 0.0
    return found


def _blocks(samples: Samples, rate: int, told: Callable[[float], object]) -> Iterator[Samples]:
    """Yield samples at the rate at which features are measured, block by block."""
    import soxr

    resampler = None
    if rate != features.RATE:
        resampler = soxr.ResampleStream(rate, features.RATE, 1, quality="HQ")
    for first in range(0, len(samples), BLOCK):
        block, last = np.asarray(samples[first : first + BLOCK]), first + BLOCK >= len(samples)
        yield block if resampler is None else resampler.resample_chunk(block, last=last)
        told(min(first + BLOCK, len(samples)) / len(samples))


def main(digest: str, rate: int) -> None:
    """Print how far it is, line by line, then the parts."""
    samples = stored(digest)
    if len(samples) > LONG * rate:
        stand_back()
    threads.run(_end_with_input)
    out = os.fdopen(os.dup(1), "w")
    sys.stdout = sys.stderr

    def said(line: object) -> None:
        print(json.dumps(line), file=out, flush=True)

    try:
        said(heard(samples, rate, said).tolist())
    except Exception as error:  # noqa: BLE001 - whatever it is, it costs one line
        said(printable(f"{type(error).__name__}: {error}"))


def _end_with_input() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
