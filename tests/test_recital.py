"""Sessions played without a prompt: faults, first moments, an end, acts at their cell's moment."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
import types
from typing import ClassVar

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.prompt import recital
from latentlive.prompt.recital import play

RATE = 44100
TONE = "sound((np.sin(np.arange(44100) * 0.05) * 0.3).astype('f4')).spread(0)"


def heard_of(path):
    """Return the left side of a recording."""
    return soundfile.read(path)[0][:, 0]


def level(heard, begin, end):
    """Return the peak between two seconds."""
    return np.abs(heard[round(begin * RATE) : round(end * RATE)]).max(initial=0.0)


def recite(folder, text, seconds=None):
    """Play a session's text; return what was heard, told of cells, and said, and the last state."""
    file, out = folder / "piece.py", folder / "heard.wav"
    file.write_text(text)
    told, said = [], []
    options = {"model": "toy", "silent": True, "hold": True, "corpus": folder}
    with ll.Engine(out=out, log=folder / "log.py", say=said.append, **options) as live:
        play(live, file, seconds, tell=told.append)
        state = live.state
    return heard_of(out), told, said, state


FAULTS = f"""1 / 0
# %% leaves
raise SystemExit
# %% interrupts
raise KeyboardInterrupt
# %% no code
def
# %% cannot be shown
class Odd(Exception):
    def __str__(self): 1 / 0
raise Odd
# %% 00:00:00.5 tone
d1.fade(0) >> {TONE}.loop(1)
# %% 00:00:00.6 lost
d2 >> 3
# %% 00:00:02 back
record('/no/such/take.wav')
"""


def test_cells_that_fail_cost_themselves_alone_and_a_first_sound_may_come_later(tmp_path):
    heard, told, said, state = recite(tmp_path, FAULTS)
    assert [line.partition(":")[0] for line in told] == [
        *("line 1", "leaves", "interrupts", "no code", "cannot be shown", "lost"),
    ]
    assert told[0] == "line 1: line 1: ZeroDivisionError: division by zero"
    begun = np.flatnonzero(heard)[0]
    assert 0 <= begun - RATE // 2 < 512
    assert level(heard, 0.6, 1.4) > 0.05
    assert len(heard) > 2 * RATE  # what waits for its moment is waited for
    why = "record: cannot write /no/such/take.wav: No such file or directory"
    assert said == [f"back: {why}"]
    assert state["refused"] == 1


ACTS = """d1.fade(0) >> TONE
# %% 00:00:01 quieter
d1.gain(-24)
# %% 00:00:02 back
undo()
# %% 00:00:03 again
redo
# %% 00:00:03.500 tape
record("TAKE")
d1.gain(-6)
# %% 00:00:04.500 out
panic
d2 >> TONE.loop(1)
# %% 00:00:04.500 and
d4 >> TONE.loop(1)
# %% 00:00:05 off
stop_recording()
d3.fade(0) >> TONE.loop(1)
"""


def test_panic_undo_redo_and_record_act_at_the_moment_of_their_cell(tmp_path):
    take = tmp_path / "take.wav"
    text = ACTS.replace("TAKE", str(take)).replace("TONE", TONE)
    heard, told, said, state = recite(tmp_path, text)
    assert not told
    assert state["refused"] == 0, said
    loud = level(heard, 0.5, 1)
    for begin, end, gain in ((1.1, 2, 0.063), (2.5, 3, 1), (3.3, 3.5, 0.063), (3.7, 4.5, 0.501)):
        assert level(heard, begin, end) == pytest.approx(gain * loud, rel=0.02), begin
    assert level(heard, 4.6, 4.7) == 0.0
    decisions = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    begun = {
        one["layer"]: round(one["at"] / RATE, 2) for one in decisions if one.get("do") == "start"
    }
    assert begun["d2"] in (5, 6)  # the panic's own cell: as if it were typed then
    assert begun["d4"] in (5, 6)  # that of the same moment comes after it
    assert begun["d3"] == 5  # what is planned for later stays
    said = [line for line in said if "waits for the next quant" not in line]  # d4
    assert [line.partition(":")[0] for line in said] == [
        *("undone", "redone", f"recording to {take}", f"recorded to {take}, 0"),
    ]
    taken = heard_of(take)
    assert len(taken) == pytest.approx(1.5 * RATE, abs=0.15 * RATE)
    starts = range(round(3.5 * RATE), round(3.7 * RATE))
    assert any(np.array_equal(heard[at : at + 4000], taken[:4000]) for at in starts)


