"""Imported models on stage: beside a layer of spectral, replayed, and when they go wrong."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import latentlive as ll
from latentlive.cli import main
from latentlive.models import files
from latentlive.models.importing import Given, import_model
from tests.imports import scripts
from tests.live.conftest import wait_until

RATE = 44100
TONE = (np.sin(np.arange(2 * RATE) * 2 * np.pi * 220 / RATE) * 0.3).astype(np.float32)


def read(path):
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def beat(live, beat):
    wait_until(lambda: live.state.get("beat", 0) >= beat, 60, f"beat {beat}")


def layers(live):
    """Return the layers by name."""
    return {layer["name"]: layer for layer in live.state.get("layers", [])}


def sounds(live, name):
    """Wait until a layer sounds."""
    wait_until(lambda: layers(live).get(name, {}).get("state") == "playing", 60, name)


@pytest.fixture(scope="module")
def scripted(imported):
    """Three TorchScript models, and what each reads."""
    return {
        str(imported(kind)): ll.drift(1) if kind is scripts.Decoder else ll.sound(TONE)
        for kind in (scripts.Streaming, scripts.Noisy, scripts.Decoder)
    }


@pytest.fixture(scope="module")
def weighed(timbre, movement, vocoder, colonel, tmp_path_factory):
    """A model of each of the other families."""
    folder, models = tmp_path_factory.mktemp("weighed"), {}
    for file, *_ in (timbre, movement, vocoder, colonel):
        model = folder / f"{file.stem}.safetensors"
        import_model(file, model, Given())
        models[str(model)] = ll.sound(TONE)
    return models


@pytest.mark.parametrize("kinds", ["scripted", "weighed"])
def test_layers_beside_one_of_spectral_are_replayed_and_bounced_to_the_sample(
    kinds, request, tmp_path
):
    log, heard, said = tmp_path / "evening.py", tmp_path / "heard.wav", []
    models = request.getfixturevalue(kinds)
    names = [f"d{number}" for number in range(2, 2 + len(models))]
    with ll.Engine(silent=True, out=heard, log=log, seed=5, say=said.append) as live:
        live.d1 >> ll.sound(TONE).transpose(ll.sine(1))
        for name, (model, source) in zip(names, models.items(), strict=True):
            getattr(live, name) >> ll.interp(source, source.early(0.3), ll.sine(2)).on(model)
        for name in ("d1", *names):
            sounds(live, name)
        model, source = list(models.items())[1]
        live.d3.gain(-6).morph(1) >> source.slow(2).on(model)
        beat(live, live.state["beat"] + 3)
        assert live.state["missing"] == 0, said
        live.hush(0.5)
        wait_until(lambda: live.state["silent"], 20, "silence")
    assert not [line for line in said if "cannot" in line], said
    samples = read(heard)
    assert np.abs(samples).max() > 0.05
    for command in ("replay", "bounce"):
        again = tmp_path / f"{command}.wav"
        options = ["--silent", "--out"] if command == "replay" else ["-o"]
        done = CliRunner().invoke(main, [command, str(log), *options, str(again)])
        assert done.exit_code == 0, done.output
        other = read(again)
        shared = min(len(other), len(samples))
        assert shared > 3 * RATE
        apart = np.flatnonzero((other[:shared] != samples[:shared]).any(axis=1))
        assert not len(apart), (command, apart[0] / RATE, len(apart) / RATE)


def test_a_script_that_loops_for_ever_costs_its_own_layer_only(imported, tmp_path):
    model, said = str(imported(scripts.Trap)), []
    with ll.Engine(silent=True, say=said.append) as live:
        live.d2 >> ll.sound(TONE)
        live.d1 >> ll.drift(1).on(model)
        sounds(live, "d1")
        live.d1 >> (ll.drift(1) * 100).on(model)
        wait_until(lambda: [s for s in said if "computed for more than 5 s" in s], 60, "the end")
        assert live.state["missing"] == 0, said
        assert {"d1", "d2"} <= layers(live).keys()


def test_a_process_that_is_killed_is_replaced_while_its_layer_plays(imported, tmp_path):
    model, said = str(imported(scripts.Plain)), []
    with ll.Engine(silent=True, say=said.append) as live:
        live.d1 >> ll.drift(1).on(model)
        sounds(live, "d1")
        for worker in live.state["workers"]:
            for task in os.listdir(f"/proc/{worker}/task"):
                with open(f"/proc/{worker}/task/{task}/children") as children:
                    for pid in children.read().split():
                        os.kill(int(pid), signal.SIGKILL)
        begun = live.state["beat"]
        beat(live, begun + 6)  # torch is imported again: what was rendered may not last so long
        wait_until(lambda: layers(live)["d1"]["ready"] > 0.5, 30, "the layer")
        assert layers(live)["d1"]["state"] == "playing"
        assert "drift" in layers(live)["d1"]["code"]


def test_the_prompts_space_may_be_an_imported_one(imported):
    with ll.Engine(model=str(imported(scripts.Plain)), silent=True) as live:
        live.d1 >> ll.sound(TONE)
        sounds(live, "d1")
        beat(live, 3)
        assert live.state["missing"] == 0


SLOW = """
import sys, time
if "latentlive.models.script_host" in sys.orig_argv:
    time.sleep(8)
