"""Training: windows, exact resumption, several processes, the command, bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace

import numpy as np
import pytest
import soundfile
import torch

from latentlive.errors import ModelError, SoundError
from latentlive.learning import log_distance, read_material, si_sdr, train_folder
from latentlive.models import load_model, training
from latentlive.models.overlap import cut, joined, shared
from latentlive.models.recipes import CLEAN, PAPER, TrainingPlan
from latentlive.models.resuming import load_state, save_state
from latentlive.models.training import Training
from latentlive.models.windows import Grid, Windows

RATE = 44100
SMALL = replace(CLEAN, batch=16)
PLAN = asdict(TrainingPlan(SMALL, epochs=1))


def tones(seconds=1.0, count=3):
    """Return harmonic sounds with a little noise, each unlike the others."""
    rng = np.random.default_rng(0)
    t = np.arange(round(seconds * RATE)) / RATE
    sounds = []
    for i in range(count):
        partials = [np.sin(2 * np.pi * 110 * (i + 2) * k * t) / k for k in range(1, 9)]
        sounds.append((0.1 * sum(partials) + 0.001 * rng.standard_normal(len(t))).astype("f4"))
    return sounds


@pytest.fixture
def folder(tmp_path):
    """A corpus of one file of three seconds."""
    place = tmp_path / "corpus"
    place.mkdir()
    soundfile.write(place / "one.wav", tones(3.0, 1)[0], RATE)
    return place


@pytest.fixture
def quick(monkeypatch):
    """Begin after a short look at the sounds."""
    monkeypatch.setattr(training, "LOOKED_AT", 1024)


class TestWindows:
    def test_never_cross_two_sounds(self):
        sounds = [np.full(1500, 0.5, "f4"), np.full(1100, -0.25, "f4"), np.full(90, 0.125, "f4")]
        for drawn in (
            Windows(sounds, 1024, 0).draw(0, 3000),
            Grid(sounds, 1024, 128, 0).draw(0, 9),
        ):
            levels = [set(np.unique(np.abs(row)).tolist()) - {0.0} for row in drawn]
            assert all(len(level) == 1 for level in levels)
            assert {x for level in levels for x in level} == {0.5, 0.25, 0.125}

    def test_reach_every_place_of_a_sound(self):
        drawn = np.abs(Windows([np.arange(1, 12, dtype="f4") / 16], 4, 0).draw(0, 400)) * 16
        assert sorted(set(drawn[:, 0].tolist())) == [1, 2, 3, 4, 5, 6, 7, 8]
        assert (np.diff(drawn, axis=1) == 1).all()

    def test_depend_on_seed_and_step_alone(self):
        first, second = (Windows(tones(), 1024, 3) for _ in range(2))
        for step in (5, 0, 2):
            second.draw(step, 4)
        assert np.array_equal(first.draw(7, 4), second.draw(7, 4))
        assert not np.array_equal(first.draw(7, 4), first.draw(8, 4))

    def test_the_grid_gives_each_window_once_an_epoch(self):
        grid = Grid([np.arange(1, 41, dtype="f4"), np.arange(101, 118, dtype="f4")], 8, 4, 0)
        batches = [grid.draw(step, 5) for step in range(-(-len(grid) // 5))]
        firsts = sorted(np.concatenate(batches)[:, 0].tolist())
        assert firsts == [*range(1, 34, 4), 101, 105, 109, 113]
        assert not np.array_equal(grid.draw(0, 5), grid.draw(len(batches), 5))


def test_overlapped_windows_sum_to_the_sound():
    x = torch.from_numpy(tones()[0][: 1024 * 8])
    windows = cut(x[None], 1024)
    whole = joined(windows[0])
    assert torch.allclose(whole[768:-768], x[768:-768], atol=1e-6)
    assert torch.allclose(shared(windows[:, 2:6])[0], x[512 + 768 : 512 + 1024], atol=1e-6)


class TestPaper:
    def test_settings(self):
        assert (PAPER.epochs, PAPER.rate, PAPER.divergence) == (500, 1e-4, 1e-4)
        assert (PAPER.batch, PAPER.hop) == (4096, 128)
        assert not any([PAPER.cosine, PAPER.half, PAPER.joined, PAPER.fairness, PAPER.linear])

    def test_the_loss_is_the_papers(self):
        there = Training(tones(0.1), TrainingPlan(PAPER, seed=2))
        windows = torch.from_numpy(Grid(tones(0.1), 1024, 128, 2).draw(0, 4096))
        noise = np.random.default_rng((2, 0, 1)).standard_normal((len(windows), 1, 256), np.float32)
        mean, log_variance = there.net.encode(windows)
        z = mean + torch.from_numpy(noise[:, 0]) * torch.exp(0.5 * log_variance)
        rebuilt = torch.nn.functional.mse_loss(there.net.decode(z), windows)
        divergence = -0.5 * torch.mean(1 + log_variance - mean**2 - log_variance.exp())
        there.step()
        assert there.loss == pytest.approx((rebuilt + 1e-4 * divergence).item(), rel=1e-5)

    def test_it_ends_after_its_epochs(self):
        sounds = [tones(0.1)[0]]
        there = Training(sounds, TrainingPlan(replace(PAPER, batch=16), epochs=2))
        while there.step():
            pass
        assert there.steps == 2 * -(-len(Grid(sounds, 1024, 128, 0)) // 16)


@pytest.mark.parametrize("architecture", ["rawaudiovae", "levelvae"])
def test_clean_learns_at_once_what_paper_takes_long_for(architecture, quick):
    sounds = tones()
    reached = []
    for plan in (
        TrainingPlan(PAPER, minutes=0.03),
        TrainingPlan(CLEAN, architecture, minutes=0.03),
    ):
        there = Training(sounds[:2], plan, clock=time.thread_time)
        while there.step():
            pass
        reached.append(si_sdr(sounds[2], there.rebuilt(sounds[2])))
    assert reached[1] > reached[0] + 6.0
    assert reached[1] > 8.5


@pytest.mark.parametrize("architecture", ["rawaudiovae", "levelvae"])
@pytest.mark.parametrize("steps", [2, 4])
def test_what_is_measured_is_what_is_heard(architecture, steps, quick):
    from latentlive import render, sound

    there = Training(tones(0.2), TrainingPlan(replace(SMALL, linear=0.4), architecture, epochs=1))
    for _ in range(steps):
        there.step()
    x = tones(0.2)[1] * 3
    heard = render(sound(x).spread(0), model=there.model())
    assert there.linear == (steps == 2)
    assert si_sdr(there.rebuilt(x), heard) > 40.0


@pytest.mark.parametrize("stop", [2, 4], ids=["in the linear code", "in the network"])
def test_resumed_weights_are_those_of_a_training_that_never_stopped(tmp_path, quick, stop):
    plan = TrainingPlan(replace(SMALL, linear=0.4), "levelvae", epochs=1)
    sounds = tones(0.2)
    whole, first = (Training(sounds, plan) for _ in range(2))
    while whole.step():
        pass
    assert whole.steps == 6
    for _ in range(stop):
        first.step()
    path = tmp_path / "x.training.safetensors"
    save_state(path, first, 1.5)
    second, best = load_state(path, sounds)
    assert (best, second.steps, second.linear) == (1.5, stop, stop == 2)
    while second.step():
        pass
    assert second.steps == whole.steps
    assert second.loss == whole.loss
    for name, tensor in whole.net.state_dict().items():
        assert torch.equal(tensor, second.net.state_dict()[name]), name


WORKER = """
import sys, json, numpy as np
sys.path.insert(0, sys.argv[2])
from tests.test_training import SMALL, tones
from latentlive.models import training
from latentlive.models.recipes import TrainingPlan
from latentlive.models.team import Team
from dataclasses import replace
training.LOOKED_AT = 1024
team = Team.here()
plan = TrainingPlan(replace(SMALL, linear=0.4, half=False), epochs=1)
there = training.Training(tones(0.2), plan, team)
losses = []
while there.step():
    losses.append(there.loss)
