"""The timeline: what sounds, what is to come, and what may still change. Data and questions."""

from __future__ import annotations

import math
from collections.abc import Callable

from latentlive.engine.desk.desk import Desk
from latentlive.engine.desk.model import ChangeSet, Layer, Voice
from latentlive.engine.timing import READY, margin, to_samples
from latentlive.mixer import GRID, grid_ceil, grid_floor
from latentlive.protocol.clip import Source
from latentlive.protocol.state import State
from latentlive.space import Space
from latentlive.units import Tempo


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
    """

    def __init__(
        self,
        desk: Desk,
        ahead: float,
        say: Callable[[str], object],
        space_of: Callable[[str | None], Space],
    ) -> None:
        self.desk, self.say, self.space_of = desk, say, space_of
        rate = desk.tempo.sample_rate
        self.ahead = grid_floor(round(ahead * rate))
        self.margin = margin(rate)
        self.ready_enough = min(to_samples(READY, rate), grid_floor(self.ahead // 2))
        """Samples of a voice that are rendered before it may begin."""
        self.layers: dict[str, Layer] = {}
        self.pending: list[ChangeSet] = []

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
        """Whether nothing sounds and nothing is to come by itself."""
        coming = any(one.at is not None for one in self.pending)
        return not coming and not any(voice.sounding for voice in self.voices.values())

    def layer(self, name: str) -> Layer:
        """Return a layer, made on first use; ``d1`` has slot 0, other names follow ``d16``."""
        found = self.layers.get(name)
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

    def next_quant(self, changes: ChangeSet) -> int:
        """Return the first quant at which a change set may land."""
        earliest, tempo = self.earliest, self.tempo
        if not self.running:
            return self.position
        if changes.quant * tempo.beat_samples <= GRID:
            return grid_ceil(earliest + self.ready_enough)
        beat = math.ceil(float(tempo.beats(earliest)) / changes.quant) * changes.quant
        sample = grid_ceil(tempo.sample(beat))
        return sample if sample >= earliest else grid_ceil(tempo.sample(beat + changes.quant))

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
