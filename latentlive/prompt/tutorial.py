"""``tutorial``: eight short steps to a layered, planned, recorded piece."""

from __future__ import annotations

from dataclasses import dataclass

from latentlive.errors import ExpressionError


@dataclass(frozen=True)
class Step:
    """One step.

    Parameters
    ----------
    title : str
    text : str
        What it is about.
    code : str
        What to type.
    """

    title: str
    text: str
    code: str


STEPS = (
    Step(
        "a sound",
        "d1 is a layer; >> gives it a texture. extend(8) reads the recording eight\ntimes slower.",
        'd1 >> sound("gong").extend(8)',
    ),
    Step(
        "between two sounds",
        "interp goes from one sound (0) to another (1) as its curve says. The layer\n"
        "crosses over by itself. A line that fails changes nothing; why tells more.",
        'd1 >> interp(sound("gong"), sound("rain"), sine(12)).extend(8)',
    ),
    Step(
        "level and place",
        "A number or a curve: decibels for gain, 0 left to 1 right for pan.",
        "d1.gain(-3).pan(perlin(8)).fade(4)",
    ),
    Step(
        "a second layer",
        "d1 to d16 sound together; d1.mute(), d1.unmute() and d1.solo() compare them.",
        'd2 >> interp(sound("surf"), sound("choir-ah"), perlin(6)).extend(6)\n'
        "d2.gain(-6).pan(sine(16)).fade(6)",
    ),
    Step(
        "time",
        "A beat is a second until tempo says otherwise. What stands below at(...)\n"
        "lands at that beat.",
        'tempo(72, over=8)\nwith at(now.beat + 16):\n    d2 >> sound("wind").extend(8)',
    ),
    Step(
        "a cue",
        "A scene that is rendered ahead and silent until you want it. plan shows it.",
        'with cue("dark"):\n'
        "    d1.morph(8) >> path([prior(1), prior(2), prior(3)], saw(30))\n"
        "    d2.stop(fade=8)",
    ),
    Step(
        "record, and go",
        "record writes what is heard to a file. go plays the cue.",
        'record("piece.flac")\ngo("dark")',
    ),
    Step(
        "the end",
        "hush fades all layers. What you typed is in the log, which replays to the\n"
        "same samples. Next: examples, help(interp).",
        "hush(8)\nstop_recording()",
    ),
)


class Tutorial:
    """Shows the next of eight steps when its name is typed; ``tutorial(3)`` shows the third."""

    def __init__(self) -> None:
        self._next = 0

    def __repr__(self) -> str:
        number = self._next
        self._next = (number + 1) % len(STEPS)
        step = STEPS[number]
        more = "tutorial" if self._next else "tutorial, to begin again"
        rows = step.code.splitlines()
        blank = [""] if rows[-1].startswith(" ") else []
        return "\n".join(
            [
                f"{number + 1} of {len(STEPS)}: {step.title}",
                step.text,
                "",
                *(f"    {row}" for row in rows + blank),
                f"then type: {more}",
            ]
        )

    def __call__(self, step: int = 1) -> Tutorial:
        """Show a step.

        Parameters
        ----------
        step : int [1..8]
        """
        if step not in range(1, len(STEPS) + 1):
            raise ExpressionError(f"tutorial: it has steps 1 to {len(STEPS)}, got {step!r}")
        self._next = step - 1
        return self
