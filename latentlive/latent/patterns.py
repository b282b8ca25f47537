"""Patterns of strokes: what falls on each step, as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Curve, as_curve
from latentlive.errors import ExpressionError
from latentlive.expr import Kind, Node, Number, child, declared, operator, whole
from latentlive.expr.fields import shown
from latentlive.units import Floats

DAMPED = -1.0
"""Falls on a step that ends what rings."""

LOUDEST = 2.0
"""The amplitude of an accent, the most that a stroke has: 6 dB above a plain one."""

MARKS = {"x": 1.0, "X": LOUDEST, ".": 0.0, "~": DAMPED}
ALIKE = str.maketrans({"-": ".", **dict.fromkeys(" |\t\n", "")})
"""Other ways to write a rest, and what only makes a pattern easier to read."""

LONGEST = 4096
"""The most steps of a pattern."""


class Pattern(Node):
    """Strokes on equal steps, one after the other; it repeats."""

    family = "pattern"

    @property
    def amplitudes(self) -> Sequence[float]:
        """The amplitude of each step: 0 begins nothing, `DAMPED` ends what rings."""
        raise NotImplementedError

    @cached_property
    def table(self) -> Floats:
        """The amplitudes [shape=(steps,)]."""
        return np.array(self.amplitudes, np.float64)

    if TYPE_CHECKING:  # the operators below attach them

        def rev(self) -> Pattern: ...

        def __add__(self, other: PatternLike) -> Pattern: ...

        def __radd__(self, other: PatternLike) -> Pattern: ...


PatternLike = Pattern | str | Sequence[float] | NDArray[np.floating[Any]]
"""A pattern, its marks (``"x..x.x.."``), or the amplitude of each step."""


class Marks(Kind):
    """Marks in a text, or amplitudes in a list."""

    def __init__(self) -> None:
        self.amplitude = Number(least=0.0, most=LOUDEST)

    def coerce(self, value: Any, place: str) -> str | tuple[float, ...]:
        """Return the marks without what only separates them, or the amplitudes."""
        if isinstance(value, str):
            marks = value.translate(ALIKE)
            wrong = next((mark for mark in marks if mark not in MARKS), "")
            if wrong or not marks:
                got = f"{wrong!r} in {shown(value)}" if wrong else shown(value)
                raise ExpressionError(
                    f"{place} must be made of x (stroke), X (accent), . (rest) and ~ (damp), "
                    f"got {got}"
                )
            found: str | tuple[float, ...] = marks
        elif isinstance(value, list | tuple | np.ndarray) and len(value):
            found = tuple(
                self.amplitude.coerce(one, f"{place}[{i}]") for i, one in enumerate(value)
            )
        else:
            raise ExpressionError(
                f"{place} must be a pattern such as 'x..x.x..', euclid(3, 8) or [1, 0, 0.5, 0], "
                f"got {shown(value)}"
            )
        if len(found) > LONGEST:
            raise ExpressionError(f"{place} must have at most {LONGEST} steps, got {len(found)}")
        return found

    def code(self, value: str | tuple[float, ...], nested: Callable[[Node], str]) -> str:
        """Return the marks in quotes, or the list."""
        if isinstance(value, str):
            return repr(value)
        return "[" + ", ".join(self.amplitude.code(one, nested) for one in value) + "]"

    def plain(self, value: str | tuple[float, ...], ref: Any, keep: Any) -> Any:
        """Return the marks, or the amplitudes."""
        return value if isinstance(value, str) else list(value)


@operator(word="strokes", form="literal")
class Strokes(Pattern):
    """Strokes as they are written, one mark or one amplitude a step.

    Parameters
    ----------
    steps : str or list of float
        ``x`` is a stroke, ``X`` an accent (6 dB louder), ``.`` or ``-`` begins nothing, so what
        rings goes on ringing, ``~`` damps it; blanks and ``|`` only separate. In a list: the
        amplitude of each step (0 to 2; 1 is as recorded, 0.5 is 6 dB softer, 0 begins nothing).

    Example
    -------
    >>> strokes("x..x ..x.") + euclid(3, 8)
    'x..x..x.' + euclid(3, 8)
    """

    steps: str | Sequence[float] = declared(Marks())

    @property
    def amplitudes(self) -> Sequence[float]:
        """See `Pattern`."""
        if isinstance(self.steps, str):
            return [MARKS[mark] for mark in self.steps]
        return self.steps


@operator
class Euclid(Pattern):
    """`k` strokes on `n` steps, as evenly as they can lie.

    Parameters
    ----------
    k : int [0 to n]
    n : int [1 to 4096]
    rotate : int
        The step of the cycle with which it begins; negative ones count from the end.

    Raises
    ------
    ExpressionError
        ``euclid: k must lie in 0 to n, 8, got 9``

    Example
    -------
    >>> euclid(3, 8).amplitudes
    [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]

    Source: Bjorklund: The theory of rep-rate pattern generation in the SNS timing system (2003);
    Toussaint: The Euclidean algorithm generates traditional musical rhythms (BRIDGES 2005).
    """

    k: int = whole()
    n: int = whole(least=1, most=LONGEST)
    rotate: int = whole(default=0, least=-LONGEST, most=LONGEST)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k > self.n:
            raise ExpressionError(f"euclid: k must lie in 0 to n, {self.n}, got {self.k}")

    @property
    def amplitudes(self) -> Sequence[float]:
        """See `Pattern`."""
        groups, rest = [[1.0]] * self.k, [[0.0]] * (self.n - self.k)
        while groups and rest:
            pairs = min(len(groups), len(rest))
            left = groups[pairs:] or rest[pairs:]
            groups = [groups[i] + rest[i] for i in range(pairs)]
            rest = left
            if len(rest) < 2:
                break
        steps = [step for group in groups + rest for step in group]
        turn = self.rotate % self.n
        return steps[turn:] + steps[:turn]


def _reversed(self: Pattern) -> Pattern:
    if isinstance(self, Reversed):
        return as_pattern(self.of)
    return Strokes(self.steps[::-1]) if isinstance(self, Strokes) else Reversed(self)


@operator(word="rev", form="method", make=_reversed)
class Reversed(Pattern):
    """The steps in reverse order.

    Example
    -------
    >>> strokes("X.x.").rev()
    strokes('.x.X')
    """

    of: PatternLike = child(lambda value, place: as_pattern(value, place))

    @property
    def amplitudes(self) -> Sequence[float]:
        """See `Pattern`."""
        return as_pattern(self.of).amplitudes[::-1]


def _joined(a: Any, b: Any) -> Any:
    if any(isinstance(side, Node) and not isinstance(side, Pattern) for side in (a, b)):
        return NotImplemented
    a, b = as_pattern(a, "+: left side"), as_pattern(b, "+: right side")
    if isinstance(a, Strokes) and isinstance(b, Strokes) and type(a.steps) is type(b.steps):
        return Strokes(a.steps + b.steps)  # type: ignore[operator]
    return Chained(a, b)


@operator(form="+", make=_joined)
class Chained(Pattern):
    """One pattern after the other.

    Example
    -------
    >>> euclid(3, 8) + "x.x.x.x."
    euclid(3, 8) + 'x.x.x.x.'
    """

    a: PatternLike = child(lambda value, place: as_pattern(value, place))
    b: PatternLike = child(lambda value, place: as_pattern(value, place))

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.amplitudes) > LONGEST:
            raise ExpressionError(
                f"+: a pattern has at most {LONGEST} steps, got {len(self.amplitudes)}"
            )

    @property
    def amplitudes(self) -> Sequence[float]:
        """See `Pattern`."""
        return [*as_pattern(self.a).amplitudes, *as_pattern(self.b).amplitudes]


def as_pattern(value: Any, place: str = "pattern") -> Pattern:
    """Return a pattern as it is, and marks or amplitudes as a pattern."""
    if isinstance(value, Pattern):
        return value
    return Strokes(Marks().coerce(value, place))


def as_strokes(value: Any, place: str = "pattern") -> Node:
    """Return a pattern, or a curve, of which each step reads the amplitude."""
    if isinstance(value, Curve | int | float | np.number) and not isinstance(value, bool):
        return as_curve(value, place)
    return as_pattern(value, place)
