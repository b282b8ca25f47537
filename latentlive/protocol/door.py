"""The door to a process: a loopback port that hears nothing before a token.

One thread looks after everyone who has not said it yet. Such a stranger costs a descriptor and a
few hundred bytes, for two seconds, and there are never many of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from latentlive.ground import threads
from latentlive.protocol.address import Address, publish
from latentlive.protocol.wire import Message

HELLO = 512
"""Bytes of the first message, at most."""

PATIENCE = 2.0
"""Seconds within which the token must be said."""

STRANGERS = 32
"""Connections that have not said the token, at most; then the oldest goes."""

GUESTS = 64
"""Connections that have said it, at most; then new ones are turned away."""

QUEUE = 512
"""Connections that the system keeps until they are looked at."""

PAUSES = (0.05, 1.0)
"""Seconds to wait, at first and at most, where descriptors, threads or memory have run out."""


@dataclass
class Knock:
    """A connection that has not said the token yet."""

    until: float
    said: bytearray = field(default_factory=bytearray)

    @property
    def missing(self) -> int:
        """How many bytes are to come before the length, or then the message, is whole."""
        if len(self.said) < 4:
            return 4 - len(self.said)
        size: int = struct.unpack(">I", self.said[:4])[0]
        return 4 + size - len(self.said)


class Door:
    """Listens on the loopback interface, and publishes where.

    Parameters
    ----------
    kind : 'engine' or 'prompt'
        What it leads to.
    enter : function of a connection and its first message
        Runs in a thread of its own for each that has said the token, and closes the connection.

    Raises
    ------
    OSError
        If there is no port, or its address cannot be written.
    """

    def __init__(self, kind: str, enter: Callable[[socket.socket, Message], object]) -> None:
        self._enter = enter
        self._token = secrets.token_hex(16)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=QUEUE)
        self._listening.setblocking(False)
        self.address = Address(self._listening.getsockname()[1], self._token, os.getpid())
        self.file = publish(self.address, kind)
        self._strangers: dict[socket.socket, Knock] = {}
        self._guests = threading.BoundedSemaphore(GUESTS)
        self._closed = threading.Event()
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self._listening, selectors.EVENT_READ)
        threading.Thread(target=self._run, name=f"{kind} door", daemon=True).start()

    def close(self) -> None:
        """Take the address away, and let nobody else in."""
        self.file.unlink(missing_ok=True)
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # which wakes the thread on most systems

    def _run(self) -> None:
        pause, longest = PAUSES
        while not self._closed.is_set():
            try:
                self._look()
                pause = PAUSES[0]
            except (OSError, MemoryError):
                self._turn_away(next(iter(self._strangers), None))
                self._closed.wait(pause)
                pause = min(2 * pause, longest)
        for connection in list(self._strangers):
            self._turn_away(connection)
        self._waiting.close()
        self._listening.close()

    def _look(self) -> None:
        """Wait until something comes or somebody's time is over, and see to it."""
        now = time.monotonic()
        first = min((knock.until for knock in self._strangers.values()), default=now + PATIENCE)
        for key, _ in self._waiting.select(max(0.0, min(first - now, 1.0))):
            if key.fileobj is self._listening:
                self._admit()
            elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._strangers:
                self._hear(key.fileobj)
        now = time.monotonic()
        for connection in [c for c, knock in self._strangers.items() if knock.until <= now]:
            self._turn_away(connection)

    def _admit(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, ConnectionError):
            return  # it has left again
        if len(self._strangers) >= STRANGERS:
            self._turn_away(next(iter(self._strangers)))
        self._strangers[connection] = Knock(time.monotonic() + PATIENCE)
        connection.setblocking(False)
        self._waiting.register(connection, selectors.EVENT_READ)
        self._hear(connection)

    def _hear(self, connection: socket.socket) -> None:
        """Read on, never beyond the first message."""
        knock = self._strangers[connection]
        while 0 < knock.missing <= HELLO:
            try:
                said = connection.recv(knock.missing)
            except BlockingIOError:
                return
            except OSError:
                said = b""
            if not said:
                break
            knock.said += said
        hello = greeting(bytes(knock.said[4:]), self._token) if not knock.missing else None
        if hello is None or not self._guests.acquire(blocking=False):
            self._turn_away(connection)
            return
        self._waiting.unregister(connection)
        del self._strangers[connection]
        try:
            connection.setblocking(True)
            # No message waits until the one before it is acknowledged.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threads.run(self._guide, connection, hello)
        except (OSError, RuntimeError, MemoryError):  # no thread: it may come again
            self._guests.release()
            connection.close()

    def _guide(self, connection: socket.socket, hello: Message) -> None:
        try:
            self._enter(connection, hello)
        finally:
            self._guests.release()

    def _turn_away(self, connection: socket.socket | None) -> None:
        if connection is not None:
            del self._strangers[connection]
            with contextlib.suppress(KeyError):  # memory ran out before it was registered
                self._waiting.unregister(connection)
            connection.close()


def greeting(data: bytes, token: str) -> Message | None:
    """Return a first message if it says the token, else None.

    >>> greeting(b'{"token": "guess"}', "secret")
    """
    try:
        hello = json.loads(data)
        given = hello["token"].encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None
    right: bool = secrets.compare_digest(given, token.encode())
    return hello if right else None
