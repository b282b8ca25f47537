"""The sound input as the engine knows it: its device, what is measured, what was grabbed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Set
from typing import Any

from latentlive.curves import gauge_of
from latentlive.engine.inputs.past import KEPT
from latentlive.engine.timing import INPUT_SILENT
from latentlive.errors import EngineError, printable
from latentlive.protocol.requests import Grab
from latentlive.protocol.wire import Message
from latentlive.units import Tempo

KIND = "sound"

MOST_GAUGES = 16
"""Levels of the input that are measured: each has up to a hundred values a second."""

TOLD = 16
"""Grabbed sounds whose fate is told, the newest."""

LOST = "the input's process ended, and what it had kept is lost; it is started again"


class Listening:
    """Asks the sound process for what words want, and tells what it says.

    Parameters
    ----------
    say : function of a line
        Told what a performer should know.
    """

    send: Callable[[str, Message], object] | None = None
    """The way to the process; a server gives it."""
    refusal = ""
    """Why no input is to be opened."""
    beside = ""
    """The folder beside the log that gets what is grabbed."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._known: frozenset[str] = frozenset()
        self._wanted: dict[str, Message] = {}
        self._deepest = 0
        self._device: Message | None = None
        self._heard: Message = {}
        self._said: set[str] = set()
        self._silent: set[int] = set()
        self._grabs: OrderedDict[str, Message] = OrderedDict()

    # What words want.

    def want(self, asked: Set[str]) -> None:
        """Measure what curves follow: ``sound level:1`` and so on."""
        for one in sorted(asked - self._known):
            kind, _, source = one.partition(" ")
            if kind == KIND and source:
                self._measure(source)
        self._known |= asked
        if self._wanted and self.refusal:
            self._once(f"level: {self.refusal}")

    def _measure(self, source: str) -> None:
        gauge = gauge_of(source)
        if len(self._wanted) >= MOST_GAUGES:
            self._say(
                f"level: at most {MOST_GAUGES} levels of the input are measured; "
                f"level({gauge.channel}) stays where it is"
            )
            return
        told = {"channel": int(gauge.channel), "attack": gauge.attack, "release": gauge.release}
        self._wanted[source] = {"op": "measure", "source": source, **told}
        self._tell(self._wanted[source])
        self._reach(int(gauge.channel))

    def _tell(self, message: Message) -> None:
        if self.send is not None:
            self.send(KIND, message)

    def _reach(self, channel: int) -> None:
        """Say it if the input has no such channel."""
        self._deepest = max(self._deepest, channel)
        if self._device is not None and self._device["device"] and channel > self._device["most"]:
            self._once(self._lacks(channel))

    def _lacks(self, channel: int) -> str:
        assert self._device is not None
        name, most = self._device["device"], self._device["most"]
        return f"input {channel}: {name} has {most} channel{'s' * (most != 1)}"

    def grab(self, grab: Grab, position: int, tempo: Tempo) -> None:
        """Let the last beats of a channel become a sound; `status` tells when it is one.

        Raises
        ------
        EngineError
            If that is not there; the input is opened if it was not.
        """
        if self.refusal:
            raise EngineError(f"grab: {self.refusal}")
        count = samples_before(position, grab.beats, tempo)
        seconds = count / tempo.sample_rate
        if seconds > KEPT:
            raise EngineError(
                f"grab: {grab.beats:g} beats are {seconds:.4g} s, "
                f"and {KEPT:g} s of the input are kept"
            )
        known = self._device
        if known is None:
            self._listen(grab.channel)
            raise EngineError("grab: the input is opened now; what it hears from here on is kept")
        if not known["device"]:
            raise EngineError(f"grab: {known['why']}")
        if grab.channel > known["most"]:
            raise EngineError(f"grab: {self._lacks(grab.channel)}")
        if grab.channel > known["channels"]:
            self._listen(grab.channel)
            raise EngineError(f"grab: input {grab.channel} is heard from now on; ask again later")
        self._grabs[grab.ticket] = {
            "beats": grab.beats,
            "seconds": seconds,
            "channel": grab.channel,
        }
        while len(self._grabs) > TOLD:
            self._grabs.popitem(last=False)
        told = {"ticket": grab.ticket, "channel": grab.channel, "samples": count, "name": grab.name}
        self._tell({"op": "grab", **told, "beside": self.beside})

    def _listen(self, channel: int) -> None:
        self._deepest = max(self._deepest, channel)
        self._tell({"op": "listen", "channel": channel})

    # What the process says.

    def began(self) -> None:
        """Tell a new process all that is wanted."""
        for message in self._wanted.values():
            self._tell(message)
        if self._deepest:
            self._tell({"op": "listen", "channel": self._deepest})

    def ended(self) -> None:
        """Take that the process is gone."""
        if self._device is not None:
            self._say(LOST)
        self._device, self._heard = None, {}
        for one in self._grabs.values():
            if "name" not in one:
                one.setdefault("why", f"grab: {LOST}")

    def take(self, message: Message) -> None:
        """Take a message of the process."""
        match message:
            case {"op": "opened"}:
                self._opened(message)
            case {"op": "heard", "channels": list()}:
                self._heard = message
                self._tell_silent(message["channels"])
            case {"op": "grabbed", "ticket": str(ticket)} if ticket in self._grabs:
                self._grabbed(self._grabs[ticket], message)

    def _opened(self, message: Message) -> None:
        before, self._device = self._device, message
        self._heard, self._silent = {}, set()
        name = message["device"]
        if name is None:
            if before is None or before["device"]:
                self._say(printable(f"no input: {message['why']}; it is tried again"))
            return
        self._say(printable(f"input on: {name}"))
        if self._deepest > message["most"]:
            self._once(self._lacks(self._deepest))

    def _tell_silent(self, rows: list[Any]) -> None:
        """Say once that a new input is silent; musicians may pause as they like."""
        for number, (_, quiet, unheard) in enumerate(rows, 1):
            used = any(message["channel"] == number for message in self._wanted.values())
            if used and unheard and quiet >= INPUT_SILENT and number not in self._silent:
                self._silent.add(number)
                self._say(f"input {number}: silent since {quiet:.0f} s")

    def _grabbed(self, grab: Message, message: Message) -> None:
        if "held" in message:
            grab["why"] = (
                f"grab: {grab['beats']:g} beats are {grab['seconds']:.4g} s, and input "
                f"{grab['channel']} has been heard for {message['held']:.1f} s"
            )
        elif "why" in message:
            grab["why"] = message["why"]
        else:
            grab["name"] = message["name"]
            if message["silent"]:
                self._say(f"grab: input {grab['channel']} was silent in {message['name']}")

    def _once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(printable(line))

    def status(self) -> Message:
        """Return which input is on, how loud each channel is, and what became of grabs."""
        device = self._device or {}
        rows = self._heard.get("channels", [])
        return {
            "input": device.get("device"),
            "input_why": device.get("why", ""),
            "input_levels": [[db, quiet] for db, quiet, _ in rows],
            "input_gaps": self._heard.get("gaps", 0),
            "grabbed": dict(self._grabs),
        }


def samples_before(position: int, beats: float, tempo: Tempo) -> int:
    """Return the length of some beats that end at a position [samples].

    >>> samples_before(44100, 2, Tempo(60, 44100))
    88200
    """
    begin = float(tempo.beats(position)) - beats
    if begin >= 0.0:
        return position - tempo.sample(begin)
    return position + round(-begin * tempo.beat_samples)
