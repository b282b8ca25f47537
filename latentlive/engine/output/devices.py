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
NO_INPUT = "no sound input; connect one, or start the system's sound server"
LIST = "latentlive devices lists them"

Fill = Callable[[NDArray[np.float32], bool], None]


@dataclass(frozen=True)
class Side:
    """One side of a sound card.

    Parameters
    ----------
    called : str
        What a device is called for it.
    use : str
        What it is there for.
    none : str
        What is said where there is none.
    channels : str
        The key of its channels in what PortAudio tells of a device.
    number : int
        Its place in PortAudio's pair of the system's own choices.
    """

    called: str
    use: str
    none: str
    channels: str
    number: int


OUT = Side("sound device", "to play on", NO_DEVICE, "max_output_channels", 1)
IN = Side("sound input", "to listen to", NO_INPUT, "max_input_channels", 0)


@dataclass
class Opened:
    """A stream that was opened and not started.

    Parameters
    ----------
    stream : sounddevice.OutputStream or InputStream
    name : str
    rate : int [samples per second]
    channels : int
    most : int
        Channels that the device has.
    """

    stream: Any
    name: str
    rate: int
    channels: int
    most: int


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


def there(side: Side = OUT) -> list[dict[str, Any]]:
    """Return the devices that can be played on, or listened to, as PortAudio describes them.

    Raises
    ------
    DeviceError
        If there is none, with the remedy.
    """
    sounddevice = portaudio()
    found = []
    with contextlib.suppress(sounddevice.PortAudioError):  # it could not begin: nothing is there
        found = [d for d in sounddevice.query_devices() if d[side.channels]]
    if not found:
        raise DeviceError(side.none)
    return found


def list_devices(side: Side = OUT) -> list[str]:
    """Return a line for each device that can be played on, or listened to.

    Raises
    ------
    DeviceError
        If there is none, with the remedy.
    """
    return [
        f"{d['index']:3d}  {d['name']}  ({d[side.channels]} channels, "
        f"{d['default_samplerate']:.0f} Hz)"
        for d in there(side)
    ]


def chosen(
    device: str, among: list[dict[str, Any]], default: int = -1, side: Side = OUT
) -> dict[str, Any]:
    """Return the device that is meant.

    Parameters
    ----------
    device : str
        A number, a name or a part of one in any case; empty for the system's own choice.
    among : list of mappings
    default : int
        The number of the system's own choice; the first device if it is none of these.
    side : Side

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
            raise DeviceError(f"no {side.called} {device} {side.use} ({LIST})")
        return among[0]
    wanted = normal(device).casefold()
    exact = [d for d in among if normal(d["name"]).casefold() == wanted]
    found = exact[:1] or [d for d in among if wanted in normal(d["name"]).casefold()]
    if len(found) > 1:
        shown = ", ".join(f"{d['index']} ({d['name']})" for d in found)
        raise DeviceError(f"{side.called} {device!r} could be {shown}; say its number")
    if not found:
        hint = did_you_mean(device, [d["name"] for d in among])
        raise DeviceError(f"no {side.called} {device!r}{hint} ({LIST})")
    return found[0]


def ways(
    device: dict[str, Any], rate: int, channels: int, side: Side = OUT
) -> Iterator[tuple[int, int]]:
    """Return the rates and channels to try on a device, the best first.

    Some drivers open all of their channels or none, and only at their own rate.

    Example
    -------
    >>> device = {"max_output_channels": 8, "default_samplerate": 48000.0}
    >>> list(ways(device, 44100, 2))
    [(44100, 2), (44100, 8), (48000, 2), (48000, 8)]
    """
    most = device[side.channels]
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

    def callback(out: NDArray[np.float32], _frames: int, _time: Any, status: Any) -> None:
        fill(out, bool(status.output_underflow))

    return _opened(OUT, device, rate, channels, frames, latency, callback, finished)


def open_input(
    device: str,
    rate: int,
    channels: int,
    frames: int,
    latency: float,
    take: Fill,
    finished: Callable[[], None],
) -> Opened:
    """Open a stream from a device, at its own rate if it refuses the one asked for.

    Parameters
    ----------
    take : function of an array and a flag
        Called for each block [shape=(frames, device channels)], which is only there meanwhile; the
        flag tells that samples before it were lost.
    device, rate, channels, frames, latency, finished
        As `open_output` has them.

    Raises
    ------
    DeviceError
        In one line, with the remedy.
    """

    def callback(heard: NDArray[np.float32], _frames: int, _time: Any, status: Any) -> None:
        take(heard, bool(status.input_overflow))

    return _opened(IN, device, rate, channels, frames, latency, callback, finished)


def _opened(
    side: Side,
    device: str,
    rate: int,
    channels: int,
    frames: int,
    latency: float,
    callback: Callable[..., None],
    finished: Callable[[], None],
) -> Opened:
    sounddevice = portaudio()
    one = chosen(device, there(side), sounddevice.default.device[side.number], side)
    kind = sounddevice.OutputStream if side is OUT else sounddevice.InputStream
    refusal = ""
    for hertz, count in ways(one, rate, channels, side):
        try:
            stream = kind(
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
            return Opened(stream, one["name"], hertz, count, one[side.channels])
    raise DeviceError(f"the {side.called} {one['name']!r} refuses: {refusal}")


def look_again() -> None:
    """Let PortAudio find the devices anew; no stream may be open."""
    sounddevice = portaudio()
    with contextlib.suppress(sounddevice.PortAudioError):
        sounddevice._terminate()
    with contextlib.suppress(sounddevice.PortAudioError):
        sounddevice._initialize()
