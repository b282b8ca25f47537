"""Levels of an input, what it keeps, and names of grabbed sounds, without a device."""

from __future__ import annotations

import os

import numpy as np
import pytest
import soundfile

from latentlive.corpus import Corpus, read_audio
from latentlive.corpus.grabbed import beside_log, grabbed_file, keep_grabbed
from latentlive.corpus.shelf import Shelf
from latentlive.engine.inputs.listening import MOST_GAUGES, Listening, samples_before
from latentlive.engine.inputs.meters import STEP, Meter, Peaks, level
from latentlive.engine.inputs.pace import Pace
from latentlive.engine.inputs.past import KEPT, Past
from latentlive.errors import EngineError
from latentlive.protocol.requests import Grab
from latentlive.units import Tempo

RATE = 44100
RNG = np.random.default_rng(5)


def metered(samples, attack=0.01, release=0.2, size=512):
    """Return seconds and values of the level of samples that come in blocks."""
    peaks, meter, found = Peaks(RATE), Meter(attack, release, RATE), []
    for begin in range(0, len(samples), size):
        before = begin // STEP
        found += [
            ((before + step + 1) * STEP / RATE, value)
            for step, value in meter.take(level(peaks.take(samples[begin : begin + size])))
        ]
    return np.array(found)


@pytest.mark.parametrize("hertz", [60, 220, 5000])
@pytest.mark.parametrize("db", [0, -6, -30, -59])
def test_a_tone_has_the_level_of_its_peak(hertz, db):
    tone = 10 ** (db / 20) * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)
    assert metered(tone)[-1, 1] == pytest.approx(1 + db / 60, abs=0.01)


@pytest.mark.parametrize(("attack", "release"), [(0.01, 0.2), (0.1, 0.5), (0.3, 0.02)])
def test_a_level_rises_and_falls_in_its_times(attack, release):
    square = np.concatenate([np.zeros(RATE), np.ones(2 * RATE), np.zeros(2 * RATE)])
    rows = metered(square, attack, release)
    rise = rows[np.argmax(rows[:, 1] > 0.63), 0] - 1.0
    fallen = rows[(rows[:, 0] > 3.0) & (rows[:, 1] < 0.37)][0, 0] - 3.0
    assert rise == pytest.approx(attack, abs=0.015)
    assert fallen == pytest.approx(release + 0.01, abs=0.015)


def test_values_are_few_and_only_changes():
    noise = RNG.standard_normal(5 * RATE) * 0.1
    rows = metered(noise)
    assert len(rows) <= 5 * 101
    assert (np.diff(rows[:, 1]) != 0).all()
    assert metered(np.zeros(RATE)).tolist() == [[pytest.approx(0.01, abs=0.002), 0.0]]


def test_levels_do_not_depend_on_blocks():
    noise = RNG.standard_normal(RATE) * np.linspace(0, 1, RATE)
    one, other = metered(noise, size=STEP), metered(noise, size=10 * STEP)
    assert np.array_equal(one, other)


def test_the_past_is_bounded_and_knows_how_long_it_was_silent():
    past, samples = Past(100), np.arange(30_000, dtype=np.float32) / 30_000
    assert past.unheard
    for begin in range(0, len(samples), 700):
        past.take(samples[begin : begin + 700])
    assert past.held == KEPT * 100
    assert np.array_equal(past.last(9000), samples[-9000:])
    past.take(np.zeros(250, np.float32))
    assert past.quiet == pytest.approx(2.5)
    assert not past.unheard


def test_a_pace_gives_moments_back():
    pace = Pace(RATE)
    for block in range(100):
        pace.observe(10**9 + round(block * 512 / RATE * 1e9), block * 512)
    assert pace.sample(pace.moment(40_000)) == pytest.approx(40_000, abs=0.01)


def test_beats_before_a_moment_follow_the_tempo():
    tempo = Tempo(60, RATE).changed(4 * RATE, 120)
    assert samples_before(6 * RATE, 4, tempo) == 2 * RATE
    assert samples_before(6 * RATE, 6, tempo) == 4 * RATE
    assert samples_before(0, 3, tempo) == 3 * RATE


