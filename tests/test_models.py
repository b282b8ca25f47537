"""Models: equal to torch, open to the original checkpoints, closed to everything else."""

from __future__ import annotations

import json
import pickle
import struct
import sys
import types
from itertools import pairwise

import numpy as np
import pytest
import torch

from latentlive.errors import ExpressionError, ModelError
from latentlive.models import (
    LevelVAE,
    RawAudioVAE,
    facts_of,
    files,
    load_model,
    save_model,
    starter_path,
)
from latentlive.models.networks import LevelVAENet, RawAudioVAENet
from latentlive.space import ToySpace
from tests.conftest import random_weights


def level_weights():
    """Return the tensors of an untrained LevelVAE."""
    torch.manual_seed(0)
    net = LevelVAENet()
    net.scale.copy_(torch.linspace(0.1, 2.0, 256))
    return {name: tensor.detach().numpy() for name, tensor in net.state_dict().items()}


@pytest.fixture(scope="module")
def module(vae):
    module = RawAudioVAENet()
    module.load_state_dict({k: torch.from_numpy(v) for k, v in vae.weights.items()})
    return module.eval()


def test_encoding_and_decoding_equal_torch(vae, module):
    rng = np.random.default_rng(3)
    windows = (rng.standard_normal((50, 1024)) * 0.3).astype(np.float32)
    with torch.no_grad():
        mean, log_variance = module.encode(torch.from_numpy(windows))
        decoded = module.decode(mean)
    ours = vae.encode(windows)
    np.testing.assert_allclose(ours[0], mean.numpy(), atol=1e-5)
    np.testing.assert_allclose(ours[1], log_variance.numpy(), atol=1e-5)
    np.testing.assert_allclose(vae.decode(ours[0]), decoded.numpy(), atol=1e-5)


def test_the_original_has_5772800_parameters(module):
    assert sum(p.numel() for p in module.parameters()) == 5_772_800


@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 43, 172])
def test_a_window_does_not_depend_on_its_batch(vae, size):
    rng = np.random.default_rng(4)
    z = rng.standard_normal((172, 256)).astype(np.float32)
    whole = vae.decode(z)
    for start in range(0, 172 - size + 1, 29):
        assert np.array_equal(vae.decode(z[start : start + size]), whole[start : start + size])


def test_the_toy_space_is_exact():
    space = ToySpace()
    x = np.random.default_rng(0).standard_normal((5, 64)).astype(np.float32)
    mean, log_variance = space.encode(x)
    assert np.array_equal(space.decode(mean), x)
    assert np.allclose(np.exp(0.5 * log_variance), 0.0625)


def test_saved_models_come_back_as_float16(tmp_path, vae):
    path = tmp_path / "mine.safetensors"
    save_model(path, vae, {"recipe": "none"})
    again = load_model(path)
    assert (again.window, again.dims, again.units) == (1024, 256, 2048)
    assert again.name == "mine"
    for name, tensor in vae.weights.items():
        assert np.array_equal(again.weights[name], tensor.astype(np.float16).astype(np.float32))


def test_the_starter_model_is_small_and_rebuilds_sounds(recordings):
    import soundfile

    from latentlive import render, sound

    assert starter_path().stat().st_size < 16 * 2**20
    samples, rate = soundfile.read(recordings / "ambi_choir.flac", dtype="float32")
    assert rate == 44100
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    rebuilt = render(sound(mono).spread(0), model="rawaudiovae")
    error = rebuilt - mono
    assert 10 * np.log10((mono @ mono) / (error @ error)) > 6.0


def _checkpoint(folder, vae, content=None, config="sampling_rate = 48000 # as recorded"):
    folder.mkdir()
    state = {k: torch.from_numpy(v) for k, v in vae.weights.items()}
    whole = content or {"epoch": 500, "state_dict": state, "optimizer": {"lr": 1e-4}}
    torch.save(whole, folder / "ckpt_00500")
    (folder / "config.ini").write_text(
        f"[audio]\n{config}\nhop_length = 128\nsegment_length = 1024\n"
        "[VAE]\nlatent_dim = 256\nn_units = 2048\n"
    )
    return folder / "ckpt_00500"


def test_original_state_dict_checkpoint(tmp_path, vae):
    model = load_model(_checkpoint(tmp_path / "run", vae))
    assert model.sample_rate == 48000
    assert all(np.array_equal(model.weights[k], v) for k, v in vae.weights.items())


