"""``tutorial``: the nine steps of ``docs/tutorial.md``, one after the other."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import cache

from latentlive.expr import Whole
from latentlive.prompt.session import shipped
from latentlive.worded import Worded

COLUMNS = 76
HEADING = re.compile(r"^## (\d+ )?(.*)\n", re.MULTILINE)
BLOCK = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Step:
    """A step of the tutorial.

    Parameters
    ----------
    title : str
    parts : tuple of str
        Text and lines to type, in turns; the first is text, perhaps empty.
    """

    title: str
    parts: tuple[str, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The lines to type: a block each."""
        return self.parts[1::2]

    def shown(self) -> str:
        """Return the step as text for a terminal."""
        blocks: list[str] = []
        for number, part in enumerate(self.parts):
            if number % 2:
                blocks.append(textwrap.indent(part.rstrip(), "    "))
            else:
                blocks += [textwrap.fill(told, COLUMNS) for told in plain(part).split("\n\n")]
        return "\n\n".join(block for block in blocks if block)


def plain(text: str) -> str:
    """Return prose without Markdown marks.

    >>> plain("`d1` is a *layer*; see the [cookbook](cookbook.md)")
    'd1 is a layer; see the cookbook'
    """
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"[`*]([^`*]+)[`*]", r"\1", text).strip()


@cache
def steps() -> tuple[Step, ...]:
    """Return the steps: the sections of the page with numbered headings."""
    page = next(path for folder in shipped("docs") if (path := folder / "tutorial.md").is_file())
    parts = HEADING.split(page.read_text(encoding="utf-8"))[1:]
    sections = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return tuple(
        Step(title, tuple(BLOCK.split(body))) for number, title, body in sections if number
    )


class Tutorial(Worded):
    """Shows the next of nine steps when its name is typed; ``tutorial(3)`` shows the third."""

    _called = "tutorial"

    def __init__(self) -> None:
        self._next = 0

    def __repr__(self) -> str:
        number, count = self._next, len(steps())
        self._next = (number + 1) % count
        step = steps()[number]
        more = "tutorial" if self._next else "tutorial, to begin again"
        return f"{number + 1} of {count}: {step.title}\n\n{step.shown()}\n\nthen type: {more}"

    def __call__(self, step: int = 1) -> Tutorial:
        """Show a step.

        Parameters
        ----------
        step : int [1..9]
        """
        self._next = Whole(least=1, most=len(steps())).coerce(step, "tutorial: step") - 1
        return self