"""
"""What makes a script's process start in eight seconds, four times what is rendered ahead."""


def test_a_layer_plays_on_while_the_other_workers_process_starts(imported, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(SLOW)
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), before]))
    model, said = str(imported(scripts.Plain)), []
    with ll.Engine(silent=True, say=said.append) as live:
        live.d2 >> ll.sound(TONE)
        sounds(live, "d2")
        wait_until(lambda: live.state.get("workers_up") == 2, 30, "both workers")
        beat(live, live.state["beat"] + 1)
        live.d1 >> ll.drift(1).on(model)  # bound by the second worker, then by the first
        sounds(live, "d1")
        beat(live, live.state["beat"] + 12)
        assert layers(live)["d1"]["state"] == layers(live)["d2"]["state"] == "playing"
        assert live.state["missing"] == 0
    assert not [line for line in said if "cannot" in line], said


def test_a_script_that_cannot_be_loaded_costs_its_own_layer_only(imported, tmp_path):
    good, bad, said = str(imported(scripts.Plain)), tmp_path / "bad.safetensors", []
    tensors, told = files.read_tensors(imported(scripts.Plain))
    config = json.loads(told)
    config.pop("digest")
    tensors["script"] = tensors["script"][:-2000]
    files.save_imported(bad, tensors, lambda digest: files.Config(**config, digest=digest))
    with ll.Engine(silent=True, say=said.append) as live:
        live.d1 >> ll.drift(1).on(str(bad))
        wait_until(lambda: [line for line in said if line.startswith("d1")], 30, "the refusal")
        live.d2 >> ll.drift(1).on(good)
        live.d3 >> ll.sound(TONE)
        for name in ("d2", "d3"):
            sounds(live, name)
    assert not [line for line in said if line.startswith(("d2", "d3"))], said


def test_a_model_imported_again_onto_one_that_plays_changes_nothing_of_it(imported, tmp_path):
    model, said = tmp_path / "model.safetensors", []
    model.write_bytes(imported(scripts.Plain).read_bytes())
    with ll.Engine(silent=True, say=said.append) as live:
        live.d1 >> ll.drift(1).on(str(model))
        sounds(live, "d1")
        script = imported(scripts.Streaming).with_suffix(".ts")
        import_model(script, model, Given())
        with pytest.raises(ll.ExpressionError, match=r"was written anew.*another name"):
            live.d2 >> ll.drift(2).on(str(model))
        model.unlink()
        with pytest.raises(ll.ModelError, match="no file"):
            live.d2 >> ll.drift(2).on(str(model))
        beat(live, live.state["beat"] + 3)
        assert layers(live)["d1"]["state"] == "playing"
    assert not [line for line in said if line.startswith("d1: model")], said
