"""A performance played again on the engine: the same decisions, at the same samples."""

from __future__ import annotations

from latentlive.engine.desk.voices import Voice
from latentlive.engine.log.performance import Performance
from latentlive.engine.log.playback import Score
from latentlive.engine.schedule.scheduler import LANDING, Scheduler
from latentlive.engine.schedule.underrun import needless
from latentlive.engine.shared import CUT, RUNNING

CAST_SECONDS = 4.0
"""How long before they begin voices are given rings, and rendered."""


class Replay:
    """Leads a scheduler's voices by what was decided before.

    Parameters
    ----------
    scheduler : Scheduler
        Of the same seed, tempo and channels; it decides nothing meanwhile.
    performance : Performance
    begin : int [samples]
    """

    def __init__(self, scheduler: Scheduler, performance: Performance, begin: int) -> None:
        self._scheduler = scheduler
        self._rate = scheduler.tempo.sample_rate
        self._end = performance.end
        scheduler.led = True
        note = scheduler.stage.note
        self._score = Score(scheduler.stage, performance, begin, tell=note)
        self._score.cast(begin + round(CAST_SECONDS * self._rate))

    @property
    def over(self) -> bool:
        """Whether the performance has come to its end."""
        position = self._scheduler.position
        silent = not any(voice.sounding for voice in self._scheduler.voices.values())
        return position >= self._end or (self._score.over and silent)

    def advance(self) -> None:
        """Take what is due."""
        scheduler, score, stage = self._scheduler, self._score, self._scheduler.stage
        position = stage.position
        score.cast(position + round(CAST_SECONDS * self._rate))
        score.take(position + LANDING)
        for voice in list(stage.voices.values()):
            score.silence_holes(voice)
        self._panic(position)
        score.end(position)
        if not stage.running and not scheduler.held and self._ready(position):
            stage.block.header[RUNNING] = 1
        stage.write()
        self._show()

    def _panic(self, position: int) -> None:
        """Let the player fall silent on the very sample, then free the voices."""
        panic, header = self._score.panic, self._scheduler.block.header
        if panic is not None and position > panic:
            self._score.panicked()
            header[CUT] = 0
        elif panic is not None:
            header[CUT] = panic

    def _ready(self, position: int) -> bool:
        soon = [v for v in self._scheduler.voices.values() if v.start <= position + LANDING]
        return all(needless(v) or (v.loaded and self._is_ready(v, position)) for v in soon)

    def _is_ready(self, voice: Voice, position: int) -> bool:
        """Return whether so much is rendered of what will be heard."""
        return voice.rendered >= max(voice.start, position) + self._scheduler.ready_enough

    def _show(self) -> None:
        """Let the layers show what sounds."""
        scheduler = self._scheduler
        for layer in scheduler.layers.values():
            layer.voice, layer.leaving = None, []
        for voice in sorted(scheduler.voices.values(), key=lambda voice: voice.serial):
            if voice.sounding:
                layer = scheduler.layer(voice.layer)
                if voice.fade.high > 0.0:
                    layer.voice = voice
                else:
                    layer.leaving.append(voice)
