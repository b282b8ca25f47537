"""Frozen sounds: rendered once by a real process beside a performance, found by name ever after."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.corpus import frozen as shelf
from latentlive.engine.log.bounced import bounce_file
from latentlive.ground import processes
from latentlive.latent import On, freezing_by
from latentlive.models import RawAudioVAE, save_model
from latentlive.prompt import recital
from latentlive.prompt.booting import Booting
from latentlive.prompt.console import Console
from latentlive.prompt.panel import panel
from latentlive.prompt.recital import play
from latentlive.renderer.freezing import Here, crossed, freeze
from latentlive.renderer.frozen import as_played, to_freeze
from tests.conftest import random_weights
from tests.live.conftest import wait_until
from tests.test_panel import STATE

RATE = 44100
NOISE = (np.random.default_rng(5).standard_normal(RATE) * 0.1).astype(np.float32)
WORN = ll.sound(NOISE).spread(0.5)
"""A second of noise, each frame of it drawn anew."""

SLOW = """
import time
from latentlive.models import files
from latentlive.space import ToySpace

class Slow(ToySpace):
    name = digest = "slow"
    def decode(self, z):
        time.sleep({seconds} * len(z) / 172)
        return super().decode(z)

files.BUILT_IN["slow"] = lambda: Slow(1024)
"""
"""A space that takes so long for a second of sound, of which it decodes 172 windows."""


@pytest.fixture(autouse=True)
def shelf_of_its_own(tmp_path, monkeypatch):
    """Keep what one test freezes from the others."""
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """A space whose rendering takes three times as long as its sound lasts, in every process."""
    (tmp_path / "sitecustomize.py").write_text(SLOW.format(seconds=3))
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    names = {}
    exec(SLOW.format(seconds=3), names)
    yield "slow"
    del names["files"].BUILT_IN["slow"]


@pytest.fixture
def corpus(tmp_path):
    """A corpus of one sound."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    soundfile.write(folder / "gong.wav", NOISE, RATE)
    return folder


@contextlib.contextmanager
def opened(corpus, said=None, **options):
    """Open a silent engine that keeps what it says."""
    options = {"model": "toy", "silent": True, "corpus": corpus, **options}
    with ll.Engine(say=(said if said is not None else []).append, **options) as live:
        live.wait_for(lambda: live.state)
        yield live


def held():
    """Return the names of all files on the shelf, whole or half."""
    return sorted(path.name for path in Path(os.environ["LATENTLIVE_CACHE"]).glob("frozen/*"))


def samples_of(name):
    """Return what a frozen sound holds."""
    return soundfile.read(shelf.frozen_file(name), dtype="float32")[0]


def frozen_here(texture, name, corpus, seconds=None, **setting):
    """Freeze as `latentlive render` does."""
    with freezing_by(Here(setting.pop("model", "toy"), corpus, **setting)):
        return texture.frozen(name, seconds)


def process_of(live):
    """Return the process that renders, once it has begun."""
    wait_until(lambda: live.freezing.progress and live.freezing.progress[0].done, 60, "a beginning")
    return live.freezing._makings[0].process


# What is frozen.


@pytest.mark.parametrize("model", ["toy", "rawaudiovae", "spectral", "spectralvae"])
@pytest.mark.parametrize("kind", ["recorded", "mixed", "endless"])
def test_a_frozen_sound_holds_the_samples_of_its_texture_in_every_space(model, kind, corpus):
    gong = ll.sound("gong")
    texture, seconds = {
        "recorded": (gong.extend(2).spread(0.5).norm(), None),
        "mixed": (ll.interp(gong, gong.rev(), ll.sine(1)).on(model), 3.0),
        "endless": (gong.freeze(0.5).jitter(0.1), 1.5),
    }[kind]
    found = frozen_here(texture, "river", corpus, seconds, model=model, seed=3, tempo=90)
    assert found == ll.sound("river")
    again = {"model": model, "corpus": corpus, "seed": 3, "tempo": 90}
    looped = texture.of.loop().norm() if kind == "recorded" else texture
    if kind == "mixed":
        looped = texture.of.loop().on(model)
    length = seconds or 2.0
    plain = ll.render(looped, length + 0.5, **again)
    heard = ll.render(found, model=model, corpus=corpus)
    seam = round((0.25 if seconds else 0.006) * RATE) + 1
    total = round(length * RATE)
    assert len(heard) == total
    assert np.array_equal(heard[seam:], plain[seam:total])
    assert np.array_equal(heard, samples_of("river"))
    assert np.abs(heard).max() > 0.01


