"""Improvise on a piece: its own parts, or sounds like them, in an order like its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Curve, CurveLike, as_curve, hashed, inputs_of
from latentlive.errors import ExpressionError
from latentlive.expr import (
    Array,
    Child,
    Children,
    Kind,
    Maybe,
    Node,
    child,
    choice,
    declared,
    operator,
    whole,
)
from latentlive.expr.fields import shown
from latentlive.latent.base import Latent, LatentLike
from latentlive.latent.codes import CodeStudy, typical_of
from latentlive.latent.codes import heard as recorded
from latentlive.latent.oracle import MOST_ORDER, Order
from latentlive.latent.query import Query
from latentlive.latent.sources import Sound
from latentlive.latent.studying import Learner
from latentlive.latent.time import Slice
from latentlive.latent.walking import Piece
from latentlive.latent.wandering import SHORTEST, Material, Wandering

MOST_PARTS = 4096
"""Parts of a piece, and nodes of a score: an hour has parts of a second."""

CORPUS = "corpus"

GRAIN = 0.1
"""Seconds of a moment that has a code."""

LONGEST = 400.0
"""Seconds that have codes."""


def heard(value: Any, place: str) -> Latent:
    """Return a recording, or a slice of one; a name is that of a sound."""
    return recorded(Sound(value) if isinstance(value, str) else value, place)


def steady(value: Any, place: str) -> Curve:
    """Return a curve; refuse what arrives live.

    A walk depends on all its past, so a value that changes would change what was already played.
    """
    curve = as_curve(value, place)
    if inputs_of(curve):
        raise ExpressionError(
            f"{place} cannot follow what arrives live; cross two improvisers instead: "
            "interp(improvise(a, 1), improvise(a, 0.2), knob('wild'))"
        )
    return curve


class Played(Kind):
    """A recording, a list of them, or a list of node numbers."""

    numbers = Array(np.float64)
    several = Children(heard)

    def coerce(self, value: Any, place: str) -> Any:
        """Return recordings as a tuple, or numbers as an array."""
        if isinstance(value, str | Latent):
            return (heard(value, place),)
        if isinstance(value, Sequence | np.ndarray) and all(_is_number(one) for one in value):
            found = self.numbers.coerce(value, place)
            if (found < 0).any() or (found != np.floor(found)).any():
                raise ExpressionError(
                    f"{place}: nodes are whole numbers from 0, got {shown(value)}"
                )
            return found
        return self.several.coerce(value, place)

    def code(self, value: Any, nested: Callable[[Node], str]) -> str:
        """Return the code of one recording, or of a list."""
        if isinstance(value, np.ndarray):
            return self.numbers.code(value, nested)
        return nested(value[0]) if len(value) == 1 else self.several.code(value, nested)

    def plain(self, value: Any, ref: Any, keep: Any) -> Any:
        """Return a list of references, or a reference to the numbers."""
        kind = self.numbers if isinstance(value, np.ndarray) else self.several
        return kind.plain(value, ref, keep)

    def revive(self, data: Any, node: Any, kept: Any) -> Any:
        """Return what `plain` wrote."""
        kind = self.numbers if isinstance(data, dict) else self.several
        return kind.revive(data, node, kept)

    def nodes(self, value: Any) -> Sequence[Node]:
        """Return the recordings."""
        return () if isinstance(value, np.ndarray) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


class Memory(Kind):
    """The sounds of the corpus, or those of a list."""

    several = Children(heard)

    def coerce(self, value: Any, place: str) -> Any:
        """Return ``'corpus'``, or recordings as a tuple."""
        if isinstance(value, str):
            if value == CORPUS:
                return value
            raise ExpressionError(
                f"{place} is 'corpus' or a list such as [sound('gong')], got {value!r}"
            )
        return (
            (heard(value, place),)
            if isinstance(value, Latent)
            else self.several.coerce(value, place)
        )

    def code(self, value: Any, nested: Callable[[Node], str]) -> str:
        """Return the word, or a list."""
        return repr(value) if isinstance(value, str) else self.several.code(value, nested)

    def plain(self, value: Any, ref: Any, keep: Any) -> Any:
        """Return the word, or a list of references."""
        return value if isinstance(value, str) else self.several.plain(value, ref, keep)

    def revive(self, data: Any, node: Any, kept: Any) -> Any:
        """Return what `plain` wrote."""
        return data if isinstance(data, str) else self.several.revive(data, node, kept)

    def nodes(self, value: Any) -> Sequence[Node]:
        """Return the recordings of a list."""
        return () if isinstance(value, str) else value


def as_step(value: Any, place: str) -> Node:
    """Return beats as a curve; refuse a number that is too small."""
    if _is_number(value) and not SHORTEST <= float(value) <= 1e6:
        raise ExpressionError(f"{place} must be 1/64 to 1e6 beats, got {shown(value)}")
    return steady(value, place)


@operator
class Improvised(Wandering):
    """What `improvise` becomes when it is played: parts of recordings, and their order.

    A log holds it, so that it plays the same when sounds, map or corpus have changed.

    Parameters
    ----------
    recordings : list of recordings
    parts : array [shape=(n, 5)]
        Of each part: its recording, where it begins and ends there [seconds], its node, and how
        typical it is of that node (0 to 1).
    score : array [shape=(any,)], optional
        Nodes, one after another, each with a part; without it the parts are the piece, in order.
    congruence, order, every, typicality
        As for `improvise`.

    Example
    -------
    >>> improvised([sound("gong")], [[0, 0, 0.5, 1, 1], [0, 0.5, 2, 2, 1]], order=1)
    improvised([sound('gong')], [[0.0, 0.0, 0.5, 1.0, 1.0], [0.0, 0.5, 2.0, 2.0, 1.0]], order=1)
    """

    recordings: Sequence[LatentLike] = declared(Children(heard))
    parts: Sequence[Sequence[float]] | NDArray[np.float64] = declared(Array(np.float64, ndim=2))
    score: Sequence[float] | NDArray[np.float64] | None = declared(
        Maybe(Array(np.float64)), default=None
    )
    congruence: CurveLike = child(steady, default=0.8)
    order: int = whole(least=1, most=MOST_ORDER, default=4)
    every: CurveLike | None = declared(Maybe(Child(as_step)), default=None)
    typicality: CurveLike = child(steady, default=0.5)

    def __post_init__(self) -> None:
        super().__post_init__()
        parts, score = cast("NDArray[np.float64]", self.parts), self.score
        if parts.shape[1] != 5 or len(parts) > MOST_PARTS:
            raise ExpressionError(
                f"improvised: parts must have 5 numbers each, at most {MOST_PARTS}, "
                f"got shape {parts.shape}"
            )
        which, starts, stops, nodes, typical = parts.T
        whole = np.concatenate([which, nodes, [] if score is None else score])
        if (whole < 0).any() or (whole != np.floor(whole)).any() or (whole > 2**31).any():
            raise ExpressionError("improvised: recordings and nodes are whole numbers from 0")
        if (which >= len(self.recordings)).any():
            raise ExpressionError(
                f"improvised: there are {len(self.recordings)} recordings, "
                f"got number {which.max():g}"
            )
        if (starts < 0).any() or (stops <= starts).any() or (stops > 1e6).any():
            raise ExpressionError("improvised: a part must end after its start, 0 or later")
        if (typical < 0).any() or (typical > 1).any():
            raise ExpressionError("improvised: a part is typical of its node from 0 to 1")
        if score is not None:
            missing = set(score) - set(nodes.tolist())
            if missing or len(score) > MOST_PARTS:
                told = f"node {min(missing):g} has no part" if missing else "it is too long"
                raise ExpressionError(
                    f"improvised: score holds at most {MOST_PARTS} nodes that have parts: {told}"
                )

    def material(self, query: Query) -> Material:
        return self._material

    @cached_property
    def _material(self) -> Material:
        which, starts, stops, nodes, typical = cast("NDArray[np.float64]", self.parts).T
        own = self.score is None
        score = np.asarray(nodes if self.score is None else self.score, np.int64).tolist()
        if own:
            sounds = [[unit] for unit in range(len(nodes))]
        else:
            standing = {node: np.flatnonzero(nodes == node).tolist() for node in set(score)}
            sounds = [standing[node] for node in score]
        piece = Piece(Order(score, self.order), sounds, typical.tolist(), own)
        key = str(hashed(*(one.digest for one in self.children if isinstance(one, Latent)), score))
        return Material(self.recordings, which.astype(np.int64), starts, stops, piece, key)


@operator
class Improvise(Wandering, Learner):
    """Improvise on a piece, for ever: its parts, recombined in an order like its own.

    The piece is cut at its onsets, and similar parts are gathered at the nodes of a small map. A
    factor oracle over this sequence tells where else the piece could go on, and a Markov model how
    likely. Each step goes on as the piece goes, or jumps to a place with the same past.

    The sounds are the piece's own by default: so it sounds like the piece, plays at once, and needs
    no map of the corpus. With `memory` other sounds take their places.

    Parameters
    ----------
    piece : sound, its name, a slice of one; a list of them; or a list of node numbers
        A list of sounds is played whole, sound by sound. Numbers are nodes of the corpus's map,
        such as those of ``corpus.songs``, whose sounds then play.
    congruence : curve
        How likely a step goes on as the piece goes: 1 always, 0 never.
    order : int [1 to 32]
        How many parts of the past, at most, a place to jump to must share; it shares as many as
        there are elsewhere. A small number jumps farther, a large one keeps phrases.
    every : curve, optional [beats, 1/64 or more]
        From one part to the next; without it each part lasts as long as it does. A longer part is
        cut, a shorter one followed by silence.
    memory : 'corpus' or list of sounds, optional
        What is played instead of the piece's own parts: of each node on the map of the corpus, or
        of a list, the sounds that are most like it.
    over : 'segments' or 'codes'
        With ``'codes'``, moments of a tenth of a second are gathered by how the space hears them,
        and recombined: a finer grain, in which a recording goes on as long as congruence lets it.
        The first time this takes some seconds; of a long recording the first 400 seconds count.
    typicality : curve
        Which of the sounds that could play: 1 the most typical of their node, 0 the least, 0.5 any.

    Returns
    -------
    Latent
        Endless; it begins anew every four hours.

    Raises
    ------
    ExpressionError
        ``improvise: piece must be a recording or a slice of one, got prior(3); freeze it first``

    Example
    -------
    >>> improvise("gong", congruence=0.5, every=1 / 4)
    improvise(sound('gong'), 0.5, every=0.25)

    Sources: Assayag, Dubnov: Using factor oracles for machine improvisation (Soft Computing 2004);
    Tatar, Pasquier: MASOM (MUME 2017), where congruence comes from.
    """

    piece: str | LatentLike | Sequence[Any] = declared(Played())
    congruence: CurveLike = child(steady, default=0.8)
    order: int = whole(least=1, most=MOST_ORDER, default=4)
    every: CurveLike | None = declared(Maybe(Child(as_step)), default=None)
    memory: str | LatentLike | Sequence[Any] | None = declared(Maybe(Memory()), default=None)
    over: Literal["segments", "codes"] = choice("segments", "codes", default="segments")
    typicality: CurveLike = child(steady, default=0.5)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.over == "segments":
            return
        if isinstance(self.piece, np.ndarray) or len(self.recorded) > 1:
            raise ExpressionError(
                "improvise: codes are of one recording, got a list; join them first: near, cluster"
            )
        for name, given in (("memory", self.memory), ("every", self.every)):
            if given is not None:
                raise ExpressionError(
                    f"improvise: codes are the piece's own, a tenth of a second each; "
                    f"leave {name} out"
                )

    @property
    def recorded(self) -> Sequence[Latent]:
        """The recordings of the piece."""
        return cast("Sequence[Latent]", self.piece)

    @property
    def _recording(self) -> Latent:
        return self.recorded[0]

    @property
    def taught(self) -> Sequence[Latent]:
        return (self._recording,)

    def subject(self, query: Query) -> tuple[object, ...]:
        return "moments", self._recording.digest, GRAIN

    def study(self, query: Query) -> CodeStudy:
        length = query.scope.length(self._recording)
        assert isinstance(length, Fraction)
        seconds = min(float(length / query.world.frames(1.0)), LONGEST)
        count = max(int(seconds / GRAIN), 1)
        each = min(seconds, GRAIN)  # of a sound shorter than that, all is one
        moments = (np.arange(count)[:, None] + np.array([0.25, 0.75])) * each
        return CodeStudy(self._recording, moments, max(round(math.sqrt(count)), 1), query)

    def material(self, query: Query) -> Material | None:
        if self.over == "segments":
            raise ExpressionError("improvise: not heard yet; give it to a layer, or render it")
        found = query.world.lesson(self, query)
        if found is None:
            return None
        study = cast("CodeStudy", found)
        known: Material | None = study.memo.get(self.digest)
        if known is None:
            length = query.scope.length(self._recording)
            each = min(float(length / query.world.frames(1.0)), GRAIN)
            known = study.memo[self.digest] = self._moments_of(study, each)
        return known

    def _moments_of(self, study: CodeStudy, each: float) -> Material:
        labels, away = study.codes.labels, study.codes.away
        codes, typical = labels.tolist(), typical_of(labels, away)
        count, given = len(codes), self._recording
        recording, since = (given.of, given.start) if isinstance(given, Slice) else (given, 0.0)
        starts = since + np.arange(count, dtype=np.float64) * each
        piece = Piece(Order(codes, self.order), [[i] for i in range(count)], typical, True)
        which = np.zeros(count, np.int64)
        key = str(hashed(self._recording.digest, "codes"))
        return Material([recording], which, starts, starts + each, piece, key)