def test_a_grabbed_sound_is_its_file_to_the_bit_in_the_cache_and_beside_a_log(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "cache"))
    samples = (RNG.standard_normal(RATE) * 0.4).astype(np.float32)
    samples[:3] = 1.0, -1.0, 7.0
    folder = beside_log(tmp_path / "evening.py")
    path = keep_grabbed(samples, RATE, "door", folder)
    read = soundfile.read(path, dtype="float32")[0]
    assert np.abs(read - samples.clip(-1, 1)).max() <= 2.0**-23
    known = read_audio(path, RATE)
    assert np.array_equal(known.samples, read)
    assert path.name == f"{known.digest}-door.flac"
    assert grabbed_file("door") == path
    assert grabbed_file("door", folder) == folder / path.name
    (tmp_path / "sounds").mkdir()
    soundfile.write(tmp_path / "sounds" / "door.wav", samples[:99].clip(-1, 1), RATE)
    assert len(Corpus(tmp_path / "sounds").audio("door", RATE).samples) == 99
    assert Corpus(tmp_path / "sounds", folder).audio("door", RATE).digest == known.digest
    os.truncate(path, 100)
    path.unlink()
    assert grabbed_file("door") is None


def test_files_of_others_on_a_shelf_are_no_sounds(tmp_path):
    shelf = Shelf("grabbed", ".flac")
    for name in (
        "x.flac",
        f"{'0' * 32}-a.wav",
        f".{'0' * 32}-a-12-12345678.flac",
        f"{'z' * 32}-a.flac",
    ):
        (tmp_path / name).write_bytes(b"")
    assert list(shelf.files([tmp_path, tmp_path / "none"])) == []


class Process:
    """What the engine tells a sound process."""

    def __init__(self):
        self.told, self.said = [], []
        self.listening = Listening(self.said.append)
        self.listening.send = lambda kind, message: self.told.append(message)

    def opened(self, device="desk", channels=2, most=2):
        told = {"rate": RATE, "channels": channels, "most": most} if device else {"why": "none"}
        self.listening.take({"op": "opened", "device": device, **told})

    def grab(self, beats=4, channel=1, ticket="t"):
        self.listening.grab(Grab(beats, channel, "door", ticket), 0, Tempo(60, RATE))
        return self.listening.status()["grabbed"][ticket]


def test_each_level_is_measured_once_and_no_more_than_some():
    process = Process()
    asked = {f"sound level:{number}" for number in range(1, 3 + MOST_GAUGES)}
    for _ in range(3):
        process.listening.want(asked | {"osc", "layers level:d2"})
    assert len(process.told) == MOST_GAUGES
    assert len(process.said) == 2
    assert "at most 16 levels of the input are measured" in process.said[0]
    process.listening.began()
    assert len([one for one in process.told if one["op"] == "measure"]) == 2 * MOST_GAUGES


def test_what_becomes_of_a_grab_is_told():
    process = Process()
    with pytest.raises(EngineError, match="the input is opened now"):
        process.grab()
    process.opened(None)
    process.opened(None)
    with pytest.raises(EngineError, match="grab: none"):
        process.grab()
    process.opened()
    assert process.said == ["no input: none; it is tried again", "input on: desk"]
    with pytest.raises(EngineError, match="grab: input 3: desk has 2 channels"):
        process.grab(channel=3)
    with pytest.raises(EngineError, match="121 beats are 121 s, and 120 s of the input are kept"):
        process.grab(121)
    assert "why" not in process.grab()
    process.listening.take({"op": "grabbed", "ticket": "t", "held": 2.0})
    process.listening.take({"op": "grabbed", "ticket": "no such"})
    told = process.listening.status()["grabbed"]["t"]["why"]
    assert told == "grab: 4 beats are 4 s, and input 1 has been heard for 2.0 s"
    process.grab(ticket="u")
    process.listening.ended()
    assert "process ended" in process.listening.status()["grabbed"]["u"]["why"]
    for number in range(40):
        process.opened()
        process.grab(ticket=str(number))
    assert len(process.listening.status()["grabbed"]) == 16


def test_a_new_input_that_is_silent_is_told_of_once():
    process = Process()
    process.listening.want({"sound level:1"})
    process.opened()
    for seconds in (1.0, 4.9, 5.1, 9.0):
        process.listening.take(
            {"op": "heard", "channels": [[-120.0, seconds, True]] * 2, "gaps": 0}
        )
    assert process.said == ["input on: desk", "input 1: silent since 5 s"]