def test_what_is_frozen_loops_without_a_seam(corpus):
    wave = np.sin(np.arange(RATE) * 2 * np.pi * 100.3 / RATE).astype(np.float32) * np.float32(0.5)
    tone = ll.sound(wave).freeze(0.3)  # endless, with no period in common with a second
    frozen_here(tone, "tone", corpus, 1.0, model="rawaudiovae")
    twice = ll.render(ll.sound("tone").loop(2), model="rawaudiovae", corpus=corpus)
    steps = np.abs(np.diff(twice))
    assert steps[RATE - 200 : RATE + 200].max() <= 1.1 * steps[: RATE - 200].max()


def test_where_an_end_goes_over_into_a_beginning_the_level_stays(corpus):
    rng = np.random.default_rng(2)
    same, other = rng.standard_normal((2, 20_000)).astype(np.float32)
    for before in (same, other, 0.5 * same + 0.866 * other):
        mixed = crossed(before, same)
        levels = np.sqrt(np.mean(mixed.reshape(10, -1) ** 2, axis=1))
        assert np.abs(levels - 1).max() < 0.08
    assert np.array_equal(crossed(same, same), same)
    assert np.abs(crossed(-same, same)).max() < 6
    assert not crossed(np.zeros(9), np.zeros(9)).any()
    assert not len(crossed(same[:0], same[:0]))


