"""Frozen sounds beside a performance: a real process renders; lines, cells and sessions wait."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from queue import SimpleQueue

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.engine.log.bounced import bounce_file
from latentlive.ground import processes
from latentlive.prompt import recital
from latentlive.prompt.booting import Booting
from latentlive.prompt.console import Console
from latentlive.prompt.panel import panel
from latentlive.prompt.recital import play
from tests.freezing.conftest import NOISE, RATE, WORN, held, opened, process_of, samples_of
from tests.live.conftest import wait_until


def test_a_layer_takes_it_when_it_is_complete_and_the_replay_renders_nothing(corpus, tmp_path):
    said, log, out = [], tmp_path / "log.py", tmp_path / "heard.wav"
    with opened(corpus, said, log=log, out=out) as live:
        live.d1.fade(0).xfade(0.1).quant(0) >> ll.sound("gong")
        live.wait_for(lambda: live.state["running"])
        with live.cell(code='d1 >> sound("gong").extend(4).frozen("river")'):
            _ = live.d1 >> ll.sound("gong").extend(4).frozen("river")
        assert live.shown("d1") == "sound('gong')"
        wait_until(lambda: live.shown("d1") == "sound('river')", 60, "the frozen sound to play")
        wait_until(lambda: "river is frozen: d1 plays it" in said, 10, "it to be said")
        end = live.state["seconds"] + 1.5
        wait_until(lambda: live.state["seconds"] > end, 20, "it to be heard")
    assert "d1 >> sound('river')" in log.read_text()
    for path in (tmp_path / "cache" / "frozen").iterdir():
        path.unlink()  # the log has the digest of its samples
    mix = bounce_file(log, tmp_path / "again.wav", corpus=corpus)
    heard, again = (soundfile.read(path, dtype="float32")[0] for path in (out, mix))
    length = min(len(heard), len(again))
    assert length > RATE
    assert np.array_equal(heard[:length], again[:length])


def test_after_a_restart_it_is_there_and_is_not_rendered_again(corpus):
    with opened(corpus) as live:
        WORN.frozen("river")
        wait_until(lambda: not live.freezing.progress, 60, "it to be frozen")
    (whole,) = held()
    with opened(corpus) as live:
        assert WORN.frozen("river") == ll.sound("river")
        assert not live.freezing.progress
        live.d1 >> ll.sound("river")
        live.seed(1)
        WORN.frozen("river")
        assert [one.name for one in live.freezing.progress] == ["river"]
        live.d2 >> ll.sound("river").loop(2)  # waits for the new one
        wait_until(lambda: "loop" in live.shown("d2"), 60, "the new one to play")
        sounds = [live.source(ll.sound("river")).sounds, live.shown("d1")]
        assert sounds[1] == "sound('river')"
    assert held() != [whole]


def test_one_is_rendered_after_the_other_and_cancel_takes_one_away(slow, corpus):
    said = []
    with opened(corpus, said, model=slow) as live:
        (WORN * 0.5).frozen("sea", seconds=60)
        WORN.frozen("river")
        live.d1 >> ll.sound("river")
        live.d2 >> ll.sound("sea")
        process = process_of(live)
        assert processes.started(process.pid)
        if hasattr(os, "getpriority"):
            assert os.getpriority(os.PRIO_PROCESS, process.pid) == 19
        rows = [str(one) for one in live.freezing.progress]
        assert rows[1] == "waits"
        wait_until(
            lambda: any("d2 plays sea when it is frozen, in about" in s for s in said), 30, ""
        )
        assert [name for name, told in live.status.table.rows if name == "freezing"] == [
            *("freezing", "freezing"),
        ]
        assert any(file.startswith(".") for file in held())
        live.cancel("sea")
        assert "sea is not frozen any more" in said
        assert not processes.started(process.pid)
        assert not any("sea" in file for file in held())
        wait_until(lambda: live.shown("d1") == "sound('river')", 60, "the other one")
        assert not live.shown("d2")
        with pytest.raises(ll.EngineError, match="sea"):
            live.cancel("sea")


def test_a_killed_process_costs_one_line_and_nothing_else(slow, corpus):
    said = []
    with opened(corpus, said, model=slow) as live:
        WORN.frozen("sea", seconds=60)
        live.d1 >> ll.sound("sea")
        os.kill(process_of(live).pid, signal.SIGKILL)
        wait_until(lambda: not live.freezing.progress, 20, "it to be noticed")
        said = [line for line in said if "when it is frozen" not in line]
        assert said == ["sea is not frozen: its process was ended; d1 goes on as before"]
        assert not any("sea" in file for file in held())
        WORN.frozen("river")
        live.d1 >> ll.sound("river")
        wait_until(lambda: live.shown("d1") == "sound('river')", 60, "the next one")


def silenced_elsewhere(live):
    """Panic from another program."""
    other = ll.Engine.attach(say=lambda line: None)
    other.panic()
    other.hang_up()


@pytest.mark.parametrize(
    "newer",
    [
        lambda live: live.d1 >> ll.sound("gong").rev(),
        lambda live: live.d1.stop(),
        lambda live: live.hush(),
        lambda live: live.panic(),
        lambda live: live.undo(),
        silenced_elsewhere,
    ],
)
def test_a_newer_line_of_the_layer_drops_the_one_that_waits(newer, corpus):
    said = []
    with opened(corpus, said) as live:
        live.d1 >> ll.sound("gong")
        WORN.extend(40).frozen("river")
        live.d2 >> ll.sound("gong")
        live.d1 >> ll.sound("river")
        assert live.freezing.waiting.lines
        newer(live)
        wait_until(lambda: "river is frozen" in said, 60, "it to be frozen")
        assert "river" not in live.shown("d1")


def test_undo_takes_back_the_line_that_waits_and_then_what_came_before(corpus):
    said = []
    with opened(corpus, said) as live:
        live.d1.quant(0) >> ll.sound("gong")
        live.wait_for(lambda: any(one["state"] == "playing" for one in live.state["layers"]))
        WORN.extend(40).frozen("river")
        with live.cell():
            live.d1.gain(-12) >> ll.sound("river")
        live.wait_for(lambda: live.state["layers"][0]["gain"] == "-12")
        live.undo()  # all of the cell
        live.wait_for(lambda: live.state["layers"][0]["gain"] != "-12")
        assert not live.freezing.waiting.lines
        live.d1 >> ll.sound("river")
        live.d2 >> ll.sound("river")
        live.undo()
        assert set(live.freezing.waiting.lines) == {"d1"}
        assert "undone: d2 waits no more" in said


def test_lines_of_one_cell_count_in_their_order_and_a_failed_one_waits_for_nothing(corpus):
    with opened(corpus) as live:
        river, gong = ll.sound("river"), ll.sound("gong")
        live.d3.quant(0) >> gong
        live.wait_for(lambda: live.shown("d3"))
        WORN.extend(40).frozen("river")
        with live.cell():
            live.d1 >> river
            live.d1 >> gong
            live.d2 >> gong
            live.d2 >> river
            live.d3 >> river
            live.d3.rename("sea")
        assert set(live.freezing.waiting.lines) == {"d2", "sea"}
        with pytest.raises(ll.ExpressionError), live.cell():
            live.d5 >> river.slice(live.d5 >> river, 1)
        with pytest.raises(ll.ExpressionError, match="'river' is not frozen yet"), live.cue("x"):
            live.d5 >> river
        with pytest.raises(ll.ExpressionError, match="'river' is not frozen yet"):
            live.audition(river)
        with pytest.raises(ll.ExpressionError, match=r"'river' is not frozen yet.*freeze this one"):
            (river + gong).frozen("lake")
        wait_until(lambda: live.shown("sea") == "sound('river')", 60, "it to play")
        assert live.shown("d2") == "sound('river')"
        assert live.shown("d1") == "sound('gong')"
        assert not live.shown("d5")


def test_when_the_prompt_ends_what_it_renders_ends_and_what_is_complete_stays(slow, corpus):
    with opened(corpus, model=slow) as live:
        WORN.frozen("river")
        wait_until(lambda: not live.freezing.progress, 60, "the first")
        WORN.frozen("sea", seconds=600)
        process = process_of(live)
    assert process.poll() is not None
    assert [name for name in held() if "river" in name] == held()


KILLED = """
import sys
import latentlive as ll
live = ll.Engine(model="slow", silent=True, corpus=sys.argv[1], on_exit="fade")
ll.noise(1).frozen("sea", seconds=3600)
live.wait_for(lambda: live.freezing.progress[0].done, 60)
print(live.freezing._makings[0].process.pid, flush=True)
sys.stdin.read()
"""


def test_a_process_whose_prompt_was_killed_goes_and_leaves_nothing(slow, corpus):
    command = [sys.executable, "-c", KILLED, str(corpus)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as prompt:
        pid = int(prompt.stdout.readline())
        assert processes.started(pid)
        assert len(held()) == 1
        prompt.kill()
    wait_until(lambda: not processes.started(pid), 20, "it to go")
    assert held() == []


def test_what_no_one_expects_costs_one_sound_and_the_next_is_rendered(corpus, monkeypatch):
    said = []
    with opened(corpus, said) as live:
        monkeypatch.setattr(live.freezing, "_render", lambda making: 1 / 0)
        WORN.frozen("sea")
        wait_until(lambda: not live.freezing.progress, 20, "it to be given up")
        monkeypatch.undo()
    assert said[0] == "sea is not frozen: ZeroDivisionError: division by zero"


# At the prompt.


def test_at_the_prompt(corpus, tmp_path):
    said = []
    options = {"model": "toy", "silent": True, "corpus": corpus, "say": said.append}
    booting = Booting(lambda: ll.Engine(**options), said.append, said.append)
    prompt = Console(booting, SimpleQueue())
    try:
        # The engine is still starting: the line waits for it.
        answer = prompt.run('sound("gong").extend(40).spread(0.5).frozen("river")')
        assert answer.shown == "sound('river')"
        assert prompt.run('d1 >> sound("river").loop(2)').error == ""
        assert " freezing river " in "\n".join(panel(booting.state, 80))
        assert "freezing   river" in prompt.run("status").shown
        assert prompt.run('x.frozen("../x")').error.startswith("no name 'x'")
        answer = prompt.run('sound("gong").frozen("a/b")')
        assert answer.error.startswith("frozen: a name is letters, digits")
        answer = prompt.run("sound('gong').frozen()")
        assert "name" in answer.error
        wait_until(lambda: "river" in booting.engine().shown("d1"), 60, "it to play")
        assert "frozen" in prompt.run('corpus.find("riv")').shown
        assert not any("river" in name for name in booting.engine().corpus.names)
        answer = prompt.run('cancel("river")')
        assert answer.error
    finally:
        booting.close()


PROMPT = """sound("gong").frozen("lake", seconds=0.5)
noise(1).frozen("sea", seconds=3600)
d1 >> sound("sea")
status
1 / 0
"""


def test_a_prompt_that_is_left_leaves_nothing_that_runs_or_is_half(corpus, tmp_path):
    command = [sys.executable, "-m", "latentlive.cli", "--plain", "--model", "toy"]
    command += ["--corpus", str(corpus), "--log", str(tmp_path / "log.py")]
    told = subprocess.run(command, input=PROMPT, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr
    assert "freezing   sea: waits" in told.stdout
    assert "Traceback" not in told.stderr
    assert not any("-sea" in file for file in held())


# In sessions.

SESSION = """tempo(90)
seed(4)
river = interp(sound("gong").spread(1), sound("gong").rev(), sine(1)).frozen("river")
# %% first
d1.fade(0).quant(0) >> river.loop(1)
"""


def test_a_session_waits_and_sounds_the_same_each_time(corpus, tmp_path):
    (tmp_path / "piece.py").write_text(SESSION)
    heard = []
    for number in range(2):
        out, told = tmp_path / f"{number}.wav", []
        with opened(corpus, model="toy", hold=True, out=out) as live:
            play(live, tmp_path / "piece.py", tell=told.append)
        assert not told
        heard.append(soundfile.read(out, dtype="float32")[0])
        seconds = len(samples_of("river")) / RATE
    assert seconds == 1.0
    length = min(map(len, heard))
    assert np.array_equal(heard[0][:length], heard[1][:length])
    texture = ll.interp(ll.sound("gong").spread(1), ll.sound("gong").rev(), ll.sine(1)).loop()
    plain = ll.render(texture, 1, model="toy", corpus=corpus, seed=4, tempo=90)
    assert np.array_equal(samples_of("river")[300:], plain[300:])


def test_a_session_waits_as_long_as_it_takes_and_no_longer_than_it_is_played(
    slow, corpus, tmp_path, monkeypatch
):
    monkeypatch.setattr(recital, "START_PATIENCE", 0.1)
    (tmp_path / "piece.py").write_text('d1 >> sound("gong").frozen("sea", seconds=0.7)')
    told = []
    with opened(corpus, model=slow, hold=True) as live:
        play(live, tmp_path / "piece.py", seconds=0.5, tell=told.append)
        assert live.state["running"]
    assert not told
    (tmp_path / "piece.py").write_text('noise(1).frozen("lake", seconds=3600)')
    with opened(corpus, model=slow, hold=True) as live:
        session = recital.Recital(live, tmp_path / "piece.py", told.append)
        thread = threading.Thread(target=session.run)
        thread.start()
        process_of(live)
        session.stop()
        thread.join(20)
        assert not thread.is_alive()
    assert "'lake' was cancelled" in told[0]


# What is slower than real time.


def test_a_layer_that_is_slower_than_real_time_is_refused_with_the_remedy_which_works(slow, corpus):
    said = []
    with opened(corpus, said, model=slow) as live:
        live.d1.fade(0).quant(0) >> WORN
        wait_until(lambda: any("slower than" in line for line in said), 60, "it to be refused")
        (line,) = [line for line in said if "slower than" in line]
        assert line.startswith("d1: it renders slower than it sounds (3.")
        assert line.endswith('.frozen("name") renders it first')
        wait_until(lambda: not live.shown("d1"), 10, "it to go")
        live.d1 >> WORN.frozen("river")
        wait_until(lambda: live.shown("d1") == "sound('river')", 60, "the frozen one")
        wait_until(lambda: live.state["layers"][0]["state"] == "playing", 30, "it to sound")
        said.clear()
        live.d1 >> WORN
        wait_until(lambda: any("slower than" in line for line in said), 60, "it to be refused")
        end = live.state["seconds"] + 6
        wait_until(lambda: live.state["seconds"] > end, 30, "it to play on")
        (layer,) = live.state["layers"]
        assert layer["state"] == "playing"
        assert layer["code"] == "sound('river')"
        assert layer["load"] < 0.1
        assert not any("cannot keep up" in line for line in said)
        assert live.state["missing"] == 0
        with live.cue("drop"):
            live.d2 >> WORN
        wait_until(lambda: any(line.startswith("d2: it renders") for line in said), 60, "the cue")
        live.d3 >> ll.sound(NOISE[:20000]).spread(0.5).loop(1)  # all of it fits ahead
        wait_until(lambda: live.shown("d3"), 60, "what is short")
        assert not any(line.startswith("d3") for line in said)
