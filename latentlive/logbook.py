"""Commands over logs: play one again, render it, or go on where a run has crashed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latentlive.errors import EngineError, ExpressionError

if TYPE_CHECKING:
    from latentlive.engine.journal import Performance

TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)(b?)")


def sample_at(text: str, performance: Performance) -> int:
    """Return the sample of a moment: ``12:00``, ``1:02:03.5``, ``90`` (seconds) or ``72b`` (beats).

    Raises
    ------
    ExpressionError
        For anything else.
    """
    from latentlive.engine.resuming import tempo_of

    found = TIME.fullmatch(text.strip())
    if not found or (found[4] and found[2]):
        raise ExpressionError(f"time: expected 12:00, 90 (seconds) or 72b (beats), got {text!r}")
    if found[4]:
        return tempo_of(performance).sample(float(found[3]))
    seconds = int(found[1] or 0) * 3600 + int(found[2] or 0) * 60 + float(found[3])
    return round(seconds * int(performance.header["rate"]))


def opened(path: Path, corpus: Path | None) -> Performance:
    """Return a log, with every recording that it needs found.

    Raises
    ------
    EngineError
        If anything is missing, before anything is played.
    """
    from latentlive.corpus import Corpus
    from latentlive.engine.journal import Performance
    from latentlive.renderer import corpus_sounds

    performance = Performance(path)
    library = Corpus(corpus or performance.header["corpus"] or None)
    performance.check_sounds(corpus_sounds(library, int(performance.header["rate"])))
    return performance


def exact(path: Path) -> bool:
    """Return whether a log can be replayed to the sample; say why if not."""
    from latentlive.engine.journal import Performance

    if not path.is_file() and not path.with_suffix(".jsonl").is_file():
        raise EngineError(f"log: no file {str(path)!r}")
    if not path.with_suffix(".jsonl").is_file():
        click.echo(f"{path} has no {path.stem}.jsonl beside it: it is performed anew", err=True)
        return False
    if Performance(path).edited:
        click.echo(f"{path} was edited since: it is performed anew", err=True)
        return False
    return True


def wait_until_silent(engine: Any, show: Any) -> None:
    """Wait until a replay is over and all is silent."""
    import time

    while not engine.ended:
        time.sleep(0.1)
        show(engine.state)
        if engine.state and engine.state["silent"] and engine.state["running"]:
            return


def bounce_file(
    performance: Performance,
    output: Path,
    model: str,
    begin: int,
    stop: int | None,
    stems: Path | None,
) -> None:
    """Render a log into a file, and its layers into a folder.

    Raises
    ------
    LatentliveError
        If the model is another one or a file cannot be written.
    """
    import numpy as np
    import soundfile
    from tqdm import tqdm

    from latentlive.engine.bounce import Bounce
    from latentlive.models import load_model
    from latentlive.renderer.offline import file_format

    subtype, rate = file_format(output), int(performance.header["rate"])
    bounce = Bounce(performance, load_model(model or None), begin, stop, stems is not None)
    if bounce.stop <= bounce.begin:
        raise EngineError("bounce: there is nothing between the two moments")
    beside = output.with_name(f".{output.name}.part")
    files: dict[str, soundfile.SoundFile] = {}
    try:
        if stems is not None:
            stems.mkdir(parents=True, exist_ok=True)
        with (
            soundfile.SoundFile(
                beside,
                "w",
                rate,
                int(performance.header["channels"]),
                subtype,
                format=output.suffix[1:],
            ) as mixed,
            tqdm(
                total=bounce.stop - bounce.begin, unit="sample", unit_scale=True, file=sys.stderr
            ) as bar,
        ):
            done = 0
            for heard in bounce.blocks():
                mixed.write(heard.mix)
                for name in heard.layers.keys() - files.keys():
                    assert stems is not None
                    files[name] = soundfile.SoundFile(stems / f"{name}.wav", "w", rate, 2, "FLOAT")
                    files[name].write(np.zeros((done, 2), np.float32))
                quiet = np.zeros((len(heard.mix), 2), np.float32)
                for name, file in files.items():
                    file.write(heard.layers.get(name, quiet))
                done += len(heard.mix)
                bar.update(len(heard.mix))
        beside.replace(output)
    except (OSError, soundfile.SoundFileError) as error:
        raise EngineError(f"bounce: cannot write {output}: {error}") from None
    finally:
        beside.unlink(missing_ok=True)
        for file in files.values():
            file.close()
