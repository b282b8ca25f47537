"""The wire to an engine: requests with their answers, and states and lines as they come."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from latentlive.engine.address import Address
from latentlive.engine.children import ONE_THREAD
from latentlive.engine.shapes import SECONDS
from latentlive.engine.system import apart
from latentlive.engine.wire import Message, Wire
from latentlive.errors import EngineError

PATIENCE = 20.0
"""Seconds that an engine has to answer."""


class Connection:
    """A connected engine, listened to in a thread of its own.

    Parameters
    ----------
    wire : Wire
    connection : socket
    say : function of a line, optional
        Told what a performer should know; standard error when left out.

    Raises
    ------
    EngineError
        If the engine ends before it answers.
    """

    def __init__(
        self, wire: Wire, connection: socket.socket, say: Callable[[str], object] | None = None
    ) -> None:
        self._wire, self._socket = wire, connection
        self._say = say or (lambda line: print(line, file=sys.stderr))
        self._waiting: dict[int, Message] = {}
        self._answered = threading.Condition()
        self._next = 0
        self.state: Message = {}
        """How the engine was when it last told; empty before."""
        self.state_at, self.ended = 0.0, False
        welcome = self._wire.receive()
        if welcome is None:
            raise EngineError("engine: it ended while starting")
        self.welcome = welcome
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while (message := self._wire.receive()) is not None:
            if message["op"] == "status":
                with self._answered:
                    self.state, self.state_at = message, time.monotonic()
                    self._answered.notify_all()
            elif message["op"] == "say":
                self._say(message["line"])
            elif message["op"] in ("done", "refused"):
                with self._answered:
                    if "state" in message:
                        self.state, self.state_at = message["state"], time.monotonic()
                    self._waiting[message["id"]] = message
                    self._answered.notify_all()
        with self._answered:
            self.ended = True
            self._answered.notify_all()

    def request(self, message: Message) -> None:
        """Send a message and wait for its answer.

        Raises
        ------
        EngineError
            If the engine refuses it, or is gone.
        """
        with self._answered:
            self._next += 1
            number = self._next
        self._wire.send({**message, "id": number})
        answered = self.wait_for(lambda: number in self._waiting or self.ended)
        with self._answered:
            answer = self._waiting.pop(number, None)
        if answer is None:
            why = "it has ended" if answered else "it does not answer"
            raise EngineError(f"engine: {why}")
        if answer["op"] == "refused":
            raise EngineError(answer["error"])

    def wait_for(self, what: Callable[[], object], seconds: float = PATIENCE) -> bool:
        """Wait until something that the engine tells is so; return whether it came to that."""
        with self._answered:
            return bool(self._answered.wait_for(what, seconds))

    def fresh(self) -> Message:
        """Return the engine's state, asked for now."""
        self.request({"op": "state"})
        return self.state

    def end(self, fade: float) -> None:
        """Let the engine fade out over `fade` seconds (0 to 3600) and end, and wait for that."""
        fade = SECONDS.coerce(fade, "fade")
        if not self.ended:
            with contextlib.suppress(EngineError):
                self.request({"op": "quit", "fade": fade})
        self.wait_for(lambda: self.ended, fade + PATIENCE)

    def hang_up(self) -> None:
        """Close the wire; the engine goes on as ``on_exit`` says."""
        with contextlib.suppress(OSError):  # it is gone already
            self._socket.shutdown(socket.SHUT_RDWR)  # the thread that listens holds it open
        self._socket.close()


def start_engine(arguments: list[str]) -> tuple[Address, subprocess.Popen[bytes]]:
    """Start an engine process; return where it listens.

    Raises
    ------
    EngineError
        With the engine's own line, if it does not start.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "latentlive.engine.server", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **apart(),
        env={**os.environ, **ONE_THREAD},
    )
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
