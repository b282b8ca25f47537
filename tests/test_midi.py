"""The MIDI process: what it makes of bytes, and the real process on a private JACK server."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from latentlive import doctor
from latentlive.cli import main
from latentlive.engine.inputs import ports, probe
from latentlive.engine.inputs.events import Device, Relative
from latentlive.engine.inputs.follower import Follower
from latentlive.engine.inputs.lock import LOCKED, PER_BEAT, Lock
from latentlive.engine.inputs.metronome import Song
from latentlive.engine.inputs.throttle import Throttle
from latentlive.errors import EngineError
from latentlive.protocol.wire import Wire

MODULE = "latentlive.engine.inputs.midi"
MS = 1_000_000
SECOND = 1_000_000_000
PATIENCE = 8.0
NANO = "nano:KONTROL2"


def read(*messages, device=None, gap=20 * MS):
    """Return (source, value) of messages that come one after the other."""
    device = device or Device(NANO, Relative())
    found = []
    for n, message in enumerate(messages):
        found += [(e.source, e.value) for e in device.events(message, n * gap)]
    return found


@pytest.mark.parametrize(
    ("message", "source", "value"),
    [
        ((0xB0, 74, 0), "cc:74:1:", 0.0),
        ((0xBF, 74, 127), "cc:74:16:", 1.0),
        ((0xB0, 74, 78), "cc:74:1:", 78 / 127),
        ((0xE0, 0, 0), "bend:1:", -1.0),
        ((0xE0, 0, 64), "bend:1:", 0.0),
        ((0xE2, 127, 127), "bend:3:", 1.0),
        ((0xD0, 127), "touch:1:", 1.0),
        ((0x90, 60, 100), "note:60:1:", 100 / 127),
        ((0x90, 60, 0), "note:60:1:", 0.0),
        ((0x85, 60, 64), "note:60:6:", 0.0),
    ],
)
def test_a_message_is_a_value_of_its_source(message, source, value):
    assert read(message) == [(source + NANO, value)]


def test_people_are_told_number_channel_and_device():
    (event,) = Device("nanoKONTROL2", Relative()).events([0xB0, 74, 5], 0)
    assert event.by == "cc 74 ch 1 nanoKONTROL2"


def test_what_is_not_for_us_and_what_is_broken_is_nothing():
    broken = [(), (0xB0,), (0xB0, 74), (0xB0, 74, 128), (0xE0, 1), (0xB0, 1, 2, 3), (5, 5, 5)]
    others = [(0xA0, 60, 5), (0xC0, 7), (0xF0, 1, 0xF7), (0xFE,), (0xF8,), (0xB0, 121, 0)]
    assert read(*broken, *others) == []


def test_a_knob_with_a_fine_half_has_14_bits():
    both = read((0xB0, 10, 64), (0xB0, 42, 3), gap=MS)
    assert both[-1] == (f"cc:10:1:{NANO}", (64 * 128 + 3) / 16383)
    more = read((0xB0, 10, 0), (0xB0, 42, 0), (0xB0, 10, 127), (0xB0, 42, 127), gap=MS)
    # From the second value on only both halves together are one.
    assert [value for _, value in more] == [0.0, 0.0, 1.0]
    fine = read((0xB0, 10, 1), (0xB0, 42, 0), (0xB0, 42, 9), gap=MS)
    assert fine[-1] == (f"cc:10:1:{NANO}", (128 + 9) / 16383)


def test_a_button_is_not_taken_for_the_fine_half_of_a_fader():
    assert read((0xB0, 0, 64), (0xB0, 32, 127)) == [
        (f"cc:0:1:{NANO}", 64 / 127),
        (f"cc:32:1:{NANO}", 1.0),
    ]
    device = Device(NANO, Relative())
    read((0xB0, 0, 64), (0xB0, 32, 127), device=device, gap=MS)  # pressed just then
    values = [value for _, value in read(*[(0xB0, 0, n) for n in range(5)], device=device)]
    assert values == [n / 127 for n in range(1, 5)]


@pytest.mark.parametrize(("mode", "up", "down"), [("twos", 3, 125), ("offset", 67, 61)])
def test_a_relative_knob_adds_its_steps_and_stays_in_range(mode, up, down):
    relative = Relative()
    relative.tell({"op": "relative", "source": f"cc:74:1:{NANO}", "mode": mode})
    device = Device(NANO, relative)
    values = [v for _, v in read((0xB0, 74, up), (0xB0, 74, down), (0xB0, 74, down), device=device)]
    assert values == pytest.approx([0.5 + 3 / 127, 0.5, 0.5 - 3 / 127])
    assert read(*[(0xB0, 74, up)] * 30, device=device)[-1][1] == 1.0
    assert read(*[(0xB0, 74, down)] * 50, device=device)[-1][1] == 0.0
    relative.tell({"source": f"cc:74:1:{NANO}", "mode": mode, "start": 0.25})
    assert read((0xB0, 74, up), device=device)[0][1] == pytest.approx(0.25 + 3 / 127)


def test_all_notes_off_lets_go_of_the_keys_of_its_channel():
    pressed = [(0x90, 60, 9), (0x91, 61, 9), (0x90, 62, 9), (0x80, 62, 0)]
    told = read(*pressed, (0xB0, 123, 0))
    assert told[4:] == [(f"note:60:1:{NANO}", 0.0)]


def test_no_note_is_held_back_or_left_out():
    throttle = Throttle("midi")
    for n in range(600):  # more than there are places, twice within a millisecond each
        for value in (0.5, 0.5, 0.0):
            throttle.pass_on(f"note:{n}", value, n, "by", n)
    throttle.take("cc:1:1:x", 0.5, 700, "by", 700)
    told = list(throttle.messages(2 * SECOND))
    assert len(told[0]["rows"]) == 1801
    assert [row[0] for row in told[-1]["rows"][:3]] == ["cc:1:1:x", "note:599", "note:598"]


def test_names_are_without_numbers_that_change_and_each_port_keeps_its_own():
    one, two = ("nano:MIDI 1 20:0", 0), ("nano:MIDI 1 24:0", 0)
    assert ports.names([one], {}) == {one: "nano:MIDI 1"}
    both = ports.names([one, two], {one: "nano:MIDI 1"})
    assert both[two] == "nano:MIDI 1 (2)"
    assert ports.names([two], both) == {two: "nano:MIDI 1 (2)"}
    assert ports.others(["latentlive:midi", "latentlive-01:midi", "a", "a"]) == [("a", 0), ("a", 1)]


class Queue:
    """A port of the library with messages in it, each with the seconds since the one before."""

    def __init__(self):
        self.held = []

    def get_message(self):
        return self.held.pop(0) if self.held else None


def test_moments_keep_the_distances_that_the_library_measured(monkeypatch):
    clock, queue, chance = [0], Queue(), random.Random(5)
    monkeypatch.setattr(ports.time, "monotonic_ns", lambda: clock[0])
    read = ports.Input(queue)
    arrivals = [n * 5 * MS + chance.randrange(MS) for n in range(200)]
    came, off, late = 0, [], []
    while came < len(arrivals):
        clock[0] += 2 * MS + chance.randrange(MS)  # a look every 2 to 3 ms
        while came < len(arrivals) and arrivals[came] <= clock[0]:
            since = (arrivals[came] - arrivals[came - 1]) / SECOND if came else 0.0
            queue.held.append(([0xF8], since))
            late.append(clock[0] - arrivals[came])
            came += 1
        off += [when - arrivals[len(off) + n] for n, (_, when) in enumerate(read.messages())]
    assert max(late) - min(late) > 2.5 * MS
    assert max(off[20:]) - min(off[20:]) < 0.2 * MS
    assert min(off) >= 0  # none before it came


def jittered(bpm, beats, seed, jitter=0.003):
    chance = random.Random(seed)
    period = 60 / bpm / PER_BEAT
    return [1e5 + n * period + chance.uniform(-jitter, jitter) for n in range(beats * PER_BEAT + 1)]


@pytest.mark.parametrize("bpm", [60, 75, 89.7, 120, 133.3, 160, 180])
def test_a_jittered_clock_has_its_tempo_after_four_beats_and_keeps_it(bpm):
    for seed in range(40):
        lock = Lock()
        for n, pulse in enumerate(jittered(bpm, 16, seed)):
            lock.pulse(pulse)
            if n > LOCKED:
                assert lock.locked
                assert 0.8 < lock.bpm / bpm < 1.25
            if n >= 4 * PER_BEAT:
                assert abs(lock.bpm / bpm - 1) < 0.002
                assert abs(lock.time - 1e5 - n * 60 / bpm / PER_BEAT) < 0.002


@pytest.mark.parametrize(("before", "after"), [(120, 60), (60, 120), (120, 124), (90, 180)])
def test_another_tempo_is_found_within_five_beats(before, after):
    lock = Lock()
    first = jittered(before, 8, 1)
    second = jittered(after, 5, 2)
    for pulse in first + [pulse - second[0] + first[-1] + 60 / after / 24 for pulse in second]:
        lock.pulse(pulse)
    assert lock.locked
    assert lock.bpm == pytest.approx(after, rel=0.004)


def test_a_lost_pulse_is_overcome_and_a_burst_costs_nothing():
    lock = Lock()
    pulses = jittered(120, 12, 3)
    for n, pulse in enumerate(pulses):
        if n != 100:
            lock.pulse(pulses[205] if 200 < n < 205 else pulse)  # four of them came late, at once
        if n > 170:
            assert lock.locked
            assert lock.bpm == pytest.approx(120, rel=0.004)


def follow(follower, *messages, at=0, period=20 * MS):
    for n, message in enumerate(messages):
        follower.hear(message, at + n * period)
    return at + len(messages) * period


def test_a_clock_tells_its_beat_from_start_stop_continue_and_position():
    follower = Follower("drums")
    now = follow(follower, *[(0xF8,)] * 50, at=SECOND)
    told = follower.message(now)
    assert (told["running"], told["locked"], told["beat"]) == (False, True, 0.0)
    assert told["bpm"] == pytest.approx(125)
    assert follower.message(now) is None
    now = follow(follower, *[(0xF8,)] * 4, at=now)
    follower.hear((0xFA,), now - 10 * MS)
    now = follow(follower, *[(0xF8,)] * 25, at=now)
    told = follower.message(now)
    assert (told["running"], told["beat"]) == (True, 1.0)  # the first pulse after the start is 0
    assert told["time_ns"] == pytest.approx(now - 20 * MS, abs=MS)
    follower.hear((0xFC,), now)
    follower.hear((0xF2, 8, 1), now)
    follower.hear((0xFB,), now)
    now = follow(follower, (0xF8,), at=now)
    told = follower.message(now + 100 * MS)
    assert (told["running"], told["beat"]) == (True, 136 / 4)
    assert follower.due() <= now + SECOND
    told = follower.message(now + SECOND)  # the cable was pulled
    assert (told["locked"], told["bpm"]) == (False, pytest.approx(125))


def played(song, begun, end):
    """Return what a device gets, each with its moment [ns]."""
    now, sent = begun, []
    while now < end:
        sent += [(now, order) for order in song.orders(now)]
        now = max(song.due(), now + 1)
    return sent


def test_a_device_starts_with_the_first_beat():
    told = {"bpm": 125.0, "beat": 0.0, "time_ns": SECOND}
    sent = played(Song(told, SECOND - 50 * MS), SECOND - 50 * MS, 2 * SECOND)
    orders = [order for _, order in sent]
    assert orders.count((0xFA,)) == 1
    before = orders.index((0xFA,))
    assert sent[before + 1] == (SECOND, (0xF8,))
    assert set(orders) == {(0xF8,), (0xFA,)}
    pulses = [when for when, order in sent if order == (0xF8,)]
    assert {b - a for a, b in pairwise(pulses)} == {20 * MS}


def test_in_the_middle_of_a_song_a_device_goes_on_at_a_sixteenth():
    told = {"bpm": 125.0, "beat": 100.1, "time_ns": SECOND}
    sent = played(Song(told, SECOND), SECOND, SECOND + 200 * MS)
    orders = [order for _, order in sent]
    place = orders.index((0xF2, 401 % 128, 401 // 128))
    assert orders[place + 1] == (0xFB,)
    assert sent[place + 2][0] == pytest.approx(SECOND + 0.15 * 480 * MS, abs=1)


def test_a_late_thread_makes_up_for_its_pulses_and_a_jump_is_told():
    song = Song({"bpm": 125.0, "beat": 0.0, "time_ns": 0}, 0)
    played(song, 0, 1000 * MS)
    late = played(song, 1200 * MS, 1201 * MS)
    assert [order for _, order in late] == [(0xF8,)] * len(late)
    assert len(late) == 11
    song.tell({"bpm": 125.0, "beat": 64.0, "time_ns": 1201 * MS})
    orders = [order for _, order in played(song, 1201 * MS, 1500 * MS)]
    assert orders[0] == (0xFC,)
    assert (0xFB,) in orders


JACK = "jackd was not found, or no RtMidi library that reaches it"


@pytest.fixture(scope="module")
def rtmidi(tmp_path_factory):
    """Yield the library on a JACK server of this test's own."""
    if shutil.which("jackd") is None or importlib.util.find_spec("rtmidi") is None:
        pytest.skip(JACK)
    import rtmidi

    log = tmp_path_factory.mktemp("jack") / "log"
    name = f"latentlive-test-{os.getpid()}"
    with pytest.MonkeyPatch.context() as patch, open(log, "wb") as out:
        patch.setenv("JACK_DEFAULT_SERVER", name)
        patch.setenv("JACK_NO_AUDIO_RESERVATION", "1")
        patch.setenv("LATENTLIVE_MIDI", "jack")
        command = ["jackd", "--no-realtime", "-d", "dummy", "-r", "44100", "-p", "512"]
        server = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            waited(lambda: started(rtmidi) or server.poll() is not None, "the JACK server")
            if server.poll() is not None:
                pytest.skip(f"jackd does not run here: {log.read_text().splitlines()[-1]}")
            yield rtmidi
        finally:
            server.terminate()
            server.wait(PATIENCE)
            for left in Path("/dev/shm").glob(f"jack_sem.*_{name}_*"):  # of clients that ended
                left.unlink()