class Hall:
    """An engine that only keeps time."""

    welcome: ClassVar = types.SimpleNamespace(sample_rate=RATE)
    ended = False

    def __init__(self):
        self.cells, self.begun = [], None

    def start(self):
        self.begun = time.monotonic()

    @property
    def state(self):
        since = 0.0 if self.begun is None else time.monotonic() - self.begun
        return {"running": self.begun is not None, "seconds": since, "silent": False}

    def cell(self, at, code, name):
        self.cells.append((at, name))
        return contextlib.nullcontext()


def test_seconds_end_what_never_ends(tmp_path, monkeypatch):
    stuck = threading.Event()
    monkeypatch.setattr(recital, "stuck", stuck, raising=False)
    monkeypatch.setattr(recital, "START_PATIENCE", 0.2)
    (tmp_path / "stuck.py").write_text(
        "x = 1\n# %% 00:00:03.200 stuck\n"
        "from latentlive.prompt import recital\nrecital.stuck.wait(60)\n# %% 00:00:03.5 no\nx\n"
    )
    begun = time.monotonic()
    try:
        hall = Hall()
        play(hall, tmp_path / "stuck.py", 0.5)
        assert hall.cells == [(None, "line 1"), (round(3.2 * RATE), "stuck")]
        text = (tmp_path / "stuck.py").read_text()
        (tmp_path / "stuck.py").write_text(text.replace("3.200", "0.200"))
        with pytest.raises(ll.EngineError, match=r"play: it has not begun after 0\.3 s"):
            play(Hall(), tmp_path / "stuck.py", 0.1)
    finally:
        stuck.set()
    assert time.monotonic() - begun < 5


def test_a_million_cells_end_with_seconds(tmp_path):
    (tmp_path / "many.py").write_text("x = 1\n" + "#%% 00:00:03.5\nx = 1\n" * 1_000_000)
    hall = Hall()
    begun = time.monotonic()
    play(hall, tmp_path / "many.py", seconds=1.0)
    assert 1.0 < time.monotonic() - hall.begun < 3.0
    assert time.monotonic() - begun < 30
    assert len(hall.cells) > 100


def test_what_waits_for_its_moment_is_planned_and_can_be_cancelled(tmp_path):
    with ll.Engine(model="toy", silent=True, hold=True, corpus=tmp_path) as live:
        with live.cell(at=90 * RATE, name="tape"):
            live.record(tmp_path / "take.wav")
        with live.cell(at=60 * RATE):
            live.undo()
            assert (live.now.sample, live.now.beat) == (60 * RATE, 60.0)
        live.start()
        assert [row[:2] for row in live.plan] == [("undo", "beat 60.00"), ("tape", "beat 90.00")]
        assert not live.fresh()["silent"]
        live.cancel("undo")
        assert [row[0] for row in live.plan] == ["tape"]
        live.panic()
        assert len(live.plan) == 0
        assert live.fresh()["silent"]
        assert not (tmp_path / "take.wav").exists()


def test_the_command_fails_if_a_cell_did(tmp_path):
    (tmp_path / "piece.py").write_text(f"1 / 0\n# %% 00:00:00.2 tone\nd1 >> {TONE}.loop(1)\n")
    (tmp_path / "piece.flac").write_bytes(b"yesterday")
    command = [sys.executable, "-m", "latentlive.cli", "play", "piece.py", "--silent"]
    command += ["--model", "toy", "--corpus", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert told.returncode == 1
    assert told.stdout == "piece-2.flac\n"
    assert "line 1: line 1: ZeroDivisionError: division by zero" in told.stderr
    assert "record: piece.flac is there already; this is piece-2.flac" in told.stderr
    assert level(soundfile.read(tmp_path / "piece-2.flac")[0], 0.2, 1.2) > 0.05
    assert (tmp_path / "piece.flac").read_bytes() == b"yesterday"
