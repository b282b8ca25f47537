"""Commands over logs: play one again, render it, or go on where a run has crashed."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentlive.errors import EngineError, ExpressionError
from latentlive.ground.names import on_disk

if TYPE_CHECKING:
    from latentlive.engine.log.performance import Performance

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
    rate: int = performance.header["rate"]
    return round(seconds * rate)


def session_of(path: Path) -> Path:
    """Return the file of a log's cells, which `--perform` runs."""
    return path.with_suffix(".py")


def opened(path: Path, corpus: Path | None) -> Performance:
    """Return a log that can be played to the sample, with every recording that it needs found.

    None of its code is run.

    Raises
    ------
    EngineError
        If anything is missing or was edited, before anything is played:
        ``log: evening.py was edited since it was written; --perform runs its code anew``
    """
    from latentlive.corpus import Corpus
    from latentlive.engine.log.performance import Performance
    from latentlive.renderer import corpus_sounds

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
    library = Corpus(corpus or performance.header["corpus"] or None)
    performance.check_sounds(corpus_sounds(library, int(performance.header["rate"])))
    return performance


def wait_until_over(engine: Any, show: Any) -> None:
    """Wait until a replay is over; what a crash has left sounding never falls silent by itself."""
    import time

    while not engine.ended:
        time.sleep(0.1)
        show(engine.state)
        if engine.state and not engine.state["replaying"]:
            return


def bounce_file(
    performance: Performance,
    output: Path,
    model: str,
    begin: int,
    stop: int | None,
    stems: Path | None,
) -> Path:
    """Render a log into a file, and its layers into a folder; return the file that was written.

    Raises
    ------
    LatentliveError
        If the model is another one or a file cannot be written.
    """
    from tqdm import tqdm

    from latentlive.corpus.takes import check_kind
    from latentlive.engine.log.bounce import Bounce
    from latentlive.engine.log.bounced import write_bounce
    from latentlive.ground.claims import check_apart
    from latentlive.models import load_model

    check_kind("bounce", output, int(performance.header["channels"]))
    if stems is not None:
        check_apart("bounce", output, stems, performance.layers)
    bounce = Bounce(performance, load_model(model or None), begin, stop, stems is not None)
    if bounce.stop <= bounce.begin:
        raise EngineError("bounce: there is nothing between the two moments")
    total = bounce.stop - bounce.begin
    with tqdm(total=total, unit="sample", unit_scale=True, file=sys.stderr) as bar:

        def say(line: str) -> None:
            bar.write(line, file=sys.stderr)

        return write_bounce(bounce, performance.header, output, stems, say, bar.update)
