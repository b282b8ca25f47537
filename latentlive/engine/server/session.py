"""A session: what plays, its log, and what clients ask of both, done whole or not at all.

It knows no socket and no process, so that a test, or another front, can drive it as a server does.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence

from latentlive.curves import Num, inputs_of
from latentlive.engine.desk.decisions import Hole, Panicked
from latentlive.engine.inputs.arrivals import Arrivals
from latentlive.engine.inputs.layer_levels import LayerLevels
from latentlive.engine.inputs.listening import KIND, Listening
from latentlive.engine.inputs.outgoing import Outgoing
from latentlive.engine.inputs.reception import CONTROLLERS
from latentlive.engine.log.journal import Journal
from latentlive.engine.log.replay import Replay
from latentlive.engine.output.supervisor import Output
from latentlive.engine.schedule.changes import check
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.engine.server.acts import Acts
from latentlive.engine.server.clocks import Clocks
from latentlive.engine.server.linking import Linked
from latentlive.engine.shared import CUT, PANIC, PANIC_AT, PANIC_DONE, RINGS
from latentlive.engine.timing import PANIC_PATIENCE
from latentlive.errors import EngineError
from latentlive.protocol.changes import Change, Hush, Play, Set, SetTempo, Stop
from latentlive.protocol.preview import PREVIEW, PREVIEW_DB, is_preview
from latentlive.protocol.requests import (
    Audition,
    Cancel,
    Cell,
    ClockIn,
    ClockOut,
    Forget,
    Grab,
    JoinLink,
    Learn,
    Listen,
    Panic,
    Plan,
    Quit,
    RecordTo,
    Redo,
    Request,
    Seed,
    Send,
    Start,
    StopRecording,
    Turn,
    Undo,
    Visuals,
)
from latentlive.protocol.when import At, When

UNHEARD = -1
"""Where silence begins, as long as the audio process has not said it."""


class Session:
    """What plays, and what is asked of it.

    Parameters
    ----------
    scheduler : Scheduler
    journal : Journal
    say : function of a line
        Told what a performer should know.
    """

    output: Output
    """What plays it; whoever makes the session has it next."""

    def __init__(
        self, scheduler: Scheduler, journal: Journal, say: Callable[[str], object]
    ) -> None:
        self.scheduler, self.journal, self.say = scheduler, journal, say
        self.desk, self.shared = scheduler.desk, scheduler.desk.shared
        self.timeline = scheduler.timeline
        self.replay: Replay | None = None
        self.acts = Acts(self.do, say)
        self.arrivals = Arrivals(self.desk, say)
        self.outgoing = Outgoing(self.desk)
        self.clocks = Clocks(scheduler, self.arrivals, lambda: self.output.latency, say)
        self.linked = Linked(scheduler, self.arrivals, lambda: self.output.latency, say)
        scheduler.on_time = lambda: self.clocks.on_time() and self.linked.on_time()
        self.listening = Listening(say)
        self.layer_levels = LayerLevels(self.desk, self.arrivals, say)
        self.ending: float | None = None
        """When it ends, by the clock of this computer."""
        self._holes = {False: 0, True: 0}

    @property
    def silent(self) -> bool:
        """Whether nothing sounds and nothing is to come by itself."""
        return self.timeline.silent and self.replay is None and not self.acts.waiting

    # As time goes on.

    def advance(self) -> None:
        """Do what is due, and look after what sounds."""
        self.acts.advance(self.timeline.position)
        self.scheduler.barrier = self.acts.barrier
        if self.replay is None:
            now = time.monotonic_ns()
            self.listening.want(self.scheduler.follows)
            self.layer_levels.want(self.scheduler.follows)
            self.layer_levels.advance(now)
            self.arrivals.advance(now)
            self.clocks.advance(now)
            self.linked.advance(now)
            self.scheduler.advance()
        else:
            self._follow(self.replay)
        self.clocks.tell(time.monotonic_ns())

    def _follow(self, replay: Replay) -> None:
        """Let a replay go on, until it is over."""
        try:
            replay.advance()
        except EngineError as error:  # the log is no longer what it was when it was checked
            self.say(str(error))
            self.leave_replay()
            return
        if replay.over:
            self.leave_replay()

    def leave_replay(self) -> None:
        """Let what sounds be the performer's again."""
        self.replay, self.scheduler.led, self.shared.header[CUT] = None, False, 0
        self.desk.holds = True

    def note_holes(self) -> None:
        """Log what the audio process and effects did not find in the rings."""
        for unfed in self._holes:
            rows, self._holes[unfed] = self.shared.read_holes(self._holes[unfed], unfed)
            for ring, start, stop in rows.tolist():
                owner = self.desk.owner(ring, start)
                if owner is not None:
                    self.journal.note(Hole(start, owner.serial, stop, owner.rings.index(ring)))

    def end(self, fade: float) -> None:
        """Let everything fade out over so many seconds, then end."""
        if self.ending is None:
            self.leave_replay()
            beats = fade / 60.0 * self.timeline.tempo.bpm_at(self.timeline.position)
            self.scheduler.apply([Hush(beats)])
            self.ending = time.monotonic() + fade + 1.0

    # What clients ask for.

    def do(self, request: Request) -> None:
        """Do what a client asks for.

        Raises
        ------
        LatentliveError
            If it cannot be done; nothing has changed then.
        """
        if self.replay is not None and request.changes_sound:
            raise EngineError("replay: a replay takes no changes; panic and stop work")
        self.serve(request)

    @functools.singledispatchmethod
    def serve(self, request: Request) -> None:
        """Do what a request of this class asks for; of some there is nothing to do."""

    @serve.register
    def _(self, plan: Plan) -> None:
        self.scheduler.plan(plan)

    @serve.register
    def _(self, request: Cancel) -> None:
        if not self.acts.cancel(request.name):
            self.scheduler.cues.cancel(request.name)

    @serve.register
    def _(self, request: Undo) -> None:
        self.scheduler.undo()

    @serve.register
    def _(self, request: Redo) -> None:
        self.scheduler.redo()

    @serve.register
    def _(self, request: Seed) -> None:
        self.scheduler.set_seed(request.n)

    @serve.register
    def _(self, request: Turn) -> None:
        self.arrivals.turn(request.name, request.value, request.by, time.monotonic_ns())

    @serve.register
    def _(self, request: Send) -> None:
        place = request.host, request.port
        if request.curve is not None:
            self.scheduler.follows.update(inputs_of(request.curve))
        self.outgoing.follow(request.path, request.curve, place, request.rate)

    @serve.register
    def _(self, request: Visuals) -> None:
        self.outgoing.show(None if request.port is None else (request.host, request.port))

    @serve.register
    def _(self, request: Listen) -> None:
        self.scheduler.follows.update(CONTROLLERS)

    @serve.register
    def _(self, request: Learn) -> None:
        self.scheduler.follows.update(CONTROLLERS)
        self.arrivals.learn(request)

    @serve.register
    def _(self, request: Grab) -> None:
        self.scheduler.follows.add(KIND)
        self.listening.grab(request, self.timeline.position, self.timeline.tempo)

    @serve.register
    def _(self, request: Forget) -> None:
        self.arrivals.forget(request.name)

    @serve.register
    def _(self, request: ClockIn) -> None:
        if request.device is not None and self.linked.wanted:
            raise EngineError("clock_in: link gives the tempo; link(False) leaves it")
        self.clocks.follow(request)

    @serve.register
    def _(self, request: ClockOut) -> None:
        self.clocks.give(request)

    @serve.register
    def _(self, request: JoinLink) -> None:
        if request.on and self.clocks.wanted:
            raise EngineError("link: clock_in gives the tempo; clock_in(None) leaves it")
        self.linked.ask(request)

    @serve.register
    def _(self, request: Start) -> None:
        self.scheduler.start()

    @serve.register
    def _(self, request: RecordTo) -> None:
        if request.whole:
            self.output.record_all(request.path)
        else:
            self.output.record(request.path, request.stems)

    @serve.register
    def _(self, request: StopRecording) -> None:
        self.output.stop_recording()

    @serve.register
    def _(self, request: Quit) -> None:
        self.end(request.fade)

    @serve.register
    def _(self, cell: Cell) -> None:
        """Take changes and plans, all or none, and write down what was typed for them."""
        timeline, when = self.timeline, cell.when
        self.scheduler.check(cell.plans)
        if any(isinstance(change, SetTempo) for change in cell.changes):
            self.clocks.check()
        if cell.acts and isinstance(when, At) and when.sample > timeline.position:
            later = None
            if any(act.revises for act in cell.acts):
                check(cell.changes, timeline, RINGS)
                later = Cell(cell.changes, cell.plans)
            else:
                self._take(cell.changes, cell.plans, when)
            self.acts.plan(when.sample, cell.name, cell.acts, later)
            landing = when.sample
        else:
            for act in cell.acts:
                self.do(act)
            landing = self._take(cell.changes, cell.plans, when)
        self._write_down(cell, landing)

    def _take(self, changes: Sequence[Change], plans: Sequence[Plan], when: When) -> int:
        """Take checked changes and plans; return where the changes are to land."""
        landing = self.timeline.position
        if changes:
            taken = self.scheduler.apply(changes, when)
            landing = landing if taken.at is None else taken.at
        for plan in plans:
            self.scheduler.plan(plan, when)
        return landing

    def _write_down(self, cell: Cell, at: int) -> None:
        """Write typed text into the log, with its moment."""
        code, failed = cell.code, (cell.failed or "").partition("\n")[0]
        if cell.failed is not None:
            code += f"\n# {failed}"
        if code.strip():
            tempo = self.timeline.tempo
            beat = float(tempo.beats(at))
            self.journal.cell(code, cell.name, at, beat, tempo.sample_rate, failed)

    @serve.register
    def _(self, request: Audition) -> None:
        """Play something on preview layers, on the last pair of channels; stop them first."""
        pair = self.shared.channels // 2 - 1
        sources = [request.source] if request.source else []
        if request.name is not None and not sources:
            sources = self.scheduler.cues.textures_of(request.name)
        changes: list[Change] = [
            Stop(name, 0.5) for name in self.timeline.layers if is_preview(name)
        ]
        for number, source in enumerate(sources, 1):
            layer = f"{PREVIEW}{number}"
            changes.append(Set(layer, gain_db=Num(PREVIEW_DB), quant=0.0, pair=pair))
            changes.append(Play(layer, source))
        if changes:
            self.scheduler.apply(changes)

    @serve.register
    def _(self, request: Panic) -> None:
        """Silence everything, and note from which sample on."""
        header, planned = self.shared.header, self.acts.moment
        self.leave_replay()
        if planned is None:
            self.acts.clear()
        header[PANIC_AT] = UNHEARD
        header[PANIC] += 1
        patience = time.monotonic() + PANIC_PATIENCE
        while int(header[PANIC_AT]) == UNHEARD and time.monotonic() < patience:
            time.sleep(0.001)
        fell = int(header[PANIC_AT])
        if fell == UNHEARD:  # nothing was played since: it is silent from here on
            header[PANIC_AT] = fell = self.timeline.position
        self.scheduler.panic(None if planned is None else max(fell, planned), planned)
        header[PANIC_DONE] = header[PANIC]
        self.journal.note(Panicked(fell))
