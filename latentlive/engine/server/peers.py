"""Programs that are connected to the engine: none of them can hold it up."""

from __future__ import annotations

import contextlib
import queue
import socket
from typing import Any

from latentlive.errors import EngineError
from latentlive.ground import threads
from latentlive.protocol.address import OnExit
from latentlive.protocol.replies import Alive, Reply, Status
from latentlive.protocol.wire import Message, Wire

UNREAD = 200
"""Messages that a client may leave unread before the engine's status is kept from it."""

HOPELESS = 2000
"""Messages left unread at which it is dropped."""


class Peer:
    """A connected program.

    What it is sent is written by a thread of its own: a program that does not read is waited for
    there, and nowhere else.

    Parameters
    ----------
    connection : socket
        The token was said on it.
    inbox : queue
        Receives (client, message); the message is None when it is gone.
    on_exit : 'keep' or 'fade'
        What the engine does then.
    reads : bool
        Whether it only shows the engine, and is no company to it.
    """

    def __init__(
        self,
        connection: socket.socket,
        inbox: queue.Queue[Any],
        on_exit: OnExit = "keep",
        reads: bool = False,
    ) -> None:
        self.connection = connection
        self.wire = Wire(connection.makefile("rb"), connection.makefile("wb"))
        self.on_exit, self.reads = on_exit, reads
        self._inbox = inbox
        self._status: Message = {}
        self._outbox: queue.SimpleQueue[Reply | None] = queue.SimpleQueue()

    def listen(self) -> None:
        """Pass on what comes until it is gone; run in a thread of its own."""
        try:
            threads.run(self._write)
            self._inbox.put((self, {"op": "hello"}))
            while (message := self.wire.receive()) is not None:
                self._inbox.put((self, message))
        except (EngineError, RuntimeError, MemoryError):
            pass  # it spoke nonsense, or there is no room for it: it is dropped, as one that left
        finally:
            self._inbox.put((self, None))
            self.drop()

    def send(self, reply: Reply) -> None:
        """Send a reply, some time."""
        if self._outbox.qsize() > HOPELESS:
            self.drop()
        else:
            self._outbox.put(reply)

    def tell(self, status: Message) -> None:
        """Send the engine's status, or a sign of life where it is told that; none if it does not
        read."""
        if self._outbox.qsize() < UNREAD:
            self.send(Alive() if status == self._status else Status(status))
            self._status = status

    def _write(self) -> None:
        try:
            while (reply := self._outbox.get()) is not None:
                self.wire.send(reply.dump())
        except (EngineError, MemoryError):
            pass  # it is gone, or there is no room to speak to it: its reader says so
        finally:
            self._hang_up()

    def drop(self) -> None:
        """Hang up, after what was sent so far if it reads."""
        self._outbox.put(None)
        if self._outbox.qsize() > UNREAD:
            self._hang_up()

    def _hang_up(self) -> None:
        # The streams made from the connection would keep it open otherwise.
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()
