"""The door to a process: a loopback port that hears nothing before a token.

One thread serves all strangers, who have not sent it yet. A stranger costs a descriptor and a few
hundred bytes, for two seconds, and `STRANGERS` limits their number.
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
"""Most bytes of the first message."""

PATIENCE = 2.0
"""Seconds for a stranger to send the token."""

STRANGERS = 32
"""Most connections without the token; one more drops the oldest."""

GUESTS = 64
"""Most connections with the token; the door refuses more."""

QUEUE = 512
"""Connections that the system queues until the door accepts them."""

PAUSES = (0.05, 1.0)
"""Seconds to wait, first and longest, when descriptors, threads or memory have run out."""


@dataclass
class Knock:
    """A connection that has not sent the token yet."""

    until: float
    said: bytearray = field(default_factory=bytearray)

    @property
    def missing(self) -> int:
        """Bytes missing from the length, or then from the message."""
        if len(self.said) < 4:
            return 4 - len(self.said)
        size: int = struct.unpack(">I", self.said[:4])[0]
        return 4 + size - len(self.said)


class Door:
    """Listens on the loopback interface, and publishes its address.

    Parameters
    ----------
    kind : 'engine' or 'prompt'
    enter : function of a connection and its first message
        Runs in a separate thread for each connection with the token, and closes it.

    Raises
    ------
    OSError
        If no port is free, or the address cannot be written.
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
        """Remove the address and accept no more connections."""
        self.file.unlink(missing_ok=True)
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # wakes the thread on most systems

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
        """Wait for data or a timeout, and handle it."""
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
            return  # it has hung up
        if len(self._strangers) >= STRANGERS:
            self._turn_away(next(iter(self._strangers)))
        self._strangers[connection] = Knock(time.monotonic() + PATIENCE)
        connection.setblocking(False)
        self._waiting.register(connection, selectors.EVENT_READ)
        self._hear(connection)

    def _hear(self, connection: socket.socket) -> None:
        """Read more of the first message, never beyond it."""
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
            # Send each message at once, without waiting for an acknowledgement of the last one.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threads.run(self._guide, connection, hello)
        except (OSError, RuntimeError, MemoryError):  # no thread: the client may retry
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
    """Return a first message if it holds the token, else None.

    >>> greeting(b'{"token": "guess"}', "secret")
    """
    try:
        hello = json.loads(data)
        given = hello["token"].encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None
    right: bool = secrets.compare_digest(given, token.encode())
    return hello if right else None