def started(rtmidi):
    try:
        return rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="waiting")
    except rtmidi.SystemError:
        return None


def waited(what, name):
    """Wait for what no other process tells of."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, name
        time.sleep(0.02)


class Midi:
    """The process, its messages, and what waits for them."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE, "--fd", "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.wire = Wire(self.process.stdout, self.process.stdin)
        self.messages, self.changed = [], threading.Condition()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while (message := self.wire.receive()) is not None:
            with self.changed:
                self.messages.append(message)
                self.changed.notify()

    def wait(self, what):
        with self.changed:
            assert self.changed.wait_for(what, PATIENCE), self.messages[-3:]
            return what()

    def told(self, op):
        return [message for message in self.messages if message["op"] == op]

    def rows(self, start=""):
        rows = [row for message in self.told("values") for row in message["rows"]]
        return [row for row in rows if row[0].startswith(start)]

    def sees(self, kind, name, there=True):
        self.wait(lambda: self.told("ports") and (name in self.told("ports")[-1][kind]) == there)

    def hears(self, out, name):
        """Plug a device in: JACK carries what it sends from one of its next blocks on."""
        self.sees("inputs", name)
        for n in range(round(PATIENCE / 0.02)):
            out.send_message([0xB0, 119, n % 128])
            time.sleep(0.02)
            if self.rows(f"cc:119:1:{name}"):
                return
        raise AssertionError(f"{name} is not heard")

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0
        self.thread.join(PATIENCE)
        self.process.stdout.close()


