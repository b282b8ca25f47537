"""The scheduler: when changes land, and what happens when one fails or comes late.

Pure bookkeeping over integer positions and the shared memory: no clock, no process, no thread, so
that it can be tested sample by sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from latentlive.engine.desk.decisions import Decision
from latentlive.engine.desk.desk import Desk
from latentlive.engine.desk.model import ChangeSet
from latentlive.engine.schedule.allocation import Allocation
from latentlive.engine.schedule.changes import check, check_plans
from latentlive.engine.schedule.commit import Commit
from latentlive.engine.schedule.cues import Cues
from latentlive.engine.schedule.history import History, Snapshot
from latentlive.engine.schedule.readiness import Readiness
from latentlive.engine.schedule.timeline import Timeline
from latentlive.engine.schedule.underrun import Underrun
from latentlive.engine.shared import RUNNING, Shared
from latentlive.engine.timing import (
    LANDING,
    LATENCY,
    LONGEST_AHEAD,
    REACTION,
    SHORTEST_AHEAD,
    effects_lead,
    to_samples,
)
from latentlive.errors import EngineError
from latentlive.mixer import GRID, grid_ceil
from latentlive.models import load_model
from latentlive.protocol.changes import Change, Restore, SetTempo, described
from latentlive.protocol.requests import Go, Plan, Planned
from latentlive.protocol.when import NOW, After, At, Beat, Cue, When
from latentlive.space import Space
from latentlive.units import MOST_TEMPOS, Tempo


class Scheduler:
    """Turns changes into decisions of the desk, each at its moment.

    Parameters
    ----------
    shared : Shared
    tempo : Tempo
    seed : int
    ahead : float [seconds, 0.5 to 2.5]
        How far ahead of the position voices are rendered.
    held : bool
        Whether the transport waits for `start`, textures ready or not.
    say : function of a line
        Told what a performer should know.
    note : function of a decision
        Told every decision.
    space_of : function of what ``.on`` names, None where nothing does
        Returns that space; morphs go from one texture to another of the same.
    latency : float [seconds]
        Of the device.
    level_lead : int [samples], optional
        How long after they arrive live curves are heard in levels; by default as soon as the
        device's latency allows.

    Raises
    ------
    EngineError
        For another `ahead`.
    """

    def __init__(
        self,
        shared: Shared,
        tempo: Tempo,
        seed: int = 0,
        ahead: float = 2.0,
        held: bool = False,
        say: Callable[[str], object] = print,
        note: Callable[[Decision], object] = lambda decision: None,
        space_of: Callable[[str | None], Space] = load_model,
        latency: float = LATENCY,
        level_lead: int | None = None,
    ) -> None:
        if not SHORTEST_AHEAD <= ahead <= LONGEST_AHEAD:
            raise EngineError(
                f"ahead: must lie in {SHORTEST_AHEAD} to {LONGEST_AHEAD} seconds, got {ahead:g}"
            )
        self.say, self.held = say, held
        self.desk = Desk(shared, tempo, seed, note)
        self.timeline = Timeline(self.desk, ahead, say, space_of, latency)
        self.desk.holds = True
        self.desk.lead = self.timeline.margin if level_lead is None else level_lead
        self.desk.effects_lead = effects_lead(tempo.sample_rate, self.desk.lead)
        self.allocation = Allocation(self.timeline)
        self.commit = Commit(self.timeline, self.allocation)
        self.cues = Cues(self.timeline, self.allocation)
        self.readiness = Readiness(self.timeline)
        self.underrun, self.history = Underrun(self.timeline, self.failed), History()
        self.led = False
        """Whether a replay decides: a voice that fails then failed in the performance too."""
        self.barrier: int | None = None
        """The sample of the next act that revises what landed: later change sets wait for it."""
        self._landing = to_samples(LANDING, tempo.sample_rate)
        self._reaction = to_samples(REACTION, tempo.sample_rate)
        self.follows: set[str] = set()
        """The kinds of input that anything was asked to follow, and the knobs."""
        self.on_time: Callable[[], bool] = lambda: True
        """Asked before the transport starts: it may wait for the beat of a clock from outside."""
        self._numbers = 0
        self._moved = self._asked = False

    # Changes from a client.

    def check(self, plans: Sequence[Plan]) -> None:
        """Refuse plans that could not be taken.

        Raises
        ------
        EngineError
            With the first thing wrong.
        """
        check_plans(plans, self.timeline, self.cues.names)

    def plan(self, plan: Plan, when: When = NOW) -> None:
        """Take a plan; a `go` without a moment of its own lands with the cell around it."""
        if isinstance(plan, Planned):
            self.apply(plan.changes, plan.when)
        elif isinstance(plan, Go):
            self.go(plan.name, when if plan.when == NOW else plan.when)

    def apply(
        self, changes: Sequence[Change], when: When = NOW, undoable: bool = True
    ) -> ChangeSet:
        """Take changes that land together: all of them, or none if one of them is bad.

        Parameters
        ----------
        changes : sequence of changes
        when : When
            The next quant, once all is ready, when left out.
        undoable : bool
            Whether a performer did it.

        Raises
        ------
        EngineError
        """
        timeline = self.timeline
        if when != NOW:
            self.check([Planned(tuple(changes), when)])
        elif undoable:
            check(changes, timeline, self.desk.free_rings)
        full = len(timeline.tempo.changes) >= MOST_TEMPOS - 2
        if full and any(isinstance(change, SetTempo) for change in changes):
            raise EngineError(f"tempo: it can change {MOST_TEMPOS} times in one performance")
        missed = isinstance(when, Beat) and timeline.is_past(when.beat)
        self._numbers += 1
        self.follows.update(*(change.follows for change in changes))
        taken = ChangeSet(
            changes, NOW if missed else when, None, number=self._numbers, undoable=undoable
        )
        taken.quant = timeline.quant_of(changes)
        taken.fresh = isinstance(when, Cue | After)
        self._place(taken)
        if undoable and not taken.planned:
            self.history.forget_undone()
        timeline.pending.append(taken)
        if self.allocation.near(taken):
            self.allocation.allocate(taken)
        if not taken.planned:
            self.advance()
        return taken

    def _place(self, taken: ChangeSet) -> None:
        """Set the sample at which changes land, unless they wait for a cue."""
        timeline, when = self.timeline, taken.when
        if isinstance(when, Cue):
            taken.name = when.name
            for other in [other for other in timeline.pending if other.when == when]:
                self.allocation.drop(other)
        elif isinstance(when, After):
            self.cues.find(when.name, "after")
        elif isinstance(when, Beat):
            taken.beat, taken.at = when.beat, timeline.sample_of(when.beat)
        elif isinstance(when, At):
            taken.at = max(grid_ceil(when.sample), timeline.earliest)
        else:
            self.allocation.replace_pending(taken)
            taken.at = timeline.earliest
            if self.allocation.roles(taken):
                taken.at = timeline.next_quant(taken)

    def go(self, name: str, when: When = NOW) -> ChangeSet:
        """Let a cue land at the next quant, or at a moment; see `Cues.go`."""
        cue = self.cues.go(name, when)
        if not cue.planned:
            self.history.forget_undone()
        self.advance()
        return cue

    def set_seed(self, seed: int) -> None:
        """Draw all chance from another seed.

        Raises
        ------
        EngineError
            If something sounded already.
        """
        if self.timeline.running:
            raise EngineError(
                f"seed: the performance has begun with seed {self.desk.seed}; "
                "give textures a seed of their own, or start with --seed"
            )
        self.readiness.void_beginning()
        self.desk.set_seed(self.timeline.position, seed)

    # Undo and redo.

    def undo(self) -> None:
        """Take back the last step: drop it if it has not landed, else restore the states before it.

        Raises
        ------
        EngineError
            If there is nothing.
        """
        pending = self.timeline.pending
        waiting = [one for one in pending if one.undoable and not one.planned]
        if waiting:
            dropped = waiting[-1]
            self.allocation.drop(dropped)
            self.history.take_back(dropped.changes)
            self.say(f"undone, before it was heard: {described(dropped.changes)}")
        else:
            before = self.history.undo(Snapshot.of(self.timeline))
            self._restore(before)
            self.say(f"undone: {before.done}")

    def redo(self) -> None:
        """Redo the step that was undone last.

        Raises
        ------
        EngineError
            If nothing was undone since the last change.
        """
        undone = self.history.redo(Snapshot.of(self.timeline))
        if isinstance(undone, Snapshot):
            self._restore(undone)
            self.say(f"redone: {undone.done}")
        else:
            with self.history.kept():
                self.apply(undone)
            self.say(f"redone: {described(undone)}")

    def _restore(self, snapshot: Snapshot) -> None:
        if changes := snapshot.restored(self.timeline):
            self.apply(changes, undoable=False)

    # Silence.

    def panic(self, at: int | None = None, planned: int | None = None) -> None:
        """Drop everything but cues, at once.

        Parameters
        ----------
        at : int [samples], optional
            Where it fell: voices that begin later stay.
        planned : int [samples], optional
            The moment that it was planned for: plans from there on stay.
        """
        timeline = self.timeline
        timeline.pending = [
            one
            for one in timeline.pending
            if one.at is None or (planned is not None and one.planned and one.at >= planned)
        ]
        self.desk.clear(before=at)
        for layer in timeline.layers.values():
            layer.leaving, layer.good = [], None
            self.commit.silence(layer)
        for one in timeline.pending:
            if not all(voice.serial in timeline.voices for voice in one.voices):
                one.voices, one.allocated = [], False
        self.allocation.refresh()

    def fade_out(self, over: int) -> None:
        """Fade out every voice and drop what is to come; the layers' states stay."""
        for changes in self.timeline.coming():
            self.allocation.drop(changes)
        for voice in self.timeline.voices.values():
            if voice.sounding:
                self.desk.fade(voice, self.timeline.earliest, 0.0, over)
        self.commit.patching.hush(self.timeline.earliest, over)

    # The workers' answers.

    def failed(self, serial: int, error: str) -> None:
        """Drop a voice that failed to render; its layer falls back to its texture before."""
        timeline = self.timeline
        voice = timeline.voices.get(serial)
        if voice is None:
            return
        if self.led:
            voice.falter()
            return
        layer = timeline.layer(voice.layer)
        if layer.voice is voice or not voice.sounding:  # not when it is fading out already
            layer.error = error.splitlines()[0]
            self.say(f"{voice.layer}: {layer.error}")
        for changes in list(timeline.pending):
            if voice in changes.voices:
                self.allocation.without(changes, [voice.layer])
        if not voice.sounding:
            self.desk.end(voice)
            return
        over = max(voice.rendered - timeline.earliest, GRID)
        self.desk.fade(voice, timeline.earliest, 0.0, over)
        voice.failed = True
        if layer.voice is voice:
            good, layer.good, state = layer.good, None, layer.state
            layer.leaving.append(voice)
            self.commit.silence(layer)
            if good is not None and good.source is not None:
                self.say(f"{layer.name}: back to {good.source.code}")
                back = state.changed(source=good.source, origin=good.origin)
                self.apply([Restore(layer.name, back)], undoable=False)

    # What happens as time goes on.

    def advance(self) -> None:
        """Land what is ready, end what is over, write gains ahead."""
        timeline = self.timeline
        for step in (self._prepare, self._try_to_land):
            for changes in timeline.coming():
                if changes not in timeline.pending:
                    continue  # a change set that landed before it has dropped it
                try:
                    step(changes)
                except Exception as error:  # noqa: BLE001 - what cannot land costs itself alone
                    self._spoilt(changes, error)
            if self._moved:
                self._moved = False
                self.allocation.refresh()
        if not (timeline.running or self.held) and self._may_start():
            self.desk.shared.header[RUNNING] = 1
        for voice in list(timeline.voices.values()):
            if voice.sounding:
                self.underrun.watch(voice)
                if voice.is_over(timeline.position):
                    self.commit.free(voice)
        self.commit.patching.tidy()
        self.desk.write()

    def _spoilt(self, changes: ChangeSet, error: Exception) -> None:
        """Drop a change set whose commit fails, with those of its voices that do not sound yet."""
        self.say(f"{changes.name or 'a change'} cannot land and is dropped: {error!r}")
        if changes in self.timeline.pending:
            self.timeline.pending.remove(changes)
        for voice in [voice for voice in changes.voices if not voice.sounding]:
            self.desk.end(voice)

    def start(self) -> None:
        """Start the transport: once the first textures are ready, at once if there are none."""
        self.held, self._asked = False, True

    def _may_start(self) -> bool:
        return self.readiness.to_start(self._asked) and self.on_time()

    def _prepare(self, changes: ChangeSet) -> None:
        """Allocate voices in time, and move a change set whose moment has come too close."""
        timeline = self.timeline
        assert changes.at is not None
        if not changes.allocated and self.allocation.near(changes):
            self.allocation.allocate(changes)
        late = timeline.running and changes.at < timeline.earliest - GRID
        if not late or self._is_barred(changes):
            return
        if changes.planned and changes.voices:
            beat = float(timeline.tempo.beats(changes.at))
            called = f"cue {changes.name!r}" if changes.name else "what was planned"
            self.say(f"{called} is not ready at beat {beat:.2f}: it waits for the next quant")
            changes.when, changes.beat = NOW, None
            changes.quant = changes.quant or 1.0
        changes.at = timeline.next_quant(changes) if changes.voices else timeline.earliest
        self.allocation.aim(changes)
        self.cues.lead(changes)
        self._moved = True

    def _try_to_land(self, changes: ChangeSet) -> None:
        timeline, at = self.timeline, changes.at
        assert at is not None
        landing = max(self._landing, timeline.margin + 2 * self._reaction)
        last = timeline.position + landing if timeline.running else timeline.position
        too_late = timeline.running and at < timeline.earliest - self._reaction
        if at > last or too_late or self._is_barred(changes) or not changes.allocated:
            return
        if self.readiness.to_land(changes):
            timeline.pending.remove(changes)
            self.readiness.void_beginning()
            if changes.undoable:
                if changes.planned:
                    self.history.forget_undone()
                self.history.remember(Snapshot.of(timeline, described(changes.changes)))
            self.commit.land(changes, at)

    def _is_barred(self, changes: ChangeSet) -> bool:
        """Return whether a change set waits for an act before it."""
        barrier = self.barrier
        return barrier is not None and changes.at is not None and changes.at >= barrier
