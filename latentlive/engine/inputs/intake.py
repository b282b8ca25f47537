"""The sound input's device: opened, listened to, and opened again when it is back."""

from __future__ import annotations

import os
import queue
import threading
import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.engine.output.devices import (
    NO_PORTAUDIO,
    Opened,
    look_again,
    open_input,
    portaudio,
)
from latentlive.engine.timing import FIRST_PATIENCE, INPUT_AGAIN, INPUT_LATENCY, INPUT_STUCK
from latentlive.errors import DeviceError

BLOCK = 512
"""Samples of a device block."""

GONE = "the sound input is gone"
STUCK = "the sound input does not answer"


class Began(NamedTuple):
    """An input was opened: what follows comes from it."""

    name: str
    rate: int
    channels: int
    most: int


class Lost(NamedTuple):
    """There is no input, or none any more."""

    why: str


class Block(NamedTuple):
    """What was heard.

    Parameters
    ----------
    samples : array [shape=(n, channels)]
    moment : int [ns of `time.monotonic_ns`]
        When it came.
    gap : bool
        Whether samples before it were lost.
    """

    samples: NDArray[np.float32]
    moment: int
    gap: bool


class Intake:
    """Keeps an input open as long as there is one, in a thread of its own.

    Parameters
    ----------
    inbox : queue
        Receives what happens.
    device : str
        Name or number; empty for the system's own choice.
    rate : int [samples a second]
        The one that is asked for.
    """

    def __init__(self, inbox: queue.SimpleQueue[object], device: str, rate: int) -> None:
        self._inbox, self._device, self._rate = inbox, device, rate
        self._channels = 2
        self._opened: Opened | None = None
        self._heard = 0.0
        self._told: str | None = None

    def start(self) -> None:
        """Open it."""
        threading.Thread(target=self._run, daemon=True).start()
        threading.Timer(FIRST_PATIENCE, self._tell_stuck).start()

    def need(self, channels: int) -> None:
        """Listen to so many channels at least, if the device has them."""
        self._channels = max(self._channels, channels)

    def _run(self) -> None:
        stale = False
        while True:
            try:
                if stale:
                    look_again()
                stale = True
                if self._listen():
                    continue
                self._tell_lost(GONE)
            except DeviceError as error:
                self._tell_lost(str(error))
                if str(error) == NO_PORTAUDIO:
                    return
            time.sleep(INPUT_AGAIN)

    def _listen(self) -> bool:
        """Listen until the input is gone; return whether it is there, and to be opened anew.

        Raises
        ------
        DeviceError
            If it cannot be opened.
        """
        ended = threading.Event()
        asked = self._channels

        def take(heard: NDArray[np.float32], gap: bool) -> None:
            self._heard = time.monotonic()
            self._inbox.put(Block(heard.copy(), time.monotonic_ns(), gap))

        opened = open_input(self._device, self._rate, asked, BLOCK, INPUT_LATENCY, take, ended.set)
        self._told = None
        self._inbox.put(Began(opened.name, opened.rate, opened.channels, opened.most))
        self._heard = time.monotonic()
        try:
            opened.stream.start()
        except portaudio().PortAudioError as error:
            raise DeviceError(f"the sound input refuses: {str(error).splitlines()[0]}") from None
        more = False
        while not more and not ended.wait(0.1):
            more = self._channels > asked and opened.channels < opened.most
            if time.monotonic() > self._heard + INPUT_STUCK:
                break
        ending = threading.Thread(target=opened.stream.close, daemon=True)
        ending.start()
        ending.join(1.0)
        if (
            ending.is_alive()
        ):  # PortAudio would hang too when it looks again: a new process will not
            os._exit(1)
        return more

    def _tell_lost(self, why: str) -> None:
        if why != self._told:
            self._told = why
            self._inbox.put(Lost(why))

    def _tell_stuck(self) -> None:
        if self._heard == 0.0 and self._told is None:
            self._tell_lost(STUCK)