@pytest.mark.parametrize("wrapped", [False, True])
def test_original_pickled_module_checkpoint(tmp_path, vae, monkeypatch, wrapped):
    """A whole module of a class that is not installed here, saved as the original does."""
    package, module = types.ModuleType("rawvae"), types.ModuleType("rawvae.model")

    class VAE(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name, layer in RawAudioVAENet().named_children():
                self.add_module(name, layer)

    VAE.__module__, VAE.__qualname__ = "rawvae.model", "VAE"
    module.VAE = VAE
    monkeypatch.setitem(sys.modules, "rawvae", package)
    monkeypatch.setitem(sys.modules, "rawvae.model", module)
    whole = VAE()
    whole.load_state_dict({k: torch.from_numpy(v) for k, v in vae.weights.items()})
    path = tmp_path / "best_model.pt"
    torch.save(torch.nn.DataParallel(whole) if wrapped else whole, path)
    monkeypatch.delitem(sys.modules, "rawvae.model")
    monkeypatch.delitem(sys.modules, "rawvae")
    model = load_model(path)
    assert all(np.array_equal(model.weights[k], v) for k, v in vae.weights.items())


class _Bomb:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


def test_a_malicious_pickle_is_refused_and_not_run(tmp_path, vae):
    mark = tmp_path / "ran"
    for content in (_Bomb(mark), {"state_dict": {"fc1.weight": _Bomb(mark)}}):
        folder = tmp_path / f"run{id(content)}"
        with pytest.raises(ModelError, match="cannot trust"):
            load_model(_checkpoint(folder, vae, content))
    plain = tmp_path / "plain.pt"
    plain.write_bytes(pickle.dumps(_Bomb(mark)))
    with pytest.raises(ModelError, match="cannot trust"):
        load_model(plain)
    assert not mark.exists()


def _damaged(tmp_path, change):
    raw = bytearray(starter_path().read_bytes())
    path = tmp_path / "bad.safetensors"
    path.write_bytes(change(raw))
    return path


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda raw: raw[: len(raw) // 2], "is damaged"),
        (lambda raw: raw[:3], "is damaged"),
        (lambda raw: struct.pack("<Q", 4 * 2**30) + raw[8:], "is damaged"),
        (lambda raw: raw[:-2] + b"\x00\x3c", "do not match its digest"),
        (lambda raw: b"", "is damaged"),
    ],
    ids=["truncated", "three bytes", "4 GB header", "a changed weight", "empty"],
)
def test_damaged_model_files_are_refused(tmp_path, change, line):
    with pytest.raises(ModelError, match=line):
        load_model(_damaged(tmp_path, change))


def test_wrong_tensors_are_refused():
    weights = random_weights(64, 32, 8)
    RawAudioVAE(weights)
    with pytest.raises(ModelError, match=r"fc3.weight must have shape \(32, 8\), got \(8, 32\)"):
        RawAudioVAE({**weights, "fc3.weight": weights["fc3.weight"].T})
    with pytest.raises(ModelError, match=r"fc1.bias holds NaN or infinity"):
        RawAudioVAE({**weights, "fc1.bias": weights["fc1.bias"] * np.nan})
    with pytest.raises(ModelError, match=r"it lacks fc4.bias"):
        RawAudioVAE({k: v for k, v in weights.items() if k != "fc4.bias"})


