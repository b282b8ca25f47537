"""From an improviser as it is typed to one that can be played: its parts, and their order.

What it depends on, map and corpus, can change: all that was found is written into the expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from latentlive import som
from latentlive.corpus import Corpus
from latentlive.corpus.choosing import row_of
from latentlive.corpus.map import labelled
from latentlive.corpus.parts import parts_of
from latentlive.corpus.store import keep
from latentlive.corpus.thumbnails import DURATION, Scale
from latentlive.errors import ExpressionError, SoundError
from latentlive.expr.replacing import replaced
from latentlive.latent import Improvise, Improvised, Latent, Recorded, Slice, Sound, Texture
from latentlive.latent.codes import typical_of
from latentlive.latent.improvising import CORPUS, MOST_PARTS
from latentlive.renderer.sounds import Sounds
from latentlive.units import Floats

PER_NODE = 3
"""Parts of a piece for a node of its own map."""

MOST_SOUNDS = 192
"""Sounds of the corpus in one improviser, unless it has more nodes: each is decoded for it."""

MOST_OF_NODE = 12
"""Sounds of the corpus that stand for one node."""


@dataclass(frozen=True)
class Scoring:
    """Where sounds and their parts come from.

    Parameters
    ----------
    corpus : Corpus
    sounds : function of a recorded source to its Audio
    rate : int [samples per second]
        Of the sounds.
    patience : float or None [seconds]
        How long to wait for parts that are being found.
    """

    corpus: Corpus
    sounds: Sounds
    rate: int
    patience: float | None = None


@dataclass(frozen=True)
class Cut:
    """A part of a recording, with its thumbnail [shape=(35,)]."""

    recording: Latent
    start: float
    stop: float
    thumbnail: Floats


def scored(texture: Texture, given: Scoring) -> Texture:
    """Return a texture whose improvisers have their parts and their order.

    Raises
    ------
    LatentliveError
        If a piece cannot be heard, or the corpus has no map but needs one.
    """
    if not any(isinstance(node, Improvise) and node.over == "segments" for node in texture.walk()):
        return texture

    def change(node: object) -> object:
        if isinstance(node, Improvise) and node.over == "segments":
            return _scored(node, given)
        return node

    return cast("Texture", replaced(texture, change))  # type: ignore[arg-type]


def _scored(node: Improvise, given: Scoring) -> Improvised:
    if isinstance(node.piece, np.ndarray):
        score, cuts, nodes = _by_numbers(node, given)
        return _improvised(cuts, nodes, score, node)
    cuts = _cut(node.recorded, given)
    if node.memory is None:
        labels, typical = _own(cuts)
        return _improvised(cuts, list(zip(labels, typical, strict=True)), None, node)
    thumbnails = np.array([cut.thumbnail for cut in cuts])
    if node.memory == CORPUS:
        mapped = given.corpus.need_map()
        labels = _nearest(mapped.scale.normal(thumbnails), mapped.nodes)
        cuts, nodes = _of_corpus(sorted(set(labels)), given)
    else:
        scale = Scale.of(thumbnails)
        table = _trained(scale.normal(thumbnails))
        labels = _nearest(scale.normal(thumbnails), table)
        cuts, nodes = _of_list(_memory(node), sorted(set(labels)), table, given)
    return _improvised(cuts, nodes, labels, node)


def _memory(node: Improvise) -> Sequence[Latent]:
    return cast("Sequence[Latent]", node.memory)


def _improvised(
    cuts: Sequence[Cut],
    nodes: Sequence[tuple[int, float]],
    score: Sequence[int] | None,
    node: Improvise,
) -> Improvised:
    recordings = list({cut.recording.digest: cut.recording for cut in cuts}.values())
    numbers = {recording.digest: i for i, recording in enumerate(recordings)}
    parts = [
        [numbers[cut.recording.digest], cut.start, cut.stop, at, typical]
        for cut, (at, typical) in zip(cuts, nodes, strict=True)
    ]
    return Improvised(
        recordings,
        np.array(parts),
        None if score is None else np.array(score, np.float64),
        node.congruence,
        node.order,
        node.every,
        node.typicality,
    )


def _cut(piece: Sequence[Latent], given: Scoring) -> list[Cut]:
    """Return the parts of a piece: of one recording its own, of several each as a whole."""
    if len(piece) == 1:
        return _parts(piece[0], given)
    if len(piece) > MOST_PARTS:
        raise ExpressionError(
            f"improvise: piece must have at most {MOST_PARTS} sounds, got {len(piece)}"
        )
    return [_whole(one, given) for one in piece]


def _parts(latent: Latent, given: Scoring) -> list[Cut]:
    recording, start, stop = _placed(latent, given)
    audio = given.sounds(recording)
    if isinstance(recording, Sound) and not isinstance(recording.source, str):
        audio = keep(audio)  # for the process that hears it
    rows = parts_of(audio, given.rate, "improvise", given.patience)
    cuts = []
    for first, last, *thumbnail in rows.tolist():
        first, last = max(first, start), min(last, stop)
        if last - first > 1e-3 or len(rows) == 1:
            cuts.append(Cut(recording, first, last, np.array(thumbnail)))
    if not cuts:  # silent there
        cuts.append(Cut(recording, start, stop, rows[0, 2:]))
    return cuts


def _placed(latent: Latent, given: Scoring) -> tuple[Recorded, float, float]:
    """Return a recording, and where it begins and ends to be heard [seconds]."""
    inner = latent.of if isinstance(latent, Slice) else latent
    assert isinstance(inner, Recorded)
    end = len(given.sounds(inner).samples) / given.rate
    if not isinstance(latent, Slice):
        return inner, 0.0, end
    if latent.start >= end:
        raise ExpressionError(
            f"slice: start must be before the end at {end:.2f} seconds, got {latent.start:g}"
        )
    return inner, latent.start, min(latent.stop, end)


def _whole(latent: Latent, given: Scoring) -> Cut:
    """Return a sound as one part; its thumbnail is that of the map, or its parts' mean."""
    recording, start, stop = _placed(latent, given)
    mapped = given.corpus.mapped
    if mapped is not None and isinstance(latent, Sound) and isinstance(latent.source, str):
        row = row_of(given.corpus, mapped, latent.source)
        if row is not None:
            return Cut(recording, start, stop, mapped.thumbnails[row].astype(np.float64))
    parts = _parts(latent, given)
    spans = [part.stop - part.start for part in parts]
    mean = np.average([part.thumbnail for part in parts], axis=0, weights=spans)
    mean[DURATION] = 1000.0 * (stop - start)
    return Cut(recording, start, stop, mean)