@pytest.fixture
def midi(rtmidi):
    one = Midi()
    yield one
    one.end()


@pytest.fixture
def knobs(rtmidi):
    """A controller that is plugged in."""
    out = virtual(rtmidi, "knobs")
    yield out
    out.delete()


def virtual(rtmidi, name):
    return rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="box").open_virtual_port(name)


def test_every_message_arrives_with_its_moment_and_none_of_ours_is_heard(knobs, midi):
    midi.hears(knobs, "box:knobs")
    sent = {}
    for n in range(100):
        sent[n] = time.monotonic_ns()
        knobs.send_message([0xB0, n, 100])
        knobs.send_message([0x90, n, 100])
        knobs.send_message([0x80, n, 100])
        time.sleep(0.005)
    midi.wait(lambda: midi.rows("cc:99:") and len(midi.rows("note:")) >= 200)
    rows = [row for row in midi.rows("cc:") if not row[0].startswith("cc:119:")]
    assert [row[0] for row in rows] == [f"cc:{n}:1:box:knobs" for n in range(100)]
    assert rows[74][1:2] + rows[74][3:] == [100 / 127, "cc 74 ch 1 box:knobs"]
    late = sorted(row[2] - sent[n] for n, row in enumerate(rows))
    assert late[0] > -MS  # the library counts by another clock, but from a moment of ours
    assert late[50] < 100 * MS  # two blocks of this server, 23 ms, and a busy machine
    assert [row[1] for row in midi.rows("note:")] == [100 / 127, 0.0] * 100
    table = midi.wait(lambda: [t for t in midi.told("table") if len(t["rows"]) == 200])[-1]
    assert table["rows"][0][0].endswith(":99:1:box:knobs")
    names = midi.told("ports")[-1]
    assert names["inputs"] == ["box:knobs"]  # not the port that we listen with
    assert not [name for name in names["outputs"] if "latentlive" in name]


