"""Which device is meant, and in which ways it is tried."""

from __future__ import annotations

import pytest

from latentlive.engine.output.devices import chosen, ways
from latentlive.errors import DeviceError


def device(index, name, channels=2, rate=44100.0):
    return {
        "index": index,
        "name": name,
        "max_output_channels": channels,
        "default_samplerate": rate,
    }


DEVICES = [device(0, "HDMI"), device(2, "USB Audio: one"), device(5, "USB Audio: two")]


@pytest.mark.parametrize(
    ("asked", "index"),
    [("", 2), ("hdmi", 0), ("5", 5), ("two", 5), ("USB Audio: one", 2), ("audio: ONE", 2)],
)
def test_a_name_a_part_of_it_or_a_number(asked, index):
    assert chosen(asked, DEVICES, default=2)["index"] == index


def test_without_a_choice_of_the_system_the_first_is_taken():
    assert chosen("", DEVICES)["index"] == 0


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("1", r"no sound device 1 to play on \(latentlive devices lists them\)"),
        ("HDMX", r"no sound device 'HDMX'; did you mean 'HDMI'\? \(latentlive"),
        ("usb", r"'usb' could be 2 \(USB Audio: one\), 5 \(USB Audio: two\); say its number"),
    ],
)
def test_what_is_not_there_or_not_clear_is_refused_in_one_line(asked, line):
    with pytest.raises(DeviceError, match=line):
        chosen(asked, DEVICES)


def test_the_models_rate_and_the_channels_asked_for_come_first():
    plain = device(0, "plain")
    assert list(ways(plain, 44100, 2)) == [(44100, 2)]
    assert list(ways(plain, 44100, 6)) == [(44100, 2)]
    assert list(ways(device(0, "mono", 1), 44100, 2)) == [(44100, 1)]
    studio = device(0, "studio", 18, 48000.0)
    assert list(ways(studio, 44100, 4)) == [(44100, 4), (44100, 18), (48000, 4), (48000, 18)]
