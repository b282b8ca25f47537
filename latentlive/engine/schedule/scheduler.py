"""The scheduler: when changes land, and what happens when one fails or comes late.

Pure bookkeeping over integer positions and the shared memory: no clock, no process, no thread, so
that it can be tested sample by sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from latentlive.effects.block import BLOCK
from latentlive.engine.desk.decisions import Decision
from latentlive.engine.desk.desk import Desk
from latentlive.engine.desk.model import ChangeSet, Voice
from latentlive.engine.effects.reverbs import Reverb, reverbs_of
from latentlive.engine.schedule.allocation import Allocation
from latentlive.engine.schedule.changes import check
from latentlive.engine.schedule.commit import Commit
from latentlive.engine.schedule.cues import Cues
from latentlive.engine.schedule.history import History, Snapshot
from latentlive.engine.schedule.timeline import Timeline
from latentlive.engine.schedule.underrun import Underrun
from latentlive.engine.shared import RINGS, RUNNING, STARTED, STARTING, STRIPPED, Shared
from latentlive.engine.timing import (
    ENCODED_FIRST,
    LANDING,
    LATENCY,
    LONGEST_AHEAD,
    REACTION,
    SHORTEST_AHEAD,
    SOON,
    effects_lead,
    to_samples,
)
from latentlive.errors import EngineError, did_you_mean
from latentlive.mixer import GRID, grid_ceil
from latentlive.models import load_model
from latentlive.protocol.changes import (
    Change,
    Join,
    Master,
    Rename,
    Restore,
    SetEffect,
    SetSend,
    SetTempo,
    described,
    fold,
)
from latentlive.protocol.requests import MOST_PLANNED, Go, Plan, Planned
from latentlive.protocol.state import State
from latentlive.protocol.when import NOW, After, At, Beat, Cue, When
from latentlive.space import Space
from latentlive.units import MOST_TEMPOS, Tempo

EFFECTS_FIRST = 3 * BLOCK
"""Samples of effects that are rendered before the transport starts."""


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
        self.rack_ready: Callable[[list[Reverb]], bool] = lambda reverbs: True
        """Asked before effects land: the process that renders them may still start, and the rooms
        of reverbs be made."""
        self._numbers = self._starts = 0
        self._moved = self._asked = False

    # Changes from a client.

    def check(self, plans: Sequence[Plan]) -> None:
        """Refuse plans that could not be taken.

        Raises
        ------
        EngineError
            With the first thing wrong.
        """
        if len(self.timeline.pending) + len(plans) > MOST_PLANNED:
            raise EngineError(f"engine: at most {MOST_PLANNED} changes and cues can be planned")
        cues = set(self.cues.names)
        for plan in plans:
            if isinstance(plan, Planned):
                check(plan.changes, self.timeline, RINGS)
                if any(isinstance(change, Rename) for change in plan.changes):
                    raise EngineError("rename: a layer is renamed at once, not in a plan")
                if isinstance(plan.when, Cue):
                    cues.add(plan.when.name)
                if isinstance(plan.when, After):
                    _known(plan.when.name, cues, "after")
            elif isinstance(plan, Go):
                _known(plan.name, cues, "go")

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
        taken.quant = self._quant(changes)
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

    def _quant(self, changes: Sequence[Change]) -> float:
        """Return the quant of some changes: the longest of their layers."""
        beats = [0.0]
        for change in changes:
            if change.brings_texture and not isinstance(change, Restore):
                state = self.timeline.state
                beats += [fold(state(name), name, changes).quant for name in change.layers]
            elif isinstance(change, SetTempo) and not isinstance(change, Join):
                beats.append(1.0)
        return max(beats)

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
        self.desk.shared.header[STARTING] = 0
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
            before = self.history.undo(self._snapshot())
            self._restore(before)
            self.say(f"undone: {before.done}")

    def redo(self) -> None:
        """Redo the step that was undone last.

        Raises
        ------
        EngineError
            If nothing was undone since the last change.
        """
        undone = self.history.redo(self._snapshot())
        if isinstance(undone, Snapshot):
            self._restore(undone)
            self.say(f"redone: {undone.done}")
        else:
            with self.history.kept():
                self.apply(undone)
            self.say(f"redone: {described(undone)}")

    def _snapshot(self, done: str = "") -> Snapshot:
        states = {layer.slot: layer.state for layer in self.timeline.layers.values()}
        return Snapshot(states, self.desk.master.gain_db, done)

    def _restore(self, snapshot: Snapshot) -> None:
        states = snapshot.states
        changes: list[Change] = [
            Restore(layer.name, states.get(layer.slot, State()))
            for layer in self.timeline.layers.values()
            if states.get(layer.slot, State()) != layer.state
        ]
        if snapshot.master != self.desk.master.gain_db:
            changes.append(Master(snapshot.master))
        if changes:
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
        if not timeline.running and not self.held and self._may_start() and self.on_time():
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
        """Return whether every voice that sounds first is ready."""
        timeline = self.timeline
        first = [voice for voice in timeline.voices.values() if voice.sounding]
        waiting = any(one.at == timeline.position for one in timeline.pending)
        if waiting or not (first or self._asked):
            return False
        if self._asked and not all(map(self._is_ready, self._soon())):
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

    def _effects_begin(self) -> bool:
        """Return whether what goes through effects is rendered at first; ask for it."""
        header = self.desk.shared.header
        if not self.desk.strips.by_serial:
            return True
        if not header[STARTING]:
            self._starts += 1
            header[STARTING] = self._starts
        return begun(self.desk.shared)

    def _soon(self) -> list[Voice]:
        """Return the voices of plans for the first seconds: there is no time later."""
        timeline = self.timeline
        until = timeline.position + round(SOON * timeline.tempo.sample_rate)
        soon = [one for one in timeline.pending if one.at is not None and one.at < until]
        return [voice for one in soon for voice in one.voices]

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
        if all(self._is_ready(voice) for voice in changes.voices) and self._effects_ready(changes):
            timeline.pending.remove(changes)
            self.desk.shared.header[STARTING] = 0  # what was rendered of the beginning is void
            if changes.undoable:
                if changes.planned:
                    self.history.forget_undone()
                self.history.remember(self._snapshot(described(changes.changes)))
            self.commit.land(changes, at)

    def wants_effects(self) -> bool:
        """Return whether anything has effects or sends, or is to have them."""
        if self.desk.strips.by_serial:
            return True
        routed = any(layer.state.routed for layer in self.timeline.layers.values())
        return routed or any(map(_routes, self.timeline.pending))

    def _effects_ready(self, changes: ChangeSet) -> bool:
        """Return whether effects can be rendered, or are not asked for."""
        routed = any(layer.state.routed for layer in self.timeline.layers.values())
        return not (routed or _routes(changes)) or self.rack_ready(reverbs_of(changes.changes))

    def _is_barred(self, changes: ChangeSet) -> bool:
        """Return whether a change set waits for an act before it."""
        barrier = self.barrier
        return barrier is not None and changes.at is not None and changes.at >= barrier

    def _is_ready(self, voice: Voice, lead: float | None = None) -> bool:
        """Return whether a voice is rendered far enough ahead, or to its end."""
        enough = self.timeline.enough(voice) if lead is None else lead
        if voice.needs_encoding:
            encoded = max(voice.stream.encoded, voice.rendered)
            first = round(ENCODED_FIRST * self.timeline.tempo.sample_rate)
            if encoded < voice.start + first and not voice.complete:
                return False
        return voice.rendered >= voice.start + enough or voice.complete


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


def _known(name: str, cues: set[str], word: str) -> None:
    if name not in cues:
        raise EngineError(f"{word}: no cue {name!r}{did_you_mean(name, cues)}")