def test_a_controller_plugged_in_later_is_heard_and_pulled_out_costs_nothing(midi, rtmidi):
    midi.sees("inputs", "box:late", there=False)
    late = virtual(rtmidi, "late")
    midi.hears(late, "box:late")
    late.send_message([0x90, 60, 127])
    midi.wait(lambda: midi.rows("note:60:1:box:late"))
    late.delete()  # with the key held down
    other = virtual(rtmidi, "other")
    midi.hears(other, "box:other")
    midi.sees("inputs", "box:late", there=False)
    midi.wait(lambda: [row[1] for row in midi.rows("note:60:1:box:late")] == [1.0, 0.0])
    other.send_message([0x90, 60, 127])
    midi.wait(lambda: midi.rows("note:60:1:box:other"))
    other.delete()


def test_a_relative_knob_is_one_from_the_message_on(knobs, midi):
    midi.sees("inputs", "box:knobs")
    told = {"op": "relative", "source": "cc:74:1:box:knobs", "mode": "twos", "start": 0.25}
    midi.wire.send({"op": "relative"})  # not such a message: it costs nothing
    midi.wire.send(told)
    # The process reads its input in a thread of its own: a first step tells that it has.
    while not [row for row in midi.rows("cc:74:") if row[1] > 0.2]:
        knobs.send_message([0xB0, 74, 1])
        time.sleep(0.02)
    assert midi.rows("cc:74:")[-1][1] < 0.3


