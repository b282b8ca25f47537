"""The audio process: opens the device, or keeps time without one, and runs the callback.

Started as ``python -m latentlive.engine.audio`` with the shared block's descriptor; it says on
its output what it opened, and ends when its input ends.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import click
import numpy as np

from latentlive.engine.block import CLOSING, UNDERFLOWS, Block
from latentlive.engine.playing import Player
from latentlive.engine.wire import Wire
from latentlive.errors import DeviceError

NO_PORTAUDIO = "no PortAudio library; on Debian and Ubuntu: sudo apt install libportaudio2"
NO_DEVICE = "no sound device; connect one, or start the system's sound server"


@click.command()
@click.option("--fd", type=int, required=True)
@click.option("--rate", type=int, required=True)
@click.option("--device", default="")
@click.option("--block", "frames", default=512)
@click.option("--latency", default=0.1)
@click.option("--silent", is_flag=True, help="Keep time without opening a device.")
def main(fd: int, rate: int, device: str, frames: int, latency: float, silent: bool) -> None:
    """Run until the engine closes the pipe."""
    wire = Wire(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    # ALSA and PortAudio print to the terminal from C; the prompt's screen is not theirs.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    block = Block.attach(fd)
    player = Player(block)
    stream, why = (
        (None, "asked for none") if silent else _open(player, rate, device, frames, latency)
    )
    if stream is None:
        threading.Thread(target=_keep_time, args=(player, rate, frames), daemon=True).start()
        wire.send({"op": "opened", "device": None, "why": why})
    else:
        stream.start()
        name = _sounddevice().query_devices(stream.device)["name"]
        wire.send({"op": "opened", "device": name, "latency": stream.latency})
    while wire.receive() is not None:
        pass
    # The engine is gone, on purpose or not: the next block fades out, and what the device has
    # queued is still heard.
    block.header[CLOSING] = 1
    time.sleep(0.1 + (stream.latency if stream is not None else 0.0))
    if stream is not None:
        stream.abort()
    os._exit(0)  # PortAudio's own clean-up can hang on a dead server


def _sounddevice() -> Any:
    import sounddevice

    return sounddevice


def _open(player: Player, rate: int, device: str, frames: int, latency: float) -> tuple[Any, str]:
    """Return an open stream, or None and the reason in one line."""
    try:
        sounddevice = _sounddevice()
    except OSError:
        return None, NO_PORTAUDIO
    block = player.block

    def callback(out: Any, _frames: int, _time: Any, status: Any) -> None:
        if status.output_underflow:
            block.header[UNDERFLOWS] += 1
        player.fill(out)

    try:
        chosen: Any = int(device) if device.isdigit() else device or None
        stream = sounddevice.OutputStream(
            samplerate=rate,
            blocksize=frames,
            device=chosen,
            channels=2,
            dtype=np.float32,
            latency=latency,
            callback=callback,
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        if not device and not any(d["max_output_channels"] for d in sounddevice.query_devices()):
            return None, NO_DEVICE
        return None, f"the sound device refuses: {str(error).splitlines()[0]}"
    return stream, ""


def list_devices() -> list[str]:
    """Return a line for each device that can be played on.

    Raises
    ------
    DeviceError
        If there is none, with the remedy.
    """
    try:
        sounddevice = _sounddevice()
    except OSError:
        raise DeviceError(NO_PORTAUDIO) from None
    found = [
        f"{d['index']:3d}  {d['name']}  ({d['max_output_channels']} channels, "
        f"{d['default_samplerate']:.0f} Hz)"
        for d in sounddevice.query_devices()
        if d["max_output_channels"]
    ]
    if not found:
        raise DeviceError(NO_DEVICE)
    return found


def _keep_time(player: Player, rate: int, frames: int) -> None:
    """Take blocks at the pace of the wall clock, as a device would."""
    out = np.empty((frames, 2), np.float32)
    due = time.monotonic()
    while True:
        player.fill(out)
        due += frames / rate
        time.sleep(max(due - time.monotonic(), 0.0))


if __name__ == "__main__":
    main()
