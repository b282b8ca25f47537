"""Clocks from outside, at the prompt: what is heard, what is followed, who gets ours."""

from __future__ import annotations

from latentlive.client.connection import Connection
from latentlive.client.transaction import Transaction
from latentlive.client.views import Table
from latentlive.errors import printable
from latentlive.protocol.requests import ClockIn, ClockOut, JoinLink, Listen
from latentlive.protocol.wire import Message
from latentlive.units import bpm_text


class Clocked(Connection):
    """An engine, as other clocks meet it."""

    _cells: Transaction

    def clock_in(self, device: str | bool | None = "") -> Table | None:
        """Take the tempo and the beats of a MIDI clock.

        Where our beats lie beside it, they come to it at 2 % faster or slower, without a jump; a
        clock that wavers makes no more than one change of tempo in eight seconds, on average.
        When its song stops the sound goes on, and when the clock is gone the tempo stays.

        Parameters
        ----------
        device : str, True or None
            A part of the device's name, or True for whichever sends a clock; None follows no clock
            any more. Without it, the clocks that are heard are shown.

        Example
        -------
        ``clock_in("drums")``, ``clock_in()``, ``clock_in(None)``
        """
        self._cells.refuse_planned("clock_in")
        if device == "":
            self.request(Listen())
            return clock_table(self.fresh()["clock"])
        wanted = ("" if device else None) if isinstance(device, bool) else device
        self.request(ClockIn(wanted))
        return None

    def clock_out(self, device: str | None = "", offset: float = 0.0) -> Table | None:
        """Give a MIDI device our clock, with the start, the stop and the place in the song.

        Parameters
        ----------
        device : str or None
            A part of its name; it may be plugged in later. None gives nobody the clock any more.
            Without it, those that get the clock are shown.
        offset : float [seconds, -1 to 1]
            How much later than our beats are heard it gets them.

        Example
        -------
        ``clock_out("drums")``, ``clock_out(None)``
        """
        self._cells.refuse_planned("clock_out")
        if device == "":
            return given_table(self.fresh()["clock"])
        self.request(ClockOut(device, offset))
        return None

    def link(self, on: bool | None = None, quantum: int = 4, offset: float = 0.0) -> Table | None:
        """Share tempo and beats with the programs of an Ableton Link session.

        It joins with their tempo, never with ours. Their tempo is followed, and `tempo` leads
        them; where our beats lie beside theirs, they come to them at 2 % faster or slower.

        Parameters
        ----------
        on : bool or None
            True joins, False leaves and keeps the tempo. Without it, the others, the tempo and how
            far we are from their beats are shown.
        quantum : int [beats, 1 to 64]
            Of a bar: ``.quant(4)`` counts from where the session's bars begin.
        offset : float [seconds, -1 to 1]
            How much later than theirs our beats are heard.

        Example
        -------
        ``link(True)``, ``link()``, ``link(False)``
        """
        self._cells.refuse_planned("link")
        if on is None:
            return link_table(self.fresh()["link"])
        self.request(JoinLink(on, quantum, offset))
        return None


def link_table(link: Message | None) -> Table:
    """Return who else is in the session, its tempo, and how far our beats are from it."""
    if link is None:
        return Table(("link", ""), (), "link is off; link(True) joins a session")
    joined = link["peers"] is not None
    rows = [
        ("others", str(link["peers"]) if joined else "looked for"),
        ("tempo", bpm_text(link["bpm"]) if link["bpm"] else "-"),
        ("our beats", apart_text(link) if joined else "-"),
    ]
    return Table(("link", ""), rows, "")


def clock_table(clock: Message) -> Table:
    """Return the clocks that are heard: device, tempo, whether its song runs, how far we are."""
    rows = []
    for device, bpm, running, locked in clock["heard"]:
        followed = device == clock["followed"]
        state = "runs" if running else "stands" if locked else "gone"
        rows.append((printable(device), bpm_text(bpm), state, apart_text(clock, followed)))
    return Table(("clock of", "tempo", "song", "our beats"), rows, "no clock is heard yet")


def apart_text(clock: Message, followed: bool = True) -> str:
    """Return how far our beats lie beside a clock that is followed."""
    apart = clock["apart"]
    if not followed:
        return "-"
    return (
        "follow"
        if apart is None
        else f"{abs(apart) * 1e3:.0f} ms {'late' if apart > 0 else 'early'}"
    )


def given_table(clock: Message) -> Table:
    """Return the devices that get our clock."""
    rows = [(printable(device),) for device in clock["given"]]
    return Table(("our clock goes to",), rows, "nobody gets our clock")
