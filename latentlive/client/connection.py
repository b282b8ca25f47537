"""The wire to an engine: requests with their answers, and incoming states and lines."""

from __future__ import annotations

import contextlib
import selectors
import socket
import subprocess
import threading
import time
from collections.abc import Callable

from latentlive.errors import EngineError, HangingError, printable
from latentlive.ground.launch import command, launched
from latentlive.ground.lines import print_aside
from latentlive.ground.patience import Patience
from latentlive.ground.system import apart
from latentlive.protocol.address import Address, sweep
from latentlive.protocol.kinds import SECONDS
from latentlive.protocol.replies import (
    Alive,
    Closing,
    Done,
    Line,
    Over,
    Refused,
    Reply,
    Status,
    Welcome,
)
from latentlive.protocol.requests import Quit, Request, TellState
from latentlive.protocol.wire import Message, Wire

PATIENCE = 20.0
"""Seconds for an engine to answer while it gives signs of life."""

SILENT = 2.0
"""Seconds of silence after which an engine hangs: it sends signs of life all the time."""

LOOK_EVERY = 0.2

RESUME = "`latentlive resume` brings its layers back"
HANGS = "the engine does not answer; `latentlive panic` ends it"
CUT = f"the engine did not answer and was ended; {RESUME}"


class Connection:
    """A connected engine; a thread listens to it.

    Parameters
    ----------
    wire : Wire
    connection : socket
    address : Address
    say : function of a line, optional
        Receives lines for the performer; standard error when left out.
    patience : float [seconds]
        To wait for the first message.

    Raises
    ------
    EngineError
        If the engine ends before it answers.
    HangingError
        If it does not answer.
    """

    def __init__(
        self,
        wire: Wire,
        connection: socket.socket,
        address: Address,
        say: Callable[[str], object] | None = None,
        patience: float = SILENT,
    ) -> None:
        self._wire, self._socket, self.address = wire, connection, address
        self._say = say or print_aside
        self._waiting: dict[int, Done | Refused] = {}
        self._answered = threading.Condition()
        self._next = 0
        self.state: Message = {}
        """The engine's last state; empty before the first."""
        self.state_at, self.ended = 0.0, False
        self.why = f"the engine is gone; {RESUME}"
        """The line about its end."""
        self._leaving = self._closing = False
        self._patience, self._silent = Patience(), 0.0
        if not readable(connection, patience):
            raise HangingError(HANGS)
        welcome = self._wire.receive()
        if welcome is None:
            raise EngineError("engine: it ended while starting")
        self.welcome = Welcome.load(welcome)
        for what in (self._listen, self._watch):
            threading.Thread(target=what, daemon=True).start()

    @property
    def hangs(self) -> bool:
        """Whether the engine is silent although it has not announced its end."""
        return self._silent > SILENT and not (self.ended or self._closing)

    def _watch(self) -> None:
        """Say once that the engine hangs, and once that it answers again."""
        hung = False
        while True:
            with self._answered:
                if self._answered.wait_for(lambda: self.ended, LOOK_EVERY):
                    return
                self._silent = self._patience.waited()
                self._answered.notify_all()
            if self.hangs != hung:
                hung = self.hangs
                self._say(HANGS if hung else "the engine answers again")

    def _listen(self) -> None:
        while (message := self._wire.receive()) is not None:
            self._patience.heard()
            self._silent = 0.0
            self._take(Reply.load(message))
        with self._answered:
            self.ended = True
            self._answered.notify_all()
        if not self._leaving:
            self._say(self.why)

    def _take(self, reply: Reply) -> None:
        match reply:
            case Status() | Alive():
                with self._answered:
                    self.state = reply.state if isinstance(reply, Status) else self.state
                    self.state_at = time.monotonic()
                    self._answered.notify_all()
            case Line():
                self._say(printable(reply.line))
            case Done() | Refused() if reply.id is not None:
                with self._answered:
                    self._waiting[reply.id] = reply
                    self._answered.notify_all()
            case Closing():
                self._closing = True
            case Over():
                told = f"the engine has ended by {reply.why}; {RESUME}"
                self.why = "the engine was stopped" if reply.why == "stopped" else told

    def request(self, request: Request, patience: float = 2.0 * SILENT) -> None:
        """Send a request and wait for the answer.

        Parameters
        ----------
        request : Request
        patience : float [seconds]
            Longest silence of the engine.

        Raises
        ------
        EngineError
            If the engine refuses it or has ended.
        HangingError
            If it does not answer.
        """
        if self.ended:
            raise EngineError(f"engine: it has ended: {self.why}")
        with self._answered:
            self._next += 1
            number = self._next
        self._wire.send({**request.dump(), "id": number})
        self.wait_for(lambda: number in self._waiting or self.ended or self._silent > patience)
        with self._answered:
            answer = self._waiting.pop(number, None)
        if answer is None:
            if self.ended:
                raise EngineError(f"engine: it has ended: {self.why}")
            raise HangingError(HANGS)
        if isinstance(answer, Refused):
            raise EngineError(answer.error)

    def wait_for(self, what: Callable[[], object], seconds: float = PATIENCE) -> bool:
        """Wait until a condition on the engine's state holds; return whether it does."""
        with self._answered:
            return bool(self._answered.wait_for(what, seconds))

    def fresh(self) -> Message:
        """Request the engine's state and return it."""
        self.request(TellState())
        return self.state

    def end(self, fade: float) -> None:
        """Make the engine fade out over `fade` seconds (0 to 3600) and end; wait for its end.

        Raises
        ------
        HangingError
            If it does not answer.
        """
        fade = SECONDS.coerce(fade, "fade")
        self._leaving = True
        try:
            self.request(Quit(fade), SILENT)
        except EngineError:
            if not self.ended and self.hangs:
                raise
        if self.wait_for(lambda: self.ended or self.hangs, fade + PATIENCE) and self.hangs:
            raise HangingError(HANGS)

    def cut(self) -> None:
        """Kill an engine that does not answer, with all its processes."""
        self._leaving = True
        self.address.end()
        self.wait_for(lambda: self.ended)
        sweep()
        self._say(CUT)

    def hang_up(self) -> None:
        """Close the wire; ``on_exit`` decides whether the engine plays on."""
        self._leaving = True
        with contextlib.suppress(OSError):  # it has ended already
            self._socket.shutdown(socket.SHUT_RDWR)  # `_listen` holds the socket open
        self._socket.close()


def readable(connection: socket.socket, patience: float) -> bool:
    """Return whether a connection delivers anything within `patience` seconds."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(connection, selectors.EVENT_READ)
        return bool(waiting.select(patience))


def start_engine(arguments: list[str]) -> tuple[Address, subprocess.Popen[bytes]]:
    """Start an engine process; return its address and the process.

    Raises
    ------
    EngineError
        With the engine's own line, if it does not start.
    """
    started = command("latentlive.engine.server.main", *arguments)
    process = launched(started, subprocess.PIPE, **apart())
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    answer = Wire(process.stdout, process.stdin).receive()
    if answer is None:
        lines = process.stderr.read().decode(errors="replace").strip().splitlines()
        raise EngineError(f"engine: it did not start: {lines[-1] if lines else 'no reason given'}")
    if answer["op"] == "refused":
        process.wait()
        raise EngineError(answer["error"])
    return Address(answer["port"], answer["token"], process.pid), process
