"""The input processes: begun by the first word that asks for them, replaced when they end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any

from latentlive.engine.inputs.arrivals import Arrivals
from latentlive.engine.inputs.listening import KIND, Listening
from latentlive.errors import EngineError, LatentliveError, printable
from latentlive.ground.restarts import Restarts
from latentlive.protocol.children import Child, Children, close
from latentlive.protocol.kinds import TEXT
from latentlive.protocol.wire import Message

OSC_PORT = "127.0.0.1:9000"
CONTROLLERS = ("osc", "midi")
"""The kinds of input that `watch` and `learn` hear: nobody's microphone is one."""

MOST_DEATHS, PAUSE = 5, 10.0
"""Deaths within a minute after which a process is started again in so many seconds only."""


ASKED_FOR = "link"
"""A kind that begins and ends as the performer says, besides those."""


class Reception:
    """Starts a process for each kind of input, and hands on what it hears.

    Nothing is opened before a word asks: a live curve, `learn`, `watch` or an option.

    Parameters
    ----------
    arrivals : Arrivals
    listening : Listening
    rate : int [samples a second]
        The engine's.
    options : mapping
        'osc', where OSC is heard, as ``HOST:PORT`` or ``PORT``, empty for the usual place, and
        'input', the device for sound, empty for the system's own choice.
    children : Children
    say : function of a line
    """

    def __init__(
        self,
        arrivals: Arrivals,
        listening: Listening,
        rate: int,
        options: Mapping[str, Any],
        children: Children,
        say: Callable[[str], object],
    ) -> None:
        self._arrivals, self._listening = arrivals, listening
        self._children, self._say, osc = children, say, options["osc"]
        listen = osc if ":" in osc else f"127.0.0.1:{osc}" if osc else OSC_PORT
        sound = ["--rate", str(rate), "--device", options["input"]]
        self._arguments = {
            "osc": ["--listen", listen],
            "midi": [],
            KIND: sound,
            ASKED_FOR: [],
        }
        self._asked = {"osc"} if osc else set()
        self._processes: dict[str, Child] = {}
        self._restarts = {kind: Restarts() for kind in self._arguments}
        self._given_up: set[str] = set()
        self._told: dict[str, Message] = {}
        self.heard: Callable[[str, Message], object] = lambda kind, message: None
        """Told what has to do with time, by the kind that hears it: clocks, and which ports and
        processes come and go."""
        self._said: set[str] = set()

    def owns(self, child: Child) -> bool:
        """Return whether a child is one of them."""
        return child in self._processes.values()

    def feed(self, wanted: Set[str]) -> None:
        """Start the kinds that are wanted, or that an option asked for, and not there.

        Parameters
        ----------
        wanted : set of str
            Kinds, some with what they are asked for behind a blank.
        """
        kinds = {one.partition(" ")[0] for one in wanted} | self._asked
        if self._listening.refusal:
            kinds.discard(KIND)
        for kind in self._arguments:
            if kind not in kinds or kind in self._processes or kind in self._given_up:
                continue
            if self._restarts[kind].due:
                try:
                    self._processes[kind] = self._started(kind)
                    self.heard(kind, {"op": "begun"})
                    if kind == KIND:
                        self._listening.began()
                except EngineError as error:
                    if self._restarts[kind].failed():
                        self._say(f"{error}; it is tried again")

    def _started(self, kind: str) -> Child:
        module = f"latentlive.engine.inputs.{kind}"
        child = self._children.start(kind, module, self._arguments[kind])
        for message in self._arrivals.endless() if kind == "midi" else ():
            child.send(message)
        return child

    def take(self, child: Child, message: Message | None) -> None:
        """Take a message of a process, None when it has ended."""
        kind = next(kind for kind, one in self._processes.items() if one is child)
        if message is None:
            del self._processes[kind]
            self.heard(kind, {"op": "ended"})
            if kind == KIND:
                self._listening.ended()
            if kind not in self._given_up and self._restarts[kind].died() > MOST_DEATHS:
                self._restarts[kind].wait(PAUSE)
            return
        op = message.get("op")
        if op == "values" and isinstance(message.get("rows"), list):
            self._arrivals.take(message["rows"])
        elif op in ("clock", "session"):
            self._restarts[kind].began()
            self.heard(kind, message)
        elif op == "failed" and kind == ASKED_FOR:
            self.heard(kind, message)
            self._say(printable(str(message.get("error", ""))))
        elif kind == KIND:
            self._restarts[kind].began()
            self._listening.take(message)
        elif op == "failed":
            self._given_up.add(kind)
            self._once(str(message.get("error", "")))
        elif op in ("listening", "ports", "counted"):
            self._restarts[kind].began()
            before = self._told.get(f"{kind} {op}", {})
            self._told[f"{kind} {op}"] = message
            if op == "ports":
                self._plugged(before, message)
                self.heard(kind, message)
            if op == "listening" and "wanted" in message:
                self._once(
                    f"osc: port {message['wanted']} is taken: it listens on {message['port']}"
                )

    def _plugged(self, before: Message, now: Message) -> None:
        """Tell which devices came and went; what they turned stays where it is."""
        known, there = set(before.get("inputs", ())), set(now.get("inputs", ()))
        for name in sorted(there - known):
            self._say(printable(f"midi: {name} is heard"))
        for name in sorted(known - there):
            self._say(printable(f"midi: {name} is gone; what it turned stays where it is"))

    def _once(self, line: str) -> None:
        """Say a line once: a process that is started again says the same."""
        try:
            line = TEXT.coerce(line, "input")
        except LatentliveError:
            return
        if line and line not in self._said:
            self._said.add(line)
            self._say(line)

    def send(self, kind: str, message: Message) -> None:
        """Send a message to a process, if it is there; "leave" ends it."""
        if kind in self._processes and message["op"] == "leave":
            self._processes[kind].leave()
        elif kind in self._processes:
            self._processes[kind].send(message)

    def status(self) -> Message:
        """Return where is listened, and what was malformed."""
        listening = self._told.get("osc listening")
        counted = self._told.get("osc counted", {})
        ports = self._told.get("midi ports", {})
        return {
            "midi": ports.get("inputs", []),
            "osc": f"{listening['host']}:{listening['port']}" if listening else None,
            "malformed": counted.get("malformed", 0),
            **self._listening.status(),
        }

    def close(self) -> None:
        """End them."""
        close(self._processes.values())
