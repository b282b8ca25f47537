"""The engine's words for what arrives live and what is sent out."""

from __future__ import annotations

from latentlive.client.clocks import Clocked
from latentlive.client.inputs import Inputs, Knobs, Watch
from latentlive.curves import CurveLike, as_curve
from latentlive.errors import ExpressionError
from latentlive.expr.fields import shown
from latentlive.protocol import replies
from latentlive.protocol.kinds import NAME, SECONDS, SHARE
from latentlive.protocol.requests import Forget, Learn, Listen, Send, Turn, Visuals


class Control(Clocked):
    """An engine, as controllers and other programs meet it."""

    _watching: Watch | None = None
    knobs: Knobs
    inputs: Inputs

    def _take(self, reply: replies.Reply) -> None:
        """Take a message of the engine, as it comes."""
        super()._take(reply)
        if self._watching is not None and isinstance(reply, replies.Status):
            self._watching.look(reply.state.get("arrived", []))

    def turn(self, name: str, value: float) -> None:
        """Turn the knob of a name to `value` (0 to 1).

        Example
        -------
        ``turn("sea", 0.7)`` moves what ``knob("sea")`` moves
        """
        name = NAME.coerce(name, "turn: name")
        self._cells.act(Turn(name, SHARE.coerce(value, "turn: value"), "the prompt"))

    def watch(self, seconds: float = 30.0) -> None:
        """Tell what arrives for some seconds (0 to 3600), with the words that follow it.

        Example
        -------
        ``watch()``, then move a controller
        """
        seconds = SECONDS.coerce(seconds, "watch: seconds")
        self.request(Listen())
        arrived = self.fresh().get("arrived", [])
        if self._watching is None:
            self._watching = Watch(self._say)
        self._watching.go_on(seconds, arrived)

    def send(
        self,
        path: str,
        curve: CurveLike | None,
        host: str = "127.0.0.1",
        port: int = 57120,
        rate: float = 30.0,
    ) -> None:
        """Send a curve to an OSC address of another program; None ends that.

        Parameters
        ----------
        path : str
            The address, such as ``/brightness``.
        curve : curve, number or None
            Of the transport's beats; live curves as they arrive.
        host : str
        port : int
            57120 is SuperCollider's.
        rate : float [Hz, 0.1 to 200]

        Example
        -------
        ``send("/brightness", sine(8))``
        """
        self._cells.refuse_planned("send")
        followed = None if curve is None else as_curve(curve, "send: curve")
        self.request(Send(path, followed, host, port, rate))

    def visuals(self, port: int | None = 9001, host: str = "127.0.0.1") -> None:
        """Tell a program that draws what happens, by OSC; None ends that.

        ``/latentlive/beat`` beat, tempo; ``/latentlive/level`` layer, level; ``/latentlive/cue``
        name, 'waits', 'comes' or 'over'.

        Example
        -------
        ``visuals(9001)``
        """
        self._cells.refuse_planned("visuals")
        self.request(Visuals(port, host))

    def learn(self, name: str, relative: bool | str = False) -> None:
        """Let the controller that is moved next turn the knob of a name, from now on for good.

        Only one that is moved by a fifth of its way, so that a jittery one does not learn itself.
        Where controller and knob differ, the knob does not jump: it catches up as the controller
        is moved. Later performances know it too, until ``forget(name)``.

        Parameters
        ----------
        name : str
        relative : bool or str
            True for a controller that turns without an end and sends its steps. They are told as
            'twos' (1 up, 127 down) or as 'offset' (65 up, 63 down); True takes what the first
            step looks like.

        Example
        -------
        ``learn("sea")``, then move a fader; ``learn("tide", relative=True)``
        """
        self._cells.refuse_planned("learn")
        if relative not in (False, True, "twos", "offset"):
            raise ExpressionError(
                f"learn: relative is True, False, 'twos' or 'offset', got {shown(relative)}"
            )
        endless = relative if isinstance(relative, str) else "any" if relative else None
        self.request(Learn(NAME.coerce(name, "learn: name"), endless))
        self._say(f"move the controller that is to turn knob {name!r}")

    def forget(self, name: str) -> None:
        """Let no controller turn the knob of a name any more, for good; it stays where it is.

        Example
        -------
        ``forget("sea")``
        """
        self._cells.refuse_planned("forget")
        self.request(Forget(NAME.coerce(name, "forget: name")))
