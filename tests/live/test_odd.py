"""What is odd, and what is out of order: messages, words and faults that must not end the sound."""

from __future__ import annotations

import copy
import math
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.expr import dump
from latentlive.protocol.changes import Change
from latentlive.protocol.requests import Plan, Request
from tests.live.conftest import RATE, wait_until
from tests.live.test_survival import ONE, OTHER, at, performance, plain, same

__all__ = ["plain"]  # the fixture: what is heard when nothing goes wrong

SOUND = ll.sound(np.ones(300, np.float32))
FIELDS = {
    "layer": "d3",
    "only": ["d3"],
    "when": {"op": "now"},
    "source": {"expr": dump(SOUND), "code": "one", "sounds": {}},
    "name": "d4",
    "path": "x.wav",
    "muted": True,
    "gain_db": dump(ll.sine(2)),
    "bpm": 90.0,
    "changes": [],
    "n": 3,
    "on": False,
    "value": 0.5,
    "beats": 4.0,
    "channel": 1,
    "ticket": "it",
    "effect": "lpf",
    "bus": "hall",
}
"""What is right in each field that is needed."""

WRONG = ({}, -math.inf, math.nan, 1e300, [None])
"""What is right in no field, but for a list of changes that are none."""


class Raw(dict):
    """A message as a program of another kind would send it."""

    def dump(self):
        return self


def broken():
    """Yield messages with one thing wrong each."""
    yield {}
    yield {"op": None}
    yield {"op": ["cell"]}
    yield {"op": "hello"}  # it is in already
    for word, family in (("", Request), ("changes", Change), ("plans", Plan)):

        def wrapped(inner, word=word):
            return {"op": "cell", "changes": [], word: [inner]} if word else inner

        for item in (None, 3, "play", [], {}, {"op": "no such"}, {"op": {}}) if word else ():
            yield wrapped(item)
        for op, record in family.words.items():
            needed = record.kinds.keys() - record.defaults.keys()
            good = {"op": op, **{field: FIELDS[field] for field in needed}}
            yield wrapped({**good, "more": 1})
            for field in needed:
                yield wrapped({key: value for key, value in good.items() if key != field})
            for field in record.kinds:
                for wrong in WRONG:
                    if (field, wrong) != ("curves", {}):  # an effect is taken off
                        yield wrapped({**good, field: wrong})
    for part in ("expr", "code", "sounds"):
        for wrong in (*WRONG, {"x": 3}):
            source = copy.deepcopy(FIELDS["source"])
            source[part] = wrong
            if source[part] != {} or part != "sounds":
                yield {"op": "audition", "source": source}


def test_messages_that_are_out_of_order_are_refused_one_by_one(plain, tmp_path):
    refused = 0
    with performance(tmp_path / "heard.wav", model="toy") as live:
        live.start()
        for message in broken():
            with pytest.raises(ll.EngineError) as caught:
                live.request(Raw(message))
            assert "\n" not in str(caught.value)
            assert "a fault of its own" not in str(caught.value), message
            refused += 1
        assert [one["name"] for one in live.state["layers"]] == ["d1", "d2"]
    assert refused > 250
    assert same(tmp_path / "heard.wav", plain)


HUGE, TINY = 1.7e308, 5e-324
ODD = """
d1.fade(HUGE)
d1.fade(1e6).stop(1e6)
d1.quant(TINY).xfade(TINY).fade(TINY)
d1.morph(1e6).quant(0)
d1.stop(HUGE)
hush(HUGE)
tempo(120, over=1e6)
tempo(2000, over=TINY)
tempo(60)
d1.gain(HUGE)
d1.gain(-HUGE)
d1.amp(HUGE)
d1.amp(-HUGE)
d1.pan(HUGE)
master.gain(HUGE)
master.gain(-HUGE)
master.gain(-9)
d1.gain([0, -10, 3])
d1.amp(ll.fit([0, 1]))
master.gain(ll.sine(3) * ll.fit([0, 1]))
d1.gain(ll.line(-HUGE, HUGE, 1e-6))
d1.gain(ll.env([(-HUGE, HUGE), (HUGE, -HUGE)]))
d1.gain(ll.seq([HUGE, -HUGE], 1e-6))
d1.amp(ll.sine(1) / ll.sine(1))
d1.amp(ll.brown(1e-6).smooth(1e6))
d1.amp(ll.sine(1e6).fast(1e6).late(-1e6))
d1 >> sound.slow(1e6)
d1 >> sound.fast(1e6)
d1 >> sound.extend(1e6).loop(1e6)
d1 >> sound.loop(1e18)
d1 >> sound.slice(0, 1e-300)
d1 >> sound.slice(0, 1e-9).overlap(16)
d1 >> sound.early(-1e6)
d1 >> sound.early(HUGE)
d1 >> sound.scrub(ll.line(-HUGE, HUGE, 1))
d1 >> sound.offset(sound, HUGE)
d1 >> sound.spread(HUGE)
d1 >> sound.jitter(HUGE)
d1 >> sound.smooth(1e6)
d1 >> sound.dim(0, HUGE) * HUGE * HUGE
d1 >> sound.freeze(1e9)
d1 >> ll.path([sound, sound], ll.saw(TINY))
d1 >> ll.path([sound, sound], ll.saw(1e-6))
d1 >> ll.drift(3, beats=1e-6)
d1 >> ll.steps(sound, sound, 0, 1, TINY)
d1 >> ll.interp(sound, sound, HUGE)
d1 >> ll.cat(*[sound] * 1000)
d1 >> ll.prior(3).slice(0, 1e9)
d1.wide(1.0).out(1)
d1.wide(HUGE)
d1.out(10**30)
d1.restart()
at(1e6, lambda: d1.stop())
at(HUGE, lambda: d1.stop())
cue("late", lambda: d1 >> sound)
after("late", 1e6, lambda: d1.stop())
live.go("late")
live.seed(10**30)
live.bounce(0, HUGE, "x.wav")
live.audition(sound * HUGE)
live.undo()
live.redo()
d1.fade(10**400)
live.record("a\\0.wav")
live.record("\\ud800.wav")
""".strip().splitlines()
"""Words with a meaning, but with values that nobody means."""