def test_the_clock_of_a_device_is_followed(knobs, midi):
    def good():
        near = [m for m in midi.told("clock") if m["locked"] and abs(m["bpm"] / 125 - 1) < 0.01]
        return [message for message in near if message["beat"] > 3]

    midi.hears(knobs, "box:knobs")
    knobs.send_message([0xFA])
    begun = time.monotonic()
    for n in range(20 * PER_BEAT):  # a busy machine may need more than four beats
        time.sleep(max(begun + n * 0.020 - time.monotonic(), 0.0))
        knobs.send_message([0xF8])
        if good():
            break
    told = good()[0]
    assert (told["device"], told["running"]) == ("box:knobs", True)
    assert told["time_ns"] / 1e9 == pytest.approx(begun + told["beat"] * 0.48, abs=0.1)
    assert len(midi.told("clock")) <= 10 * (time.monotonic() - begun) + 1
    knobs.send_message([0xFC])
    midi.wait(lambda: not midi.told("clock")[-1]["running"])
    midi.wait(lambda: not midi.told("clock")[-1]["locked"])


def test_a_device_gets_clock_at_its_times(midi, rtmidi):
    got = []
    box = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="box")
    box.ignore_types(timing=False)
    box.set_callback(lambda event, _: got.append((time.monotonic(), event[0])))
    box.open_virtual_port("drums")
    midi.sees("outputs", "box:drums")
    told = {"op": "clock out", "device": "box:drums", "running": True, "bpm": 125.0, "beat": 0.0}
    midi.wire.send({**told, "time_ns": time.monotonic_ns() + 3600 * SECOND})
    waited(lambda: got, "the pulses before the first beat")
    begins = time.monotonic() + 0.5
    midi.wire.send({**told, "time_ns": round(begins * 1e9)})
    waited(lambda: len(got) > 4 * PER_BEAT + 20, "four beats")
    midi.wire.send({"op": "clock out", "device": "box:drums", "running": False})
    waited(lambda: got[-1][1] == [0xFC], "the stop")
    box.delete()
    orders = [order for _, order in got]
    assert orders.count([0xFA]) == 1
    pulses = [when for when, order in got[orders.index([0xFA]) :] if order == [0xF8]]
    late = sorted(when - begins - n * 0.020 for n, when in enumerate(pulses))
    assert late[0] > -0.005
    assert late[len(late) // 2] < 0.05  # a block of the server is 12 ms


def test_the_command_lists_and_watches(knobs, rtmidi):
    told = subprocess.run([sys.executable, "-m", "latentlive.cli", "midi"], capture_output=True)
    assert (told.returncode, told.stdout) == (0, b"input    box:knobs\n")
    watched = probe.watched()
    assert next(watched) == "hearing box:knobs"
    seen = threading.Event()

    def turn():  # until it is seen: JACK carries what is sent from one of its next blocks on
        while not seen.wait(0.02):
            knobs.send_message([0xB0, 74, 78])

    turning = threading.Thread(target=turn)
    turning.start()
    assert next(watched) == "cc(74)         0.61   box:knobs ch 1"
    seen.set()
    turning.join()
    watched.close()
    assert doctor.midi().line() == "ok    midi     box:knobs"


@pytest.mark.parametrize(
    ("source", "value", "said"),
    [
        ("bend:2:a:b", -0.5, "bend()         -0.50   a:b ch 2"),
        ("touch:1:x", 1.0, "touch()        1.00   x ch 1"),
        ("note:60:1:x", 0.0, "gate(60, 60)   0.00   x ch 1"),
    ],
)
def test_a_watched_value_has_the_word_to_type(source, value, said):
    assert probe.shown(source, value) == said


def test_without_a_server_one_line_says_so_and_the_process_ends(monkeypatch):
    pytest.importorskip("rtmidi")
    monkeypatch.setenv("LATENTLIVE_MIDI", "jack")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", f"latentlive-none-{os.getpid()}")
    one = Midi()
    said = "midi: no JACK server is running; start one"
    assert one.wait(lambda: one.told("failed")) == [{"op": "failed", "what": "midi", "error": said}]
    one.end()
    told = CliRunner().invoke(main, ["midi"])
    assert (told.exit_code, told.output) == (0, f"{said}\n")
    assert list(probe.watched()) == [said]
    assert doctor.midi().line() == "warn  midi     no JACK server is running; start one"


def test_without_the_library_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    monkeypatch.setitem(sys.modules, "supriya_midi", None)
    with pytest.raises(EngineError, match=r"^midi: .*pip install 'latentlive\[midi\]'$"):
        ports.Driver()


@pytest.mark.parametrize(
    ("system", "error", "said"),
    [
        ("alsa", "MidiInAlsa::initialize: ...", "no ALSA sequencer"),
        ("core", "CoreMIDI: it refuses\nand more", "CoreMIDI: it refuses"),
    ],
)
def test_a_refusal_is_one_line(system, error, said, monkeypatch):
    monkeypatch.setattr(ports, "SEQUENCER", "/no/such/file")
    assert said in ports.refusal(system, error)
    assert "\n" not in ports.refusal(system, error)


def test_a_driver_that_hangs_does_not_take_the_command_along(monkeypatch):
    monkeypatch.setattr(probe, "PROBE_PATIENCE", 0.001)
    assert probe.listed() == [probe.SILENT]


def test_a_performance_with_a_controller_is_bounced_without_it(knobs, tmp_path):
    import numpy as np
    import soundfile

    import latentlive as ll
    from latentlive.engine.log.bounced import bounce_file

    said, log, out = [], tmp_path / "evening.py", tmp_path / "heard.wav"
    tone = ll.sound(np.sin(np.arange(70_000) / 20).astype("f4") * 0.1)
    hiss = ll.sound(np.random.default_rng(3).uniform(-0.1, 0.1, 50_000).astype("f4"))
    with ll.Engine(model="spectral", silent=True, out=out, log=log, say=said.append) as live:

        def values():
            return {source: value for source, value, _ in live.state.get("arrived", [])}

        live.d1.fade(0).lead(1.5).gain(ll.cc(7, start=1).range(-20, 0))
        live.d1 >> ll.interp(tone, hiss, ll.knob("sea", 0)).transpose(ll.key().lag(0.2)).extend(3)
        live.learn("sea")
        waited(lambda: "midi: box:knobs is heard" in said, "the controller")
        waited(lambda: live.state.get("seconds", 0) > 0.3, "the beginning")
        for n in range(100):
            knobs.send_message([0xB0, 74, n])
            knobs.send_message([0xB0, 7, 127 - n])
            if n % 20 == 0:
                knobs.send_message([0x90, 60 + n // 20, 100])
            time.sleep(0.02)
        waited(lambda: values().get("cc:74:1:box:knobs") == 0.7795, "the last value")
        assert any(line.startswith("knob 'sea' follows cc ") for line in said), said
        assert values()["note:64:1:box:knobs"] > 0.7
        assert "cc(74)" in repr(live.knobs)
        live.hush(0.2)
        waited(lambda: live.state.get("silent"), "silence")
    heard = soundfile.read(out, dtype="float32")[0]
    bounced = soundfile.read(bounce_file(log, tmp_path / "bounced.wav"), dtype="float32")[0]
    same = min(len(heard), len(bounced))
    assert same > 2 * 44100
    assert np.array_equal(heard[:same], bounced[:same])
