"""A bounce as files: the mix, and a stem of each layer if asked.

A prompt starts it beside itself, as ``python -m latentlive.engine.log.bounced``.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import click
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from latentlive.corpus.takes import Take, check_kind, open_take
from latentlive.engine.log.bounce import Bounce, Heard
from latentlive.engine.log.formats import Header
from latentlive.engine.log.levels import Levels, rescale
from latentlive.engine.log.logbook import opened, sample_at
from latentlive.errors import EngineError, LatentliveError, printable, reason
from latentlive.ground.claims import Claims, check_apart, moved, stem_name
from latentlive.models import load_model

F32 = NDArray[np.float32]


class Bounced(Protocol):
    """What renders a performance, here or elsewhere."""

    begin: int
    stop: int

    def blocks(self) -> Iterator[Heard]:
        """Yield what is heard from `begin` to `stop`, stretch by stretch."""


def bounce_file(
    log: Path,
    output: Path,
    begin: str = "0",
    end: str | None = None,
    stems: Path | None = None,
    corpus: Path | None = None,
    model: Path | None = None,
    loudness: float | None = None,
    elsewhere: Callable[..., Bounced] | None = None,
) -> Path:
    """Render a log into a file, and its layers into a folder; return the file that was written.

    Parameters
    ----------
    log, output : Path
    begin, end : str
        Moments as `logbook.sample_at` reads them; the end of the log when left out.
    stems : Path, optional
    corpus, model : Path, optional
        Where they are, if not where the log says.
    loudness : float [LUFS, -60 to -5], optional
        Integrated, of the mix; stems get its gain. By default it is as it was heard.
    elsewhere : class, optional
        What renders it, called as `Bounce` is and with ``model``; by default it is rendered here.

    Raises
    ------
    LatentliveError
        If the log cannot be played, the model is another one, or a file cannot be written.
    """
    performance = opened(log, corpus)
    first = sample_at(begin, performance)
    last = None if end is None else sample_at(end, performance)
    check_kind("bounce", output, performance.header.channels)
    if stems is not None:
        check_apart("bounce", output, stems, performance.layers)
    named = os.fspath(model or performance.header.model_file or "")
    space = load_model(named or None)
    bounce: Bounced
    if elsewhere is None:
        bounce = Bounce(performance, space, first, last, stems is not None)
    else:
        bounce = elsewhere(performance, named, space, first, last, stems is not None)
    if (total := bounce.stop - bounce.begin) <= 0:
        raise EngineError("bounce: there is nothing between the two moments")
    with tqdm(total=total, unit="sample", unit_scale=True, file=sys.stderr) as bar:

        def say(line: str) -> None:
            bar.write(line, file=sys.stderr)

        header = performance.header
        return write_bounce(bounce, header, output, stems, say, bar.update, loudness)


def write_bounce(
    bounce: Bounced,
    header: Header,
    output: Path,
    stems: Path | None,
    say: Callable[[str], object],
    progress: Callable[[int], object],
    loudness: float | None = None,
) -> Path:
    """Write a bounce: the mix whole or not at all.

    Parameters
    ----------
    bounce : Bounce
    header : mapping
        Of the log: its rate and channels.
    output : Path
        Gets a number where there is such a file.
    stems : Path, optional
        A folder; gets a number where it holds sounds.
    say : function of a line
        Told where something got a number.
    progress : function of a number of samples
    loudness : float [LUFS], optional

    Returns
    -------
    Path
        The mix.

    Raises
    ------
    EngineError
        If the mix cannot be written: then no file is left. Also if a stem cannot: that costs the
        stem alone, and is told when the rest is written.
    """
    rate, channels = header.rate, header.channels
    with Claims("bounce") as claims:
        mix = claims.file(output)
        folder = None if stems is None else claims.folder(stems, mix)
        for asked, given in ((output, mix), (stems, folder)):
            if asked and given and asked != given:
                say(moved("bounce", asked, given))
        # Under another name until it is whole; of floats if its gain is not known yet.
        kind = mix.suffix if loudness is None else ".wav"
        beside, levels = mix.with_name(f".{mix.stem}.part{kind}"), Levels(rate, channels)
        try:
            with (
                contextlib.closing(Stems(folder, rate, claims)) as layers,
                contextlib.closing(open_take(beside, rate, channels, "bounce")) as take,
            ):
                for heard in bounce.blocks():
                    layers.write(heard.layers, take.frames, len(heard.mix))
                    take.write(heard.mix)
                    if loudness is not None:
                        levels.take(heard.mix)
                    progress(len(heard.mix))
            if loudness is not None:
                gain = levels.gain_to(loudness, say)
                for path in (beside, *layers.paths):
                    rescale(path, gain, mix.suffix if path == beside else path.suffix)
                beside = beside.with_suffix(mix.suffix)
            beside.replace(mix)
        except OSError as error:
            why = error.strerror or error
            raise EngineError(f"bounce: cannot write {mix}: {why}") from None
        finally:
            beside.unlink(missing_ok=True)
    if layers.lost:
        raise EngineError(f"{'; '.join(layers.lost)}; the mix is in {mix}")
    return mix


class Stems:
    """The stems, all as long as the mix.

    Parameters
    ----------
    folder : Path, optional
        Without one nothing is written.
    rate : int [samples per second]
    claims : Claims
        Makes the files.
    """

    def __init__(self, folder: Path | None, rate: int, claims: Claims) -> None:
        self._folder, self._rate, self._claims = folder, rate, claims
        self._takes: dict[str, Take | None] = {}
        self.lost: list[str] = []
        """Why some stems cannot be written."""

    def write(self, layers: Mapping[str, F32], done: int, count: int) -> None:
        """Append each layer's samples [shape=(count, 2)] after `done` samples."""
        quiet = np.zeros((count, 2), np.float32)
        for name in {**self._takes, **layers} if self._folder else ():
            try:
                if name not in self._takes:
                    self._open(name, done)
                if (take := self._takes[name]) is not None:
                    take.write(layers.get(name, quiet))
            except (OSError, EngineError) as error:
                self._takes[name] = None
                self.lost.append(f"bounce: no stem of {name}: {error}")

    def _open(self, name: str, done: int) -> None:
        """Open a stem; it begins with silence if its layer starts late."""
        assert self._folder is not None
        self._takes[name] = None
        path = self._claims.file(self._folder / stem_name(name))
        self._takes[name] = take = open_take(path, self._rate, 2, "bounce")
        step = 1 << 18
        for start in range(0, done, step):
            take.write(np.zeros((min(step, done - start), 2), np.float32))

    @property
    def paths(self) -> list[Path]:
        """The stems that could be written."""
        return [take.path for take in self._takes.values() if take is not None]

    def close(self) -> None:
        """End all files."""
        for take in self._takes.values():
            if take is not None:
                take.close()


@click.command()
@click.argument("log", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.argument("begin")
@click.argument("end")
def main(log: Path, output: Path, begin: str, end: str) -> None:
    """Bounce for a prompt: write the file's name to standard output, or one line about an error."""
    try:
        click.echo(printable(os.fspath(bounce_file(log, output, begin, end))))
    except LatentliveError as error:
        sys.exit(printable(str(error)))
    except OSError as error:
        sys.exit(printable(reason(error)))


if __name__ == "__main__":
    main()
