"""``space(...)`` at the prompt: a space's facts, and its present speed on this machine."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import numpy as np

from latentlive.errors import LatentliveError, printable
from latentlive.models import load_model
from latentlive.renderer import usual_hop
from latentlive.space import Space

COLUMNS = 78
BESIDE = 10
"""Columns for a row's name."""

NAMED = 16
"""Most dimensions listed by name."""

DRAWS = 512
"""Vectors drawn from a prior to estimate the ranges of its numbers."""

LONGEST = 300
"""Most characters of a file's text in a row."""


class Sheet:
    """A space's description in a few rows; printing it measures the speed.

    Parameters
    ----------
    model : str
        As `load_model` takes it.

    Raises
    ------
    ModelError
        If there is no such space.
    """

    def __init__(self, model: str) -> None:
        self._model, self._space = model, load_model(model or None)

    def __repr__(self) -> str:
        lines: list[str] = []
        for name, text in [*rows(self._space), ("speed", self._speed())]:
            room = COLUMNS - BESIDE
            first, *more = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
            lines += [f"{name:<{BESIDE}}{first}", *(f"{'':<{BESIDE}}{row}" for row in more)]
        return "\n".join(lines)

    def _speed(self) -> str:
        from latentlive.engine.render.speed import measure

        try:
            (found,) = measure(self._model, behind=True)
        except LatentliveError as error:
            return f"not measured: {printable(str(error).removeprefix('speed: '))}"
        slow = '; play it with .frozen("name")' if found.decode < 1.0 else ""
        return f"one core {found}, measured now{slow}"


def rows(space: Space) -> Iterator[tuple[str, str]]:
    """Yield the rows of a space's description, each a name and a text."""
    rate = space.sample_rate
    hop = usual_hop(space)
    straight = ", mixed in straight lines only" if space.linear else ""
    yield "space", f"{printable(space.name)} ({type(space).__name__}){straight}"
    yield "rate", f"{rate} Hz, {'mono' if space.channels == 1 else f'{space.channels} channels'}"
    own = "" if space.hop else " where .overlap(k) sets no other"
    yield "window", f"{_samples(space.window, rate)}, hop {_samples(hop, rate)}{own}"
    yield "dims", str(space.dims)
    if space.names:
        yield "named", named(space)
    yield "axes", ", ".join(space.axes) or "none"
    yield "reach", reach(space)
    yield "prior", prior(space)
    yield "encodes", encodes(space, hop)
    if space.training:
        said = (f"{key} {value}" for key, value in space.training.items())
        yield "trained", _short(", ".join(said))
    if space.licence:
        yield "licence", _short(space.licence)


def named(space: Space) -> str:
    """Return the names of dimensions, each with the range of nine in ten vectors of the prior."""
    names = [printable(name) for name in space.names[:NAMED]]
    if space.prior is not None:
        count = space.prior.draws or space.dims
        drawn = np.random.default_rng(0).standard_normal((DRAWS, count), np.float32)
        low, high = np.quantile(space.prior.vectors(drawn), (0.05, 0.95), axis=0)
        names = [f"{n} {a:.2g} to {b:.2g}" for n, a, b in zip(names, low, high, strict=False)]
    more = len(space.names) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def reach(space: Space) -> str:
    """Return the row about how far decoding and encoding read before and after a moment."""

    def told(work: str, before: int, after: int) -> str:
        times = (f"{count / space.sample_rate:.2g} s" for count in (before, after))
        return "{} reads {} before a moment, {} after it".format(work, *times)

    text = told("decoding", *decoded_from(space))
    return f"{text}; {told('encoding', *encoded_from(space))}" if space.encodes else text


def decoded_from(space: Space) -> tuple[int, int]:
    """Return how far before and after a sample its decoding reads vectors [samples]."""
    hop = usual_hop(space)
    block = (space.block - 1) * hop
    return space.window + block + space.behind * hop, block + space.ahead * hop


def encoded_from(space: Space) -> tuple[int, int]:
    """Return how far before and after a vector its encoding reads samples [samples]."""
    page = max(space.page - 1, 0) * usual_hop(space) + space.margin
    return page, page + space.window


def prior(space: Space) -> str:
    """Return the row about a space's prior."""
    if space.prior is None:
        return "none"
    if space.prior.draws:
        return f"yes, each vector made of {space.prior.draws} numbers"
    return "yes, drawn number by number"


def encodes(space: Space, hop: int) -> str:
    """Return the row about how a space encodes recordings."""
    if not space.encodes:
        return "no recordings"
    if not space.page:
        return "recordings, window by window"
    return f"recordings, by pages of {space.page * hop / space.sample_rate:.2g} s"


def _samples(count: int, rate: int) -> str:
    return f"{count} samples ({count / rate * 1e3:.3g} ms)"


def _short(text: str) -> str:
    """Return a file's text as one row, without terminal control characters."""
    said = printable(" ".join(text.split()))
    return said if len(said) <= LONGEST else f"{said[:LONGEST]} ..."
