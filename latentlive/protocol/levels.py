"""Curves of levels: what gain, amp and pan can follow."""

from __future__ import annotations

from typing import Any

from latentlive.curves import Curve, Num
from latentlive.errors import ExpressionError
from latentlive.expr import Node, Number, load
from latentlive.units import from_db

MOST_WORK = 300
"""Values that a level's curve may ask for one of its own: the 1920 gains that are written ahead of
a voice then take 576,000 of them at most."""

LOUDEST_DB = 24.0
LOUDEST = float(from_db(LOUDEST_DB))
"""The highest gain, in dB and as a factor: beyond it is a slip of the hand, and hurts."""

BOUNDS = {
    "gain_db": Number("dB", most=LOUDEST_DB),
    "amp": Number(least=-LOUDEST, most=LOUDEST),
    "pan": Number(least=0.0, most=1.0),
}
"""What a number may be; curves are held within the same bounds where they are evaluated."""


def curve_of(data: Any) -> Curve:
    """Return the curve of a level that a message holds as JSON data, or as it was read before.

    Raises
    ------
    ExpressionError
        If it is no curve, or none that a level can follow.
    """
    if isinstance(data, Curve):
        return data
    node = load(data)
    if not isinstance(node, Curve):
        raise ExpressionError("gain, amp and pan take a number or a curve")
    return followed(node, "gain, amp and pan")


def followed(curve: Curve, place: str) -> Curve:
    """Return a curve that a level can follow.

    Raises
    ------
    ExpressionError
        If it is stretched over a length, which a layer does not have, or takes long to compute:
        levels are computed between two decisions of the engine.
    """
    if (work := _work(curve, {})) > MOST_WORK:
        raise ExpressionError(
            f"{place}: the curve asks for {work} values a moment, {MOST_WORK} is the most here; "
            "smooth it once, or less of it"
        )
    try:
        curve.at(0.0)
    except ExpressionError:
        raise ExpressionError(
            f"{place}: a layer has no length to fit an array to; "
            "give it a curve of beats such as line(-20, 0, 8)"
        ) from None
    return curve


def within(word: str, curve: Curve, place: str) -> Curve:
    """Return a level, refused if it is a number beyond the bounds of the word.

    Raises
    ------
    ExpressionError
        ``gain: db must be <= 24 dB, got 60``
    """
    if isinstance(curve, Num):
        BOUNDS[word].coerce(curve.value, place)
    return curve


def _work(node: Node, known: dict[str, int]) -> int:
    """Return how many values one value of a node takes."""
    if node.digest not in known:
        known[node.digest] = 1 + node.asks * sum(_work(child, known) for child in node.children)
    return known[node.digest]