@pytest.mark.parametrize(
    ("word", "first"),
    [
        (lambda s: s.loop(3), lambda a: np.tile(a, 3)),
        (lambda s: s.slice(0.1234, 0.5), lambda a: a[round(0.1234 * RATE) : RATE // 2]),
        (lambda s: s.early(0.25), lambda a: a[RATE // 4 :]),
        (lambda s: s.late(0.25), lambda a: np.concatenate([np.zeros(RATE // 4, "f4"), a])),
    ],
)
def test_alone_it_plays_its_samples_bit_for_bit(word, first, corpus):
    frozen_here(WORN, "river", corpus, model="spectral")
    expected = first(samples_of("river"))
    heard = ll.render(word(ll.sound("river")), model="spectral", corpus=corpus)
    assert np.array_equal(heard[: len(expected)], expected)


def test_everywhere_else_it_is_a_recording_like_others(corpus):
    frozen_here(WORN, "river", corpus)
    library, river = ll.Corpus(corpus), ll.sound("river")
    assert isinstance(as_played(river.loop(2).norm(), library), On)
    for other in (river.on("spectral"), river.extend(2), river.exact(), river + ll.sound("gong")):
        assert as_played(other, library) is other
    mixed = ll.interp(river, ll.sound("gong"), 0.5)
    plain = ll.interp(ll.sound(samples_of("river")), ll.sound("gong"), 0.5)
    heard = [ll.render(one, model="toy", corpus=corpus) for one in (mixed, plain)]
    assert np.array_equal(*heard)
    lake = frozen_here(mixed, "lake", corpus)
    assert len(ll.render(lake, corpus=corpus, model="toy")) == RATE


def test_it_is_played_at_the_rate_of_any_space(corpus):
    class Fast(ll.load_model("toy").__class__):
        sample_rate = 48000

    frozen_here(WORN, "river", corpus)
    heard = ll.render(ll.sound("river"), model=Fast(1024), corpus=corpus)
    assert len(heard) == 48000
    assert np.abs(heard).max() > 0.1


# Names.


@pytest.mark.parametrize(
    "name",
    ["", " ", "../x", "a/b", "/etc/passwd", "a\nb", "a\0b", ".hidden", "x.wav", "é" * 61, "x" * 121,
     "-x", "x ", "\ud800", None, 3, ["x"]],
)  # fmt: skip
def test_a_name_that_could_be_anything_is_refused_in_one_line(name, corpus):
    with pytest.raises(ll.ExpressionError, match=r"^frozen: a name [^\n]*$"):
        frozen_here(WORN, name, corpus)
    assert not os.path.isdir(os.environ["LATENTLIVE_CACHE"] + "/frozen")


@pytest.mark.parametrize("name", ["river", "Bells at Night", "Glo\u0308ckchen", "con", "x" * 120])
def test_other_names_are_found_as_they_are_written(name, corpus):
    frozen_here(WORN, name, corpus)
    assert len(ll.render(ll.sound(name), model="toy", corpus=corpus)) == RATE
    with pytest.raises(ll.SoundError, match="no '"):
        ll.render(ll.sound(name.swapcase()), model="toy", corpus=corpus)


def test_a_sound_of_the_corpus_comes_first_and_its_name_is_refused(corpus):
    with pytest.raises(ll.ExpressionError, match="has a sound 'gong', which comes first; take"):
        frozen_here(WORN, "gong", corpus)
    frozen_here(WORN, "river", corpus)
    with pytest.raises(ll.SoundError, match="did you mean 'river'"):
        ll.Corpus(corpus).audio("rivr", RATE)
    soundfile.write(corpus / "river.wav", NOISE[:1000], RATE)
    assert len(ll.Corpus(corpus).audio("river", RATE).samples) == 1000


def test_what_never_ends_wants_seconds(corpus):
    line = r"frozen: the texture never ends; say how much: \.frozen\('sea', seconds=60\)"
    with pytest.raises(ll.ExpressionError, match=line):
        frozen_here(ll.noise(1), "sea", corpus)
    for wrong in (0, -1, np.nan, 1e9, "x"):
        with pytest.raises(ll.ExpressionError, match=r"^frozen: seconds must be"):
            frozen_here(ll.noise(1), "sea", corpus, wrong)


def test_a_model_written_anew_after_the_line_is_not_frozen_under_the_key_of_the_old(
    corpus, tmp_path
):
    path = tmp_path / "mine.safetensors"
    save_model(path, RawAudioVAE(random_weights(512, 32, 8, seed=1)), {})
    texture = ll.noise(1).on(str(path))
    asked = to_freeze(texture, "river", 1.0, Here("toy", corpus)._setting)
    save_model(path, RawAudioVAE(random_weights(512, 32, 8, seed=2)), {})
    with pytest.raises(ll.ModelError, match=r"^frozen: 'river' was asked of a model that has ch"):
        freeze(asked)
    frozen_here(texture, "river", corpus, 1.0)
    assert len(held()) == 1


# Once.


def test_the_same_is_rendered_once_and_another_takes_its_place(corpus):
    frozen_here(WORN, "river", corpus)
    (first,) = held()
    stamp = shelf.frozen_file("river").stat()
    frozen_here(WORN, "river", corpus)
    assert shelf.frozen_file("river").stat() == stamp
    for other in ({"seed": 1}, {"tempo": 90.0}, {"seconds": 0.5}, {"model": "spectral"}):
        frozen_here(WORN, "river", corpus, **other)
        (now,) = held()
        assert now != first
        first = now
    frozen_here(WORN, "lake", corpus)
    assert shelf.frozen_names() == ["lake", "river"]


def test_what_a_killed_process_has_left_half_is_removed(corpus):
    frozen_here(WORN, "river", corpus)
    (whole,) = held()
    dead = shelf.frozen_file("river").with_name(f".{whole[:-4]}-999999999-0123abcd.wav")
    alive = dead.with_name(f".{whole[:-4]}-{os.getpid()}-0123abcd.wav")
    dead.touch()
    alive.touch()
    shelf.forget_unfinished()
    assert held() == [alive.name, whole]
    shelf.forget_unfinished(os.getpid())
    assert held() == [whole]


# Beside a performance.


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


def test_latentlive_render_waits_for_it(corpus, tmp_path):
    expression = 'interp(sound("gong").frozen("river"), sound("river").rev(), 0.5)'
    out = tmp_path / "out.wav"
    command = [sys.executable, "-m", "latentlive.cli", "render", expression, "-o", str(out)]
    command += ["--corpus", str(corpus), "--model", "toy", "--seed", "3"]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert "freezing 'river'" in told.stderr
    assert len(soundfile.read(out)[0]) == RATE
    told = subprocess.run(command, capture_output=True, text=True)
    assert "freezing" not in told.stderr


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


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX's")
def test_a_full_disk_costs_one_line_and_leaves_nothing(corpus, tmp_path):
    frozen_here(WORN, "river", corpus)
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
import latentlive as ll
from latentlive.latent import freezing_by
from latentlive.renderer.freezing import Here
with freezing_by(Here("toy", {str(corpus)!r})):
    ll.sound("gong").frozen("sea", seconds=10)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    line = told.stderr.strip().splitlines()[-1]
    assert line.endswith("frozen: 'sea' cannot be written: File too large")
    assert all("river" in file for file in held())


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


def test_the_panel_tells_how_far_it_is():
    rows = [
        {"name": "river", "done": 0.42, "told": "42%, about 38 s left", "doing": "freezing"},
        {"name": "directions", "done": 0.0, "told": "waits", "doing": "measuring"},
    ]
    lines = panel({**STATE, "freezing": rows}, 60)
    assert lines[-2:] == [
        " freezing river  ###..... 42%, about 38 s left",
        " measuring directions  ........ waits",
    ]
