"""The engine's output: the audio processes, the recorders, and the status of both."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from latentlive.engine.output.recorder import Recorder
from latentlive.engine.output.relay import Relay
from latentlive.engine.shared import (
    BUSY_MAX_NS,
    MISSING,
    POSITION,
    RING,
    UNDERFLOWS,
    Shared,
    duration_ms,
)
from latentlive.errors import EngineError
from latentlive.loudness import Meter
from latentlive.protocol.children import Child, Children
from latentlive.protocol.wire import Message
from latentlive.units import SILENCE_DB

Rings = Callable[[], Mapping[str, Sequence[int]]]


class Output:
    """Owns the audio processes and the recorder.

    Parameters
    ----------
    shared : Shared
    rate : int [samples per second]
        The model's.
    options : mapping
        'device', 'block', 'latency' and 'silent', as the engine was given them.
    children : Children
    say : function of a line
        Told what a performer should know.
    rings : function
        Returns the rings that belong to each layer now.

    Raises
    ------
    EngineError
        If no process can be started.
    """

    def __init__(
        self,
        shared: Shared,
        rate: int,
        options: Mapping[str, Any],
        children: Children,
        say: Callable[[str], object],
        rings: Rings,
    ) -> None:
        self.shared, self.rate, self.say, self.rings = shared, rate, say, rings
        self.recorder: Recorder | None = None
        self.whole: Recorder | None = None
        self.relay = Relay(shared, rate, options, children, say)
        self._loudness = Meter(rate, shared.channels)
        self._measured = int(shared.header[POSITION])

    def take(self, child: Child, message: Message | None) -> None:
        """Take a message of an audio process, None when it has ended."""
        self.relay.take(child, message)

    def tick(self) -> None:
        """Watch the audio process and hand over what is to be recorded; call it often."""
        self.relay.watch()
        self._measure()
        for recorder in self._recorders():
            self._drain(recorder)
            self._tell(recorder)
            if recorder.failed:
                self._end(recorder)
                self.say(recorder.failed)

    def record(self, path: str, stems: str | None = None) -> None:
        """Write what is heard to a file from now on, and each layer into a folder if asked.

        What was recorded so far ends once this is open; `record_all` goes on beside it.

        Parameters
        ----------
        path : str
            Ends in ``.wav`` (32-bit float) or ``.flac`` (24-bit); gets a number if it is there.
        stems : str, optional
            A folder, made if need be.

        Raises
        ------
        EngineError
            If it cannot be written; what is recorded goes on then.
        """
        folder = None if stems is None else Path(stems)
        fresh = Recorder(Path(path), self.shared, self.rate, folder, self.rings())
        self._tell(fresh)
        if self.recorder is not None:
            self.stop_recording()
        self.recorder = fresh
        self.say(f"recording to {fresh.path}")

    def record_all(self, path: str) -> None:
        """Write all that is heard to a file until the engine ends, whatever else is recorded.

        Raises
        ------
        EngineError
            If it cannot be written, or that is done already.
        """
        if self.whole is not None:
            raise EngineError(f"record: all is recorded to {self.whole.path} already")
        self.whole = Recorder(Path(path), self.shared, self.rate)
        self._tell(self.whole)

    def stop_recording(self) -> None:
        """End the recording that `record` began, and say where it is."""
        recorded = self.recorder
        if recorded is None:
            self.say("nothing is being recorded")
        else:
            self._end(recorded)
            self.say(f"recorded to {recorded.path}, {recorded.length()}")

    def _recorders(self) -> list[Recorder]:
        return [one for one in (self.recorder, self.whole) if one is not None]

    def _end(self, recorder: Recorder, patience: float = 1.0) -> None:
        """End a recording; wait so many seconds at most for a slow disk."""
        self._drain(recorder)
        recorder.close(patience)
        self._tell(recorder)
        if recorder is self.recorder:
            self.recorder = None
        else:
            self.whole = None

    def _drain(self, recorder: Recorder) -> None:
        recorder.drain(self.rings() if recorder.stems else {})

    def _tell(self, recorder: Recorder) -> None:
        while not recorder.said.empty():
            self.say(recorder.said.get())

    @property
    def latency(self) -> float:
        """Seconds from the moment at which the device asks for a sample until it is heard."""
        return float((self.relay.device or {}).get("latency", 0.0))

    def status(self) -> Message:
        """Return the status of the device and the recordings."""
        header, device = self.shared.header, self.relay.device or {}
        return {
            "audio": self.relay.pid,
            "standby": self.relay.standby,
            "opened": self.relay.device is not None,
            "device": device.get("device"),
            "why": device.get("why", "not opened yet"),
            "latency": self.latency,
            "recording": None if self.recorder is None else str(self.recorder.path),
            "out": None if self.whole is None else str(self.whole.path),
            "underflows": int(header[UNDERFLOWS]),
            "missing": int(header[MISSING]),
            "callback_ms": int(header[BUSY_MAX_NS]) / 1e6,
            "callback_p50_ms": duration_ms(self.shared.durations, 50),
            "callback_p99_ms": duration_ms(self.shared.durations, 99),
            "meter_db": self._meter(),
            "lufs": max(self._loudness.short_term, SILENCE_DB),
            "lufs_all": max(self._loudness.integrated, SILENCE_DB),
        }

    def _measure(self) -> None:
        """Measure the loudness of what was heard since the last call."""
        position = int(self.shared.header[POSITION])
        if position > self._measured:
            heard = self.shared.read_tap(max(self._measured, position - RING // 2), position)
            self._loudness.take(heard)
        self._measured = position

    def _meter(self) -> float:
        """Return the peak of the last tenth of a second in dB, -120 for silence."""
        position = int(self.shared.header[POSITION])
        heard = self.shared.read_tap(max(position - self.rate // 10, 0), position)
        peak = float(np.abs(heard).max(initial=0.0))
        return 20.0 * math.log10(max(peak, 1e-6))

    def close(self) -> None:
        """End the audio process, then the recording."""
        self.relay.close()
        for recorder in self._recorders():
            self._end(recorder, patience=10.0)
