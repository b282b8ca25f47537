"""Where on the map a texture is: the texture itself, read in a space whose vectors are places.

A vector is (x, y, 1) at a sound's place, and (0, 0, 0) where it is silent. Mixes are linear, so
``interp``, ``path``, ``cat`` and all that moves in time lead to the place between the sounds, and
the last number to how much of it is there. Further numbers tell how much of each recording is
heard. What moves vectors in the space itself has no place: it is left out, or nowhere.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from latentlive.corpus.atlas import Atlas
from latentlive.corpus.choosing import cluster_rows, nearest_row
from latentlive.corpus.index import Mapped
from latentlive.curves import Clock, Tapes
from latentlive.expr import Node
from latentlive.expr.replacing import replaced
from latentlive.latent import (
    Cluster,
    Latent,
    Latents,
    Learner,
    Loop,
    Near,
    OnMap,
    Place,
    Query,
    Recorded,
    Reseeded,
    Scope,
    Sound,
    Spot,
    Touch,
    Z,
    join_of,
    silence,
)
from latentlive.latent.places import nearest
from latentlive.models import facts_of
from latentlive.protocol.clip import Clip, Source
from latentlive.renderer.dryworld import DryWorld
from latentlive.renderer.sounds import stored_sounds
from latentlive.space import F32, Facts, Prior
from latentlive.units import Floats

HEAD = 3
"""The numbers of a vector before those of its recordings: x, y and how much."""

NOTHING = 1e-3
"""The part of a mix below which it is nowhere."""

MOST_RECORDINGS = 48
"""Recordings of a texture that light up."""

MOST_ROWS = 24
"""Sounds of a recording that is several: of a cluster, those nearest to it."""

Area = dict[int, float]
"""Rows of the map, each with its part."""


class NowhereError(Exception):
    """A texture has no place on the map."""


def where(sound: Recorded, mapped: Mapped) -> Area:
    """Return the rows of the map that a recording consists of, none if it is not on the map."""
    if isinstance(sound, Spot):
        rows = [sound.row]
    elif isinstance(sound, Sound):
        row = mapped.row(sound.source) if isinstance(sound.source, str) else None
        rows = [] if row is None else [row]
    elif isinstance(sound, Place):
        rows = [nearest_row(mapped, sound.x, sound.y)]
    elif isinstance(sound, Cluster):
        found = sound.n, sound.seconds, sound.valence, sound.arousal
        rows = cluster_rows(mapped, lambda line: None, *found)[:MOST_ROWS]
    elif isinstance(sound, Near) and isinstance(sound.sound, Sound):
        row = mapped.row(sound.sound.source) if isinstance(sound.sound.source, str) else None
        rows = [] if row is None else mapped.map.near(row, min(sound.n, MOST_ROWS))
    else:
        rows = []
    return {row: 1.0 / len(rows) for row in rows}


class PlaceWorld(DryWorld):
    """Sounds as places on a map.

    Parameters
    ----------
    source : Source
        With the digests of its recordings, whose lengths count.
    facts : Facts
        Of the space that plays it.
    rate : int [samples a second]
    mapped : Mapped
    recordings : sequence of recorded sources
        Those that are told apart.
    """

    def __init__(
        self,
        source: Source,
        facts: Facts,
        rate: int,
        mapped: Mapped,
        recordings: Sequence[Recorded],
    ) -> None:
        facts = replace(facts, dims=HEAD + len(recordings), encodes=True)
        super().__init__(stored_sounds(source.sounds), facts, rate)
        self._mapped = mapped
        self._columns = {one.digest: HEAD + n for n, one in enumerate(recordings)}
        self._vectors: dict[str, F32] = {}

    def read(self, source: Node, query: Query) -> Latents:
        """Return a recorded source's place at every position of a query."""
        recorded = cast("Recorded", source)
        vector = self._vectors.get(recorded.digest)
        if vector is None:
            vector = self._vectors[recorded.digest] = self._vector(recorded)
        mean = np.tile(vector, (len(query.frames), 1))
        return Latents(mean, np.zeros_like(mean))

    def _vector(self, recorded: Recorded) -> F32:
        vector = np.zeros(self.dims, np.float32)
        if isinstance(recorded, Spot):
            places: Floats = cast("Atlas", recorded.atlas).places
        else:
            assert self._mapped.places is not None
            places = self._mapped.places
        for row, part in where(recorded, self._mapped).items():
            vector[:HEAD] += np.float32(part) * np.array([*places[row], 1.0], np.float32)
        if recorded.digest in self._columns:
            vector[self._columns[recorded.digest]] = 1.0
        return vector

    def prior(self, word: str) -> Prior:
        """Return a prior that lies nowhere."""
        return Prior(0.0, 0.0)


