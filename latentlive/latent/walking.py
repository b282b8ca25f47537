"""Walks through a piece: which of its places is played when, for any moment that is asked.

A walk is a function of its key and the number of the step. It is taken from its beginning and
remembered every `BLOCK` steps, so later questions near by cost little; every `EPOCH` it begins
anew, so the first question at any hour costs a bounded number of steps.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from latentlive.curves import hashed
from latentlive.curves.chance import uniform
from latentlive.latent.oracle import Order
from latentlive.units import Floats

EPOCH = 4 * 3600
"""Seconds, or beats where steps are counted in beats, after which a walk begins anew."""

BLOCK = 512
"""Steps between two that are remembered."""

BLOCKS = 32
"""Blocks whose steps are kept at hand."""

SHARPNESS = 8.0
"""How much likelier the most typical of a node's sounds is than the least, as a power of e, where
typicality is 1."""


class Step(NamedTuple):
    """What is played from one moment to the next.

    Parameters
    ----------
    unit : int
        Which of the sounds.
    start, stop : float
        In the walk's time: frames, or beats.
    """

    unit: int
    start: float
    stop: float


class State(NamedTuple):
    """Where a walk is when a step begins.

    Parameters
    ----------
    place : int
        In the piece.
    past : int
        How many nodes up to there were played in the piece's order.
    start : float
        When the step begins.
    """

    place: int
    past: int
    start: float


class Hand(Protocol):
    """What leads a walk at a moment of its time."""

    def congruence(self, start: float) -> float:
        """Return how likely the piece goes on as it goes, 0 to 1."""

    def typicality(self, start: float) -> float:
        """Return how typical a sound of its node is taken, 0 to 1; 0.5 takes any of them."""

    def lasting(self, unit: int, start: float) -> float:
        """Return how long a sound is played."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece: the order of its nodes, and the sounds that stand for each node.

    Parameters
    ----------
    order : Order
    sounds : list of list of int
        Which sounds can be played at each place of the piece.
    typical : list of float [0 to 1]
        How typical each sound is of its node.
    own : bool
        Whether the sounds are the piece's own, one at each place, in order.
    """

    order: Order
    sounds: Sequence[Sequence[int]]
    typical: Sequence[float]
    own: bool


class Block(NamedTuple):
    """Steps of a walk, one after the other.

    Parameters
    ----------
    steps : list of Step
    starts : list of float
        When each begins.
    states : list of State
        Where the walk is at each.
    """

    steps: list[Step]
    starts: list[float]
    states: list[State]


class Walk:
    """A walk through a piece, in one epoch.

    Parameters
    ----------
    piece : Piece
    key : int
        For all chance.
    hand : Hand
    """

    def __init__(self, piece: Piece, key: int, hand: Hand) -> None:
        self.piece, self.key, self.hand = piece, key, hand
        self._first = [State(0, 1, 0.0)]
        self._starts = [0.0]
        self._blocks: OrderedDict[int, Block] = OrderedDict()

    def at(self, moments: Floats) -> list[int]:
        """Return the numbers of the steps that are played at some moments [each >= 0]."""
        found: list[int] = []
        for moment in moments.tolist():
            while self._starts[-1] <= moment:
                self._block(len(self._starts) - 1)
            number = bisect_right(self._starts, moment) - 1
            starts = self._block(number).starts
            found.append(number * BLOCK + bisect_right(starts, moment) - 1)
        return found

    def step(self, number: int) -> Step:
        """Return a step by its number (>= 0)."""
        return self._block(number // BLOCK).steps[number % BLOCK]

    def state(self, number: int) -> State:
        """Return where the walk is when a step begins, by its number (>= 0)."""
        return self._block(number // BLOCK).states[number % BLOCK]

    def _block(self, number: int) -> Block:
        found = self._blocks.get(number)
        if found is not None:
            self._blocks.move_to_end(number)
            return found
        while len(self._first) <= number:
            self._block(len(self._first) - 1)
        found, after = walked(self.piece, self.hand, self.key, self._first[number], number * BLOCK)
        self._blocks[number] = found
        if len(self._blocks) > BLOCKS:
            self._blocks.popitem(last=False)
        if len(self._first) == number + 1:
            self._first.append(after)
            self._starts.append(after.start)
        return found


def walked(
    piece: Piece, hand: Hand, key: int, state: State, first: int, end: float = math.inf
) -> tuple[Block, State]:
    """Return the steps from a state on, and the state after them.

    Parameters
    ----------
    piece : Piece
    hand : Hand
    key : int
    state : State
    first : int
        The number of the first step.
    end : float
        No step begins there or later.
    """
    numbers = np.arange(first, first + BLOCK, dtype=np.float64)
    chances = np.stack([uniform(key + n, numbers) for n in range(3)], axis=1).tolist()
    steps, starts, states = list[Step](), list[float](), list[State]()
    for goes_on, where, which in chances:
        place, past, start = state
        if start >= end:
            break
        unit = _sound(piece, hand, place, start, which)
        stop = start + hand.lasting(unit, start)
        steps.append(Step(unit, start, stop))
        starts.append(start)
        states.append(state)
        if goes_on < hand.congruence(stop):
            last = place + 1 == len(piece.order)
            place, past = (0, 1) if last else (place + 1, min(past + 1, piece.order.order))
        else:
            place, past = _jumped(piece, hand, place, past, stop, where)
        state = State(place, past, stop)
    return Block(steps, starts, states), state


def _jumped(
    piece: Piece, hand: Hand, place: int, past: int, start: float, draw: float
) -> tuple[int, int]:
    order = piece.order
    places, rising, shared = order.jumps(place, past)
    if piece.own:
        rising = _favoured(piece, hand, rising, [(one + 1) % len(order) for one in places], start)
    chosen = places[min(bisect_right(rising, draw), len(places) - 1)]
    return (chosen + 1) % len(order), min(shared + 1, order.order)


def _sound(piece: Piece, hand: Hand, place: int, start: float, draw: float) -> int:
    sounds = piece.sounds[place]
    if len(sounds) == 1:
        return sounds[0]
    even = [(i + 1) / len(sounds) for i in range(len(sounds))]
    rising = _favoured(piece, hand, even, sounds, start)
    return sounds[min(bisect_right(rising, draw), len(sounds) - 1)]


def _favoured(
    piece: Piece, hand: Hand, rising: list[float], units: Sequence[int], start: float
) -> list[float]:
    """Return weights, summed up, that favour typical sounds, or those that are not."""
    bias = SHARPNESS * (2.0 * hand.typicality(start) - 1.0)
    if bias == 0.0 or len(units) == 1:
        return rising
    liked = np.exp(bias * np.array([piece.typical[unit] - 0.5 for unit in units]))
    shares = np.diff(rising, prepend=0.0) * liked
    summed: list[float] = (np.cumsum(shares) / shares.sum()).tolist()
    return summed


class Walks:
    """The walks of one texture, the latest used last.

    Parameters
    ----------
    most : int
    """

    def __init__(self, most: int = 16) -> None:
        self._known: OrderedDict[tuple[object, ...], Walk] = OrderedDict()
        self._most = most

    def walk(self, key: tuple[object, ...], make: Callable[[], Walk]) -> Walk:
        """Return the walk of a key, made if it is new."""
        found = self._known.pop(key, None)
        found = self._known[key] = make() if found is None else found
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return found


def walk_key(*parts: object) -> int:
    """Return the key of a walk's chance."""
    return hashed("improvise", *parts)