if team.leads:
    weight = there.net.fc4.weight.detach().numpy()
    print(json.dumps([team.size, losses, float(np.abs(weight).sum())]))
team.leave()
"""


def together(*arguments):
    """Run something in two processes of torchrun."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    told = subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=150,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert told.returncode == 0, told.stderr[-2000:]
    return told.stdout


def test_two_processes_learn_as_one_with_the_joint_batch(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    alone = subprocess.run(
        [sys.executable, script, "-", root], capture_output=True, text=True, timeout=150
    )
    assert alone.returncode == 0, alone.stderr
    one = json.loads(alone.stdout)
    two = json.loads(together(script, "-", root))
    assert (one[0], two[0]) == (1, 2)
    assert len(one[1]) == len(two[1]) == 6
    np.testing.assert_allclose(two[1], one[1], rtol=1e-3)
    assert two[2] == pytest.approx(one[2], rel=1e-3)


def command(*arguments):
    return [sys.executable, "-m", "latentlive.cli", "train", *map(str, arguments)]


def run(*arguments):
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=150)


def test_train_under_torchrun_and_resume_alone(folder, tmp_path):
    out = tmp_path / "x.safetensors"
    script = ["-m", "latentlive.cli", "train", folder, "-o", out]
    printed = together(*script, "--epochs", 1, "--batch", 64)
    assert printed == f"{out}\n"
    told = run(folder, "-o", out, "--resume", "--epochs", 2)
    assert told.returncode == 0, told.stderr
    assert "held out" in told.stderr
    assert load_model(out).dims == 256


