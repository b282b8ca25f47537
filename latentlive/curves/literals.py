"""Numbers and arrays as curves; an array is fitted to the whole length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.curves.base import Curve, Time
from latentlive.errors import ExpressionError
from latentlive.expr import Array, Child, Either, Node, declared, number, operator
from latentlive.expr.fields import shown
from latentlive.units import Floats


def as_curve(value: Any, place: str = "curve") -> Curve:
    """Return a curve as it is, and a number or an array as a curve."""
    if isinstance(value, Curve):
        return value
    if isinstance(value, np.ndarray | list | tuple) and np.ndim(value) > 0:
        return Fit(value)
    if isinstance(value, bool | str | Node) or value is None:
        raise ExpressionError(f"{place} must be a curve, a number or an array, got {shown(value)}")
    try:
        return Num(value)
    except ExpressionError:
        raise ExpressionError(
            f"{place} must be a curve, a finite number or an array, got {shown(value)}"
        ) from None


@operator(word="number", form="literal")
class Num(Curve):
    """The same number at every beat."""

    value: float = number()

    def values(self, t: Time) -> Floats:
        return np.full(t.beats.shape, self.value)


_SHAPE = Either(
    "an array or a curve",
    values=Array(np.float64),
    node=Child(as_curve),
)


@operator
class Fit(Curve):
    """Stretch an array, or a curve's own length, over the whole expression that carries it.

    The first value falls on the first frame, the last on the last. Each pass of a loop begins it
    again; an endless expression refuses it.

    Parameters
    ----------
    shape : array [shape=(n,)] or curve with a length of its own

    Example
    -------
    >>> fit([0, 1, 0])
    fit([0.0, 1.0, 0.0])
    """

    shape: Sequence[float] | NDArray[np.floating[Any] | np.integer[Any]] | Curve = declared(_SHAPE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.shape, Curve) and self.shape.span is None:
            raise ExpressionError(
                f"fit: {self.shape!r} has no length of its own; "
                "give an array or a curve such as line, env, seq or sine"
            )

    @property
    def span(self) -> None:
        return None

    def values(self, t: Time) -> Floats:
        if t.part is None:
            raise ExpressionError("fit: the expression never ends; give it a curve of beats")
        if isinstance(self.shape, Curve):
            return t.at(t.part * (self.shape.span or 0.0)).value(self.shape)
        shape = np.asarray(self.shape)
        stretched: Floats = np.interp(t.part * (len(shape) - 1), np.arange(len(shape)), shape)
        return stretched