def _trained(vectors: Floats) -> Floats:
    """Return the nodes of a small map of some parts."""
    side = max(int((len(vectors) // PER_NODE) ** 0.5), 1)
    return som.train(vectors, side)


def _nearest(vectors: Floats, nodes: Floats) -> list[int]:
    if len(nodes) < 2:
        return [0] * len(vectors)
    found: list[int] = labelled(vectors, nodes)[0].tolist()
    return found


def _own(cuts: Sequence[Cut]) -> tuple[list[int], list[float]]:
    """Return the node of each part on a map of all, and how typical of it each is."""
    thumbnails = np.array([cut.thumbnail for cut in cuts])
    vectors = Scale.of(thumbnails).normal(thumbnails)
    nodes = _trained(vectors)
    labels = _nearest(vectors, nodes)
    away = np.linalg.norm(vectors - nodes[labels], axis=1)
    return labels, typical_of(np.array(labels), away)


def _by_numbers(
    node: Improvise, given: Scoring
) -> tuple[list[int], list[Cut], list[tuple[int, float]]]:
    """Return the score of node numbers, and the sounds that play it."""
    mapped = given.corpus.need_map()
    score = np.asarray(node.piece).astype(int).tolist()
    if len(score) > MOST_PARTS:
        raise ExpressionError(
            f"improvise: piece must have at most {MOST_PARTS} nodes, got {len(score)}"
        )
    beyond = max(score)
    if beyond >= len(mapped.nodes):
        raise ExpressionError(
            f"improvise: the map has nodes 0 to {len(mapped.nodes) - 1}, got {beyond}"
        )
    asked = sorted(set(score))
    if node.memory is None or node.memory == CORPUS:
        cuts, nodes = _of_corpus(asked, given)
    else:
        cuts, nodes = _of_list(_memory(node), asked, mapped.nodes, given)
    return score, cuts, nodes


def _of_corpus(asked: Sequence[int], given: Scoring) -> tuple[list[Cut], list[tuple[int, float]]]:
    """Return the sounds that stand for some nodes of the corpus's map, nearest to each first."""
    mapped = given.corpus.need_map()
    most = min(max(MOST_SOUNDS // len(asked), 1), MOST_OF_NODE)
    cuts: list[Cut] = []
    nodes: list[tuple[int, float]] = []
    why: SoundError | None = None
    for node in asked:
        found: list[Cut] = []
        for row in mapped.map.cluster(mapped.map.filled(node)):
            sound = Sound(mapped.names[row])
            try:
                end = len(given.sounds(sound).samples) / given.rate
            except SoundError as error:
                why = error
                continue
            found.append(Cut(sound, 0.0, end, mapped.thumbnails[row]))
            if len(found) == most:
                break
        if not found:
            raise why or SoundError(f"improvise: node {node} of the map has no sounds")
        cuts += found
        nodes += zip([node] * len(found), np.linspace(1.0, 0.0, len(found)).tolist(), strict=True)
    return cuts, nodes


def _of_list(
    memory: Sequence[Latent],
    asked: Sequence[int],
    table: Floats,
    given: Scoring,
) -> tuple[list[Cut], list[tuple[int, float]]]:
    """Return the sounds of a list that stand for some nodes: its own, or else the nearest.

    Each side is measured on its own scale: what is bright among these sounds stands for what is
    bright in the piece. On one scale, sounds unlike the piece would all lie at one node.
    """
    wholes = [_whole(one, given) for one in memory]
    thumbnails = np.array([one.thumbnail for one in wholes])
    vectors = Scale.of(thumbnails).normal(thumbnails)
    labels = np.array(_nearest(vectors, table))
    cuts: list[Cut] = []
    nodes: list[tuple[int, float]] = []
    for node in asked:
        away = np.linalg.norm(vectors - table[node], axis=1)
        own = np.flatnonzero(labels == node)
        order = own[np.argsort(away[own], kind="stable")] if len(own) else [int(np.argmin(away))]
        for place, row in enumerate(order):
            cuts.append(wholes[row])
            nodes.append((node, 1.0 - place / max(len(order) - 1, 1)))
    return cuts, nodes
