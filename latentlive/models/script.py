"""TorchScript models in nn~'s form (RAVE and its kin) as a space.

Each frame of latents is `ratio` samples of sound. Blocks of frames are decoded on a grid of the
texture's clock, each from a fresh state, with the frames beside it that its samples hear, and with
chance drawn from our seed. So a model that streams, remembers or draws noise is seekable here. A
frame's window is two ratios long: neighbouring windows cross over, and where a model draws chance
of its own, blocks do.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from latentlive.errors import ModelError
from latentlive.models.script_process import ScriptProcess
from latentlive.models.tensors import checked_rate
from latentlive.space import F32, Part, Prior, Space, StartingError

ARCHITECTURE = "script"
PAGE = 32
"""Frames that are encoded together."""

BLOCKS = (8, 32)
"""Frames that are decoded together: as many as are decoded beside them, within these."""

FARTHEST = 1024
"""Frames that decoding or encoding may reach, at most."""

DRAWS = 8
"""Draws of an encoder that draws its latents, of which mean and spread are taken."""

LIVE, OFFLINE = 5.0, 600.0
"""Seconds of computing that a block may take, while layers play and otherwise."""


MOST_DEATHS = 3
"""Times that a process which somebody else killed is replaced."""


class Script(Space):
    """The space of a TorchScript model, which runs in a process of its own.

    Parameters
    ----------
    file : path
        The model file that holds the script.
    facts : mapping
        The facts that `script_host` found by probing.
    sample_rate : int [samples a second]
    digest : str

    Raises
    ------
    ModelError
        If the facts are not those of a script.
    """

    linear = False

    def __init__(self, file: Path, facts: Mapping[str, Any], sample_rate: int, digest: str) -> None:
        self.file, self.name, self.digest = file, file.stem, f"script-1-{digest}"
        self.sample_rate, self._tensors = checked_rate(sample_rate), digest
        try:
            self.hop, self.dims = ratio, _ = int(facts["ratio"]), int(facts["dims"])
            self.channels = int(facts["channels"])
            self.names = tuple(map(str, facts["names"]))
            decode, encode = facts["decode"], facts.get("encode")
            self.delay = round(decode["delay"])
            # Windows reach half a ratio to either side of their frame's own samples.
            before = (decode["high"] - self.delay) / ratio + 0.5
            after = (self.delay - decode["low"]) / ratio + 0.5
            half = self.delay / ratio
            self.behind = max(math.ceil(before), math.ceil(0.5 - half), 0)
            self.ahead = max(math.ceil(after), math.ceil(0.5 + half), 0)
            if encode is not None:
                self._lag = round(encode["delay"])
                first, last = int(encode["low"]), int(encode["high"]) - 1
                self._warm = max(last - self._lag, self._lag - first, 0) + 1
                self._draws = DRAWS if encode["chance"] else 1
                self._inputs = int(facts["inputs"])
        except (KeyError, TypeError, ValueError, OverflowError, ZeroDivisionError):
            raise ModelError(f"model: {file} does not say how its script is played") from None
        frames = max(self.behind, self.ahead, self._warm if encode is not None else 0)
        sane = 16 <= ratio <= 2**16 and 1 <= self.dims <= 4096 and 1 <= self.channels <= 16
        if not sane or frames > FARTHEST or abs(self.delay) > FARTHEST * ratio:
            raise ModelError(f"model: {file} says what no script is: a reach of {frames} frames")
        self.encodes = encode is not None
        self.window = 2 * ratio
        low, high = BLOCKS
        self.block = min(max(self.behind + self.ahead, low), high)
        self.prior = Prior(0.0, 1.0)
        if self.encodes:
            self.page, self.margin = PAGE, self._warm * ratio - ratio // 2
            self.spread = self.dims if self._draws > 1 else 0
        else:
            self.page = 1
            self.silence = np.zeros(self.dims, np.float32)
        self._process: ScriptProcess | None = None
        self._deaths = 0

    def start(self) -> bool:
        """Start the process, and return whether it answers by now."""
        if self._process is None:
            self._process = ScriptProcess(self.file, self._tensors)
        try:
            return self._process.ready
        except ModelError:
            self._process = None  # another one is tried if it is asked again
            raise

    def warm(self) -> None:
        """Wait until the process answers, and decode a block of nothing."""
        self._run("decode", np.zeros((self.dims, self._frames), np.float32), 0, OFFLINE)

    @property
    def _frames(self) -> int:
        return self.behind + self.block + self.ahead

    def _run(self, method: str, x: F32, seed: int, seconds: float = 0.0) -> F32:
        if self.hurried and not self.start():
            raise StartingError(self.name)
        self.start()
        assert self._process is not None
        limit = seconds or (LIVE if self.hurried else OFFLINE)
        try:
            return self._process.run(method, x, seed, limit)
        except ModelError:
            killed = self._process.killed
            self._process = None
            if not killed or self._deaths == MOST_DEATHS:
                raise
            self._deaths += 1
            return self._run(method, x, seed, seconds)

    def encode_page(self, samples: F32) -> F32:
        """Return the latents of a page [shape=(page, dims)], or the mean and log-variance of
        several draws of an encoder that draws [shape=(page, 2 * dims)].
        """
        frames = 2 * self._warm + self.page
        x = np.repeat(samples[None, : frames * self.window // 2], self._inputs, axis=0)
        first = self._warm + self._lag
        drawn = []
        for draw in range(self._draws):
            z = self._run("encode", x, draw)
            if z.shape != (self.dims, frames):
                raise ModelError(f"model: {self.file}: its encode returns {z.shape}")
            drawn.append(z[:, first : first + self.page].T)
        if self._draws == 1:
            return np.ascontiguousarray(drawn[0])
        mean, variance = np.mean(drawn, axis=0), np.var(drawn, axis=0, ddof=1)
        return np.concatenate([mean, np.log(variance + 1e-12)], axis=1, dtype=np.float32)

    def prepare(self, z: F32, first: int, key: int, turn: float = 0.0) -> F32:
        """Return the faded windows of a block [shape=(block, channels, window)].

        Left and right of a wide texture draw the model's own chance from other seeds.
        """
        side = 0 if not turn else 1 if turn > 0 else 2
        said = f"{self.digest} {key} {side} {first}".encode()
        seed = int.from_bytes(hashlib.blake2b(said, digest_size=7).digest(), "big")
        y = self._run("decode", np.ascontiguousarray(z.T, np.float32), seed)
        ratio = self.window // 2
        if y.shape != (self.channels, self._frames * ratio):
            raise ModelError(f"model: {self.file}: its decode returns {y.shape}")
        begin = self.behind * ratio - ratio // 2 + self.delay
        windows = np.stack(
            [y[:, at : at + self.window] for at in begin + ratio * np.arange(self.block)]
        )
        fade = 0.5 - 0.5 * np.cos(np.pi * (np.arange(self.window) / ratio))
        faded: F32 = (windows * fade).astype(np.float32)
        return faded

    def synthesize(self, parts: Sequence[Part]) -> F32:
        """Return the windows of some parts, one after the other [shape=(n, channels, window)]."""
        return np.concatenate([part.prepared[part.start : part.stop] for part in parts])
