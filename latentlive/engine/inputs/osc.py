"""The OSC process: hears controllers and programs over UDP, and sends to those that show something.

Started as ``python -m latentlive.engine.inputs.osc --listen HOST:PORT``; it tells its output where
it listens, then what arrives, and ends when its input ends.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator

import click
from pythonosc.osc_message import OscMessage
from pythonosc.osc_packet import OscPacket, ParseError

from latentlive.engine.inputs.sending import Sender
from latentlive.engine.inputs.throttle import PERIOD, SECOND, Throttle
from latentlive.errors import EngineError
from latentlive.ground import processes, threads
from latentlive.ground.names import normal
from latentlive.protocol.wire import Message, Wire

LONGEST_PACKET = 8192
DEEPEST = 4
MOST_MESSAGES = 200

IMMEDIATELY = 1
"""The time tag that stands for the moment of arrival."""

BETWEEN_EPOCHS = 2_208_988_800
"""Seconds from 1900, where time tags begin, to 1970."""

NEAR = SECOND
"""Nanoseconds from now within which a time tag counts."""

SIZES = {"i": 4, "f": 4, "r": 4, "m": 4, "h": 8, "d": 8, "t": 8} | dict.fromkeys("TFN[]", 0)
"""Bytes of an argument by its type; strings and blobs tell their own."""

Timed = tuple[int, OscMessage]
"""A time tag as it was sent, and a message."""


def parse(data: bytes) -> list[Timed]:
    """Return the messages of a packet.

    Parameters
    ----------
    data : bytes

    Raises
    ------
    ParseError
        If any of it is not OSC 1.0, or more than anybody sends: the packet is refused whole.
    """
    if len(data) > LONGEST_PACKET:
        raise ParseError("too long")
    parts = list(_split(data, IMMEDIATELY, 0))
    if len(parts) > MOST_MESSAGES:
        raise ParseError("too many messages")
    try:
        return [(tag, OscPacket(part).messages[0].message) for tag, part in parts]
    except (ValueError, OverflowError) as error:  # text that is not UTF-8, a time beyond any date
        raise ParseError(str(error)) from None


def _split(data: bytes, tag: int, depth: int) -> Iterator[tuple[int, bytes]]:
    """Yield the messages of a packet in bytes, each with the time tag of its bundle.

    OscPacket alone would loop forever on a negative size, and forgets times that are past.
    """
    if not data or len(data) % 4:
        raise ParseError("not a multiple of four bytes")
    if not data.startswith(b"#bundle\0"):
        _check_whole(data)
        yield tag, data
        return
    if depth == DEEPEST or len(data) < 16:
        raise ParseError("a bundle too deep or too short")
    tag, at = struct.unpack_from(">Q", data, 8)[0], 16
    while at < len(data):
        size = struct.unpack_from(">i", data, at)[0]
        at += 4
        if not 0 < size <= len(data) - at:
            raise ParseError("a size beyond its bundle")
        yield from _split(data[at : at + size], tag, depth + 1)
        at += size


def _check_whole(data: bytes) -> None:
    """Refuse a message that ends before its arguments, or has some of unknown type.

    OscPacket takes 0.0 for a number that is cut off, and reads on at the wrong byte after a type
    that it does not know.
    """
    try:
        at = _after_text(data, 0)
        if at == len(data):  # old senders leave out the types where there are no arguments
            return
        types_end = _after_text(data, at)
        types = data[at + 1 : types_end].rstrip(b"\0").decode()
        at = types_end
        for kind in types:
            if kind == "s":
                at = _after_text(data, at)
            elif kind == "b":
                size = struct.unpack_from(">i", data, at)[0]
                if size < 0:
                    raise ParseError("a negative size")
                at += 4 + size + -size % 4
            else:
                at += SIZES[kind]
    except (ValueError, KeyError, struct.error):
        raise ParseError("not a message") from None
    if at > len(data):
        raise ParseError("cut off")


def _after_text(data: bytes, at: int) -> int:
    """Return where a text ends, with the zeros that fill it up to four bytes."""
    return (data.index(0, at) & ~3) + 4


def values(message: OscMessage) -> list[tuple[str, float]]:
    """Return the sources and values of a message.

    ``/knob/NAME value`` is a knob, in 0..1. Any other address has a source for each number, with
    its index; ``/ctrl NAME value``, which Tidal's controllers send, has the name as its address.

    Parameters
    ----------
    message : OscMessage

    Raises
    ------
    ParseError
        If the address cannot be shown.
    """
    address, arguments = normal(message.address), message.params
    if address == "/ctrl" and len(arguments) == 2 and (name := _name(arguments[0])):
        address, arguments = normal(name), arguments[1:]
    if not address.isprintable():
        raise ParseError("an address that cannot be shown")
    numbers = [
        (index, float(value))
        for index, value in enumerate(arguments)
        if isinstance(value, int | float)
    ]
    knob = address.removeprefix("/knob/")
    if knob in (address, ""):
        return [(f"osc:{address}:{index}", value) for index, value in numbers]
    return [(f"knob:{knob}", _clip(value)) for index, value in numbers if index == 0]


def _clip(value: float) -> float:
    """Return a value in 0..1; what is not finite stays as it is, and is refused later."""
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else value


def _name(argument: object) -> str:
    """Return what Tidal's form names: a text, or the number of a controller; else nothing."""
    if isinstance(argument, float) and argument.is_integer():
        return str(int(argument))
    named = isinstance(argument, str | int | float) and not isinstance(argument, bool)
    return str(argument) if named else ""


