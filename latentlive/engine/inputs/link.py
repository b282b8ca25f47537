"""The Link process: joins an Ableton Link session, tells of it, and sets its tempo when asked.

Started as ``python -m latentlive.engine.inputs.link``. It alone imports the library, whose Link is
under the GPL: it stands beside the engine as any other program in the session does.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import click

from latentlive.errors import EngineError
from latentlive.ground import processes, threads
from latentlive.protocol.wire import Message, Wire

NO_LIBRARY = "link: the Link library is not installed; pip install 'latentlive[link]'"

SETTLING = 0.5
"""Seconds from making a session of our own to looking for others: one as young as theirs might
win, and its tempo with it."""

LOOKING = 2.0
"""Seconds in which others are found."""

READING = 0.3
"""Seconds from the first of them to the tempo of their session."""

EVERY = 0.1
"""Seconds between two messages."""


class Member:
    """A member of a session.

    Parameters
    ----------
    link : Link
    quantum : float [beats]
    """

    def __init__(self, link: Any, quantum: float) -> None:
        self._link, self._quantum = link, quantum

    def join(self) -> None:
        """Join the session that there is, and take over what it has."""
        time.sleep(SETTLING)
        self._link.enabled = True
        end = time.monotonic() + LOOKING
        while time.monotonic() < end and not self._link.numPeers():
            time.sleep(EVERY / 10)
        time.sleep(READING)

    def _now(self) -> tuple[int, int]:
        """Return this moment by Link's clock [us] and by that of the engine [ns]."""
        before = time.monotonic_ns()
        micros = int(self._link.clock().micros())
        return micros, (before + time.monotonic_ns()) // 2

    def told(self) -> Message:
        """Return the message that tells of the session."""
        micros, now = self._now()
        state = self._link.captureAppSessionState()
        return {
            "op": "session",
            "peers": int(self._link.numPeers()),
            "bpm": float(state.tempo()),
            "beat": float(state.beatAtTime(micros, self._quantum)),
            "time_ns": now,
        }

    def lead(self, message: Message) -> None:
        """Set the session's tempo, and its beat as long as nobody else is there."""
        bpm, at = float(message["bpm"]), int(message["time_ns"])
        micros, now = self._now()
        then = micros + (at - now) // 1000
        state = self._link.captureAppSessionState()
        state.setTempo(bpm, then)
        if "beat" in message and not self._link.numPeers():
            state.forceBeatAtTime(float(message["beat"]), then, self._quantum)
        self._link.commitAppSessionState(state)


def serve(wire: Wire, member: Member, ended: threading.Event) -> None:
    """Do what the engine asks for, until it asks for nothing more."""
    with contextlib.suppress(EngineError):
        while (message := wire.receive()) is not None:
            with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
                if message["op"] == "lead":
                    member.lead(message)
    ended.set()


def session(wire: Wire, member: Member) -> Iterator[Message]:
    """Join, and yield what is to be told, until the engine asks for nothing more."""
    ended = threading.Event()
    member.join()
    threads.run(serve, wire, member, ended)
    while not ended.wait(EVERY):
        yield member.told()


@click.command()
@click.option("--fd", type=int, help="Ignored: this process needs no shared memory.")
def main(fd: int | None) -> None:
    """Run until the engine closes the pipe."""
    processes.unmoved_by_signals()
    wire = Wire(sys.stdin.buffer, sys.stdout.buffer)
    try:
        from link import Link
    except ImportError:
        wire.send({"op": "failed", "what": "link", "error": NO_LIBRARY})
        return
    asked = wire.receive()
    if asked is not None:
        member = Member(Link(float(asked["bpm"])), float(asked["quantum"]))
        with contextlib.suppress(EngineError):
            for message in session(wire, member):
                wire.send(message)
    os._exit(0)  # one thread holds the input, which an orderly end would wait for


if __name__ == "__main__":
    main()
