"""Records what is heard, and each layer by itself if asked; a thread writes, nobody waits.

Stems are the layers behind their gain, pan, fades and the master, before the limiter: summed
they are what the limiter is given.
"""

from __future__ import annotations

import contextlib
import errno
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentlive.engine.block import PANIC, PANIC_AT, POSITION, RING, RUNNING, Block
from latentlive.engine.takes import Take, Wav, open_take
from latentlive.engine.voiced import mix_voices
from latentlive.errors import EngineError
from latentlive.mixer import GRID, grid_ceil, grid_floor

F32 = NDArray[np.float32]

SETTLE_EVERY = 0.5
"""Seconds between two moments at which the files can be read up to."""

MAX_WAITING = 256 * 2**20
"""Bytes that may wait for a slow disk before the recording is given up."""

LEAD = 5632
"""Samples that stems are read ahead of the position, before a voice that ends is freed; the
scheduler changes nothing that near (its MARGIN is 6144)."""

REFRESH = 4096
"""Samples ahead below which stems are read again: not at every tick."""

SPAN = RING - RING // 8
"""Samples before the position that the rings are sure to hold still."""

MIX = ""
"""The name under which the mix goes through the queue; no layer has it."""

Parts = dict[str, F32 | int]


class Recorder:
    """Records from the position on.

    Parameters
    ----------
    path : Path
        Ends in ``.wav`` (32-bit float) or ``.flac`` (24-bit); holds all channels of the mix.
    block : Block
    sample_rate : int
    stems : Path, optional
        A folder for one stereo ``.wav`` (32-bit float) for each layer, all of the same length.

    Raises
    ------
    EngineError
        If a file cannot be written there.
    """

    def __init__(
        self, path: Path, block: Block, sample_rate: int, stems: Path | None = None
    ) -> None:
        self.path, self.stems, self.block, self.rate = path, stems, block, sample_rate
        self.failed = ""
        self._takes: dict[str, Take] = {MIX: open_take(path, sample_rate, block.channels)}
        if stems is not None:
            try:
                stems.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise EngineError(f"record: cannot make {stems}: {error.strerror}") from None
        self._queue: queue.SimpleQueue[Parts | None] = queue.SimpleQueue()
        self._handed = self._done = 0
        position = int(block.header[POSITION])
        # From sample 0 if the transport is to start, else from now on.
        self._begin = self._written = position
        self._ahead = grid_floor(position)
        self._pending: dict[str, F32] = {}  # what is read from `_written` to `_ahead`
        self._panics = int(block.header[PANIC])
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def drain(self, stems: Mapping[str, Sequence[int]]) -> None:
        """Hand over what was heard since the last call; called from the engine's loop.

        Parameters
        ----------
        stems : mapping of name to rings
            The rings that belong to each layer now; their past is in the block still.
        """
        if self.failed:
            return
        position = int(self.block.header[POSITION])
        parts: Parts = {}
        if position > self._written:
            kept = max(self._written, position - SPAN)
            heard = np.zeros((position - self._written, self.block.channels), np.float32)
            # What was overwritten before it was read is silence: time is kept.
            heard[kept - self._written :] = self.block.read_tap(kept, position)
            parts[MIX] = heard
        if self.stems is not None:
            self._read_ahead(stems, position)
            for name in self._pending:
                parts[name] = self._take_pending(name, position)
        self._written = max(position, self._written)
        if any(isinstance(part, int) or len(part) for part in parts.values()):
            self._handed += sum(part.nbytes for part in parts.values() if not isinstance(part, int))
            self._queue.put(parts)
        if self._handed - self._done > MAX_WAITING:
            self.failed = f"record: the disk is too slow; {self._ends()}"

    def _read_ahead(self, stems: Mapping[str, Sequence[int]], position: int) -> None:
        """Mix the rings of each layer up to a little after the position."""
        rings = {name: sorted(r for r in rings) for name, rings in stems.items()}
        for name in rings.keys() - self._pending.keys():
            self._pending[name] = np.zeros((max(self._ahead - self._written, 0), 2), np.float32)
            self._queue.put({name: self._written - self._begin})
        self._forget_after_panic(position)
        until = [int(self.block.ready[ring, 1]) for used in rings.values() for ring in used]
        lead = LEAD if self.block.header[RUNNING] else 0
        limit = max(min([position + lead, *until]), position)
        first, last = self._ahead // GRID, grid_ceil(limit) // GRID
        if last <= first or position + min(lead, REFRESH) < self._ahead:
            return
        known = max(first, (position - SPAN) // GRID)
        for name, before in self._pending.items():
            fresh = np.zeros(((last - first) * GRID, 2), np.float32)
            if rings.get(name):
                voices = np.array(rings[name], np.int64)
                fresh[(known - first) * GRID :] = mix_voices(self.block, voices, known, last)[0]
            heard_before = max(self._written - first * GRID, 0)
            self._pending[name] = np.concatenate([before, fresh[heard_before:]])
        self._ahead = last * GRID

    def _forget_after_panic(self, position: int) -> None:
        """Silence what was read ahead and then not heard."""
        panics = int(self.block.header[PANIC])
        if panics != self._panics:
            self._panics = panics
            at = int(self.block.header[PANIC_AT])
            silent = at if at >= self._written else position
            for pending in self._pending.values():
                pending[max(silent - self._written, 0) :] = 0.0

    def _take_pending(self, name: str, position: int) -> F32:
        pending = self._pending[name]
        count = max(position - self._written, 0)
        self._pending[name] = pending[count:]
        return pending[:count]

    def close(self, patience: float = 1.0) -> None:
        """End the files; on a slow disk that goes on behind after `patience` seconds."""
        self._queue.put(None)
        self._thread.join(patience)

    # The thread that writes.

    def _run(self) -> None:
        settled = time.monotonic()
        try:
            while True:
                with contextlib.suppress(queue.Empty):
                    parts = self._queue.get(timeout=SETTLE_EVERY)
                    if parts is None:
                        break
                    self._write(parts)
                if time.monotonic() >= settled + SETTLE_EVERY:
                    for take in self._takes.values():
                        take.settle()
                    settled = time.monotonic()
        except (OSError, EngineError) as error:
            full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG)
            why = "no room left on the disk" if full else str(error)
            self.failed = f"record: {why}; {self._ends()}"
        for take in self._takes.values():
            with contextlib.suppress(OSError):
                take.close()

    def _write(self, parts: Parts) -> None:
        for name, part in parts.items():
            if name not in self._takes:
                assert self.stems is not None
                path = self.stems / file_name(name)
                if path == self.path:
                    path = path.with_stem(f"{path.stem}-stem")
                self._takes[name] = Wav(path, self.rate, 2)
            if isinstance(part, int):
                for start in range(0, part, RING):
                    self._takes[name].write(np.zeros((min(RING, part - start), 2), np.float32))
            else:
                self._takes[name].write(part)
                self._done += part.nbytes

    def _ends(self) -> str:
        minutes, seconds = divmod(self._takes[MIX].frames / self.rate, 60)
        return f"{self.path.name} ends at {int(minutes)}:{seconds:04.1f}"


def file_name(layer: str) -> str:
    """Return the name of a layer's stem, safe on every system."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in layer) + ".wav"
