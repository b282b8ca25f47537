"""Rendering to samples or to a file: exactly the expression's samples, no gain, no limiter."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from latentlive.corpus import Corpus
from latentlive.corpus.takes import Flac, Wav
from latentlive.curves import standing
from latentlive.errors import ExpressionError, LatentliveError
from latentlive.expr.fields import shown
from latentlive.latent import Follow, Lesson, Texture
from latentlive.models import load_model
from latentlive.renderer.channels import Channels, write_blocks
from latentlive.renderer.frozen import as_played
from latentlive.renderer.measuring import measured_here
from latentlive.renderer.rendering import Rendering
from latentlive.renderer.scoring import Scoring, scored
from latentlive.renderer.sounds import corpus_sounds
from latentlive.space import Space
from latentlive.units import Samples, Tempo

BLOCK_WINDOWS = 172
FORMATS: dict[str, type[Wav | Flac]] = {".wav": Wav, ".flac": Flac}


def render(
    texture: Texture,
    seconds: float | None = None,
    *,
    model: Space | str | os.PathLike[str] | None = None,
    corpus: Corpus | str | os.PathLike[str] | None = None,
    seed: int = 0,
    tempo: float = 60.0,
    start: Mapping[str | int, float] | None = None,
) -> Samples:
    """Return an expression's samples.

    Parameters
    ----------
    texture : Latent
    seconds : float [seconds, > 0], optional
        Length of the result; required only for an expression that never ends. A finite one is cut
        or padded with silence.
    model : Space or path, optional
        Default: the starter model.
    corpus : Corpus or path, optional
        Default: the starter corpus.
    seed : int
    tempo : float [beats per minute]
    start : mapping, optional
        Values of live curves, by the name of a knob, an OSC address such as ``/wrist/x``, or the
        number of a MIDI controller; others stay at the start that the expression gives.

    Returns
    -------
    array [shape=(n,), float32]
        Or [shape=(n, 2)] where it plays stereo recordings.

    Raises
    ------
    ExpressionError
        ``render: the expression never ends; say how many seconds``

    Example
    -------
    >>> from latentlive.space import ToySpace
    >>> len(render(sound(np.zeros(6400)), model=ToySpace()))
    6400
    """
    rendering, total = prepare(
        texture, seconds, model=model, corpus=corpus, seed=seed, tempo=tempo, start=start
    )
    return np.concatenate(list(render_blocks(rendering, total)))


class HeldOut(NamedTuple):
    """How well a `follow` predicts sound that it has not heard.

    Parameters
    ----------
    rows : int
        Moments that it learns from.
    seconds : float [seconds]
        How long movement and sound run together, at most four minutes.
    explained : float [<= 1]
        Of the last fifth, after learning from the rest: 1 less the mean error, against that of
        predicting the mean.
    """

    rows: int
    seconds: float
    explained: float


def held_out(
    texture: Texture,
    *,
    model: Space | str | os.PathLike[str] | None = None,
    corpus: Corpus | str | os.PathLike[str] | None = None,
) -> HeldOut:
    """Return how well a `follow` predicts sound that it has not heard, in a space.

    Parameters
    ----------
    texture : Latent
        A ``follow(...)``.
    model, corpus
        As for `render`.

    Raises
    ------
    ExpressionError

    Example
    -------
    >>> from latentlive.space import ToySpace
    >>> held_out(follow(sine(8), sound(np.ones(132300))), model=ToySpace()).rows
    75
    """
    if not isinstance(texture, Follow):
        raise ExpressionError(f"held_out: expected a follow(...), got {shown(texture)}")
    scope = prepare(texture, 1.0, model=model, corpus=corpus)[0].scope
    lesson = scope.world.lesson(texture, scope.query(np.zeros(0), np.zeros(0), 0))
    assert isinstance(lesson, Lesson)
    return HeldOut(len(lesson.seconds), texture.lasts(scope), lesson.explained)


def prepare(
    texture: Texture,
    seconds: float | None = None,
    *,
    model: Space | str | os.PathLike[str] | None = None,
    corpus: Corpus | str | os.PathLike[str] | None = None,
    seed: int = 0,
    tempo: float = 60.0,
    start: Mapping[str | int, float] | None = None,
) -> tuple[Channels, int]:
    """Return a rendering and its number of samples; parameters as in `render`."""
    space = load_model(model) if model is None or isinstance(model, str | os.PathLike) else model
    library = corpus if isinstance(corpus, Corpus) else Corpus(corpus)
    sounds = corpus_sounds(library, space.sample_rate)
    clock = Tempo(tempo, space.sample_rate)
    texture = scored(texture, Scoring(library, sounds, space.sample_rate))
    named = os.fspath(model) if isinstance(model, str | os.PathLike) else ""
    texture = measured_here(as_played(texture, library), space, named, library)
    rendering = Channels(texture, space, sounds, seed=seed, tempo=clock)
    if start:
        rendering.listen(standing(start, space.sample_rate), 0, 0)
    if seconds is not None:
        if not 0 < seconds <= 24 * 3600:
            raise ExpressionError(f"render: seconds must be > 0 and at most a day, got {seconds:g}")
        return rendering, max(round(seconds * space.sample_rate), 1)
    if rendering.length is None:
        raise ExpressionError("render: the expression never ends; say how many seconds")
    return rendering, rendering.length


def render_blocks(rendering: Channels | Rendering, total: int) -> Iterator[Samples]:
    """Yield samples 0 to `total` of a rendering, block by block."""
    step = BLOCK_WINDOWS * rendering.hop
    for start in range(0, total, step):
        yield rendering.samples(start, min(start + step, total))


def file_format(path: Path) -> type[Wav | Flac]:
    """Return the writer for a file, or refuse a file that cannot be written.

    Raises
    ------
    LatentliveError
        If the suffix is unknown or the folder is missing.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise LatentliveError(f"render: the file must end in .wav or .flac, got {path.name!r}")
    if not os.path.isdir(path.parent):
        raise LatentliveError(f"render: no folder {os.fspath(path.parent)!r}")
    return kind


def render_file(
    path: Path,
    rendering: Channels,
    total: int,
    progress: Callable[[int], object],
    blocks: Iterable[Samples] | None = None,
) -> None:
    """Write a rendering to a file, whole or not at all: ``.wav`` 32-bit float, ``.flac`` 24-bit.

    Parameters
    ----------
    path : Path
    rendering, total
        From `prepare`.
    progress : function of a number of samples
        Called with each block written.
    blocks : iterable of samples, optional
        All of them, where something else renders them; by default they are rendered here.

    Raises
    ------
    LatentliveError
        If the suffix is unknown or the file cannot be written.
    """
    from latentlive.ground.files import write_whole

    kind = file_format(path)

    def write(beside: Path) -> None:
        take = kind(beside, rendering.rate, rendering.count)
        here = render_blocks(rendering, total) if blocks is None else blocks
        write_blocks(take, here, progress)

    try:
        write_whole(path, write)
    except OSError as error:
        why = error.strerror or error
        raise LatentliveError(f"render: cannot write {path}: {why}") from None
