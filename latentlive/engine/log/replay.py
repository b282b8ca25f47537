"""Replay: a performance played again on the engine, the same decisions at the same samples."""

from __future__ import annotations

from latentlive.engine.desk.model import Voice
from latentlive.engine.log.performance import Performance
from latentlive.engine.log.playback import Playback
from latentlive.engine.schedule.readiness import begun
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.engine.shared import CUT, POSITION, RUNNING, STARTING, STRIPPED
from latentlive.engine.timing import LANDING, REPLAY_HORIZON, to_samples

STARTED_AHEAD = 0.75
"""The part of what is rendered ahead that is there before a replay begins."""


class Replay:
    """Moves a scheduler's voices by the decisions of a log.

    Parameters
    ----------
    scheduler : Scheduler
        Of the same seed, tempo and channels; it decides nothing meanwhile.
    performance : Performance
    begin : int [samples]
        What is heard begins there. The scheduler stands where the performance's `pre_roll` says.
    """

    def __init__(self, scheduler: Scheduler, performance: Performance, begin: int) -> None:
        self._scheduler, self._begin = scheduler, begin
        self._stripped = start = scheduler.timeline.position
        self._rate = scheduler.timeline.tempo.sample_rate
        self._landing = to_samples(LANDING, self._rate)
        self._end = performance.end
        scheduler.led, scheduler.desk.holds = True, False
        note = scheduler.desk.note
        self._playback = Playback(scheduler.desk, performance, start, tell=note)
        self._playback.allocate(start + round(REPLAY_HORIZON * self._rate))

    @property
    def over(self) -> bool:
        """Whether the performance has come to its end."""
        position, desk = self._scheduler.timeline.position, self._scheduler.desk
        silent = not any(voice.sounding for voice in desk.voices.values())
        silent = silent and not desk.strips.by_serial  # what rings is heard to its end
        return position >= self._end or (self._playback.over and silent)

    @property
    def rolling(self) -> bool:
        """Whether it comes up to its beginning, unheard: effects hold what rang before."""
        return self._scheduler.timeline.position < self._begin

    def advance(self) -> None:
        """Take the decisions that are due."""
        scheduler, playback, desk = self._scheduler, self._playback, self._scheduler.desk
        position = desk.position
        playback.allocate(position + round(REPLAY_HORIZON * self._rate))
        playback.take(position + self._landing)
        for voice in list(desk.voices.values()):
            playback.silence_holes(voice)
        stripped = int(desk.shared.header[STRIPPED])
        playback.silence_strips(self._stripped, stripped)
        self._stripped = stripped
        self._panic(position)
        playback.end(position)
        if not desk.running and not desk.shared.header[STARTING]:
            desk.shared.header[STARTING] = 1  # from here on what is rendered is what was decided
        if self.rolling:
            self._roll(position)
        elif not desk.running and not scheduler.held and self._ready(position):
            desk.shared.header[RUNNING] = 1
        desk.write()
        self._show()

    def _roll(self, position: int) -> None:
        """Go on, without a clock, as far as all is rendered."""
        desk = self._scheduler.desk
        until = min(self._begin, position + self._landing)
        for voice in desk.voices.values():
            if voice.start < until and not voice.complete:
                until = min(until, voice.rendered)
        stripped = int(desk.shared.header[STRIPPED])
        until = min([until, *(max(stripped, strip.start) for strip in desk.strips)])
        desk.shared.header[POSITION] = max(until, position)

    def _panic(self, position: int) -> None:
        """Let the player fall silent at the exact sample, then free the voices."""
        panic, header = self._playback.panic, self._scheduler.desk.shared.header
        if panic is not None and position > panic:
            self._playback.panicked()
            header[CUT] = 0
        elif panic is not None:
            header[CUT] = panic

    def _ready(self, position: int) -> bool:
        desk = self._scheduler.desk
        sounding = [strip for strip in desk.strips if strip.start <= position]
        if sounding and not begun(desk.shared):
            return False
        last, voices = position + self._landing, self._scheduler.timeline.voices.values()
        soon = [voice for voice in voices if voice.start <= last]
        return all(v.complete or (v.loaded and self._is_ready(v, position)) for v in soon)

    def _is_ready(self, voice: Voice, position: int) -> bool:
        """Return whether a voice is rendered far ahead: nobody hears yet that it takes longer."""
        ahead = self._scheduler.timeline.ahead_of(voice) * STARTED_AHEAD
        return voice.rendered >= max(voice.start, position) + ahead

    def _show(self) -> None:
        """Update the layers, for views."""
        timeline = self._scheduler.timeline
        for layer in timeline.layers.values():
            layer.voice, layer.leaving = None, []
        for voice in sorted(timeline.voices.values(), key=lambda voice: voice.serial):
            if voice.sounding:
                layer = timeline.layer(voice.layer)
                if voice.fade.high > 0.0:
                    layer.voice = voice
                else:
                    layer.leaving.append(voice)
