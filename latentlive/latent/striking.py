"""Which stroke sounds at each position of a struck texture, and what meets where it begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlive.latent.elapsed import beats_in, frames_in
from latentlive.latent.patterns import LONGEST, LOUDEST
from latentlive.latent.query import GRAIN, NOTHING, Joint, Latents, Query
from latentlive.units import Floats

if TYPE_CHECKING:
    from latentlive.latent.hits import Hits

Rows = NDArray[np.int64]

SOFT = 64
"""Samples in which a stroke that begins in mid-recording fades in, and the least of a tail."""

FAINT = 0.25
"""The part of the next stroke's amplitude below which a damped one gives its windows to it."""

COARSE = 8
"""Vectors from one place of a tail to the next, in spaces that encode by pages."""

OLDEST = 20.0
"""Seconds that a stroke sounds at most where live curves decide: tapes are not kept for ever."""

TIE = 1e-6
"""The part of a sample that decides where a stroke lies half-way between two."""


@dataclass(frozen=True)
class Table:
    """The strokes around some beats, in their order.

    Parameters
    ----------
    steps : array [shape=(m,)]
    beats : array [shape=(m,), beats]
    gains : array [shape=(m,), > 0]
    damped : array [shape=(m,), beats]
        Where each is damped, infinity where it is not.
    """

    steps: Rows
    beats: Floats
    gains: Floats
    damped: Floats


def counted(query: Query) -> Floats:
    """Return the beats that count steps: those of the layer, or of the stroke around."""
    return query.beats if query.since is None else query.since


