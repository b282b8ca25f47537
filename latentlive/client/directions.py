"""Directions of spaces at the prompt: looked up, measured where they are missing, and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from latentlive.client.freezing import Freezing
from latentlive.client.views import Shown, Table
from latentlive.corpus import Corpus
from latentlive.latent import Texture, join_of
from latentlive.latent.directions import Directed, unmeasured
from latentlive.models import digest_of, facts_of
from latentlive.protocol.replies import Welcome
from latentlive.renderer.directions import MEASURED, Directions, Held
from latentlive.renderer.measuring import Measuring, with_measured

WEAK = 0.3
"""The least R^2 at which a word promises anything."""

HEADS = ("space", "word", "R2", "rises in", "does of 1")


class Performing(Protocol):
    """The part of an engine that measuring uses."""

    corpus: Corpus
    freezing: Freezing

    @property
    def welcome(self) -> Welcome: ...


class Measurements:
    """The directions of the spaces of a performance.

    Parameters
    ----------
    engine : Performing
    say : function of a line
        Told how well a word holds in a space, when it is first used there.
    """

    def __init__(self, engine: Performing, say: Callable[[str], object]) -> None:
        self._engine, self._say = engine, say
        self._known: dict[str, tuple[str, Directions]] = {}
        self._told: set[tuple[str, str]] = set()

    def applied(self, texture: Texture) -> Texture:
        """Return a texture with its directions, as far as they are measured; begin to measure."""
        lacking = unmeasured(texture)
        if not lacking:
            return texture
        job = self._job(join_of(texture).model)
        found = self._found(job)
        if found is None:
            self._engine.freezing.make(job)
            return texture
        for word in lacking:
            self._tell(job, word, found)
        return with_measured(texture, found)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The words in each space that was used, and in the one that plays."""
        self._found(self._job(None))
        return [
            (space, word.word, f"{held.explained:.2f}", f"{held.rising:.0%}", f"{held.effect:.2f}")
            for space, found in self._known.values()
            for word in MEASURED
            for held in [found.held[word.descriptor]]
        ]

    @property
    def missing(self) -> str:
        """What is said while nothing is measured."""
        return f"{self._job(None).noun} are not measured yet; .brighter(1) measures them"

    def _found(self, job: Measuring) -> Directions | None:
        known = self._known.get(job.digest)
        if known is None:
            found = job.kept()
            if found is None:
                return None
            known = self._known[job.digest] = job.space, found
        return known[1]

    def _job(self, model: str | None) -> Measuring:
        welcome, corpus = self._engine.welcome, self._engine.corpus.given
        if model is None:
            return Measuring(welcome.file, welcome.space["name"], welcome.digest, corpus)
        rate = welcome.sample_rate
        return Measuring(model, facts_of(model, rate).name, digest_of(model, rate), corpus)

    def _tell(self, job: Measuring, word: Directed, found: Directions) -> None:
        if (job.digest, word.word) not in self._told:
            self._told.add((job.digest, word.word))
            self._say(told(word.word, job.space, found.held[word.descriptor]))


def told(word: str, space: str, held: Held) -> str:
    """Return how well a word holds in a space, in one line.

    >>> told("brighter", "spectral", Held(0.914, 1.0, 0.9))
    'brighter in spectral: R2 0.91, rises in 100% of sounds that it was not learned from'
    >>> told("noisier", "mine", Held(0.1, 0.25, 0.0))
    'noisier hardly holds in mine: R2 0.10, rises in 25% of sounds that it was not learned from'
    """
    holds = "in" if held.explained >= WEAK else "hardly holds in"
    colon = f"{word} {holds} {space}: R2 {held.explained:.2f}"
    return f"{colon}, rises in {held.rising:.0%} of sounds that it was not learned from"


class DirectionView(Shown):
    """How well brighter, rougher and noisier hold in the spaces of this performance.

    Of sounds of the corpus that nothing was learned from: R2 is how much of the descriptor the
    vectors tell (1 is all), then in how many of the sounds it rises all the way from -2 to 2, and
    what it does where it is asked for 1.

    Example
    -------
    ``directions``
    """

    _called = "directions"

    def __init__(self, measurements: Measurements) -> None:
        self._measurements = measurements

    @property
    def table(self) -> Table:
        """The present rows."""
        rows = self._measurements.rows
        return Table(HEADS, rows, "" if rows else self._measurements.missing)
