"""TorchScript models: what they decode, from any place on, and what is refused."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import latentlive as ll
from latentlive.cli import main
from latentlive.corpus import Corpus
from latentlive.errors import ExpressionError, ModelError
from latentlive.models import files, load_model
from latentlive.models.importing import Given, import_model
from latentlive.models.script_process import ScriptProcess
from latentlive.renderer import Rendering, Spaces
from latentlive.renderer.sounds import corpus_sounds
from tests.imports import scripts
from tests.imports.scripts import DIMS, RATIO

RATE = 44100
TONE = (np.sin(np.arange(RATE) * 2 * np.pi * 220 / RATE) * 0.3).astype(np.float32)


def rendering(texture, model, seed=0):
    spaces = Spaces(load_model(model))
    return Rendering(texture, spaces, corpus_sounds(Corpus(), spaces.rate), seed=seed)


def whole(kind, z):
    """Return what one long call decodes [shape=(channels, samples)]."""
    torch.manual_seed(0)
    with torch.no_grad():
        return kind().eval().decode(torch.from_numpy(z.T[None].copy()))[0].numpy()


@pytest.mark.parametrize("kind", [scripts.Plain, scripts.Streaming, scripts.Decoder])
def test_blocks_are_what_one_long_call_decodes_with_its_delay_taken_off(imported, kind):
    space = load_model(imported(kind))
    n = 4 * space.block
    z = np.random.default_rng(1).standard_normal((n, DIMS)).astype(np.float32)
    decoded = np.roll(whole(kind, z), -space.delay, axis=1)
    middle = z[space.block - space.behind : 2 * space.block + space.ahead]
    windows = space.synthesize([ll.space.Part(space.prepare(middle, 0, 0), 0, space.block)])
    added = np.zeros((space.channels, (space.block + 1) * RATIO), np.float32)
    for i, window in enumerate(windows):
        added[:, i * RATIO : i * RATIO + 2 * RATIO] += window
    begin = space.block * RATIO + RATIO // 2
    inner = decoded[:, begin : begin + (space.block - 1) * RATIO]
    assert np.abs(added[:, RATIO:-RATIO] - inner).max() < 1e-5 * np.abs(inner).max()


@pytest.mark.parametrize("kind", [scripts.Plain, scripts.Streaming, scripts.Noisy])
def test_samples_are_the_same_in_any_chunk_order_and_process(imported, kind):
    texture = ll.interp(ll.sound(TONE), ll.drift(2), ll.sine(1)).jitter(0.1)
    first = rendering(texture, imported(kind))
    samples = first.samples(0, 20000)
    assert np.isfinite(samples).all()
    assert samples.std() > 1e-3
    again = rendering(texture, imported(kind))
    for start in (15000, 3000, 7777):
        assert np.array_equal(again.samples(start, start + 777), samples[start : start + 777])


def test_chance_of_the_model_comes_from_our_seed(imported):
    texture = ll.prior(3)
    one, same, other = (
        rendering(texture, imported(scripts.Noisy), seed).samples(0, 5000) for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert np.abs(one - other).max() > 0.01
    # A point that stands still: only the noise inside moves.
    assert np.abs(one[RATIO:2000] - one[2000 + RATIO : 4000]).max() > 0.01


def test_an_encoder_that_draws_gives_mean_and_spread(imported):
    space = load_model(imported(scripts.Noisy))
    page = space.encode_page(np.zeros((2 * space._warm + space.page) * RATIO, np.float32))
    assert page.shape == (space.page, 2 * DIMS)
    spread = np.exp(0.5 * page[:, DIMS:])
    assert 0.07 < np.sqrt((spread**2).mean()) < 0.13


def test_encoding_finds_the_frame_that_a_sound_is_in(imported):
    click = np.zeros(8 * RATE // 10, np.float32)
    click[9876:9940] = 0.8
    for kind in (scripts.Plain, scripts.Streaming):
        heard = rendering(ll.sound(click), imported(kind)).samples(0, len(click))
        still = rendering(ll.sound(click * 0), imported(kind)).samples(0, len(click))
        power = (heard - still).astype(np.float64) ** 2
        middle = (np.arange(len(power)) * power).sum() / power.sum()
        assert abs(middle - 9908) < 1.5 * RATIO


def test_a_model_without_an_encoder_plays_what_is_drawn_and_refuses_recordings(imported):
    model = imported(scripts.Decoder)
    assert load_model(model).sample_rate == 48000
    texture = ll.drift(1).on(str(model))
    spaces = Spaces(load_model("toy"))
    heard = Rendering(texture, spaces, corpus_sounds(Corpus(), RATE)).samples(0, 3000)
    assert heard.std() > 1e-3
    with pytest.raises(ExpressionError, match=r"'decoder' encodes no recordings; play z"):
        rendering(ll.sound(TONE), model)


def test_a_wide_texture_has_another_noise_on_either_side(imported):
    spaces = Spaces(load_model(imported(scripts.Noisy)))
    sounds = corpus_sounds(Corpus(), RATE)
    left, right = (
        Rendering(ll.prior(1), spaces, sounds, side=side).samples(0, 4000) for side in (-1.0, 1.0)
    )
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.99


REFUSED = {
    scripts.Rateless: "add --rate 44100 or 48000",
    scripts.Recurrent: "its decode remembers more than 256 frames",
    scripts.Effect: r"no method 'decode' \(methods: forward\)",
    scripts.Hungry: "tried to allocate 10000000000 bytes",
    scripts.Writing: r"its code calls 'torch.save'",
    scripts.Broken: "makes no sound of chance",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_model_that_cannot_be_a_space_is_refused_in_one_line(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = scripts.stored(kind, tmp_path / "model.ts")
    with pytest.raises(ModelError, match=REFUSED[kind]) as refused:
        import_model(file, tmp_path / "model.safetensors", Given())
    assert "\n" not in str(refused.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.ts"]


def test_an_endless_loop_is_ended(tmp_path):
    file = scripts.stored(scripts.Endless, tmp_path / "model.ts")
    process = ScriptProcess(file)
    with pytest.raises(ModelError, match=r"computed for more than 0\.5 s"):
        process.described(seconds=0.5)
    process.close()


def test_a_damaged_script_and_one_that_is_none_are_refused(tmp_path, imported):
    good = imported(scripts.Plain).with_suffix(".ts").read_bytes()
    file = tmp_path / "model.ts"
    for content in (good[: len(good) // 2], b"", b"PK\x03\x04 nothing", good[:200] + good[300:]):
        file.write_bytes(content)
        with pytest.raises(ModelError) as refused:
            import_model(file, tmp_path / "model.safetensors", Given())
        assert "\n" not in str(refused.value)


def test_a_killed_process_is_replaced_and_the_samples_are_the_same(imported):
    whole = rendering(ll.drift(1), imported(scripts.Plain)).samples(0, 20000)
    again = rendering(ll.drift(1), imported(scripts.Plain))
    parts = [again.samples(0, 5000)]
    os.kill(again.space._process._child.pid, signal.SIGKILL)
    parts.append(again.samples(5000, 20000))
    assert np.array_equal(np.concatenate(parts), whole)


def test_the_command_says_what_it_found(tmp_path):
    file = scripts.stored(scripts.Streaming, tmp_path / "river.ts")
    (tmp_path / "LICENSE").write_text("CC BY 4.0, the river's\nmore\n")
    model = tmp_path / "river.safetensors"
    told = CliRunner().invoke(main, ["import", str(file), "-o", str(model)])
    assert told.exit_code == 0, told.output
    for said in ("4 latents at 86.1 a second, 44100 Hz", "streams", "CC BY 4.0, the river's"):
        assert said in told.output
    assert load_model(model).licence == "CC BY 4.0, the river's"
    refused = CliRunner().invoke(main, ["import", str(file), "-o", str(tmp_path / "model.ts")])
    assert refused.exit_code != 0
    assert "ends in .safetensors" in refused.output


def hostile(model, path, script=None, **facts):
    """Write a model file again with another script or other facts; return its path."""
    tensors, said = files.read_tensors(model)
    config = json.loads(said)
    config["facts"] |= facts
    if script is not None:
        tensors["script"] = np.frombuffer(script.read_bytes(), np.uint8)
    config.pop("digest")
    files.save_imported(path, tensors, lambda digest: files.Config(**config, digest=digest))
    return path


def test_a_model_file_with_a_hostile_script_inside_is_refused_before_it_is_loaded(
    imported, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    script = scripts.stored(scripts.Writing, tmp_path / "writing.ts")
    model = hostile(imported(scripts.Plain), tmp_path / "evil.safetensors", script)
    with pytest.raises(ModelError, match=r"its code calls 'torch.save'"):
        rendering(ll.drift(1), model).samples(0, 1000)
    assert not (tmp_path / "written.pt").exists()


@pytest.mark.parametrize(
    "facts",
    [
        {"ratio": 10**9},
        {"ratio": 0},
        {"dims": -1},
        {"channels": 10**6},
        {"decode": {"low": 0, "high": 10**12, "delay": 0, "chance": False, "memory": False}},
        {"decode": {"low": 0, "high": 512, "delay": float("inf"), "chance": 0, "memory": 0}},
        {"encode": {"low": -(10**9), "high": 1, "delay": 0, "chance": False, "memory": False}},
        {"decode": None},
    ],
)
def test_a_model_file_whose_facts_no_script_has_is_refused(imported, tmp_path, facts):
    model = hostile(imported(scripts.Plain), tmp_path / "evil.safetensors", **facts)
    with pytest.raises(ModelError, match=r"evil\.safetensors") as refused:
        load_model(model)
    assert "\n" not in str(refused.value)


def test_an_archive_with_one_changed_number_is_refused(tmp_path, imported):
    content = bytearray(imported(scripts.Plain).with_suffix(".ts").read_bytes())
    content[20000] ^= 255
    file = tmp_path / "model.ts"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"model.ts is damaged: .*; copy or download it again"):
        import_model(file, tmp_path / "model.safetensors", Given())


def test_a_script_is_known_by_what_it_holds_whatever_its_name(tmp_path, imported):
    file, model = tmp_path / "my river.safetensors", tmp_path / "new.safetensors"
    file.write_bytes(imported(scripts.Plain).with_suffix(".ts").read_bytes())
    with pytest.raises(ModelError, match=r"latentlive import '.*my river.safetensors' -o") as told:
        load_model(file)
    assert "'my river-imported.safetensors'" in str(told.value)
    with pytest.raises(ModelError, match="is the file that is read"):
        import_model(file, file, Given())
    import_model(file, model, Given())
    assert load_model(model).dims == scripts.DIMS


def test_a_process_of_a_model_that_was_written_anew_is_refused(tmp_path, imported):
    model = tmp_path / "model.safetensors"
    model.write_bytes(imported(scripts.Plain).read_bytes())
    space = load_model(model)
    model.write_bytes(imported(scripts.Streaming).read_bytes())
    with pytest.raises(ModelError, match="another model than the one that was loaded"):
        space.warm()
    model.unlink()
    with pytest.raises(ModelError, match=f"{model}: No such file or directory"):
        space.warm()


def test_what_an_import_says_is_one_plain_line_each(tmp_path, imported):
    file, model = imported(scripts.Plain).with_suffix(".ts"), tmp_path / "model.safetensors"
    told = import_model(file, model, Given(std=0.2, licence="CC\x1b[31m\nBY" + 300 * "x"))
    assert not [line for line in told if not line.isprintable() or "-0 ms" in line]
    assert [line for line in told if "--std are left out" in line]
    assert told[-1] == f"licence: {load_model(model).licence}"