def test_train_writes_a_model_a_sound_and_a_picture(folder, tmp_path):
    out = tmp_path / "x.safetensors"
    (folder / "broken.wav").write_bytes(b"RIFF")
    told = run(folder, "-o", out, "--epochs", 4)
    assert told.returncode == 0, told.stderr
    assert told.stdout == f"{out}\n"
    assert "100%" in told.stderr
    assert "left out: sound: cannot read" in told.stderr
    assert "dB at best; hear" in told.stderr
    model = load_model(out)
    assert (model.sample_rate, model.window, model.dims) == (RATE, 1024, 256)
    heard, rate = soundfile.read(tmp_path / "x.preview.flac")
    assert rate == RATE
    assert np.abs(heard).max() > 0.01
    assert (tmp_path / "x.preview.png").read_bytes().startswith(b"\x89PNG")
    again = run(folder, "-o", out)
    assert again.returncode == 1
    assert "exists; --resume goes on with it" in again.stderr
    refused = run(folder, "-o", out, "--resume", "--recipe", "paper")
    assert "--resume keeps what was chosen; leave out --recipe" in refused.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for one process")
def test_ctrl_c_keeps_the_best_and_resumes(folder, tmp_path):
    out, shown = tmp_path / "x.safetensors", tmp_path / "shown"
    with (
        shown.open("w") as file,
        subprocess.Popen(command(folder, "-o", out, "--minutes", 9), stderr=file) as process,
    ):
        until = time.monotonic() + 60
        while "loss 0" not in shown.read_text() and time.monotonic() < until:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert load_model(out).dims == 256
    steps = load_state(tmp_path / "x.training.safetensors", tones(0.1))[0].steps
    assert steps > 0
    told = run(folder, "-o", out, "--resume", "--epochs", 1)
    assert told.returncode == 0, told.stderr


def test_silent_and_empty_folders_get_one_line(tmp_path):
    with pytest.raises(SoundError, match=r"no sounds in '.*'; these are read: .aif .aiff .au .caf"):
        read_material(tmp_path, RATE)
    soundfile.write(tmp_path / "a.wav", np.zeros(9000), RATE)
    said = []
    with pytest.raises(SoundError, match=r"nothing to hear in '.*'; every sound is silent"):
        read_material(tmp_path, RATE, said.append)
    assert said == ["left out: 'a' is silent"]
    told = run(tmp_path, "-o", tmp_path / "x.safetensors")
    assert told.returncode == 1
    assert "Error: train: nothing to hear in" in told.stderr
    assert not (tmp_path / "x.safetensors").exists()


@pytest.mark.parametrize("count", [1, 9, 10, 25])
def test_held_out_sounds_are_not_learnt_from(tmp_path, count):
    for i in range(count):
        soundfile.write(tmp_path / f"{i:02d}.wav", np.full(5000, (i + 1) / 64), RATE, "FLOAT")
    material = read_material(tmp_path, RATE)
    levels = [{float(s[0]) for s in part} for part in (material.sounds, material.held_out)]
    if count >= 10:
        assert not levels[0] & levels[1]
        assert len(material.held_out) == count // 10
    else:
        assert sum(map(len, material.sounds)) + sum(map(len, material.held_out)) == 5000 * count


