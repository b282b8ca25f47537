"""The order of a piece: a factor oracle over its symbols, and the Markov models that it holds.

A suffix link leads from a place to an earlier one with the same past, of a known length: there the
piece can go on in another way. Links of length `m` or more gather places whose last `m` symbols are
the same, though not always all of them. The Markov model says how often what follows them came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MOST_ORDER = 32
"""The longest past that is compared."""


class Oracle(NamedTuple):
    """The factor oracle of a sequence of `n` symbols; state 0 comes before the first.

    Parameters
    ----------
    links : list of int [length n + 1]
        The suffix link of each state; that of state 0 is -1.
    shared : list of int [length n + 1]
        How many symbols before each state also come before the state that its link leads to, at
        most `MOST_ORDER`.
    factors : list of (int, int)
        The forward links that skip symbols.
    """

    links: list[int]
    shared: list[int]
    factors: list[tuple[int, int]]


def oracle(symbols: Sequence[int]) -> Oracle:
    """Return the factor oracle of a sequence, built in time linear in its length.

    Example
    -------
    >>> oracle([0, 1, 1, 0, 1]).links
    [-1, 0, 0, 2, 1, 2]
    >>> oracle([0, 1, 1, 0, 1]).shared
    [0, 0, 0, 1, 1, 2]

    Source: Allauzen, Crochemore, Raffinot: Factor oracle (SOFSEM 1999); Assayag, Dubnov: Using
    factor oracles for machine improvisation (Soft Computing 2004).
    """
    links, shared = [-1], [0]
    forward: list[dict[int, int]] = [{}]
    factors: list[tuple[int, int]] = []
    for last, symbol in enumerate(symbols):
        new = last + 1
        forward[last][symbol] = new
        forward.append({})
        state = links[last]
        while state > -1 and symbol not in forward[state]:
            forward[state][symbol] = new
            factors.append((state, new))
            state = links[state]
        link = 0 if state == -1 else forward[state][symbol]
        links.append(link)
        shared.append(_common(symbols, new, link))
    return Oracle(links, shared, factors)


def _common(symbols: Sequence[int], one: int, other: int) -> int:
    """Return how many symbols before two states are the same, at most `MOST_ORDER`."""
    count = 0
    while count < min(one, other, MOST_ORDER):
        if symbols[one - 1 - count] != symbols[other - 1 - count]:
            break
        count += 1
    return count


class Markov:
    """A Markov model of variable order: what came after each past of a sequence, and how often.

    Parameters
    ----------
    symbols : sequence of int [length n >= 1]
        As if it began again at its end.

    Example
    -------
    >>> Markov([0, 1, 1, 0, 1]).counts(4, 1)
    {0: 2, 1: 1}

    Source: Ron, Singer, Tishby: The power of amnesia (Machine Learning 1996).
    """

    def __init__(self, symbols: Sequence[int]) -> None:
        self._symbols = np.asarray(symbols, np.int64)
        self._next = np.roll(self._symbols, -1)

    def counts(self, place: int, past: int) -> dict[int, int]:
        """Return how often each symbol came after the last `past` symbols up to a place."""
        symbols, count = self._symbols, len(self._symbols)
        same = np.ones(count - max(past - 1, 0), np.bool_)
        for back in range(past):
            here = symbols[past - 1 - back : count - back]
            same &= here == symbols[place - back]
        found = self._next[max(past - 1, 0) :][same]
        return {int(s): int(n) for s, n in zip(*np.unique(found, return_counts=True), strict=True)}


class Jumps(NamedTuple):
    """Where a piece can go on otherwise than it goes.

    Parameters
    ----------
    places : list of int
        Each goes on with the place after it.
    rising : list of float
        The sum of the weights up to each place; the last is 1.
    past : int
        How many symbols they share with where the jump begins.
    """

    places: list[int]
    rising: list[float]
    past: int


class Order:
    """Where a piece can go on from each of its places.

    Parameters
    ----------
    symbols : sequence of int [length n >= 1]
    order : int [1 to MOST_ORDER]
        The longest past that counts.

    Example
    -------
    >>> Order([0, 1, 1, 0, 1], 2).jumps(4, 2)
    Jumps(places=[1], rising=[1.0], past=2)
    >>> Order([0, 1, 1, 0, 1], 2).jumps(4, 1).places
    [1, 2]
    """

    def __init__(self, symbols: Sequence[int], order: int) -> None:
        self.symbols, self.order = list(symbols), order
        self.oracle, self._markov = oracle(self.symbols), Markov(self.symbols)
        self._known: dict[tuple[int, int], Jumps] = {}
        self._alike: list[list[list[int]]] = []
        for length in range(1, order + 1):
            gathered: list[list[int]] = [[]]
            for state, link in enumerate(self.oracle.links[1:], 1):
                same = self.oracle.shared[state] >= length
                gathered.append(gathered[link] if same else [])
                gathered[state].append(state - 1)
            self._alike.append(gathered[1:])

    def __len__(self) -> int:
        return len(self.symbols)

    def alike(self, place: int, past: int) -> list[int]:
        """Return other places whose last `past` symbols are the same: those that suffix links of
        that length join, directly or over others; all other places for 0."""
        if not past:
            return [one for one in range(len(self.symbols)) if one != place]
        return [one for one in self._alike[past - 1][place] if one != place]

    def jumps(self, place: int, past: int) -> Jumps:
        """Return the other places that share most of the past.

        Suffix links lead to them; the Markov model weighs what comes after them.

        Parameters
        ----------
        place : int
        past : int
            How many of the symbols up to the place were played in this order.
        """
        past = min(past, self.order)
        found = self._known.get((place, past))
        if found is None:
            found = self._known[place, past] = self._jumps(place, past)
        return found

    def _jumps(self, place: int, past: int) -> Jumps:
        for length in range(past, -1, -1):
            # A jump that leads back here would repeat one part for ever.
            count = len(self.symbols)
            others = [one for one in self.alike(place, length) if (one + 1) % count != place]
            if not others:
                continue
            nexts = [self.after(one) for one in others]
            counts = self._markov.counts(place, length)
            shares = np.array([counts[s] / nexts.count(s) for s in nexts])
            return Jumps(others, (np.cumsum(shares) / shares.sum()).tolist(), length)
        return Jumps([place], [1.0], 0)

    def after(self, place: int) -> int:
        """Return the symbol that comes after a place."""
        return self.symbols[(place + 1) % len(self.symbols)]