def _still(node: Node) -> Node:
    """Return a node without what moves vectors, or is none on the map."""
    if isinstance(node, Learner):
        raise NowhereError
    if isinstance(node, Touch) and not isinstance(node, Reseeded) and node.word != "smooth":
        return node.of
    return silence if isinstance(node, Z) else node


@dataclass(frozen=True)
class Stretch:
    """Where a texture is at some samples.

    Parameters
    ----------
    x, y, much : array [shape=(n,)]
        `much` is 0 where it is nowhere.
    lit : dict of array [shape=(n,)]
        How much of each row of the map is heard.
    """

    x: Floats
    y: Floats
    much: Floats
    lit: dict[int, Floats]

    def crossed(self, after: Stretch, part: Floats) -> Stretch:
        """Return the way from here to another, `part` of it gone [shape=(n,)]."""
        before = (1.0 - part) * self.much
        then = part * after.much
        much = before + then
        safe = np.where(much > NOTHING, much, 1.0)
        x, y = ((before * a + then * b) / safe for a, b in ((self.x, after.x), (self.y, after.y)))
        lit = {row: (1.0 - part) * heard for row, heard in self.lit.items()}
        for row, heard in after.lit.items():
            lit[row] = np.maximum(lit.get(row, 0.0), part * heard)
        return Stretch(x, y, much, lit)


class Moving:
    """A clip as a place that moves on the map.

    Parameters
    ----------
    clip : Clip
    facts : Facts
        Of the engine's space.
    rate : int [samples a second]
    mapped : Mapped

    Raises
    ------
    NowhereError
        If it has no place there.
    LatentliveError
        If it cannot be read.
    """

    def __init__(self, clip: Clip[Source], facts: Facts, rate: int, mapped: Mapped) -> None:
        self._clip, self._places = clip, mapped.places
        self._before: Moving | None = None
        if clip.crossing is not None:
            with contextlib.suppress(NowhereError):
                self._before = Moving(clip.crossing.before, facts, rate, mapped)
        join = join_of(clip.source.expr)
        facts = facts if join.model is None else facts_of(join.model, rate)
        latent = cast("Latent", replaced(join.latent, _still))
        nodes = list(latent.walk())
        recorded = {one.digest: one for one in nodes if isinstance(one, Recorded)}
        recordings = list(recorded.values())[:MOST_RECORDINGS]
        self._areas = [where(one, mapped) for one in recordings]
        self._roams = any(isinstance(one, OnMap) for one in nodes)
        if not (self._roams or any(self._areas)):
            raise NowhereError
        world = PlaceWorld(clip.source, facts, rate, mapped, recordings)
        self._frame = facts.window * (rate / facts.sample_rate)
        self._scope = Scope(world, beat_frames=clip.tempo.beat_samples / self._frame)
        ends = not math.isinf(self._scope.length(latent))
        self._latent = Loop(latent, 0) if ends and not isinstance(latent, Loop) else latent

    def at(self, samples: Floats, seed: int, tapes: Tapes) -> Stretch:
        """Return where it is at some global samples [shape=(n,)]."""
        found, crossing = self._alone(samples, seed, tapes), self._clip.crossing
        if crossing is None:
            return found
        part = np.clip((samples - crossing.at) / max(crossing.over, 1), 0.0, 1.0)
        if self._before is None:
            return replace(found, much=part * found.much)
        return self._before.at(samples, seed, tapes).crossed(found, part)

    def _alone(self, samples: Floats, seed: int, tapes: Tapes) -> Stretch:
        """Return where its own texture is, without the one before."""
        since, tempo = samples - self._clip.origin, self._clip.tempo
        clock = Clock(since, tempo, tapes, self._clip.origin - self._clip.lead)
        query = self._scope.query(since / self._frame, tempo.beats(since), seed, clock)
        found = query.latents(self._latent).mean.astype(np.float64)
        there = np.abs(found[:, 2]) > NOTHING
        safe = np.where(there, found[:, 2], 1.0)
        x, y = (np.clip(found[:, i] / safe, 0.0, 1.0) for i in range(2))
        much = np.where(there, np.clip(np.abs(found[:, 2]), 0.0, 1.0), 0.0)
        lit: dict[int, Floats] = {}
        for column, area in enumerate(self._areas, HEAD):
            part = np.clip(found[:, column], 0.0, 1.0)
            for row in area:
                lit[row] = np.maximum(lit.get(row, part), part)
        if self._roams and self._places is not None:
            near = nearest(self._places, x, y, 1)[0][:, 0]
            for row in np.unique(near).tolist():
                lit[row] = np.maximum(lit.get(row, 0.0), np.where(near == row, much, 0.0))
        return Stretch(x, y, much, lit)
