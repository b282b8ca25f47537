"""Sound devices: what there is, which one is meant, and how it will be opened."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import DeviceError, did_you_mean
from latentlive.ground.names import normal

NO_PORTAUDIO = "no PortAudio library; on Debian and Ubuntu: sudo apt install libportaudio2"
NO_DEVICE = "no sound device; connect one, or start the system's sound server"
LIST = "latentlive devices lists them"

Fill = Callable[[NDArray[np.float32], bool], None]


@dataclass
class Opened:
    """A stream that was opened and not started.

    Parameters
    ----------
    stream : sounddevice.OutputStream
    name : str
    rate : int [samples per second]
    channels : int
    """

    stream: Any
    name: str
    rate: int
    channels: int


def portaudio() -> Any:
    """Return the sounddevice module.

    Raises
    ------
    DeviceError
        Without the PortAudio library, with the remedy.
    """
    try:
        import sounddevice
    except OSError:
        raise DeviceError(NO_PORTAUDIO) from None
    return sounddevice


def outputs() -> list[dict[str, Any]]:
    """Return the devices that can be played on, as PortAudio describes them.

    Raises
    ------
    DeviceError
        If there is none, with the remedy.
    """
    sounddevice = portaudio()
    found = []
    with contextlib.suppress(sounddevice.PortAudioError):  # it could not begin: nothing is there
        found = [d for d in sounddevice.query_devices() if d["max_output_channels"]]
    if not found:
        raise DeviceError(NO_DEVICE)
    return found


def list_devices() -> list[str]:
    """Return a line for each device that can be played on.

    Raises
    ------
    DeviceError
        If there is none, with the remedy.
    """
    return [
        f"{d['index']:3d}  {d['name']}  ({d['max_output_channels']} channels, "
        f"{d['default_samplerate']:.0f} Hz)"
        for d in outputs()
    ]


def chosen(device: str, among: list[dict[str, Any]], default: int = -1) -> dict[str, Any]:
    """Return the device that is meant.

    Parameters
    ----------
    device : str
        A number, a name or a part of one in any case; empty for the system's own choice.
    among : list of mappings
    default : int
        The number of the system's own choice; the first device if it cannot be played on.

    Raises
    ------
    DeviceError
        If none is meant, or more than one.
    """
    if not device or device.isdecimal():
        number = int(device) if device else default
        for one in among:
            if one["index"] == number:
                return one
        if device:
            raise DeviceError(f"no sound device {device} to play on ({LIST})")
        return among[0]
    wanted = normal(device).casefold()
    exact = [d for d in among if normal(d["name"]).casefold() == wanted]
    found = exact[:1] or [d for d in among if wanted in normal(d["name"]).casefold()]
    if len(found) > 1:
        shown = ", ".join(f"{d['index']} ({d['name']})" for d in found)
        raise DeviceError(f"sound device {device!r} could be {shown}; say its number")
    if not found:
        hint = did_you_mean(device, [d["name"] for d in among])
        raise DeviceError(f"no sound device {device!r}{hint} ({LIST})")
    return found[0]


def ways(device: dict[str, Any], rate: int, channels: int) -> Iterator[tuple[int, int]]:
    """Return the rates and channels to try on a device, the best first.

    Some drivers open all of their channels or none, and only at their own rate.

    Example
    -------
    >>> device = {"max_output_channels": 8, "default_samplerate": 48000.0}
    >>> list(ways(device, 44100, 2))
    [(44100, 2), (44100, 8), (48000, 2), (48000, 8)]
    """
    most = device["max_output_channels"]
    for hertz in dict.fromkeys([rate, round(device["default_samplerate"])]):
        for count in dict.fromkeys([min(channels, most), most]):
            yield hertz, count


def open_output(
    device: str,
    rate: int,
    channels: int,
    frames: int,
    latency: float,
    fill: Fill,
    finished: Callable[[], None],
) -> Opened:
    """Open a stream on a device, at its own rate if it refuses the one asked for.

    Parameters
    ----------
    device : str
        As `chosen` takes it.
    rate : int [samples per second]
    channels : int
    frames : int
        Samples of a block.
    latency : float [seconds]
    fill : function of an array and a flag
        Called for each block [shape=(frames, device channels)]; the flag tells that the device
        ran dry before it.
    finished : function
        Called when the stream has ended, for whatever reason.

    Raises
    ------
    DeviceError
        In one line, with the remedy.
    """
    sounddevice = portaudio()
    one = chosen(device, outputs(), sounddevice.default.device[1])

    def callback(out: NDArray[np.float32], _frames: int, _time: Any, status: Any) -> None:
        fill(out, bool(status.output_underflow))

    refusal = ""
    for hertz, count in ways(one, rate, channels):
        try:
            stream = sounddevice.OutputStream(
                samplerate=hertz,
                blocksize=frames,
                device=one["index"],
                channels=count,
                dtype=np.float32,
                latency=latency,
                callback=callback,
                finished_callback=finished,
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            refusal = refusal or str(error).splitlines()[0]
        else:
            return Opened(stream, one["name"], hertz, count)
    raise DeviceError(f"the sound device {one['name']!r} refuses: {refusal}")


def look_again() -> None:
    """Let PortAudio find the devices anew; no stream may be open."""
    sounddevice = portaudio()
    with contextlib.suppress(sounddevice.PortAudioError):
        sounddevice._terminate()
    with contextlib.suppress(sounddevice.PortAudioError):
        sounddevice._initialize()
