"""The timeline: what sounds, what is to come, and what may still change. Data and questions."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence

from latentlive.engine.desk.desk import Desk
from latentlive.engine.desk.model import ChangeSet, Layer, Voice
from latentlive.engine.shared import MASTER
from latentlive.engine.timing import (
    ARRIVED,
    EFFECTS,
    LATENCY,
    LEAST_SLACK,
    LIVE_LEAD,
    LIVE_SLACK,
    READY,
    margin,
    to_samples,
)
from latentlive.errors import LatentliveError
from latentlive.latent import join_of
from latentlive.mixer import GRID, grid_ceil, grid_floor
from latentlive.protocol.changes import Change, Join, Restore, SetTempo, fold
from latentlive.protocol.clip import Source
from latentlive.protocol.state import State
from latentlive.renderer import beyond_of, joined_by
from latentlive.space import Space
from latentlive.units import Tempo

MASTER_NAME = "master"
"""What the master's effects are called among the layers."""


class Timeline:
    """The layers and the pending change sets; it decides nothing.

    Parameters
    ----------
    desk : Desk
    ahead : float [seconds]
        How far ahead of the position voices are rendered.
    say : function of a line
        Told what a performer should know.
    space_of : function of what ``.on`` names, None where nothing does
        Returns that space.
    latency : float [seconds]
        Of the device.
    """

    def __init__(
        self,
        desk: Desk,
        ahead: float,
        say: Callable[[str], object],
        space_of: Callable[[str | None], Space],
        latency: float = LATENCY,
    ) -> None:
        self.desk, self.say, self.space_of = desk, say, space_of
        rate = desk.tempo.sample_rate
        self.ahead = grid_floor(round(ahead * rate))
        self._margin, self._effects = margin(rate, latency), to_samples(EFFECTS, rate)
        self.ready_enough = min(to_samples(READY, rate), grid_floor(self.ahead // 2))
        """Samples of a voice that are rendered before it may begin."""
        self.layers: dict[str, Layer] = {}
        self.pending: list[ChangeSet] = []
        self.downbeat = 0
        """The beat from which quants are counted: one where a clock from outside has a bar."""

    @property
    def margin(self) -> int:
        """Samples from the position to the first that may still change; effects are rendered
        earlier than the mix."""
        return self._margin + self._effects * bool(self.desk.strips.by_serial)

    @property
    def tempo(self) -> Tempo:
        """The transport's tempo."""
        return self.desk.tempo

    @property
    def position(self) -> int:
        """The next sample that the device will ask for."""
        return self.desk.position

    @property
    def running(self) -> bool:
        """Whether the transport moves; it waits for the first textures."""
        return self.desk.running

    @property
    def voices(self) -> dict[int, Voice]:
        """All voices, by serial."""
        return self.desk.voices

    @property
    def earliest(self) -> int:
        """The first grid position where something may still change."""
        return grid_ceil(self.position + self.margin) if self.running else self.position

    @property
    def silent(self) -> bool:
        """Whether nothing sounds or rings, and nothing is to come by itself."""
        coming = any(one.at is not None for one in self.pending)
        sounding = any(voice.sounding for voice in self.voices.values())
        return not coming and not sounding and not self.desk.strips.loud

    def ahead_of(self, voice: Voice) -> int:
        """Return how far ahead of the position a voice is rendered [samples]."""
        leads = [lead for lead, end in voice.clip.leads if end is None or voice.rendered < end]
        return min([self.ahead, *(max(lead - voice.beyond, GRID) for lead in leads)])

    def enough(self, voice: Voice) -> int:
        """Return the samples of a voice that are rendered before it may begin: less of one that
        cannot be rendered far ahead."""
        ahead = self.ahead_of(voice)
        if ahead >= self.ahead:
            return self.ready_enough
        return min(self.ready_enough, grid_floor(max(ahead - self.margin, 0) // 2))

    def lead(self, state: State[Source]) -> int:
        """Return how long after they arrive a layer's live curves are heard [samples].

        Their vectors must be known before they are rendered: spaces that decode in blocks need
        more. A lead that is too short is raised, and the performer told.
        """
        assert state.source is not None
        rate, join = self.tempo.sample_rate, join_of(state.source.expr)
        beyond = 0
        with contextlib.suppress(LatentliveError):  # the worker that renders it says why
            space = self.space_of(join.model)
            beyond = beyond_of(space, joined_by(join, space.facts), rate, live=True)
        before = self._margin
        if state.routed or self.state(MASTER_NAME).effects:
            before += self._effects
        least = beyond + before + to_samples(ARRIVED + LEAST_SLACK, rate)
        if state.lead is None:
            usual = beyond + before + to_samples(LIVE_SLACK, rate)
            least = round(LIVE_LEAD * rate) + before - self._margin
            return grid_ceil(max(usual, least))
        return grid_ceil(max(least, round(state.lead * rate)))

    def layer(self, name: str) -> Layer:
        """Return a layer, made on first use; ``d1`` has slot 0, other names follow ``d16``."""
        found = self.layers.get(name)
        if found is None and name == MASTER_NAME:
            found = self.layers[name] = Layer(name, MASTER)
        if found is None:
            number = name[1:]
            numbered = name[:1] == "d" and number.isdecimal() and 1 <= int(number) <= 16
            taken = {layer.slot for layer in self.layers.values()}
            slot = int(number) - 1 if numbered else 16
            while slot in taken:
                slot = max(slot + 1, 16)
            found = self.layers[name] = Layer(name, slot)
        return found

    def state(self, name: str) -> State[Source]:
        """Return a layer's state, the default if there is no such layer yet."""
        return self.layers[name].state if name in self.layers else State()

    def coming(self) -> list[ChangeSet]:
        """Return the change sets that land by themselves, in order."""
        coming = [one for one in self.pending if one.at is not None]
        return sorted(coming, key=lambda one: (one.at, one.number))

    def quant_of(self, changes: Sequence[Change]) -> float:
        """Return the quant of some changes: the longest of their layers."""
        beats = [0.0]
        for change in changes:
            if change.brings_texture and not isinstance(change, Restore):
                beats += [fold(self.state(name), name, changes).quant for name in change.layers]
            elif isinstance(change, SetTempo) and not isinstance(change, Join):
                beats.append(1.0)
        return max(beats)

    def next_quant(self, changes: ChangeSet) -> int:
        """Return the first quant at which a change set may land."""
        earliest, tempo = self.earliest, self.tempo
        if not self.running:
            return self.position
        if not self.on_quant(changes):
            return grid_ceil(earliest + self.ready_enough)
        beat = self._quant(float(tempo.beats(earliest)), changes.quant, math.ceil)
        sample = grid_ceil(tempo.sample(beat))
        return sample if sample >= earliest else grid_ceil(tempo.sample(beat + changes.quant))

    def on_quant(self, changes: ChangeSet) -> bool:
        """Return whether a change set waits for a quant, rather than for its textures alone."""
        return changes.quant * self.tempo.beat_samples > GRID

    def _quant(self, beat: float, quant: float, way: Callable[[float], int]) -> float:
        """Return the multiple of a quant that is next to a beat, or nearest to it."""
        return way((beat - self.downbeat) / quant) * quant + self.downbeat

    def kept_quant(self, changes: ChangeSet) -> int:
        """Return where a change set lands now that the tempo has changed: on the same quant."""
        assert changes.at is not None
        beat = self._quant(float(self.tempo.beats(changes.at)), changes.quant, round)
        sample = grid_ceil(self.tempo.sample(beat))
        return sample if sample >= self.earliest else self.next_quant(changes)

    def sample_of(self, beat: float) -> int:
        """Return the first sample at or after a beat that may still change."""
        return max(grid_ceil(self.tempo.sample(beat)), self.earliest)

    def is_past(self, beat: float) -> bool:
        """Return whether a beat can no longer be met, and tell the performer so."""
        past = self.running and self.tempo.sample(beat) < self.earliest
        if past:
            now = float(self.tempo.beats(self.position))
            self.say(
                f"beat {beat:g} is past, it is beat {now:.1f}: what was planned for it comes now"
            )
        return past
