"""An engine among real MIDI devices: clocks, and wheels without ends."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.engine.inputs.lock import PER_BEAT
from latentlive.engine.log.bounced import bounce_file
from tests.live.conftest import wait_until
from tests.test_midi import knobs, rtmidi, waited  # noqa: F401 - fixtures

BPM = 125


class Drums:
    """A device that sends clock, from a thread of its own."""

    def __init__(self, out):
        self.out, self.ended = out, threading.Event()
        self.out.send_message([0xFA])
        self.begun = time.monotonic() + 0.02
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        pulse = 0
        while not self.ended.is_set():
            time.sleep(max(self.begun + pulse * 60 / BPM / PER_BEAT - time.monotonic(), 0.0))
            self.out.send_message([0xF8])
            pulse += 1

    def end(self):
        self.ended.set()
        self.thread.join()


def test_tempo_and_beats_of_a_device_are_followed_and_handed_on(knobs, rtmidi, tmp_path):  # noqa: F811
    said, got, log, out = [], [], tmp_path / "evening.py", tmp_path / "heard.wav"
    synth = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="rack")
    synth.ignore_types(timing=False)
    synth.set_callback(lambda event, _: got.append((time.monotonic(), event[0])))
    synth.open_virtual_port("synth")
    noise = ll.sound(np.random.default_rng(3).uniform(-0.1, 0.1, 50_000).astype("f4"))
    with ll.Engine(model="toy", silent=True, out=out, log=log, say=said.append) as live:
        assert repr(live.clock_in()) == "no clock is heard yet"
        live.clock_in("knobs")
        live.clock_out("synth")
        waited(lambda: "midi: box:knobs is heard" in said, "the device")
        drums = Drums(knobs)
        try:
            waited(lambda: "box:knobs gives the tempo, about 12" in "\n".join(said), "the clock")
            live.d1.fade(0).pan(ll.tri(1)) >> noise.loop()  # it begins on a beat of the clock

            def near():
                clock = live.fresh()["clock"]
                return clock["apart"] is not None and abs(clock["apart"]) < 0.010

            wait_until(lambda: abs(live.state["bpm"] - BPM) < 0.5 and near(), 30, "its beats")
            assert "box:knobs" in repr(live.clock_in())
            assert "box:knobs" not in repr(live.clock_out())
            assert repr(live.clock_out()).endswith("rack:synth")
            with pytest.raises(ll.EngineError, match="tempo: box:knobs gives the tempo"):
                live.tempo(90)
            waited(lambda: [0xFB] in [order for _, order in got], "the synth's start")
            begun = len(got)
            waited(lambda: len(got) > begun + 3 * PER_BEAT, "three beats")
        finally:
            drums.end()
        gone = "clock_in: the clock of box:knobs is gone; the tempo stays at 12"
        waited(lambda: gone in "\n".join(said), "the end of the clock")
        live.clock_out(None)
        waited(lambda: got[-1][1] == [0xFC], "the synth's stop")
        assert (live.state["missing"], live.state["underflows"]) == (0, 0)
        live.hush(0)
        waited(lambda: live.state.get("silent"), "silence")
    synth.delete()
    pulses = [when for when, order in got[begun:] if order == [0xF8]]
    pace = np.polyfit(np.arange(len(pulses)), pulses, 1)[0]
    assert 60 / pace / PER_BEAT == pytest.approx(BPM, rel=0.02)
    heard = soundfile.read(out, dtype="float32")[0]
    bounced = soundfile.read(bounce_file(log, tmp_path / "bounced.wav"), dtype="float32")[0]
    same = min(len(heard), len(bounced))
    assert same > 3 * 44100
    assert np.array_equal(heard[:same], bounced[:same])


def turned(live, said, knobs):  # noqa: F811
    """Let a layer follow a knob, and turn a wheel by steps until that shows."""
    live.d1 >> ll.interp(ll.z([0.1] * 1024), ll.silence, ll.knob("sea"))
    waited(lambda: "midi: box:knobs is heard" in said, "the device")

    def sea():
        knobs.send_message([0xB0, 16, 2])
        return {source: value for source, value, _ in live.state["arrived"]}.get("knob:sea", 0.0)

    waited(lambda: sea() > 0.4, "a turn")
    assert sea() < 0.6
    assert "cc(16)" in repr(live.knobs)


def test_a_wheel_is_learned_and_known_the_next_time(knobs, monkeypatch, tmp_path):  # noqa: F811
    monkeypatch.setenv("LATENTLIVE_CONFIG", str(tmp_path))
    said = []
    with ll.Engine(model="toy", silent=True, say=said.append) as live:
        live.turn("sea", 0.25)
        live.learn("sea", relative=True)
        turned(live, said, knobs)
        assert "knob 'sea' follows cc 16 ch 1 box:knobs" in said
        assert len(list((tmp_path / "knobs").iterdir())) == 1
    said = []
    with ll.Engine(model="toy", silent=True, say=said.append) as live:
        live.turn("sea", 0.25)
        turned(live, said, knobs)
        live.forget("sea")
        assert list((tmp_path / "knobs").iterdir()) == []
