"""OSC that goes out: beats, levels and cues, for programs that show something."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from typing import Any

from latentlive.protocol.wire import Message

KNOWN_FOR = 30.0
"""Seconds until a host is looked up again: a name server may be slow, or know it by then."""

MOST_PLACES = 64


def encode(path: str, arguments: list[Any]) -> bytes:
    """Return an OSC message.

    Parameters
    ----------
    path : str
        Its address.
    arguments : list
        Text, whole numbers (32 bits, if they fit, else 64), floats (32 bits), true, false, none.

    Raises
    ------
    ValueError, OverflowError, struct.error
        If OSC has no such argument.
    """
    types, data = ",", b""
    for argument in arguments:
        if argument is None or isinstance(argument, bool):
            types += {None: "N", True: "T", False: "F"}[argument]
        elif isinstance(argument, int):
            types += "i" if argument.bit_length() < 32 else "h"
            data += struct.pack(">i" if types[-1] == "i" else ">q", argument)
        elif isinstance(argument, float):
            types += "f"
            data += struct.pack(">f", argument)
        elif isinstance(argument, str):
            types += "s"
            data += _text(argument)
        else:
            raise ValueError(f"osc: no argument {argument!r}")
    return _text(path) + _text(types) + data


def _text(text: str) -> bytes:
    """Return a text as OSC has it: ended by one to four zeros, up to a multiple of four."""
    data = text.encode().replace(b"\0", b"")
    return data + bytes(4 - len(data) % 4)


class Sender:
    """Sends messages from sockets of its own; what cannot be sent is left out."""

    def __init__(self) -> None:
        self._sockets: dict[int, socket.socket] = {}
        self._places: dict[tuple[str, int], tuple[float, int, Any]] = {}

    def send(self, message: Message) -> None:
        """Send what a message of the engine holds.

        Parameters
        ----------
        message : dict
            ``host``, ``port`` and ``rows``: addresses with lists of arguments.
        """
        host, port = message.get("host", ""), message.get("port", 0)
        for row in message.get("rows", ()):
            with contextlib.suppress(OSError, ValueError, OverflowError, TypeError, struct.error):
                path, arguments = row
                data = encode(path, arguments)
                family, place = self._find(host, port)
                if place is not None:
                    self._socket(family).sendto(data, place)

    def _find(self, host: str, port: int) -> tuple[int, Any]:
        """Return the family and the address of a host, None for one that is not known."""
        if not 0 < port < 2**16:  # a larger one would be taken modulo 65536
            raise ValueError(f"osc: no port {port}")
        until, family, place = self._places.get((host, port), (0.0, 0, None))
        if time.monotonic() >= until:
            if len(self._places) >= MOST_PLACES:
                self._places.clear()
            place = None
            with contextlib.suppress(OSError, UnicodeError):
                family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
            self._places[host, port] = time.monotonic() + KNOWN_FOR, family, place
        return family, place

    def _socket(self, family: int) -> socket.socket:
        """Return the socket for a family of addresses; it does not wait."""
        if family not in self._sockets:
            self._sockets[family] = socket.socket(family, socket.SOCK_DGRAM)
            self._sockets[family].setblocking(False)
        return self._sockets[family]
