"""Requests of clients; `engine/server/session.py` serves them."""

from __future__ import annotations

from typing import ClassVar

from latentlive.expr import Many, Maybe, One, Record, declared, record
from latentlive.protocol.changes import MOST_CHANGES, Change
from latentlive.protocol.clip import Given, Source
from latentlive.protocol.kinds import FLAG, NAME, PATH, SECONDS, SEED, TEXT
from latentlive.protocol.when import NOW, At, Beat, Now, When

MOST_PLANNED = 500
"""Changes and cues that can wait: what each plays follows from those that land before it."""

CHANGES = Many(One(Change), MOST_CHANGES, "a cell holds at most {most} changes, this one {count}")


class Request(Record):
    """Something that a client asks for: all of it is done, or nothing."""

    what, words = "message", {}
    changes_sound: ClassVar[bool] = False
    """Whether it bears on what is heard, so that a replay does not take it."""


class Plan(Request):
    """A request that waits for its moment."""

    what, words = "plan", {}
    changes_sound = True


class Act(Request):
    """A request that acts at once, or at the moment of its cell."""

    what, words = "act", {}
    revises: ClassVar[bool] = False
    """Whether it bears on what has landed by then: the changes of its cell wait with it."""


@record("planned")
class Planned(Plan):
    """Let some changes land together at a moment."""

    changes: tuple[Change, ...] = declared(CHANGES)
    when: When = declared(One(When))


@record("go")
class Go(Plan):
    """Let a cue land at the next quant, or at a moment."""

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
        They come first; before the cell's moment they are kept for it.
    when : When
        Now or at a sample.
    code, name : str
        As typed, for the log.
    failed : str or None
        What became of it if it failed.
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
    """Play a texture, or those of a cue, on preview layers; stop them without either."""

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


@record("panic")
class Panic(Act):
    """Silence everything at once."""

    revises = True


@record("record")
class RecordTo(Act):
    """Write what is heard to a file, and each layer into a folder.

    Parameters
    ----------
    path : str
    stems : str or None
    whole : bool
        Whether from its first sample to its last, besides what performers record.
    """

    path: str = declared(PATH)
    stems: str | None = declared(Maybe(PATH), default=None)
    whole: bool = declared(FLAG, default=False)


@record("stop recording")
class StopRecording(Act):
    """End a recording."""


@record("start")
class Start(Request):
    """Let a held transport move."""


@record("state")
class TellState(Request):
    """Tell how the engine is."""


@record("quit")
class Quit(Request):
    """Fade out over some seconds, then end."""

    fade: float = declared(SECONDS, default=1.0)
