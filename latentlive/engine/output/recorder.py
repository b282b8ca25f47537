"""Records the mix, and each layer by itself if asked; a thread writes, nobody waits.

Stems are the layers behind their gain, pan, fades and the master, before the limiter: summed
they are what the limiter is given.
"""

from __future__ import annotations

import contextlib
import errno
import queue
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.takes import Take, check_kind, open_take
from latentlive.engine.output.ringmix import mix_rings
from latentlive.engine.shared import PANIC, PANIC_AT, POSITION, RING, RUNNING, Shared
from latentlive.engine.timing import SETTLE_EVERY, STEMS_AHEAD, STEMS_SHORT, margin, to_samples
from latentlive.errors import EngineError
from latentlive.ground.claims import Claims, check_apart, moved, stem_name
from latentlive.mixer import GRID, grid_ceil, grid_floor

F32 = NDArray[np.float32]

MAX_WAITING = 256 * 2**20
"""Bytes that may wait for a slow disk before the recording ends."""

SPAN = RING - RING // 8
"""Samples before the position that the rings still hold for certain."""

MIX = ""
"""The name under which the mix goes through the queue; no layer has it."""

Parts = dict[str, F32 | int]


class Recorder:
    """Records from the position on.

    Parameters
    ----------
    path : Path
        Ends in ``.wav`` (32-bit float) or ``.flac`` (24-bit); holds all channels of the mix. Where
        there is such a file, it gets a number.
    shared : Shared
    sample_rate : int
    stems : Path, optional
        A folder for one stereo ``.wav`` (32-bit float) for each layer, all of the same length.
        Where it holds sounds, it gets a number.
    layers : collection of str
        The layers that have a name by now.

    Raises
    ------
    EngineError
        If a file cannot be written there; none is left then.
    """

    def __init__(
        self,
        path: Path,
        shared: Shared,
        sample_rate: int,
        stems: Path | None = None,
        layers: Collection[str] = (),
    ) -> None:
        self.shared, self.rate = shared, sample_rate
        # So near nothing changes, and no voice is freed before it was read.
        self._lead = margin(sample_rate) - to_samples(STEMS_SHORT, sample_rate)
        self._refresh = to_samples(STEMS_AHEAD, sample_rate)
        self.failed = ""
        self.said: queue.SimpleQueue[str] = queue.SimpleQueue()
        """What a performer should know, for whoever listens."""
        self._claims = Claims("record")
        try:
            self.path, self.stems = self._claim(path, stems, layers)
            self._takes: dict[str, Take] = {MIX: open_take(self.path, sample_rate, shared.channels)}
        except EngineError:
            self._claims.withdraw()
            raise
        self._lost: set[str] = set()  # stems that cannot be written
        self._queue: queue.SimpleQueue[Parts | None] = queue.SimpleQueue()
        self._handed = self._done = 0
        position = int(shared.header[POSITION])
        # From sample 0 if the transport is to start, else from now on.
        self._begin = self._written = position
        self._ahead = grid_floor(position)
        self._pending: dict[str, F32] = {}  # what is read from `_written` to `_ahead`
        self._panics = int(shared.header[PANIC])
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _claim(
        self, path: Path, stems: Path | None, layers: Collection[str]
    ) -> tuple[Path, Path | None]:
        """Return file and folder that nothing is in yet, and say where they have another name."""
        check_kind("record", path, self.shared.channels)
        if stems is not None:
            check_apart("record", path, stems, layers)
        mine = self._claims.file(path)
        folder = None if stems is None else self._claims.folder(stems, mine)
        for asked, given in ((path, mine), (stems, folder)):
            if asked and given and asked != given:
                self.said.put(moved("record", asked, given))
        return mine, folder

    def drain(self, stems: Mapping[str, Sequence[int]]) -> None:
        """Hand over what was heard since the last call; called from the engine's loop.

        Parameters
        ----------
        stems : mapping of name to rings
            The rings that belong to each layer now; the rings still hold their past.
        """
        if self.failed:
            return
        position = int(self.shared.header[POSITION])
        parts: Parts = {}
        if position > self._written:
            kept = max(self._written, position - SPAN)
            heard = np.zeros((position - self._written, self.shared.channels), np.float32)
            # Samples overwritten before they were read are silence: time is kept.
            heard[kept - self._written :] = self.shared.read_tap(kept, position)
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
        until = [int(self.shared.ready[ring, 1]) for used in rings.values() for ring in used]
        lead = self._lead if self.shared.header[RUNNING] else 0
        limit = max(min([position + lead, *until]), position)
        first, last = self._ahead // GRID, grid_ceil(limit) // GRID
        if last <= first or position + min(lead, self._refresh) < self._ahead:
            return
        known = max(first, (position - SPAN) // GRID)
        for name, before in self._pending.items():
            fresh = np.zeros(((last - first) * GRID, 2), np.float32)
            if rings.get(name):
                voices = np.array(rings[name], np.int64)
                fresh[(known - first) * GRID :] = mix_rings(self.shared, voices, known, last)[0]
            heard_before = max(self._written - first * GRID, 0)
            self._pending[name] = np.concatenate([before, fresh[heard_before:]])
        self._ahead = last * GRID

    def _forget_after_panic(self, position: int) -> None:
        """Silence samples that were read ahead and then not heard."""
        panics = int(self.shared.header[PANIC])
        if panics != self._panics:
            self._panics = panics
            at = int(self.shared.header[PANIC_AT])
            silent = at if at >= self._written else position
            for pending in self._pending.values():
                pending[max(silent - self._written, 0) :] = 0.0

    def _take_pending(self, name: str, position: int) -> F32:
        pending = self._pending[name]
        count = max(position - self._written, 0)
        self._pending[name] = pending[count:]
        return pending[:count]

    def close(self, patience: float = 1.0) -> None:
        """End the files; after `patience` seconds a slow disk finishes in the background."""
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
                    for name in list(self._takes):
                        with self._alone(name):
                            self._takes[name].settle()
                    settled = time.monotonic()
        except (OSError, EngineError) as error:
            self.failed = f"record: {_why(error)}; {self._ends()}"
        for take in self._takes.values():
            with contextlib.suppress(OSError):
                take.close()

    def _write(self, parts: Parts) -> None:
        for name, part in parts.items():
            if name not in self._lost:
                with self._alone(name):
                    self._append(name, part)
            if not isinstance(part, int):
                self._done += part.nbytes

    def _append(self, name: str, part: F32 | int) -> None:
        """Append samples, or as much silence."""
        if name not in self._takes:
            assert self.stems is not None
            path = self._claims.file(self.stems / stem_name(name))
            self._takes[name] = open_take(path, self.rate, 2)
        if not isinstance(part, int):
            self._takes[name].write(part)
            return
        for start in range(0, part, RING):
            self._takes[name].write(np.zeros((min(RING, part - start), 2), np.float32))

    @contextlib.contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Drop a stem that cannot be written; the mix goes on."""
        try:
            yield
        except (OSError, EngineError) as error:
            if name == MIX:
                raise
            self._lost.add(name)
            take = self._takes.pop(name, None)
            if take is not None:
                with contextlib.suppress(OSError):
                    take.close()
            self.said.put(f"record: the stem of {name} ends: {_why(error)}; the mix goes on")

    def length(self) -> str:
        """Return how long the mix is, in minutes and seconds."""
        minutes, seconds = divmod(self._takes[MIX].frames / self.rate, 60)
        return f"{int(minutes)}:{seconds:04.1f}"

    def _ends(self) -> str:
        return f"{self.path.name} ends at {self.length()}"


def _why(error: OSError | EngineError) -> str:
    if not isinstance(error, OSError):
        return str(error).removeprefix("record: ")
    full = error.errno in (errno.ENOSPC, errno.EFBIG)
    return "no room left on the disk" if full else error.strerror or str(error)
