"""MIDI ports, through whichever RtMidi library is installed; no other file imports one."""

from __future__ import annotations

import contextlib
import os
import re
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from latentlive.engine.inputs.throttle import SECOND
from latentlive.errors import EngineError, printable
from latentlive.ground.names import normal

NO_LIBRARY = "midi: no MIDI library is installed; pip install 'latentlive[midi]'"
SEQUENCER = "/dev/snd/seq"

CLIENT = "latentlive"
OURS = re.compile(rf"{CLIENT}(-\d+)?:")
"""JACK numbers programs of one name; they all are ours."""

ADDRESS = re.compile(r" \d+:\d+$")
"""ALSA's numbers of client and port change whenever something is plugged in."""

LONGEST_NAME = 80

MOST_WAITING = 4096
"""Messages that an input keeps until they are read; later ones are lost."""

Port = tuple[str, int]
"""A port by the system's name, and which one of those that are called so, from 0."""


@dataclass(frozen=True)
class Library:
    """What the two libraries have in common.

    Parameters
    ----------
    incoming, outgoing : classes
        Called with a system and the name of this program.
    systems : dict
        The MIDI systems that it was built for, by name: "alsa", "jack", "core", "winmm".
    errors : exceptions
        What it raises if a system or a port refuses.
    """

    incoming: Callable[..., Any]
    outgoing: Callable[..., Any]
    systems: dict[str, Any]
    errors: tuple[type[Exception], ...]


def library() -> Library:
    """Return the library that is installed.

    Raises
    ------
    EngineError
        If none is, with the command that installs it.
    """
    with contextlib.suppress(ImportError):
        from rtmidi import MidiIn, MidiOut, RtMidiError, get_api_name, get_compiled_api

        return Library(
            MidiIn,
            MidiOut,
            {get_api_name(one): one for one in get_compiled_api()},
            (RtMidiError, RuntimeError),
        )
    with contextlib.suppress(ImportError):
        import supriya_midi

        return Library(
            supriya_midi.MidiIn,
            supriya_midi.MidiOut,
            {supriya_midi.get_api_name(one): one for one in supriya_midi.get_compiled_apis()},
            (supriya_midi.RtMidiError, RuntimeError),
        )
    raise EngineError(NO_LIBRARY)


class Driver:
    """A MIDI system of this machine.

    Parameters
    ----------
    system : str
        "alsa", "jack", "core" or "winmm"; empty for the first that the library knows.

    Raises
    ------
    EngineError
        If there is no library or no such system, with the remedy.
    """

    def __init__(self, system: str = "") -> None:
        self._library = library()
        systems = self._library.systems
        self._name = system or next(iter(systems))
        if self._name not in systems:
            raise EngineError(f"midi: no system {system!r}; there are {', '.join(systems)}")
        self._system = systems[self._name]
        self._inputs: weakref.WeakSet[Input] = weakref.WeakSet()
        self._outputs: weakref.WeakSet[Output] = weakref.WeakSet()
        try:
            self._scouts = self._connect_scouts()
        except self._library.errors as error:
            raise EngineError(f"midi: {refusal(self._name, str(error))}") from None

    def _connect_scouts(self) -> list[Any]:
        """Return clients that list ports, and never open one."""
        return [self._connect(kind) for kind in (self._library.incoming, self._library.outgoing)]

    def _connect(self, kind: Callable[..., Any]) -> Any:
        return kind(self._system, CLIENT)

    def ports(self) -> tuple[list[Port], list[Port]]:
        """Return the inputs and the outputs that there are now, without our own."""
        with contextlib.suppress(*self._library.errors):
            found = [scout.get_ports() for scout in self._scouts]
            if not any(found):
                # A system that was started again is not seen by those who knew it before.
                self._scouts = self._connect_scouts()
                found = [scout.get_ports() for scout in self._scouts]
            inputs, outputs = (others(raw) for raw in found)
            return inputs, outputs
        return [], []

    def open_input(self, port: Port) -> Input | None:
        """Open an input; None if it refuses, as one that another program holds does."""
        with contextlib.suppress(*self._library.errors):
            opened = self._library.incoming(self._system, CLIENT, MOST_WAITING)
            opened.ignore_types(sysex=True, timing=False, active_sense=True)
            if self._open(opened, port):
                self._inputs.add(found := Input(opened))
                return found
        return None

    def open_output(self, port: Port) -> Output | None:
        """Open an output; None if it refuses."""
        with contextlib.suppress(*self._library.errors):
            opened = self._connect(self._library.outgoing)
            if self._open(opened, port):
                self._outputs.add(found := Output(opened, self._library.errors))
                return found
        return None

    def close(self) -> None:
        """Close everything: a JACK server would wait for clients that end without a word."""
        clients: list[Input | Output] = [*self._inputs, *self._outputs]
        for client in clients:
            client.close()
        for scout in self._scouts:
            scout.delete()

    def _open(self, opened: Any, port: Port) -> bool:
        raw, which = port
        numbers = [n for n, name in enumerate(opened.get_ports()) if name == raw]
        if which >= len(numbers):  # it is gone since it was listed
            return False
        opened.open_port(numbers[which], "midi")
        return True


