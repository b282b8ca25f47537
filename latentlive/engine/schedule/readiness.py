"""Readiness: what is rendered far enough to land, or for the transport to start."""

from __future__ import annotations

from collections.abc import Callable

from latentlive.effects.block import BLOCK
from latentlive.engine.desk.model import ChangeSet, Voice
from latentlive.engine.effects.reverbs import Reverb, reverbs_of
from latentlive.engine.schedule.timeline import Timeline
from latentlive.engine.shared import STARTED, STARTING, STRIPPED, Shared
from latentlive.engine.timing import ENCODED_FIRST, SOON
from latentlive.protocol.changes import Restore, SetEffect, SetSend

EFFECTS_FIRST = 3 * BLOCK
"""Samples of effects that are rendered before the transport starts."""


class Readiness:
    """Compares what is rendered with what must be; it asks for effects of the beginning.

    Parameters
    ----------
    timeline : Timeline
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline, self._shared = timeline, timeline.desk.shared
        self.rack_ready: Callable[[list[Reverb]], bool] = lambda reverbs: True
        """Asked before effects land: the process that renders them may still start, and the rooms
        of reverbs be made."""
        self._starts = 0

    def to_land(self, changes: ChangeSet) -> bool:
        """Return whether a change set may land: its voices are ready, and so are effects."""
        return all(map(self._is_ready, changes.voices)) and self._effects_ready(changes)

    def to_start(self, asked: bool) -> bool:
        """Return whether the transport may start: every voice that sounds first is ready.

        Parameters
        ----------
        asked : bool
            Whether a performer said so: without any voice, and with those of plans for the first
            seconds.
        """
        timeline = self._timeline
        first = [voice for voice in timeline.voices.values() if voice.sounding]
        waiting = any(one.at == timeline.position for one in timeline.pending)
        if waiting or not (first or asked):
            return False
        if asked and not all(map(self._is_ready, self._soon())):
            return False
        if not self._effects_begin():
            return False
        # The higher the load, the more lead: nobody hears yet that it takes longer.
        load = sum(voice.stream.load for voice in first)
        return all(
            self._is_ready(
                voice,
                min(timeline.enough(voice) * (2.0 + 4.0 * load), timeline.ahead_of(voice) * 0.75),
            )
            for voice in first
        )

    def _soon(self) -> list[Voice]:
        """Return the voices of plans for the first seconds: there is no time later."""
        timeline = self._timeline
        until = timeline.position + round(SOON * timeline.tempo.sample_rate)
        soon = [one for one in timeline.pending if one.at is not None and one.at < until]
        return [voice for one in soon for voice in one.voices]

    def _is_ready(self, voice: Voice, lead: float | None = None) -> bool:
        """Return whether a voice is rendered far enough ahead, or to its end."""
        enough = self._timeline.enough(voice) if lead is None else lead
        if voice.needs_encoding:
            encoded = max(voice.stream.encoded, voice.rendered)
            first = round(ENCODED_FIRST * self._timeline.tempo.sample_rate)
            if encoded < voice.start + first and not voice.complete:
                return False
        return voice.rendered >= voice.start + enough or voice.complete

    # Effects.

    def wants_effects(self) -> bool:
        """Return whether anything has effects or sends, or is to have them."""
        if self._timeline.desk.strips.by_serial:
            return True
        return self._routed or any(map(_routes, self._timeline.pending))

    @property
    def _routed(self) -> bool:
        return any(layer.state.routed for layer in self._timeline.layers.values())

    def _effects_ready(self, changes: ChangeSet) -> bool:
        """Return whether effects can be rendered, or are not asked for."""
        wanted = self._routed or _routes(changes)
        return not wanted or self.rack_ready(reverbs_of(changes.changes))

    def _effects_begin(self) -> bool:
        """Return whether what goes through effects is rendered at first; ask for it."""
        header = self._shared.header
        if not self._timeline.desk.strips.by_serial:
            return True
        if not header[STARTING]:
            self._starts += 1
            header[STARTING] = self._starts
        return begun(self._shared)

    def void_beginning(self) -> None:
        """Let effects of the beginning be rendered again: what they were made of has changed."""
        self._shared.header[STARTING] = 0


def begun(shared: Shared) -> bool:
    """Return whether effects are rendered as far as they must be when the transport starts."""
    header = shared.header
    enough = header[STRIPPED] >= shared.position + EFFECTS_FIRST
    return bool(header[STARTED] == header[STARTING] and enough)


def _routes(changes: ChangeSet) -> bool:
    """Return whether a change set gives anything effects or sends."""
    return any(
        isinstance(change, SetEffect | SetSend | Restore)
        and (not isinstance(change, Restore) or change.state.routed)
        for change in changes.changes
    )
