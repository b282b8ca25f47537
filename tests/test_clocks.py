"""Clocks from outside: what is decided, how near our beats come, and that a log needs no clock."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlive.engine.inputs.follower import Follower
from latentlive.engine.inputs.lock import PER_BEAT
from latentlive.engine.inputs.outer import Outer
from latentlive.units import MOST_SLEW, Tempo
from tests.performing import RATE, Engine, bounced, replayed, same
from tests.test_performances import SOURCES

SECOND = 10**9
MS = SECOND // 1000
NAME = "box:drums"


class Drums:
    """A drum machine whose pulses come unevenly, heard by the real follower.

    Parameters
    ----------
    bpm : float
    jitter : float [seconds]
        How much each pulse may be early or late.
    """

    def __init__(self, engine, bpm, jitter=0.003, begins=0.5):
        self.engine, self.bpm, self.jitter = engine, bpm, jitter
        self.chance = random.Random(3)
        self.follower = Follower(NAME)
        self.due = 10**9 + round(begins * SECOND)
        self.sent = 0
        self.silent = False

    def run(self, seconds):
        """Play on for some seconds."""
        end = self.engine.moment() + round(seconds * SECOND)
        while self.engine.moment() < end:
            now = self.engine.moment()
            while self.due <= now:
                if not self.silent:
                    wavers = round(self.chance.uniform(-self.jitter, self.jitter) * SECOND)
                    self.follower.hear((0xF8,), self.due + wavers)
                    self.sent += 1
                self.due += round(60 * SECOND / self.bpm / PER_BEAT)
            if (message := self.follower.message(now)) is not None:
                self.engine.session.clocks.take("midi", message)
            self.engine.tick()
            self.engine.play()

    def start(self):
        """Begin the song with the next pulse."""
        self.follower.hear((0xFA,), self.engine.moment())
        self.begun = self.due

    def order(self, *message):
        self.follower.hear(message, self.engine.moment())

    def beat(self, now):
        """Return the beat of its song at a moment, as it would be without any wavering."""
        return (now - self.begun) / SECOND * self.bpm / 60


class Waiting(Engine):
    """An engine whose time goes on while its transport does not."""

    waited = 0

    def moment(self):
        return super().moment() + self.waited

    def play(self):
        position = self.scheduler.timeline.position
        super().play()
        if self.scheduler.timeline.position == position:
            self.waited += round(self.size / RATE * SECOND)


def apart(engine, drums):
    """Return how many seconds our beats lie beside those of the drums, from beat to beat."""
    timeline, now = engine.scheduler.timeline, engine.moment()
    beats = float(timeline.tempo.beats(timeline.position)) - drums.beat(now)
    return (beats - round(beats)) * 60 / drums.bpm


def playing(path, **options):
    """Return an engine that plays, and follows the drums that come."""
    engine = Engine(path / "log.py", **options)
    play = {"op": "play", "layer": "d1", "source": SOURCES[0]}
    engine.do(op="cell", changes=[play])
    engine.do(op="clock in", device="drums")
    return engine


def bpm_of(engine):
    timeline = engine.scheduler.timeline
    return timeline.tempo.bpm_at(timeline.position)


def decided(engine):
    """Return how many times the tempo was changed."""
    lines = engine.journal.path.with_suffix(".jsonl").read_text().splitlines()
    return sum('"do":"tempo"' in line.replace(" ", "") for line in lines)


@pytest.mark.parametrize("bpm", [61.7, 90, 124])
def test_our_beats_come_to_those_of_a_wavering_clock(tmp_path, bpm):
    engine = playing(tmp_path)
    drums = Drums(engine, bpm)
    drums.run(1.0)
    drums.start()
    drums.run(23)
    for _ in range(40):
        drums.run(0.15)
        assert abs(apart(engine, drums)) < 0.010
        assert bpm_of(engine) == pytest.approx(bpm, abs=0.1)
    engine.close()
    assert decided(engine) < 8
    assert engine.missing == 0
    steps = [change.bpm for change in engine.scheduler.timeline.tempo.changes]
    assert max(steps) <= bpm * 1.04
    assert min(steps) >= bpm * 0.96


def test_a_performance_with_a_clock_is_replayed_and_bounced_without_it(tmp_path):
    engine = playing(tmp_path)
    engine.do(op="cell", changes=[{"op": "play", "layer": "d2", "source": SOURCES[1]}])
    drums = Drums(engine, 120)
    drums.run(1.0)
    drums.start()
    drums.run(4)
    drums.bpm = 133
    drums.run(4)
    engine.do(op="cell", changes=[{"op": "play", "layer": "d1", "source": SOURCES[2]}])
    drums.silent = True
    drums.run(2)
    log, stop = tmp_path / "log.py", engine.scheduler.timeline.position
    engine.close()
    heard = engine.samples
    assert decided(engine) >= 3
    assert np.abs(heard).max() > 0.01
    same(bounced(log, stop), heard, "a bounce")
    same(replayed(log, tmp_path / "again.py", stop), heard, "a replay")


def test_songs_that_start_and_stop_leave_the_sound_alone_and_a_clock_that_is_gone_its_tempo(
    tmp_path,
):
    engine = playing(tmp_path)
    drums = Drums(engine, 100)
    drums.run(3)
    drums.start()
    drums.run(8)
    drums.order(0xFC)
    drums.run(2)
    assert engine.said[-1] == f"clock_in: {NAME} stops; the sound goes on at its tempo"
    assert bpm_of(engine) == pytest.approx(100, abs=0.3)
    drums.order(0xF2, 8, 0)  # to beat 2
    drums.order(0xFB)
    drums.begun = drums.due - round(2 * 0.6 * SECOND)
    drums.run(16)
    assert engine.said[-1] == f"clock_in: {NAME} starts; its beats are followed"
    assert abs(apart(engine, drums)) < 0.010
    assert engine.do(op="cell", changes=[{"op": "tempo", "bpm": 90.0}]) == (
        f"tempo: {NAME} gives the tempo; clock_in(None) lets you set it"
    )
    drums.silent = True
    drums.run(1.5)
    before = bpm_of(engine)
    assert engine.said[-1] == f"clock_in: the clock of {NAME} is gone; the tempo stays at 100 bpm"
    assert engine.do(op="cell", changes=[{"op": "tempo", "bpm": 90.0}]) is None
    drums.run(2)
    assert (before, bpm_of(engine)) == (pytest.approx(100, abs=0.2), 90.0)
    drums.silent = False  # it is back
    drums.run(4)
    assert bpm_of(engine) == pytest.approx(100, abs=2.1)
    engine.do(op="clock in")
    engine.do(op="cell", changes=[{"op": "tempo", "bpm": 90.0}])
    drums.run(2)
    assert bpm_of(engine) == 90.0
    engine.close()


@pytest.mark.parametrize("held", [True, False])
def test_a_transport_starts_with_the_song_and_on_its_beat(tmp_path, held):
    engine = Waiting(tmp_path / "log.py", held=held)
    engine.do(op="clock in", device="drums")
    drums = Drums(engine, 100)
    if held:
        engine.do(op="cell", changes=[{"op": "play", "layer": "d1", "source": SOURCES[0]}])
    drums.run(3)
    assert not engine.scheduler.timeline.running
    drums.start()
    drums.run(2.3)
    if held:
        assert engine.said[-1] == f"clock_in: {NAME} starts, and so does what is held"
    else:
        assert engine.said[-1] == f"clock_in: {NAME} starts; its beats are followed"
        engine.do(op="cell", changes=[{"op": "play", "layer": "d1", "source": SOURCES[0]}])
        drums.run(1)
    assert engine.scheduler.timeline.running
    assert abs(apart(engine, drums)) < 0.030  # a round of the engine, a block of the device
    assert bpm_of(engine) == pytest.approx(100, rel=0.03)
    engine.close()


def test_quants_are_counted_from_the_bars_of_the_song(tmp_path):
    engine = playing(tmp_path)
    drums = Drums(engine, 120)
    drums.run(3.3)
    drums.start()
    drums.run(16)
    engine.do(
        op="cell",
        changes=[
            {"op": "set", "layer": "d2", "quant": 4.0},
            {"op": "play", "layer": "d2", "source": SOURCES[1]},
        ],
    )
    drums.run(4)
    start = engine.scheduler.timeline.layers["d2"].voice.start
    theirs = drums.beat(10**9 + round(start / RATE * SECOND))
    assert theirs / 4 == pytest.approx(round(theirs / 4), abs=0.01)
    engine.close()


def test_a_clock_that_goes_mad_does_not_fill_the_log(tmp_path):
    engine = playing(tmp_path)
    drums, chance = Drums(engine, 120), random.Random(5)
    for _ in range(15):
        drums.run(2)
        drums.bpm = chance.uniform(60, 180)
    engine.close()
    assert decided(engine) <= 8 + 30 / 8 + 1
    assert engine.missing == 0


def test_what_no_clock_would_tell_costs_nothing(tmp_path):
    engine = playing(tmp_path)
    good = {"op": "clock", "device": "drums", "bpm": 120.0, "beat": 0.0, "counted": 0.0}
    good |= {"time_ns": 1, "locked": True, "running": True}
    for field in ("device", "bpm", "beat", "counted", "time_ns"):
        for wrong in (None, [], "x", float("nan"), float("inf"), -1e300):
            engine.session.clocks.take("midi", {**good, field: wrong})
        engine.session.clocks.take("midi", {key: good[key] for key in good if key != field})
    engine.run(1)
    assert bpm_of(engine) == 60.0
    engine.close()


def test_a_line_through_readings_is_nearer_than_each_of_them():
    chance, outer = random.Random(1), Outer()
    for n in range(160):
        late = chance.uniform(-2, 2) * MS
        assert outer.take(round(n * 100 * MS + late), n * 0.2, 120 * chance.uniform(0.998, 1.002))
    assert outer.bpm == pytest.approx(120, abs=0.02)
    assert outer.beat(160 * 100 * MS) == pytest.approx(32, abs=0.002)
    last = round(159 * 100 * MS + late)
    assert outer.take(last, 40.0, 120)  # nothing new
    assert not outer.take(161 * 100 * MS, 40.0, 120)
    assert not outer.known


@given(
    st.floats(20, 300),
    st.floats(20, 300),
    st.floats(-0.5, 0.5),
    st.integers(0, 10**6),
)
def test_a_joined_tempo_comes_to_the_beats_without_a_jump(before, bpm, ahead, at):
    tempo = Tempo(before, RATE)
    beat = float(tempo.beats(at))
    joined = tempo.joined(at, bpm, beat + ahead)
    end = at + 40 * RATE + round(abs(ahead) * 60 * RATE / bpm / MOST_SLEW)
    assert joined.beats(end) == pytest.approx(beat + ahead + (end - at) * bpm / 60 / RATE, abs=2e-6)
    places = np.arange(at, end, 1000)
    paces = np.diff(joined.beats(places)) / 1000 * 60 * RATE
    assert np.all(paces <= bpm * (1 + MOST_SLEW) * (1 + 1e-6))
    assert np.all(paces >= bpm * (1 - MOST_SLEW) * (1 - 1e-6))
    assert Tempo.load(joined.dump(), RATE) == joined


def test_a_device_that_gets_our_clock_is_told_where_we_are(tmp_path):
    engine, told = playing(tmp_path), []
    engine.session.output.latency = 0.1
    engine.session.clocks.send = lambda kind, message: told.append((engine.moment(), message))
    engine.do(op="clock out", device="drums")
    engine.do(op="clock out", device="dumrs", offset=0.05)
    engine.session.clocks.take("midi", {"op": "ports", "outputs": ["a:Drums", "b"]})
    engine.do(op="clock out", device="dumrs", offset=0.05)
    assert "clock_out: no MIDI output 'dumrs' is there; there are a:Drums, b;" in engine.said[-1]
    engine.run(4)
    assert {message["device"] for _, message in told} == {"a:Drums"}
    now, last = told[-1]
    assert (last["bpm"], last["running"], last["time_ns"]) == (60.0, True, now)
    position = engine.scheduler.timeline.position
    assert last["beat"] == pytest.approx(position / RATE - 0.1, abs=0.13)
    assert len(told) <= 41
    engine.do(op="clock out", device="DRUMS", offset=0.05)
    engine.run(0.5)
    engine.do(op="clock out")
    assert told[-1][1] == {"op": "clock out", "device": "a:Drums", "running": False}
    engine.close()