def moment(tag: int, now: int, wall: int) -> int:
    """Return when a value is to hold [ns of `time.monotonic_ns`].

    Parameters
    ----------
    tag : int
        The time tag: seconds since 1900, times 2 to the 32.
    now, wall : int [ns]
        This moment, by the clock of the engine and by that of the world.
    """
    until = (tag * SECOND >> 32) - BETWEEN_EPOCHS * SECOND - wall
    return now + until if tag != IMMEDIATELY and abs(until) <= NEAR else now


class Ear:
    """Reads packets from a socket into a throttle.

    Parameters
    ----------
    where : socket
        Bound; from here on it does not wait.
    throttle : Throttle
    """

    def __init__(self, where: socket.socket, throttle: Throttle) -> None:
        self._socket, self._throttle = where, throttle
        where.setblocking(False)

    def listen(self, wire: Wire) -> None:
        """Tell the engine what arrives, until it is gone."""
        with contextlib.suppress(EngineError):
            while True:
                for message in self._throttle.messages(time.monotonic_ns()):
                    wire.send(message)
                pause = self._throttle.pause(time.monotonic_ns())
                if select.select([self._socket], [], [], pause)[0]:
                    self._read()

    def _read(self) -> None:
        """Take the packets that are there, for no longer than messages may be late."""
        now = time.monotonic_ns()
        end = now + PERIOD
        while now < end:
            try:
                data, (host, port, *_) = self._socket.recvfrom(LONGEST_PACKET + 1)
            except BlockingIOError:
                return
            except OSError:  # Windows tells of a packet that is too long in this way
                self._throttle.malformed += 1
                return
            now = time.monotonic_ns()
            try:
                self._take(data, f"osc {host}:{port}", now)
            except ParseError:
                self._throttle.malformed += 1

    def _take(self, data: bytes, by: str, now: int) -> None:
        wall = time.time_ns()
        rows = [
            (source, value, moment(tag, now, wall))
            for tag, message in parse(data)
            for source, value in values(message)
        ]
        for source, value, when in rows:
            self._throttle.take(source, value, when, by, now)


def bind(listen: str) -> tuple[socket.socket, Message]:
    """Return a socket for a place, and the message that tells of it.

    Parameters
    ----------
    listen : str
        ``HOST:PORT``; if the port is taken, any free one of that host is used.

    Raises
    ------
    EngineError
        If there is no such host on this machine.
    """
    host, _, port = listen.rpartition(":")
    try:
        wanted = int(port)
        if not host or not 0 <= wanted < 2**16:  # a larger one would be taken modulo 65536
            raise ValueError
        family, *_, place = socket.getaddrinfo(
            host.strip("[]"), wanted, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )[0]
        where = socket.socket(family, socket.SOCK_DGRAM)
        told: Message = {"op": "listening", "what": "osc"}
        try:
            where.bind(place)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            where.bind((place[0], 0, *place[2:]))
            told["wanted"] = wanted
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not HOST:PORT"
        raise EngineError(
            f"osc: cannot listen on {listen} ({why}); 127.0.0.1:9000 hears programs of this "
            "machine, 0.0.0.0:9000 the network too"
        ) from None
    host, port, *_ = where.getsockname()
    return where, told | {"host": host, "port": port}


def serve(wire: Wire) -> None:
    """Do what the engine asks for, and end the process when it asks for nothing more."""
    sender = Sender()
    try:
        while (message := wire.receive()) is not None:
            if message.get("op") == "send":
                sender.send(message)
    finally:
        os._exit(0)  # the other thread may be waiting for a packet


@click.command()
@click.option("--fd", type=int, help="Ignored: this process needs no shared memory.")
@click.option("--listen", default="127.0.0.1:9000", metavar="HOST:PORT")
def main(fd: int | None, listen: str) -> None:
    """Run until the engine closes the pipe."""
    processes.unmoved_by_signals()
    wire = Wire(sys.stdin.buffer, sys.stdout.buffer)
    try:
        where, told = bind(listen)
    except EngineError as error:
        wire.send({"op": "failed", "what": "osc", "error": str(error)})
        return
    wire.send(told)
    threads.run(serve, wire)
    Ear(where, Throttle("osc")).listen(wire)
    os._exit(0)  # the other thread holds the input, which an orderly end would wait for


if __name__ == "__main__":
    main()