def test_words_with_odd_values_do_not_end_the_sound(tmp_path):
    said, lines, taken, out = [], [], 0, tmp_path / "heard.wav"
    with ll.Engine(model="toy", silent=True, out=out, say=said.append) as live:

        def planned(context):
            with context[0]:
                context[1]()

        words = {
            **{"ll": ll, "live": live, "HUGE": HUGE, "TINY": TINY, "sound": ll.sound(ONE)},
            **{"d1": live.d1, "master": live.master, "tempo": live.tempo, "hush": live.hush},
            "at": lambda beat, then: planned((live.at(beat), then)),
            "cue": lambda name, then: planned((live.cue(name), then)),
            "after": lambda name, beats, then: planned((live.after(name, beats), then)),
        }
        live.d2.quant(0) >> ll.sound(OTHER)
        wait_until(lambda: live.state.get("running"), 20, "the transport")
        workers = live.state["workers"]
        for line in ODD:
            live.d1.quant(0).gain(0).amp(1).xfade(0.1)
            try:
                exec(line, words)
                taken += 1
            except ll.LatentliveError as error:
                lines.append(str(error))
            time.sleep(0.1)  # some land, some are replaced before
            live.d1.quant(0) >> ll.sound(ONE)
            assert live.state["workers"][0] == workers[0], line
        live.tempo(60)
        before = live.state["seconds"]
        wait_until(lambda: live.state["seconds"] > before + 2.0, 20, "time to go on")
        assert live.state["missing"] == 0
        assert [one["state"] for one in live.state["layers"] if one["name"] == "d2"] == ["playing"]
    assert min(taken, len(lines)) > 10
    assert not [line for line in lines if "\n" in line]
    assert not [line for line in said if "died" in line or "fault of its own" in line]
    heard = soundfile.read(out, dtype="float32")[0]
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() <= 10 ** (-0.7 / 20)  # -1 dBFS between the samples, within 0.3 dB
    assert np.abs(heard[-2 * RATE : -RATE]).max() > 0.01


FAULTY = """
import sys

if "latentlive.engine.server.main" in sys.orig_argv:
    import latentlive.engine.schedule.scheduler as module

    own, calls = module.Scheduler.advance, 0

    def advance(self):
        global calls
        calls += 1
        if self.timeline.running and calls % 5 == 4:
            raise IndexError("by a test")
        own(self)

    module.Scheduler.advance = advance
"""


def test_a_fault_of_the_engines_own_is_told_once_and_the_sound_goes_on(
    plain, tmp_path, monkeypatch
):
    folder = tmp_path / "faulty"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(FAULTY)
    said = []
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        with performance(tmp_path / "heard.wav", model="toy", said=said) as live:
            live.start()
    faults = [line for line in said if "a fault of its own" in line]
    assert len(faults) == 1
    assert "IndexError('by a test'); the sound goes on; see " in faults[0]
    assert "in advance" in Path(faults[0].rpartition("see ")[2]).read_text()
    assert same(tmp_path / "heard.wav", plain)


PIPED = """
import sys

if "latentlive.engine.server.main" in sys.orig_argv:
    import latentlive.engine.log.journal as module

    own = module._fresh

    def fresh(path):
        path, text, lines = own(path)
        lines.close()
        return path, text, open({pipe!r}, "w", encoding="utf-8")

    module._fresh = fresh
"""


@pytest.mark.parametrize("fault", ["stalls", "breaks"])
def test_a_disk_that_fails_under_the_log_does_not_hold_up_the_sound(
    fault, plain, tmp_path, monkeypatch
):
    folder, pipe, log, said = tmp_path / "piped", tmp_path / "pipe", tmp_path / "log.py", []
    folder.mkdir()
    os.mkfifo(pipe)  # it is full after 64 KiB, and broken without a reader
    (folder / "sitecustomize.py").write_text(PIPED.format(pipe=str(pipe)))
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        with performance(tmp_path / "heard.wav", model="toy", log=log, said=said) as live:
            live.start()
            if fault == "breaks":
                at(live, 0.5)
                os.close(reader)
    if fault == "stalls":
        assert os.read(reader, 9) == b'{"format"'
        os.close(reader)
    told = [line for line in said if line.startswith("log: cannot write")]
    assert len(told) == (fault == "breaks")
    assert same(tmp_path / "heard.wav", plain)


def test_a_worker_that_reads_nothing_does_not_hold_up_the_others(plain, tmp_path):
    long = ll.sound((np.random.default_rng(7).standard_normal(20 * RATE) * 0.1).astype("f4"))
    with performance(tmp_path / "heard.wav", model="toy") as live:
        wait_until(lambda: live.state.get("workers_up") == 2, 20, "both workers")
        live.start()
        at(live, 1.8)
        preparing = live.state["workers"][1]
        os.kill(preparing, signal.SIGSTOP)  # until it is replaced
        for n in range(3):  # megabytes: much more than a pipe holds
            live.d3.out(3).quant(0) >> long.slow(2 + n)
            time.sleep(0.1)
        at(live, 2.9)
    assert same(tmp_path / "heard.wav", plain)
