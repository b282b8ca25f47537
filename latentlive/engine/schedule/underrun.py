"""What happens when rendering cannot keep up: the layer closes alone, and opens again when it can.

A voice that is about to run dry is faded out by the last sample that it has, so that nothing
clicks; then it leaves out what it missed, and is faded in where it can be met again. Its clock runs
on, and the other voices never notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentlive.engine.desk.voices import Voice
from latentlive.mixer import GRID, grid_ceil

if TYPE_CHECKING:
    from latentlive.engine.schedule.scheduler import Scheduler

DRY = 4096
"""Samples left, beyond the earliest that may still change, at which a voice is given up."""

CLOSE = 2048
"""Samples in which a voice closes, if there are as many, and opens again."""

LOOKED_AT = 2048
"""Samples that the player may have mixed before they are heard."""

SAY_EVERY_SECONDS = 10.0

EXCUSED_SECONDS = 3.0
"""How long a worker that was gone is still the cause of what falls silent."""


class Lateness:
    """Closes and opens voices.

    Parameters
    ----------
    scheduler : Scheduler
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._said: dict[str, int] = {}
        self._excuse, self._excused = "", 0

    def excuse(self, why: str) -> None:
        """Let what falls silent now and soon be told as the fault of something else than load."""
        self._excuse = why
        rate = self._scheduler.tempo.sample_rate
        self._excused = self._scheduler.position + round(EXCUSED_SECONDS * rate)

    def watch(self, voice: Voice) -> None:
        """Close a voice that runs dry, or open one that can be met again."""
        scheduler = self._scheduler
        if not scheduler.running or needless(voice):
            return
        earliest, left = scheduler.earliest, voice.rendered - scheduler.earliest
        if not voice.late:
            if left < DRY:
                over = min(max(left, 0), CLOSE)
                scheduler.stage.gate(voice, max(voice.rendered - over, earliest), 0.0, over)
                voice.late = True
                voice.lane = None  # perhaps the other worker has time
                self._tell(voice)
        elif voice.rendered < earliest + scheduler.ready_enough:
            closed = scheduler.position > voice.gate.stop + LOOKED_AT
            if closed and voice.busy is None and left <= 0:
                # What was missed is left out; the slower it is, the further ahead it goes on.
                lead = min(2.0 + 2.0 * voice.load, 8.0) * scheduler.ready_enough
                scheduler.stage.skip(voice, grid_ceil(earliest + round(lead)))
        elif scheduler.position > voice.gate.stop:
            at = max(voice.skipped_to, earliest)
            if voice.rendered >= at + scheduler.ready_enough:
                scheduler.stage.gate(voice, at, 1.0, CLOSE)
                voice.late = False

    def _tell(self, voice: Voice) -> None:
        position = self._scheduler.position
        said = self._said.get(voice.layer)
        pause = SAY_EVERY_SECONDS * self._scheduler.tempo.sample_rate
        if said is None or position > said + pause:
            self._said[voice.layer] = position
            if position < self._excused:
                self._scheduler.say(f"{voice.layer}: {self._excuse}; it is silent until it is back")
                return
            total = sum(one.load for one in self._scheduler.voices.values() if one.sounding)
            self._scheduler.say(
                f"{voice.layer}: rendering cannot keep up ({voice.load:.1f} s for a second of it, "
                f"{total:.1f} s for a second of all); it is silent until it can"
            )


def needless(voice: Voice) -> bool:
    """Return whether a voice has all that will be heard of it."""
    faded = voice.fade.high == 0.0 and voice.sounding and voice.rendered > voice.fade.stop
    # The cell after the end is heard, too: gains reach from cell to cell.
    return faded or voice.failed or (voice.end is not None and voice.rendered > voice.end + GRID)
