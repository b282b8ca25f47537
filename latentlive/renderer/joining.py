"""From latent vectors to samples in two steps: request the windows of a stretch, then join them.

Vectors sit a hop apart on a grid of the texture's clock; each decodes to a window, and overlap-add
sums the windows oldest first. Blocks sit on a grid of the same clock. So no sample depends on
chunk boundaries.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import OrderedDict
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from latentlive.errors import ExpressionError
from latentlive.latent import DEFAULT_OVERLAP, Join
from latentlive.renderer.resampling import Resampler
from latentlive.space import Facts, Part, Space
from latentlive.units import Floats, Samples

KEPT = 3
"""Prepared blocks that a rendering keeps: each stretch begins where the last one ended."""


class Request(NamedTuple):
    """The windows that a stretch of samples needs.

    Parameters
    ----------
    start, stop : int [samples]
        At the output rate.
    hops : (int, int)
        First hop of the space's clock that the stretch joins, and one past the last.
    first : int
        First vector to decode.
    parts : list of Part
        Windows to decode: `first` to the last one that begins before `stop`.
    """

    start: int
    stop: int
    hops: tuple[int, int]
    first: int
    parts: list[Part]

    @property
    def windows(self) -> int:
        """The number of windows to decode."""
        return sum(part.stop - part.start for part in self.parts)


class Rendered(ABC):
    """Renders stretches of a texture: `request`, decode, then `join`.

    Parameters
    ----------
    space : Space
    overlap : int
        Windows that overlap at each moment.
    key : int
        The noise key.
    length : int or None [samples]
        Silence follows it; None never ends.
    rate : int [samples a second]
        The output rate; a space at another rate is resampled.
    live : bool
        Whether it follows live curves.
    """

    def __init__(
        self,
        space: Space,
        overlap: int,
        key: int,
        length: int | None,
        rate: int,
        live: bool = False,
    ) -> None:
        self.space, self.overlap, self.length, self.rate = space, overlap, length, rate
        self.key, self.turn, self.live = key, 0.0, live
        self.block = block_of(space, live)
        self.hop = space.window // overlap
        self.frame = space.window * (rate / space.sample_rate)
        """Samples of one frame, at the output rate."""
        self._resampler = None if rate == space.sample_rate else Resampler(space.sample_rate, rate)
        # The resampler reads some windows twice: keep them, to decode them once.
        self._spare = 0 if self._resampler is None else 2 + 2 * self._resampler.half // self.hop
        # A space with its own hop fades its windows itself.
        self._fade = None if space.hop else hann(space.window, overlap)
        self._tail = (0, np.empty((0, space.window), np.float32))
        self._blocks: OrderedDict[int, Any] = OrderedDict()

    def start(self) -> bool:
        """Go on with what must be ready first, briefly; return whether all is."""
        return self.space.start()

    @property
    def beyond(self) -> int:
        """How far beyond a stretch lie the vectors that it needs, at most [samples]."""
        return beyond_of(self.space, self.overlap, self.rate, self.live)

    def forget(self) -> None:
        """Forget decoded windows and prepared blocks: their vectors were others."""
        self._tail = (0, self._tail[1][:0])
        self._blocks.clear()

    @abstractmethod
    def drawn(self, frames: Floats) -> Samples:
        """Return the latent vectors at some frames of the texture's clock [shape=(n, dims)]."""

    @abstractmethod
    def gains(self, frames: Floats) -> Samples:
        """Return the gains of windows at some frames [shape=(n, 1)], from level and ``.norm()``."""

    def request(self, start: int, stop: int) -> Request:
        """Return the request for samples `start` to `stop` of the texture's clock."""
        hops = self._hops(start, stop)
        first = hops[0] - self.overlap + 1
        tail_first, tail = self._tail
        if tail_first <= first < tail_first + len(tail):
            first = min(tail_first + len(tail), hops[1] - 1)
        return Request(start, stop, hops, first, self._parts(first, hops[1]))

    def encode(self, start: int, stop: int) -> None:
        """Draw the vectors of a stretch in advance: what they read is encoded then, and kept."""
        first, last = self._hops(start, stop)
        space = self.space
        self.drawn(self.at(first - self.overlap + 1 - space.behind, last + space.ahead))

    def join(self, request: Request, decoded: Samples) -> Samples:
        """Return the samples of a request [shape=(stop - start,)].

        Parameters
        ----------
        decoded : array [shape=(n, channels, window)]
            The decoded parts of the request; `join` overwrites them.

        Raises
        ------
        ExpressionError
            If `decoded` is not finite; no state has changed then.
        """
        start, stop, hops, first, _ = request
        windows = self._faded(first, decoded)
        if not np.isfinite(windows).all():
            raise ExpressionError(
                f"the space {self.space.name!r} makes no sound of these latents (NaN or infinity); "
                "lower what multiplies or adds them"
            )
        needed = hops[0] - self.overlap + 1
        if first > needed:
            tail_first, tail = self._tail
            windows = np.concatenate([tail[needed - tail_first : first - tail_first], windows])
        spare = min(self.overlap - 1 + self._spare, len(windows))
        kept = windows[len(windows) - spare :].copy()  # a view would keep every window alive
        self._tail = (hops[1] - spare, kept)
        joined, origin = self._added(windows, hops[1] - hops[0]), hops[0] * self.hop
        if self._resampler is None:
            samples = joined[start - origin : stop - origin]
        else:
            low, high = self._resampler.needed(start, stop)
            near = joined[low - origin : high - origin]
            samples = self._resampler.resampled(near, start, stop)
        if self.length is not None and stop > self.length:
            samples = samples.copy()
            samples[max(self.length - start, 0) :] = 0.0
        return samples

    def samples(self, start: int, stop: int) -> Samples:
        """Return samples `start` to `stop` of the texture's clock [shape=(stop - start,)]."""
        request = self.request(start, stop)
        return self.join(request, self.space.synthesize(request.parts))

    def at(self, first: int, last: int) -> Floats:
        """Return the frames of vectors `first` to `last`."""
        return np.arange(first, last, dtype=np.float64) / self.overlap

    def _hops(self, start: int, stop: int) -> tuple[int, int]:
        """Return the first hop of the space's clock that a stretch joins, one past the last."""
        low, high = self._resampler.needed(start, stop) if self._resampler else (start, stop)
        return low // self.hop, -(-high // self.hop)

    def _parts(self, first: int, last: int) -> list[Part]:
        space, lead = self.space, self.overlap - 1  # vector -lead is the first audible one
        if self.block == 1:
            z = self.drawn(self.at(first - space.behind, last + space.ahead))
            return [Part(space.prepare(z, first + lead, self.key, self.turn), 0, last - first)]
        parts, size = [], self.block
        for block in range((first + lead) // size, -(-(last + lead) // size)):
            begin = block * size - lead
            prepared = self._prepared(block)
            parts.append(Part(prepared, max(first - begin, 0), min(last - begin, size)))
        return parts

    def _prepared(self, block: int) -> Any:
        space = self.space
        if block in self._blocks:
            self._blocks.move_to_end(block)
            return self._blocks[block]
        begin = block * self.block - self.overlap + 1
        z = self.drawn(self.at(begin - space.behind, begin + self.block + space.ahead))
        prepared = self._blocks[block] = space.prepare(z, block * self.block, self.key, self.turn)
        if len(self._blocks) > KEPT:
            self._blocks.popitem(last=False)
        return prepared

    def _faded(self, first: int, decoded: Samples) -> Samples:
        """Return windows ready for overlap-add [shape=(n, window)], channels mixed down."""
        windows = decoded[:, 0] if decoded.shape[1] == 1 else decoded.mean(axis=1)
        gains = self.gains(self.at(first, first + len(windows)))
        if len(gains) and (gains == gains[0]).all():
            gains = gains[0]
        if self._fade is not None:
            np.multiply(windows, self._fade * gains, out=windows)
        elif (gains != 1.0).any():
            np.multiply(windows, gains, out=windows)
        return windows

    def _added(self, windows: Samples, hops: int) -> Samples:
        """Return the overlap-added samples of some hops, including the windows before them."""
        if self.overlap == 1:
            return windows.reshape(-1)
        parts = windows.reshape(len(windows), self.overlap, self.hop)
        out = parts[:hops, -1] + parts[1 : hops + 1, -2]
        for lag in range(self.overlap - 3, -1, -1):
            first = self.overlap - 1 - lag
            out += parts[first : first + hops, lag]
        return out.reshape(-1)


def block_of(space: Space, live: bool) -> int:
    """Return the vectors that are decoded together, where live curves are followed or not."""
    return space.live_block or space.block if live else space.block


def beyond_of(space: Space, overlap: int, rate: int, live: bool) -> int:
    """Return how far beyond a stretch lie the vectors that it needs, at most [samples]."""
    beyond: float = (block_of(space, live) - 1 + space.ahead) * (space.window // overlap)
    if space.sample_rate != rate:
        half = Resampler(space.sample_rate, rate).half
        beyond = (beyond + half + 1) * rate / space.sample_rate + 1
    return math.ceil(beyond)


def usual_hop(space: Space) -> int:
    """Return the samples from one vector to the next: the space's, or those of most overlap that
    its window allows where nobody chooses another."""
    if space.hop is not None:
        return space.hop
    return next(space.window // k for k in (DEFAULT_OVERLAP, 2, 1) if not space.window % k)


def joined_by(join: Join, facts: Facts) -> int:
    """Return how many windows of a space overlap at each moment.

    Raises
    ------
    ExpressionError
        If the space does not support the join.
    """
    if facts.hop is None:
        overlap = DEFAULT_OVERLAP if join.overlap is None else join.overlap
        if facts.window % overlap:
            fits = max(k for k in (1, 2, 4, 8) if not facts.window % k)
            raise ExpressionError(
                f"overlap: {overlap} does not divide the {facts.window} samples of a window of "
                f"{facts.name!r}; write .overlap({fits})"
            )
        return overlap
    if join.exact:
        raise ExpressionError(
            f"exact: the space {facts.name!r} has no windows to write end to end; "
            'write .on("rawaudiovae")'
        )
    if join.overlap is not None:
        raise ExpressionError(
            f"overlap: the space {facts.name!r} has a hop of its own; leave overlap out, "
            'or write .on("rawaudiovae")'
        )
    return facts.window // facts.hop


@lru_cache(maxsize=32)
def hann(window: int, overlap: int) -> Samples:
    """Return the periodic Hann window whose overlapped sum is 1; ones without overlap."""
    if overlap == 1:
        return np.ones(window, np.float32)
    phase = np.arange(window) / window
    return ((0.5 - 0.5 * np.cos(2 * np.pi * phase)) * 2.0 / overlap).astype(np.float32)