def test_a_foreign_safetensors_is_refused(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "other.safetensors"
    save_file({"a": np.zeros(3)}, path)
    with pytest.raises(ModelError, match="does not say what it is"):
        load_model(path)
    save_file({"a": np.zeros(3)}, path, metadata={"latentlive": json.dumps({"evil": 1})})
    with pytest.raises(ModelError, match="does not say what it is"):
        load_model(path)
    with pytest.raises(ModelError, match="no file"):
        load_model(tmp_path / "none.safetensors")


@pytest.mark.parametrize("name", ["rawaudiovae", "spectral", "spectralvae"])
def test_a_space_goes_by_its_name(name):
    assert load_model(name).name == name
    assert load_model().name == "spectral"
    with pytest.raises(
        ModelError, match=r"no space of this name \('spectral', 'spectralvae', 'raw"
    ):
        load_model("spectrum")


@pytest.mark.parametrize("name", ["fc4.weight", "scale"])
def test_levelvae_tensors_are_checked(tmp_path, name):
    weights = level_weights()
    LevelVAE(weights)
    with pytest.raises(ModelError, match=f"{name} holds NaN or infinity"):
        LevelVAE({**weights, name: weights[name] * np.inf})
    with pytest.raises(ModelError, match=f"{name} must have shape"):
        LevelVAE({**weights, name: weights[name][:-1]})
    with pytest.raises(ModelError, match=f"not a LevelVAE, it lacks {name}"):
        LevelVAE({k: v for k, v in weights.items() if k != name})
    with pytest.raises(ModelError, match="scale must be > 0"):
        LevelVAE({**weights, "scale": -weights["scale"]})


def test_a_model_file_with_nan_or_a_wrong_shape_is_refused(tmp_path):
    """The digest fits: whoever wrote the file wrote it with care."""
    for change, line in (
        ({"fc4.bias": np.full(64, np.nan)}, "fc4.bias holds NaN"),
        ({"fc4.bias": np.zeros(63)}, r"fc4.bias must have shape \(64,\), got \(63,\)"),
        ({"fc1.weight": np.zeros(7)}, "fc1.weight must have two axes"),
    ):
        model = RawAudioVAE(random_weights(64, 32, 8))
        model.weights = {**model.weights, **change}
        save_model(tmp_path / "x.safetensors", model, {})
        with pytest.raises(ModelError, match=line):
            load_model(tmp_path / "x.safetensors")


def test_an_unknown_architecture_is_refused(tmp_path):
    model = RawAudioVAE(random_weights(64, 32, 8))
    model.architecture = "other"
    save_model(tmp_path / "x.safetensors", model, {})
    with pytest.raises(ModelError, match="is a 'other', known: 'rawaudiovae', 'levelvae'"):
        load_model(tmp_path / "x.safetensors")


class TestLevelVAE:
    @pytest.fixture(scope="class")
    def level(self):
        return LevelVAE(level_weights())

    def test_equals_torch(self, level):
        net = LevelVAENet()
        net.load_state_dict({k: torch.from_numpy(v) for k, v in level.weights.items()})
        x = np.random.default_rng(3).standard_normal((20, 1024)).astype("f4")
        with torch.no_grad():
            mean, log_variance = net.encode(torch.from_numpy(x))
            decoded = net.decode(mean)
        ours = level.encode(x)
        np.testing.assert_allclose(ours[0], mean.numpy(), atol=1e-4)
        np.testing.assert_allclose(ours[1], log_variance.numpy(), atol=1e-4)
        np.testing.assert_allclose(level.decode(mean.numpy()), decoded.numpy(), atol=1e-4)

    def test_half_the_level_has_half_the_latents_and_silence_is_silent(self, level):
        x = np.random.default_rng(3).standard_normal((5, 1024)).astype("f4")
        mean, _ = level.encode(x)
        assert np.array_equal(level.encode(x * np.float32(0.5))[0], mean * np.float32(0.5))
        y = level.decode(mean)
        assert np.array_equal(level.decode(mean * np.float32(0.5)), y * np.float32(0.5))
        assert not level.decode(np.zeros((1, 256), "f4")).any()

    def test_decoding_takes_no_more_multiplications_than_rawaudiovae(self, level, vae):
        def cost(model, names):
            return sum(model.weights[f"{name}.weight"].size for name in names)

        ours = cost(level, ("synthesis", "fc3", "fc4"))
        assert ours <= cost(vae, ("fc3", "fc4"))

    @pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 43])
    def test_a_window_does_not_depend_on_its_batch(self, level, size):
        z = np.random.default_rng(4).standard_normal((172, 256)).astype(np.float32)
        whole = level.decode(z)
        for start in range(0, 172 - size + 1, 29):
            assert np.array_equal(
                level.decode(z[start : start + size]), whole[start : start + size]
            )

    def test_chunked_rendering_equals_whole_rendering(self, level):
        from latentlive import interp, sine, sound
        from latentlive.renderer import Rendering, corpus_sounds

        a, b = np.random.default_rng(5).standard_normal((2, 30_000)).astype("f4") * 0.1
        mix = interp(sound(a), sound(b), sine(0.3))
        sounds = corpus_sounds(None, 44100)
        whole = Rendering(mix, level, sounds).samples(0, 30_000)
        edges = [0, 1, 700, 5000, 5001, 17_000, 30_000]
        chunks = Rendering(mix, level, sounds)
        parts = [chunks.samples(i, j) for i, j in pairwise(edges)]
        assert np.array_equal(np.concatenate(parts), whole)

    def test_comes_back_from_its_file_and_plays(self, level, tmp_path):
        from latentlive import interp, render, sound

        path = tmp_path / "level.safetensors"
        save_model(path, level, {})
        again = load_model(path)
        assert isinstance(again, LevelVAE)
        assert (again.window, again.dims, again.units) == (1024, 256, 1843)
        a, b = np.random.default_rng(5).standard_normal((2, 9000)).astype("f4") * 0.1
        samples = render(interp(sound(a), sound(b), 0.5), model=path)
        assert len(samples) == 9000
        assert np.isfinite(samples).all()
        assert samples.any()


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_wrapped_checkpoints_are_unwrapped(tmp_path, vae, prefix):
    """As nn.DataParallel and torch.compile write them."""
    state = {prefix + k: torch.from_numpy(v) for k, v in vae.weights.items()}
    model = load_model(_checkpoint(tmp_path / "run", vae, {"epoch": 1, "state_dict": state}))
    assert all(np.array_equal(model.weights[k], v) for k, v in vae.weights.items())