class Input:
    """An open input, which has to be read often.

    Its messages wait in the library: called by a thread of its own, Python would hold that thread
    up until it has its turn, and JACK, which waits for that thread, would never answer a call that
    opens or closes another port meanwhile.

    Parameters
    ----------
    opened : MidiIn
    """

    def __init__(self, opened: Any) -> None:
        self._opened = opened
        self._looked = time.monotonic_ns()
        self._when = 2**62  # the first message has the moment at which it is read

    def messages(self) -> Iterator[tuple[Sequence[int], int]]:
        """Yield what has arrived, each with its moment [ns of `time.monotonic_ns`].

        The library measures the time between two messages; it counts as far as it agrees with when
        this input was read.
        """
        looked = time.monotonic_ns()
        while (found := self._opened.get_message()) is not None:
            message, since = found
            now = time.monotonic_ns()
            self._when = min(max(self._when + round(since * SECOND), self._looked), now)
            yield message, self._when
            looked = now
        self._looked = looked

    def close(self) -> None:
        """Close it."""
        self._opened.delete()


class Output:
    """An open output.

    Parameters
    ----------
    opened : MidiOut
    errors : exceptions
        What sending raises if the port is gone.
    """

    def __init__(self, opened: Any, errors: tuple[type[Exception], ...]) -> None:
        self._opened, self._errors = opened, errors

    def send(self, message: Sequence[int]) -> None:
        """Send a message; one for a port that is gone is lost."""
        with contextlib.suppress(*self._errors):
            self._opened.send_message(message)

    def close(self) -> None:
        """Close it."""
        self._opened.delete()


def refusal(system: str, error: str) -> str:
    """Return in one line why a MIDI system cannot be used, and what helps."""
    if system == "alsa" and not os.path.exists(SEQUENCER):
        return f"this machine has no ALSA sequencer ({SEQUENCER}); sudo modprobe snd-seq loads it"
    if system == "alsa" and not os.access(SEQUENCER, os.R_OK | os.W_OK):
        return f"{SEQUENCER} is not yours to open; the group audio may: sudo adduser $USER audio"
    if system == "jack":
        return "no JACK server is running; start one"
    return printable(error.strip().partition("\n")[0])


def others(raw: Iterable[str]) -> list[Port]:
    """Return listed names as ports, without those of this program."""
    seen: Counter[str] = Counter()
    found = []
    for name in raw:
        if not OURS.match(name):
            found.append((name, seen[name]))
            seen[name] += 1
    return found


def names(ports: Iterable[Port], held: dict[Port, str]) -> dict[Port, str]:
    """Return the names of ports for people; each has one of its own, and keeps it.

    Parameters
    ----------
    ports : ports
        That are there now.
    held : dict
        The names that were given before.

    Example
    -------
    >>> names([("nano MIDI 1 20:0", 0), ("nano MIDI 1 24:0", 0)], {})
    {('nano MIDI 1 20:0', 0): 'nano MIDI 1', ('nano MIDI 1 24:0', 0): 'nano MIDI 1 (2)'}
    """
    ports = list(ports)
    given = {port: held[port] for port in ports if port in held}
    for port in ports:
        if port not in given:
            plain = name = printable(normal(ADDRESS.sub("", port[0])))[:LONGEST_NAME]
            number = 1
            while name in given.values():
                number += 1
                name = f"{plain} ({number})"
            given[port] = name
    return {port: given[port] for port in ports}
