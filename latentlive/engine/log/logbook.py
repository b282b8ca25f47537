"""A log that is to be played to the sample: its files, its recordings, moments in it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from latentlive.corpus import Corpus
from latentlive.corpus.grabbed import beside_log
from latentlive.curves import Point, Tapes
from latentlive.engine.desk.decisions import Taped
from latentlive.engine.log.performance import Performance
from latentlive.errors import EngineError, ExpressionError
from latentlive.ground.names import on_disk
from latentlive.renderer import corpus_sounds

TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)(b?)")


def sample_at(text: str, performance: Performance) -> int:
    """Return the sample of a moment: ``12:00``, ``1:02:03.5``, ``90`` (seconds) or ``72b`` (beats).

    Raises
    ------
    ExpressionError
        For anything else.
    """
    found = TIME.fullmatch(text.strip())
    if not found or (found[4] and found[2]):
        raise ExpressionError(f"time: expected 12:00, 90 (seconds) or 72b (beats), got {text!r}")
    if found[4]:
        return performance.left.tempo.sample(float(found[3]))
    seconds = int(found[1] or 0) * 3600 + int(found[2] or 0) * 60 + float(found[3])
    rate: int = performance.header.rate
    return round(seconds * rate)


def session_of(path: Path) -> Path:
    """Return the file of a log's cells, which `--perform` runs."""
    return path.with_suffix(".py")


def tapes_of(path: Path, rate: int) -> Tapes:
    """Return what arrived in a performance, at the samples of another rate.

    Raises
    ------
    EngineError
        If its log cannot be read, or nothing arrived.
    """
    performance = Performance(on_disk(path))
    tapes, scale = Tapes(rate), rate / performance.header.rate
    for one in performance.decisions():
        if isinstance(one, Taped):
            tapes.take(Point(round(one.at * scale), one.source, one.value))
    if not tapes.count:
        raise EngineError(f"tape: nothing arrived live in {path}")
    return tapes


def opened(path: Path, corpus: Path | None) -> Performance:
    """Return a log that can be played to the sample, with every recording that it needs found.

    None of its code is run.

    Raises
    ------
    EngineError
        If anything is missing or was edited, before anything is played:
        ``log: evening.py was edited since it was written; --perform runs its code anew``
    """
    path = on_disk(path)
    if not path.name or not (os.path.isfile(path) or os.path.isfile(path.with_suffix(".jsonl"))):
        raise EngineError(f"log: no file {str(path)!r}")
    if not os.path.isfile(path.with_suffix(".jsonl")):
        raise EngineError(
            f"log: {path} has no {path.stem}.jsonl beside it, which holds what was decided; "
            "--perform runs its code anew"
        )
    performance = Performance(path)
    if performance.edited:
        raise EngineError(
            f"log: {session_of(path)} was edited since it was written; --perform runs its code anew"
        )
    library = Corpus(corpus or performance.header.corpus or None, beside_log(path))
    performance.check_sounds(corpus_sounds(library, performance.header.rate))
    return performance