@pytest.mark.parametrize("rate", ["0", "-44100", "10000000000", "7999", "1" * 5000, "fast"])
def test_a_rate_that_no_sound_has_is_refused_with_the_files_name(tmp_path, vae, rate):
    path = _checkpoint(tmp_path / "run", vae, config=f"sampling_rate = {rate}")
    with pytest.raises(ModelError) as refused:
        load_model(path)
    assert str(refused.value).startswith(f"model: {path}: ")
    assert "sampl" in str(refused.value)
    assert len(str(refused.value)) < 300


def test_what_is_said_against_a_model_names_its_file(tmp_path, vae):
    state = {k: torch.from_numpy(v) for k, v in vae.weights.items() if k != "fc4.bias"}
    path = _checkpoint(tmp_path / "run", vae, {"state_dict": state})
    with pytest.raises(ModelError) as refused:
        load_model(path)
    assert str(refused.value) == f"model: {path}: not a RawAudioVAE, it lacks fc4.bias"


def test_metadata_nested_without_end_is_refused(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "deep.safetensors"
    for said in ("[" * 100_000, '{"window": ' + "1" * 5000 + "}", "[1]", "1"):
        save_file({"a": np.zeros(3)}, path, metadata={"latentlive": said})
        with pytest.raises(ModelError, match=r"deep.safetensors does not say what it is"):
            load_model(path)


def test_a_window_that_overlapping_does_not_divide_is_refused_with_what_would_fit(tmp_path):
    from latentlive import render, sound

    path = tmp_path / "odd.safetensors"
    save_model(path, RawAudioVAE(random_weights(1023, 32, 8)), {})
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 5000)
    line = r"overlap: 4 does not divide the 1023 samples of a window of 'odd'; write .overlap\(1\)"
    with pytest.raises(ExpressionError, match=line):
        render(sound(noise), model=path)
    assert np.isfinite(render(sound(noise).overlap(1), model=path)).all()
    for window in (1, 15):
        with pytest.raises(ModelError, match=f"16 samples or more, got {window}"):
            RawAudioVAE(random_weights(window, 32, 8))


def test_a_latent_timbre_synthesis_model_is_named_as_what_it_is(tmp_path):
    """The same tensors, but windows of constant-Q spectra: 384 bins."""
    path = _checkpoint(tmp_path / "run", RawAudioVAE(random_weights(384, 32, 8)))
    with path.with_name("config.ini").open("a") as file:
        file.write("[dataset]\nbins_per_octave = 48\nnum_octaves = 8\n")
    with pytest.raises(ModelError, match=f"{path}: it is a Latent Timbre Synthesis model"):
        load_model(path)


def test_a_checked_line_reads_its_model_again_only_after_a_change(tmp_path, vae, monkeypatch):
    path, read = tmp_path / "mine.safetensors", []
    save_model(path, vae, {})
    loaded = files.load_model
    monkeypatch.setattr(files, "load_model", lambda name: read.append(name) or loaded(name))
    for _ in range(3):
        assert facts_of(str(path), 44100).window == 1024
    assert len(read) == 1
    save_model(path, RawAudioVAE(random_weights(512, 32, 8)), {})
    assert facts_of(str(path), 44100).window == 512
    assert len(read) == 2
    path.unlink()
    with pytest.raises(ModelError, match="no file"):
        facts_of(str(path), 44100)


def test_a_folder_and_a_name_without_its_suffix_are_told_apart_from_no_file(tmp_path, vae):
    save_model(tmp_path / "mine.safetensors", vae, {})
    with pytest.raises(ModelError, match=r"did you mean '.*mine.safetensors'\?"):
        load_model(tmp_path / "mine")
    with pytest.raises(ModelError, match="is a folder; name the model file in it"):
        load_model(tmp_path)


def test_a_model_file_has_the_rights_of_other_files(tmp_path, vae):
    save_model(tmp_path / "mine.safetensors", vae, {})
    (tmp_path / "other").touch()
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1
