"""Requests of clients; `engine/server/session.py` serves them."""

from __future__ import annotations

from typing import ClassVar

from latentlive.curves import Address, Curve
from latentlive.expr import Choice, Many, Maybe, Number, One, Record, Whole, declared, record
from latentlive.protocol.changes import MOST_CHANGES, Change
from latentlive.protocol.clip import Given, Source
from latentlive.protocol.kinds import (
    FLAG,
    GRABBED_BEATS,
    INPUT,
    LEVEL,
    NAME,
    PATH,
    SECONDS,
    SEED,
    SHARE,
    TEXT,
    KeptName,
)
from latentlive.protocol.when import NOW, At, Beat, Now, When

MOST_PLANNED = 500
"""Most planned changes and cues: each depends on those that land before it."""

PORT = Whole(least=1, most=65535)
RATE = Number("Hz", least=0.1, most=200.0)
QUANTUM = Whole("beats", least=1, most=64)
OFFSET = Number("seconds", least=-1.0, most=1.0)
CHANGES = Many(One(Change), MOST_CHANGES, "a cell holds at most {most} changes, this one {count}")


class Request(Record):
    """A request of a client: the engine does all of it, or nothing."""

    what, words = "message", {}
    changes_sound: ClassVar[bool] = False
    """Whether it changes the sound: a replay refuses such requests."""


class Plan(Request):
    """A request that waits for its moment."""

    what, words = "plan", {}
    changes_sound = True


class Act(Request):
    """A request that acts at once, or at the moment of its cell."""

    what, words = "act", {}
    revises: ClassVar[bool] = False
    """Whether it depends on what has landed before: the changes of its cell wait with it."""


@record("planned")
class Planned(Plan):
    """Land some changes together at a moment."""

    changes: tuple[Change, ...] = declared(CHANGES)
    when: When = declared(One(When))


@record("go")
class Go(Plan):
    """Land a cue at the next quant, or at a moment."""

    name: str = declared(NAME)
    when: When = declared(One(When, Now, At, Beat), default=NOW)


@record("cell")
class Cell(Request):
    """The changes of one cell.

    Parameters
    ----------
    changes : changes
        They land together.
    plans : plans
    acts : acts
        They come first; the engine holds them until the cell's moment.
    when : When
        Now or at a sample.
    code, name : str
        As typed, for the log.
    failed : str or None
        The error if it failed.
    """

    changes_sound = True
    changes: tuple[Change, ...] = declared(CHANGES, default=())
    plans: tuple[Plan, ...] = declared(
        Many(One(Plan), MOST_PLANNED, "at most {most} changes and cues can be planned"), default=()
    )
    acts: tuple[Act, ...] = declared(Many(One(Act), MOST_CHANGES), default=())
    when: When = declared(One(When, Now, At), default=NOW)
    code: str = declared(TEXT, default="")
    name: str = declared(TEXT, default="")
    failed: str | None = declared(Maybe(TEXT), default=None)


@record("cancel")
class Cancel(Act):
    """Drop a cue, or a line of the plan."""

    changes_sound = True
    name: str = declared(NAME)


@record("audition")
class Audition(Act):
    """Play a texture, or a cue's textures, on preview layers; stop them without either."""

    changes_sound = True
    name: str | None = declared(Maybe(NAME), default=None)
    source: Source | None = declared(Maybe(Given()), default=None)


@record("undo")
class Undo(Act):
    """Take back the last change."""

    changes_sound = revises = True


@record("redo")
class Redo(Act):
    """Redo the last undone change."""

    changes_sound = revises = True


@record("seed")
class Seed(Act):
    """Draw all chance from another seed."""

    changes_sound = True
    n: int = declared(SEED)


@record("turn")
class Turn(Act):
    """Turn a knob to a value, 0 to 1."""

    changes_sound = True
    name: str = declared(NAME)
    value: float = declared(SHARE)
    by: str = declared(TEXT, default="")


@record("listen")
class Listen(Request):
    """Hear controllers and messages from now on, though nothing follows them yet."""


@record("send")
class Send(Request):
    """Send a curve to an OSC address from now on, or no more."""

    path: str = declared(Address())
    curve: Curve | None = declared(Maybe(LEVEL), default=None)
    host: str = declared(NAME, default="127.0.0.1")
    port: int = declared(PORT, default=57120)
    rate: float = declared(RATE, default=30.0)


@record("visuals")
class Visuals(Request):
    """Send beats, levels and cues to a program from now on; without a port, no more."""

    port: int | None = declared(Maybe(PORT), default=None)
    host: str = declared(NAME, default="127.0.0.1")


@record("grab")
class Grab(Request):
    """Let the last beats of an input channel become a sound.

    Parameters
    ----------
    beats : float
    channel : int
    name : str
        Of the sound.
    ticket : str
        Under which the state tells what became of it.
    """

    changes_sound = True
    beats: float = declared(GRABBED_BEATS)
    channel: int = declared(INPUT)
    name: str = declared(KeptName())
    ticket: str = declared(NAME)


@record("learn")
class Learn(Request):
    """Bind a knob to the controller that is moved next.

    Parameters
    ----------
    name : str
        Of the knob.
    endless : str or None
        How a controller without ends tells its steps: 'twos', 'offset', or 'any' for what the
        first one looks like; None for one with ends.
    """

    name: str = declared(NAME)
    endless: str | None = declared(Maybe(Choice("twos", "offset", "any")), default=None)


@record("forget")
class Forget(Request):
    """Let a knob follow no controller any more."""

    name: str = declared(NAME)


@record("clock in")
class ClockIn(Request):
    """Follow the MIDI clock of a device from now on, or none.

    Parameters
    ----------
    device : str or None
        A part of its name; empty is any.
    """

    changes_sound = True
    device: str | None = declared(Maybe(TEXT), default=None)


@record("clock out")
class ClockOut(Request):
    """Give a device our clock, so many seconds later than it is heard; without one, nobody."""

    device: str | None = declared(Maybe(NAME), default=None)
    offset: float = declared(OFFSET, default=0.0)


@record("link")
class JoinLink(Request):
    """Join an Ableton Link session from now on, or leave it.

    Parameters
    ----------
    on : bool
    quantum : int [beats]
        Of a bar.
    offset : float [seconds]
        How much later than the others' our beats are heard.
    """

    changes_sound = True
    on: bool = declared(FLAG)
    quantum: int = declared(QUANTUM, default=4)
    offset: float = declared(OFFSET, default=0.0)


@record("panic")
class Panic(Act):
    """Silence everything at once."""

    revises = True


@record("record")
class RecordTo(Act):
    """Write the output to a file, and each layer into a folder.

    Parameters
    ----------
    path : str
    stems : str or None
    whole : bool
        Whether to write from the first sample to the last, besides performers' recordings.
    """

    path: str = declared(PATH)
    stems: str | None = declared(Maybe(PATH), default=None)
    whole: bool = declared(FLAG, default=False)


@record("stop recording")
class StopRecording(Act):
    """End a recording."""


@record("start")
class Start(Request):
    """Start a held transport."""


@record("state")
class TellState(Request):
    """Request the engine's state."""


@record("quit")
class Quit(Request):
    """Fade out over some seconds, then end."""

    fade: float = declared(SECONDS, default=1.0)
