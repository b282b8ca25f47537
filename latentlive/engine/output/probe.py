"""Questions about sound devices, each in a process of its own: a sound server that hangs takes it
along, not the performer's."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import click

from latentlive.engine.output.devices import IN, OUT, Side, list_devices, open_output
from latentlive.engine.timing import PROBE_PATIENCE
from latentlive.errors import DeviceError
from latentlive.ground.launch import command

SILENT = "the sound device does not answer; restart the sound server"


def listed(side: Side = OUT) -> list[str]:
    """Return a line for each device that can be played on, or listened to; none is opened.

    Raises
    ------
    DeviceError
        If there is none, or no answer, with the remedy.
    """
    lines: list[str] = _answer("--list", *(["--inputs"] if side is IN else []))["lines"]
    return lines


def tried(device: str, rate: int) -> dict[str, Any]:
    """Open a device; return its 'name', 'rate' and 'channels'.

    Parameters
    ----------
    device : str
        As `devices.chosen` takes it.
    rate : int [samples per second]
        The one to be asked for.

    Raises
    ------
    DeviceError
        If it cannot be opened, or does not answer, with the remedy.
    """
    return _answer("--device", device, "--rate", str(rate))


def _answer(*options: str) -> dict[str, Any]:
    asked = command("latentlive.engine.output.probe", *options)
    try:
        done = subprocess.run(
            asked, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise DeviceError(SILENT) from None
    if not done.stdout:
        raise DeviceError("PortAudio ends the process that asks it")
    answer: dict[str, Any] = json.loads(done.stdout)
    if "why" in answer:
        raise DeviceError(answer["why"])
    return answer


@click.command()
@click.option("--list", "listing", is_flag=True)
@click.option("--inputs", is_flag=True)
@click.option("--device", default="")
@click.option("--rate", default=44100)
def main(listing: bool, inputs: bool, device: str, rate: int) -> None:
    """Ask PortAudio, and print the answer."""
    answers = os.fdopen(os.dup(1), "w")
    for stream in (1, 2):  # ALSA and PortAudio print from C
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    answer: dict[str, Any]
    try:
        if listing:
            answer = {"lines": list_devices(IN if inputs else OUT)}
        else:
            opened = open_output(device, rate, 2, 512, 0.1, lambda *_: None, lambda: None)
            answer = {"name": opened.name, "rate": opened.rate, "channels": opened.channels}
    except DeviceError as error:
        answer = {"why": str(error)}
    json.dump(answer, answers)
    answers.flush()
    os._exit(0)  # PortAudio's own clean-up can hang on a dead server


if __name__ == "__main__":
    main()
