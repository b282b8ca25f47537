"""What clients ask for, done: all of a request, or none of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from latentlive.curves import Num
from latentlive.engine.schedule.changes import check
from latentlive.engine.server.acts import REVISING, Acts
from latentlive.engine.shared import PANIC, PANIC_AT, PANIC_DONE, VOICES
from latentlive.errors import EngineError
from latentlive.expr import dump
from latentlive.protocol.preview import PREVIEW, PREVIEW_DB, is_preview
from latentlive.protocol.schema import ACTS, REQUESTS, check_shape
from latentlive.protocol.wire import Message

if TYPE_CHECKING:
    from latentlive.engine.server.main import Server

CHANGING = frozenset({"cell", "go", "cancel", "audition", "undo", "redo", "seed"})
"""What a replay does not take."""

PANIC_PATIENCE = 0.3
"""Seconds that the audio process has to fall silent before the engine goes on."""

UNHEARD = -1
"""Where silence begins, as long as the audio process has not said it."""


class Requests:
    """Takes the messages of clients.

    Parameters
    ----------
    server : Server
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.acts = Acts(self.do, server.say)

    def do(self, message: Message) -> None:
        """Do what a client asks for.

        Raises
        ------
        LatentliveError
            If it cannot be done; nothing has changed then.
        """
        check_shape(message, REQUESTS, "message")
        server, scheduler, op = self._server, self._server.scheduler, message["op"]
        if server.replay is not None and op in CHANGING:
            raise EngineError("replay: a replay takes no changes; panic and stop work")
        if op == "cell":
            self._cell(message)
        elif op == "go":
            scheduler.cues.go(message["name"])
        elif op == "cancel":
            if not self.acts.cancel(message["name"]):
                scheduler.cues.cancel(message["name"])
        elif op == "audition":
            self._audition(message)
        elif op == "undo":
            scheduler.undo.undo()
        elif op == "redo":
            scheduler.undo.redo()
        elif op == "seed":
            scheduler.set_seed(int(message["n"]))
        elif op == "start":
            scheduler.start()
        elif op == "record":
            if message.get("whole"):
                server.output.record_all(message["path"])
            else:
                server.output.record(message["path"], message.get("stems"))
        elif op == "stop recording":
            server.output.stop_recording()
        elif op == "panic":
            self._panic()
        elif op == "quit":
            server.end(float(message.get("fade", 1.0)))

    def _cell(self, message: Message) -> None:
        """Take changes and plans, all or none, and write down what was typed for them.

        Acts come first; before the cell's moment they are kept for it.
        """
        scheduler, changes = self._server.scheduler, message["changes"]
        plans, acts, at = message.get("plans", []), message.get("acts", []), message.get("at")
        for act in acts:
            check_shape(act, ACTS, "act")
        scheduler.check(plans)
        if acts and at is not None and at > scheduler.position:
            later = None
            if any(act["op"] in REVISING for act in acts):
                check(changes, scheduler.layers, VOICES, self._server.block.channels)
                later = {"op": "cell", "changes": changes, "plans": plans}
            else:
                self._take(changes, plans, at)
            self.acts.plan(at, message.get("name", ""), acts, later)
            landing = at
        else:
            for act in acts:
                self.do(act)
            landing = self._take(changes, plans, at)
        self._write_down(message, landing)

    def _take(self, changes: list[Message], plans: list[Message], at: int | None) -> int:
        """Take checked changes and plans; return where the changes are to land."""
        scheduler = self._server.scheduler
        landing = scheduler.position
        if changes:
            cell = scheduler.apply(changes, at)
            landing = landing if cell.at is None else cell.at
        for plan in plans:
            if plan["op"] == "go":
                scheduler.cues.go(plan["name"], at, plan.get("beat"))
            else:
                scheduler.apply(
                    plan["changes"],
                    beat=plan.get("beat"),
                    cue=plan.get("cue", ""),
                    follows=plan.get("follows"),
                )
        return landing

    def _audition(self, message: Message) -> None:
        """Play something on preview layers, on the last pair of channels; stop them first."""
        scheduler, pair = self._server.scheduler, self._server.block.channels // 2 - 1
        named = message.get("name")
        sources = [message["source"]] if "source" in message else scheduler.cues.textures_of(named)
        changes: list[Message] = [
            {"op": "stop", "layer": name, "fade": 0.5}
            for name in scheduler.layers
            if is_preview(name)
        ]
        for number, source in enumerate(sources, 1):
            layer, quiet = f"{PREVIEW}{number}", dump(Num(PREVIEW_DB))
            changes.append({"op": "set", "layer": layer, "pair": pair, "quant": 0.0})
            changes.append({"op": "set", "layer": layer, "gain_db": quiet})
            changes.append({"op": "play", "layer": layer, "source": source})
        if changes:
            scheduler.apply(changes)

    def _write_down(self, message: Message, at: int) -> None:
        """Write typed text into the log, with its moment."""
        code = str(message.get("code", ""))
        if "failed" in message:
            code += f"\n# {message['failed'].partition(chr(10))[0]}"
        if code.strip():
            tempo = self._server.scheduler.tempo
            beat = float(tempo.beats(at))
            self._server.journal.cell(code, message.get("name", ""), at, beat, tempo.sample_rate)

    def _panic(self) -> None:
        """Silence everything, and note from which sample on."""
        server, header, planned = self._server, self._server.block.header, self.acts.moment
        server.leave_replay()
        if planned is None:
            self.acts.clear()
        header[PANIC_AT] = UNHEARD
        header[PANIC] += 1
        patience = time.monotonic() + PANIC_PATIENCE
        while int(header[PANIC_AT]) == UNHEARD and time.monotonic() < patience:
            time.sleep(0.001)
        fell = int(header[PANIC_AT])
        if fell == UNHEARD:  # nothing was played since: it is silent from here on
            header[PANIC_AT] = fell = server.scheduler.position
        server.scheduler.panic(None if planned is None else max(fell, planned), planned)
        header[PANIC_DONE] = header[PANIC]
        server.journal.note({"do": "panic", "at": fell})