class Struck:
    """The positions of a query, each with the stroke that sounds there.

    Parameters
    ----------
    node : Hits
    query : Query
    """

    def __init__(self, node: Hits, query: Query) -> None:
        self.node, self.query, world = node, query, query.world
        self.grid = counted(query)
        self.unit = world.window * float(query.scope.stretch)
        """Samples of one frame, as heard."""
        self.rings = float(node.rings(query.scope))
        self.start = float(world.frames(node.start))
        self.tail_samples = max(round(node.tail * float(world.frames(1.0)) * world.window), SOFT)
        self.tail = self.tail_samples / self.unit
        self.table = node.table(query, *self._around())
        self.stroke, self.ago = self._chosen()
        self._begins: dict[int, Floats] = {}
        self.level = self._levels(self.stroke, self.ago + query.middle)
        self.sounds = (self.level > 0.0) & (self.ago < self.rings)

    def _around(self) -> tuple[float, float]:
        """Return the beats whose steps matter to the query."""
        if not len(self.grid):
            return 0.0, 0.0
        node, query = self.node, self.query
        most = node.longest * node.step
        back = min(beats_in(query, self.rings + self.tail), most) if self.rings < np.inf else most
        ahead = beats_in(query, 2.0)
        low, high = float(self.grid.min()), float(self.grid.max())
        # Twice as far back: before the stroke that rings lies the one whose tail is heard.
        return low - 2.0 * (back + node.step), high + ahead + node.step

    def onset(self, stroke: Rows) -> Floats:
        """Return the frame at which a stroke begins for each position, on a sample."""
        known = (stroke >= 0) & (stroke < len(self.table.beats))
        beats = self._of(self.table.beats, stroke)
        frames = self.query.frames - frames_in(self.query, self.grid - np.where(known, beats, 0.0))
        placed = np.floor(frames * self.unit + 0.5 + TIE) / self.unit
        return np.where(known, placed, np.where(stroke < 0, -np.inf, np.inf))

    def _begin(self, later: int) -> Floats:
        """Return the frame at which each position's stroke begins, or one `later` or earlier."""
        if later not in self._begins:
            self._begins[later] = self.onset(self.stroke + later)
        return self._begins[later]

    def _of(self, values: Any, stroke: Rows) -> Any:
        """Return the value of each stroke; any where there is none."""
        if not len(values):
            return np.zeros(len(stroke))
        return values[np.clip(stroke, 0, len(values) - 1)]

    def _chosen(self) -> tuple[Rows, Floats]:
        """Return the stroke of each position, -1 where none is, and how long ago it began."""
        query = self.query
        stroke = np.searchsorted(self.table.beats, self.grid, "right") - 1
        middle = query.frames + query.middle
        while (later := self.onset(stroke + 1) <= middle).any():
            stroke = stroke + later
        ago = query.frames - self.onset(stroke)
        if query.meets:
            # Where nothing rings any more, a window belongs to the stroke that begins in it.
            faint = self._levels(stroke, ago) <= FAINT * self._of(self.table.gains, stroke + 1)
            silent = faint | (ago >= self.rings)
            next_one = silent & (self.onset(stroke + 1) < query.frames + 1.0)
            stroke = stroke + next_one
            ago = query.frames - self.onset(stroke)
        return stroke, ago

    def _levels(self, stroke: Rows, ago: Floats) -> Floats:
        """Return the amplitude of each position's stroke, 0 where there is none."""
        table, node = self.table, self.node
        step = np.floor(self.grid / node.step)
        known = (stroke >= 0) & (stroke < len(table.beats))
        known &= self._of(table.steps, stroke) >= step - LONGEST
        if node.clocked:
            known &= ago < OLDEST * float(self.query.world.frames(1.0))
        level = np.where(known, self._of(table.gains, stroke), 0.0)
        damped = self._of(table.damped, stroke)
        if known.any() and np.isfinite(damped[known]).any():
            begun = self._of(table.beats, stroke)
            span = np.where(np.isfinite(damped), damped - begun, 0.0)
            since = ago - self._frames_of(span, stroke)
            fade = np.clip(1.0 - since / self.tail, 0.0, 1.0)
            level = np.where(np.isfinite(damped), level * fade, level)
        return level

    def _frames_of(self, beats: Floats, stroke: Rows) -> Floats:
        """Return the frames from a stroke to some beats after it."""
        begun = self.grid - self._of(self.table.beats, stroke)
        return frames_in(self.query, begun) - frames_in(self.query, begun - beats)

    def latents(self) -> Latents:
        """Return the latents of the strokes, silence elsewhere."""
        query = self.query
        shape = (len(query.frames), query.world.dims)
        quiet = query.world.silence()
        mean, std = np.empty(shape, np.float32), np.empty(shape, np.float32)
        mean[:], std[:] = quiet
        for rows, there in self._parts():
            found = there.latents(self.node.of)
            gains = self.level[rows].astype(np.float32)
            if (gains != 1.0).any():
                found = query.world.louder(found, gains)
            mean[rows], std[rows] = found
        return Latents(mean, std)

    def _parts(self) -> list[tuple[NDArray[np.bool_], Query]]:
        """Return the queries of the struck texture, each with the positions that it serves."""
        query, sounds = self.query, self.sounds
        if not sounds.any():
            return []
        if not query.meets:  # the samples beside a joint are asked for, not what meets there
            return [(sounds, self._there(sounds, query.joint and query.joint.only(sounds)))]
        inside = np.zeros_like(sounds)  # windows that hold a seam of what is around the strokes
        if query.joint is not None:
            inside = sounds & np.isfinite(query.joint.distance)
        begins, ends, closes = self._seams(sounds & ~inside)
        plain = sounds & ~inside & ~begins & ~ends & ~closes
        parts = [(inside, self._there(inside, query.joint and query.joint.only(inside)))]
        parts += [
            (begins, self._there(begins, self._begun(begins) if begins.any() else None)),
            (ends, self._there(ends, self._ended(ends) if ends.any() else None)),
            (closes, self._there(closes, self._closed(closes) if closes.any() else None)),
            (plain, self._there(plain, None)),
        ]
        return [(rows, there) for rows, there in parts if rows.any()]

    def _seams(self, sounds: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], ...]:
        """Return which windows hold the beginning of a stroke and what sounds before it, which its
        end and the next one, and which its end and silence."""
        query, ago, never = self.query, self.ago, np.zeros_like(sounds)
        begins = sounds & (ago < np.where(self._before() > 0.0, self.tail, 0.0))
        ends = never
        if query.world.grain == 1:
            left = self._begin(1) - query.frames
            ends = sounds & (left < 1.0) & (left > 0.0) & ((ago >= 0.0) | ~begins)
        closes = sounds & ~ends & (self.rings - ago < 1.0) & (ago >= 0.0)
        return begins & ~ends & ~closes, ends, closes

    def _before(self) -> Floats:
        """Return how loud the stroke before still is where each one begins, 0 where it is not."""
        if self.query.world.grain > 1 and self.tail <= 1.0:
            return np.zeros_like(self.ago)  # overlapping windows fade it as fast
        lasted = self._lasted()
        return np.where(lasted < self.rings, self._levels(self.stroke - 1, lasted), 0.0)

    def _lasted(self) -> Floats:
        """Return the frames from the stroke before to each one, infinity where none was."""
        known = np.isfinite(self._begin(-1)) & np.isfinite(self._begin(0))
        lasted = np.full(len(known), np.inf)
        np.subtract(self._begin(0), self._begin(-1), out=lasted, where=known)
        return lasted

    def _there(self, rows: NDArray[np.bool_], joint: Joint | None) -> Query:
        """Return the query of the struck texture at some positions."""
        query = self.query.only(rows)
        since = (self.grid - self._beats(self.stroke))[rows]
        never = np.zeros(len(since), np.bool_)
        frames = self.start + self.ago[rows]
        return query.at(frames, wrap=never, before=None, since=since, joint=joint)

    def _begun(self, rows: NDArray[np.bool_]) -> Joint:
        """Return the joints to the strokes before."""
        own, earlier = self._beats(self.stroke), self._beats(self.stroke - 1)
        lasted = np.where(np.isfinite(self._lasted()), self._lasted(), 0.0)
        before, grain = self._before(), COARSE * self.query.world.grain / self.query.world.window
        if self.query.world.grain > 1:
            # So that few joints differ, where each is costly: a tail is placed to 46 ms, and its
            # level to 1.5 dB.
            lasted = np.rint(lasted / grain) * grain
            ratio = before / np.where(self.sounds, self.level, 1.0)
            steps = np.rint(4.0 * np.log2(np.where(ratio > 0.0, ratio, 1.0)))
            before = np.where(ratio > 0.0, np.exp2(steps / 4.0) * self.level, 0.0)
        return self._joint(rows, -self.ago, False, own, own - earlier, lasted, before)

    def _ended(self, rows: NDArray[np.bool_]) -> Joint:
        """Return the joints to the strokes that follow."""
        following, nothing = self.stroke + 1, np.zeros_like(self.ago)
        left = self._begin(1) - self.query.frames
        gains = self._of(self.table.gains, following)
        return self._joint(rows, left, True, self._beats(following), nothing, nothing, gains)

    def _closed(self, rows: NDArray[np.bool_]) -> Joint:
        """Return the joints to the silence after what has rung to its end."""
        nothing = np.zeros_like(self.ago)
        return self._joint(rows, self.rings - self.ago, True, nothing, nothing, nothing, nothing)

    def _beats(self, stroke: Rows) -> Floats:
        """Return the beats at which strokes begin, counted as steps are."""
        beats: Floats = self._of(self.table.beats, stroke)
        return beats

    def _joint(
        self,
        rows: NDArray[np.bool_],
        distance: Floats,
        ahead: bool,
        beats: Floats,
        since: Floats,
        lasted: Floats,
        gains: Floats,
    ) -> Joint:
        """Return the joints of some positions to another stroke of the same texture.

        Parameters
        ----------
        rows : array [shape=(n,), bool]
        distance : array [shape=(n,), frames]
            From each position to its joint.
        ahead : bool
            Whether the other stroke begins there; otherwise it was before.
        beats : array [shape=(n,), beats]
            The joint, counted as steps are.
        since, lasted : array [shape=(n,), beats; frames]
            How long the other stroke has sounded at the joint.
        gains : array [shape=(n,)]
            Its amplitude.
        """
        query, world = self.query.only(rows), self.query.world
        ratio = np.minimum(gains / np.where(self.sounds, self.level, 1.0), LOUDEST)
        moment = self.query.beats - self.grid + beats
        # Rounded, so that all windows of a joint find the same one.
        columns = np.stack([np.rint(moment * GRAIN) / GRAIN, since, lasted, ratio])[:, rows]
        kinds, which = np.unique(columns, axis=1, return_inverse=True)
        back = 0.0 if ahead else 1.0
        count = kinds.shape[1]
        never = np.zeros(count, np.bool_)
        there = Joint(
            np.full(count, back), never | (not ahead), np.arange(count), NOTHING, self.tail_samples
        )
        shift = back / query.scope.beat_frames
        other = replace(
            query,
            frames=self.start + kinds[2] - back,
            beats=kinds[0] - shift,
            since=kinds[1] - shift,
            wrap=never,
            before=None,
            joint=there,
            clock=None,  # one joint for windows of several moments: live curves at their start
        )
        beside = world.heard(self.node.of, other) * kinds[3][:, None].astype(np.float32)
        if not ahead and np.isfinite(self.rings):
            # It is not heard beyond its end: a slice would go on as recorded.
            place = np.arange(beside.shape[1]) - (beside.shape[1] - self.tail_samples)
            left = (self.rings - kinds[2])[:, None] * world.window - place
            beside *= np.clip(1.0 + left / SOFT, 0.0, 1.0).astype(np.float32)
        places = np.full(len(query.frames), ahead)
        return Joint(distance[rows], places, which.reshape(-1), beside, self.tail_samples)
