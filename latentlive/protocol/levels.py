"""Level curves: the curves that gain, amp and pan follow."""

from __future__ import annotations

import functools

from latentlive.curves import Curve, Num
from latentlive.errors import ExpressionError
from latentlive.expr import Node, Number
from latentlive.units import from_db

MOST_WORK = 300
"""Most values that a level's curve may need for one of its own: the 1920 gains written ahead of a
voice then take at most 576,000."""

CURVES = 500
"""Most cached verdicts on whether a level can follow a curve."""

LOUDEST_DB = 24.0
LOUDEST = float(from_db(LOUDEST_DB))
"""The highest gain, in dB and as a factor: more is a typing error, and hurts."""

WIDEST = 2.0
"""The most that sides are moved apart."""

BOUNDS = {
    "gain_db": Number("dB", most=LOUDEST_DB),
    "amp": Number(least=-LOUDEST, most=LOUDEST),
    "pan": Number(least=0.0, most=1.0),
    "width": Number(least=0.0, most=WIDEST),
}
"""Bounds of numbers; evaluation clips curves to the same bounds."""


def followed(curve: Curve, place: str) -> Curve:
    """Return a curve if a level can follow it.

    Raises
    ------
    ExpressionError
        If it stretches over a length, which a layer does not have, or is slow to compute: the
        engine computes levels between two decisions.
    """
    if fault := _fault(curve):
        raise ExpressionError(f"{place}: {fault}")
    return curve


@functools.lru_cache(CURVES)
def _fault(curve: Curve) -> str:
    """Return the reason why a level cannot follow a curve, empty if it can."""
    if (work := _work(curve, {})) > MOST_WORK:
        return (
            f"the curve asks for {work} values a moment, {MOST_WORK} is the most here; "
            "smooth it once, or less of it"
        )
    try:
        curve.at(0.0)
    except ExpressionError:
        return (
            "a layer has no length to fit an array to; "
            "give it a curve of beats such as line(-20, 0, 8)"
        )
    return ""


def within(word: str, curve: Curve, place: str) -> Curve:
    """Return a level; refuse a number beyond the bounds of its word.

    Raises
    ------
    ExpressionError
        ``gain: db must be <= 24 dB, got 60``
    """
    if isinstance(curve, Num):
        BOUNDS[word].coerce(curve.value, place)
    return curve


def _work(node: Node, known: dict[str, int]) -> int:
    """Return the number of values needed for one value of a node."""
    if node.digest not in known:
        known[node.digest] = 1 + node.asks * sum(_work(child, known) for child in node.children)
    return known[node.digest]