def test_the_shortest_corpus_trains(tmp_path, quick):
    soundfile.write(tmp_path / "a.wav", np.full(3, 0.5), RATE)
    plan = TrainingPlan(replace(SMALL, linear=0.5), epochs=1)
    assert np.isfinite(train_folder(tmp_path, tmp_path / "x.safetensors", plan))


def test_no_memory_gets_a_remedy(folder, tmp_path):
    told = run(folder, "-o", tmp_path / "x.safetensors", "--batch", 10**12)
    assert told.returncode == 1
    line = "Error: train: out of memory with 1000000000000 windows at a time; try --batch 5"
    assert line in told.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "line"),
    [("x.pt", "must end in .safetensors"), ("no/x.safetensors", "cannot write to")],
)
def test_names_that_cannot_be_written(folder, tmp_path, name, line):
    with pytest.raises(ModelError, match=line):
        train_folder(folder, tmp_path / name, TrainingPlan(SMALL, epochs=1))


def test_a_full_disk_gets_one_line(folder, tmp_path, quick, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("latentlive.models.resuming.write_whole", full)
    with pytest.raises(ModelError, match=r"cannot write beside .*: .*No space left on device"):
        train_folder(folder, tmp_path / "x.safetensors", TrainingPlan(SMALL, epochs=1))
    assert load_model(tmp_path / "x.safetensors").dims == 256


class TestStates:
    @pytest.fixture
    def state(self, tmp_path, quick):
        there = Training(tones(0.1), TrainingPlan(SMALL, epochs=1))
        there.step()
        save_state(tmp_path / "x.safetensors", there, 0.0)
        return tmp_path / "x.safetensors"

    def test_missing(self, tmp_path):
        with pytest.raises(ModelError, match="nothing to resume, no file"):
            load_state(tmp_path / "no.safetensors", tones(0.1))

    def test_truncated(self, state):
        state.write_bytes(state.read_bytes()[:-100])
        with pytest.raises(ModelError, match="is damaged"):
            load_state(state, tones(0.1))

    @pytest.mark.parametrize(
        ("change", "line"),
        [
            ({"steps": -1}, "no state of a training"),
            ({"plan": {"recipe": "evil"}}, "no state of a training"),
            ({"plan": {**PLAN, "epochs": 0}}, "no state of a training"),
            ({"plan": {**PLAN, "seed": None}}, "no state of a training"),
            ({"plan": {**PLAN, "recipe": {**asdict(SMALL), "batch": "many"}}}, "no state of"),
            ({"plan": {**PLAN, "recipe": {**asdict(SMALL), "batch": -1}}}, "no state of"),
            ({"spent": float("nan")}, "no state of a training"),
            ({"linear": False}, "not a state of a training, it lacks net.fc1.weight"),
        ],
        ids=["steps", "recipe", "length", "seed", "text", "negative", "spent", "stage"],
    )
    def test_hostile(self, state, change, line):
        from safetensors import safe_open
        from safetensors.numpy import load_file, save_file

        with safe_open(state, "np") as opened:
            said = json.loads(opened.metadata()["latentlive"])
        metadata = {"latentlive": json.dumps(said | change)}
        save_file(load_file(state), state, metadata=metadata)
        with pytest.raises(ModelError, match=line):
            load_state(state, tones(0.1))

    def test_a_model_is_no_state(self):
        from latentlive.models import starter_path

        with pytest.raises(ModelError, match="is no state of a training"):
            load_state(starter_path(), tones(0.1))


def test_measures():
    x = tones(0.2)[0]
    noise = np.random.default_rng(1).standard_normal(len(x)) * np.sqrt(np.mean(x**2)) / 10
    assert si_sdr(x, 3 * (x + noise)) == pytest.approx(20, abs=0.5)
    assert log_distance(x, x) == 0.0
    assert log_distance(x, (x / 2).astype("f4")) == pytest.approx(np.log(2), abs=0.25)
