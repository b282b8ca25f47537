"""The engine's words for what arrives live and what is sent out."""

from __future__ import annotations

import secrets

from latentlive.client.clocks import Clocked
from latentlive.client.inputs import Inputs, Knobs, Watch
from latentlive.corpus import Corpus
from latentlive.corpus.grabbed import free_name
from latentlive.corpus.shelf import kept_name
from latentlive.curves import CurveLike, as_curve
from latentlive.errors import EngineError, ExpressionError
from latentlive.expr.fields import shown
from latentlive.latent import Sound
from latentlive.protocol import replies
from latentlive.protocol.kinds import GRABBED_BEATS, INPUT, NAME, SECONDS, SHARE
from latentlive.protocol.requests import Forget, Grab, Learn, Listen, Send, Turn, Visuals
from latentlive.renderer import Sounds

GRAB_PATIENCE = 10.0
"""Seconds for a grabbed sound to be on the disk."""


class Control(Clocked):
    """An engine, as controllers and other programs meet it."""

    _watching: Watch | None = None
    _sounds: Sounds
    corpus: Corpus
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

    def grab(self, beats: float, channel: int = 1, name: str | None = None) -> Sound:
        """Let the last beats of the sound input become a sound, and return it.

        The first word that asks opens the input, and a line tells which it is; from then on its
        last 120 seconds are kept. The sound is a recording like others, one channel, found by its
        name in later performances too. It lies in the cache, and beside a log that has a name.

        Parameters
        ----------
        beats : float [beats, > 0]
            How much, up to now.
        channel : int
            Of the input, 1 is the first.
        name : str, optional
            Letters, digits, - _ and blanks; ``grab-1`` and so on when left out. Where there is
            such a sound, it gets a number.

        Raises
        ------
        EngineError
            ``grab: 8 beats are 8 s, and input 1 has been heard for 3.2 s``

        Example
        -------
        ``d2 >> grab(4).extend(8)``, ``grab(8, name="door")`` and later ``sound("door")``
        """
        beats = GRABBED_BEATS.coerce(beats, "grab: beats")
        channel = INPUT.coerce(channel, "grab: channel")
        asked = None if name is None else kept_name(name, "grab")
        free, ticket = free_name(asked, self.corpus.taken), secrets.token_hex(8)
        self.request(Grab(beats, channel, free, ticket))

        def told() -> dict[str, str]:
            known: dict[str, str] = self.state.get("grabbed", {}).get(ticket, {})
            return known

        self.wait_for(
            lambda: "why" in told() or "name" in told() or self.ended or self.hangs, GRAB_PATIENCE
        )
        if "name" not in told():
            raise EngineError(told().get("why", "grab: the input does not answer"))
        if asked not in (None, free):
            self._say(f"grab: {asked!r} is there already; this is {free!r}")
        grabbed = Sound(free)
        self._sounds(grabbed)
        return grabbed

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
