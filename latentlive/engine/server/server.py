"""The engine's loop: it takes what clients and children send, and moves everything else."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import socket
import time
import traceback
from pathlib import Path
from typing import Any

from latentlive.corpus.grabbed import beside_log
from latentlive.engine.desk.decisions import Marked
from latentlive.engine.effects.keeper import Keeper
from latentlive.engine.inputs.bindings import Bindings
from latentlive.engine.inputs.reception import Reception
from latentlive.engine.log.replay import Replay
from latentlive.engine.log.resume import restore
from latentlive.engine.output.supervisor import Output
from latentlive.engine.render.pool import Pool
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.engine.server.clients import Clients
from latentlive.engine.server.peers import Peer
from latentlive.engine.server.session import Session
from latentlive.engine.server.spectrum import SAMPLES, bands
from latentlive.engine.server.startup import Startup
from latentlive.engine.server.status import report
from latentlive.engine.shared import CLOSING, PANIC, POSITION, TICKS, Shared
from latentlive.engine.timing import FADE, HELD_UP, MARK_EVERY, SWEEP_AFTER, TICK
from latentlive.errors import LatentliveError
from latentlive.ground import threads
from latentlive.ground.files import fresh_file, working_folder
from latentlive.ground.processes import Signals
from latentlive.models import findable
from latentlive.protocol.address import OnExit, sweep
from latentlive.protocol.children import Child, Children
from latentlive.protocol.replies import Closing, Done, Over, Refused, Welcome
from latentlive.protocol.requests import Request
from latentlive.protocol.wire import Message
from latentlive.renderer import Spaces

NO_INPUT = "no device is to be opened; --input DEVICE opens an input all the same"


def sweep_later() -> None:
    """Remove the address file of a killed program, once it has ended."""
    time.sleep(SWEEP_AFTER)
    sweep()


class Server:
    """The engine's one thread of decisions; everything else only feeds its queue."""

    def __init__(self, options: dict[str, Any], signals: Signals) -> None:
        self.options, self._signals = options, signals
        self.inbox: queue.Queue[tuple[Any, Message | None]] = queue.Queue()
        startup = Startup.of(options)
        self.model, self.space = startup.model, startup.space
        self.shared = Shared.create(startup.channels, self.space.sample_rate)
        self.shared.header[POSITION] = startup.start
        self.clients = Clients(self.status)
        self.say = self.clients.say
        self.journal = startup.journal(options["log"], options["corpus"], self.say)
        scheduler = Scheduler(
            self.shared,
            startup.tempo,
            startup.seed,
            options["ahead"],
            options["hold"],
            self.say,
            self.journal.note,
            Spaces(self.space).space,
            options["latency"],
            startup.lead,
        )
        self.session = Session(scheduler, self.journal, self.say)
        self.timeline = scheduler.timeline
        if startup.replayed is not None:
            self.session.replay = Replay(scheduler, startup.replayed, startup.position)
        elif startup.resumed is not None:
            restore(scheduler, startup.resumed)
        self._why = "stopped"
        self._marked = 0.0
        self._alone_since = time.monotonic()
        self._ticked = time.monotonic()
        self._faults: set[str] = set()
        self.log = fresh_file(working_folder("log") / f"engine-{os.getpid()}.log")
        children = Children(self.shared.fd, self.inbox, self.log)
        self.pool = Pool(scheduler, self.shared, self.model, children, self.say)
        self.keeper = Keeper(
            scheduler.desk,
            self.shared,
            options["latency"],
            children,
            self.say,
            scheduler.readiness.wants_effects,
        )
        scheduler.readiness.rack_ready = self.keeper.ready_for
        self.output = self.session.output = Output(
            self.shared,
            self.space.sample_rate,
            options,
            children,
            self.say,
            self._rings,
        )
        self.reception = Reception(
            self.session.arrivals,
            self.session.listening,
            self.space.sample_rate,
            options,
            children,
            self.say,
        )
        session = self.session
        session.outgoing.send = session.clocks.send = session.arrivals.tell = self.reception.send
        session.linked.send = self.reception.send
        self.reception.heard = self._hear
        session.listening.send = self.reception.send
        session.arrivals.remember(Bindings(self.say))
        if options["silent"] and not options["input"]:
            session.listening.refusal = NO_INPUT
        if options["log"]:
            session.listening.beside = os.fspath(beside_log(self.journal.path))
        self._out = options["out"]
        self._record_all()

    def _record_all(self) -> None:
        """Record everything, from where it is heard on."""
        rolling = self.session.replay is not None and self.session.replay.rolling
        if self._out and not rolling:
            self.output.record_all(self._out)
            self._out = ""

    def admit(self, connection: socket.socket, hello: Message) -> None:
        """Listen to a program that knows the token, until it disconnects."""
        on_exit: OnExit = "fade" if hello.get("on_exit") == "fade" else "keep"
        Peer(connection, self.inbox, on_exit, hello.get("reads") is True).listen()

    def _rings(self) -> dict[str, list[int]]:
        """Return the rings that sound, by layer."""
        rings: dict[str, list[int]] = {}
        for voice in self.timeline.voices.values():
            if voice.sounding:
                rings.setdefault(voice.layer, []).extend(voice.rings)
        for strip in self.timeline.desk.strips:
            rings.setdefault(strip.layer, []).extend(strip.rings)
        return rings

    def run(self) -> None:
        """Serve until asked to end."""
        while self.session.ending is None or time.monotonic() < self.session.ending:
            for step in (self._tick, self.clients.tell):
                try:
                    step()
                except Exception as error:  # noqa: BLE001 - a fault of ours must not end the sound
                    self._tell_fault(error)
            if self.session.ending is not None and self.timeline.silent:
                break
        self._close()

    def _tick(self) -> None:
        """Take messages, and look after what sounds."""
        self.shared.header[TICKS] += 1
        if self._signals.names:
            self._end_for(self._signals.names)
        with contextlib.suppress(queue.Empty):
            first = self.inbox.get(timeout=TICK)
            self.session.note_holes()  # holes lie before every decision of this round
            self._handle(*first)
            until = time.monotonic() + TICK  # thousands of requests at once hold nobody up
            while time.monotonic() < until:
                self._handle(*self.inbox.get_nowait())
        self._record_all()
        self.output.tick()  # before voices are freed: what they played is recorded
        self.session.note_holes()
        before, self._ticked = self._ticked, time.monotonic()
        if self._ticked > before + HELD_UP:
            self.session.scheduler.underrun.excuse("the engine was held up")
        self.session.advance()
        self.pool.feed()
        self.keeper.watch()
        now, outgoing = time.monotonic(), self.session.outgoing
        self.reception.feed(self._inputs())
        outgoing.advance(now, self.session.scheduler.cues.states)
        if self.timeline.running and now >= self._marked + MARK_EVERY:
            self._marked = now
            self.journal.note(Marked(self.timeline.position))
        self._end_if_left(now)

    def _inputs(self) -> set[str]:
        """Return the kinds of input that are to be heard or sent to."""
        session = self.session
        kinds = {"osc"} if session.outgoing.active else set()
        kinds |= {"midi"} if session.clocks.sends else set()
        kinds |= {"link"} if session.linked.wanted else set()
        if session.replay is None:
            kinds |= session.scheduler.follows | session.arrivals.kinds(session.scheduler.follows)
        return kinds

    def _hear(self, kind: str, message: Message) -> None:
        """Take what an input process tells of clocks."""
        self.session.clocks.take(kind, message)
        self.session.linked.take(kind, message)

    def _end_if_left(self, now: float) -> None:
        """End when nobody is connected and nothing sounds: a killed prompt cannot end it."""
        if self.clients.accompany or not self.session.silent:
            self._alone_since = now
        elif now > self._alone_since + self.options["idle"]:
            self.session.end(0.0)

    def _tell_fault(self, error: Exception) -> None:
        """Write a fault of the engine's own into its log, and tell of it once."""
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{where.name}:{where.lineno}"
        if place not in self._faults:
            self._faults.add(place)
            self.say(f"{fault(error)}; the sound goes on; see {self.log.name}")
            with contextlib.suppress(OSError):  # a full disk is no reason either
                self.log.write("".join(traceback.format_exception(error)).encode())
                self.log.flush()

    def _handle(self, sender: Any, message: Message | None) -> None:
        if isinstance(sender, Child):
            self._from_child(sender, message)
        elif message is None:
            self.clients.leave(sender)
            if sender.on_exit == "fade":
                self.session.end(FADE)
            self._sweep_soon()
        else:
            self._from_client(sender, message)

    def _from_child(self, child: Child, message: Message | None) -> None:
        if message is None and self.session.ending is not None:
            return  # it was asked to go
        if self.pool.owns(child):
            self.pool.take(child, message)
        elif self.keeper.owns(child):
            self.keeper.take(child, message)
        elif self.reception.owns(child):
            self.reception.take(child, message)
        else:
            self.output.take(child, message)

    def _from_client(self, client: Peer, message: Message) -> None:
        op = message.get("op")
        if op == "hello" and client not in self.clients:
            self.clients.welcome(client, self._welcome())
            return
        number = message.pop("id", None)
        answer: Done | Refused = Done(None)
        try:
            answer = Done(number)
            self.session.do(Request.load(message))
        except LatentliveError as error:
            answer = Refused(answer.id, str(error))
        except Exception as error:  # noqa: BLE001 - whatever is asked for, the sound goes on
            self._tell_fault(error)
            answer = Refused(answer.id, fault(error))
        self.clients.answer(client, answer)

    def _welcome(self) -> Welcome:
        return Welcome(
            os.getpid(),
            self.space.name,
            self.space.digest,
            self.space.facts.dump(),
            self.space.sample_rate,
            self.timeline.tempo.bpm_at(self.timeline.position),
            str(self.journal.path),
            self.options["corpus"],
            findable(self.model),
        )

    def _end_for(self, names: list[str]) -> None:
        """Fade out as a signal wants it, at once for a second one.

        The layers stay in the log as they are, so that `latentlive resume` brings them back.
        """
        if self.session.ending is None:
            self._why = names[0]
            self.say(f"the engine was told to end by {self._why} and fades out")
            self.session.leave_replay()
            timeline, over = self.timeline, round(FADE * self.space.sample_rate)
            self.session.scheduler.fade_out(over)
            self.journal.note(Marked(timeline.earliest + over))
            self.journal.close(0.0, ended=False)
            self.session.ending = time.monotonic() + (FADE + 1.0) * timeline.running
        elif len(names) > 1:
            self.session.ending = time.monotonic()

    def _sweep_soon(self) -> None:
        """Take away what a program leaves that was killed."""
        with contextlib.suppress(RuntimeError, MemoryError):  # no thread: the next start sweeps too
            threads.run(sweep_later)

    def status(self) -> Message:
        """Return the state of everything, for panels."""
        told, acts = report(self.session.scheduler), self.session.acts
        plan = [*told["plan"], *acts.table(self.timeline.tempo)]
        levels = self.session.outgoing.levels()
        for layer in told["layers"]:
            layer["level"] = 20.0 * math.log10(max(levels.get(layer["name"], 0.0), 1e-6))
        if self.clients.watch:
            position = self.timeline.position
            heard = self.shared.read_tap(max(position - SAMPLES, 0), position)
            told["bands"] = bands(heard, self.space.sample_rate) if len(heard) == SAMPLES else []
        return {
            **told,
            "plan": sorted(plan, key=lambda one: (one["sample"] is None, one["sample"])),
            "silent": self.session.silent,
            "refused": acts.refused,
            **self.session.arrivals.status(),
            **self.session.clocks.status(),
            **self.session.linked.status(),
            **self.reception.status(),
            "panics": int(self.shared.header[PANIC]),
            "replaying": self.session.replay is not None,
            "replays": self.options["replay"],
            **self.output.status(),
            **self.keeper.status(),
            "ready": self.pool.ready,
            "workers_up": sum(self.pool.dispatch.up),
            "workers": self.pool.pids,
            "backlog": self.pool.dispatch.backlog,
            "log": str(self.journal.path),
        }

    def _close(self) -> None:
        self.session.ending = self.session.ending or time.monotonic()
        self.clients.tell()
        self.clients.send(Closing())
        self.shared.header[CLOSING] = 1
        time.sleep(0.05)
        self.output.close()
        self.clients.send(Over(self._why))
        self.clients.drop()
        self.pool.close()
        self.keeper.close()
        self.reception.close()
        sweep()
        self.journal.note(Marked(self.timeline.position))
        self.journal.close()
        path = Path(self.log.name)
        with contextlib.suppress(OSError):  # full, or taken away meanwhile
            self.log.close()
            if path.stat().st_size == 0:
                path.unlink()


def fault(error: Exception) -> str:
    """Return the line that tells of a fault of the engine's own."""
    return f"engine: a fault of its own: {error!r}"
