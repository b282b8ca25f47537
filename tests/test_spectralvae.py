"""SpectralVAE: what passes by its network, training, resumption, the command."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from latentlive import render, silence
from latentlive.errors import ModelError
from latentlive.models import SpectralVAE, load_model, save_model
from latentlive.models.recipes import SPECTRAL, TrainingPlan
from latentlive.models.resuming import load_state, save_state
from latentlive.models.spectral_training import SpectralTraining, compared, vectors
from latentlive.models.spectralvae import BY, LEVEL, NAMED, PITCH, PRESENCE, VOICED, described
from latentlive.spectral import Spectral
from tests.test_training import run, together, tones

SMALL = replace(SPECTRAL, batch=32, code=8, units=64)
RATE = 44100


@pytest.fixture(scope="module")
def there():
    """A small training that has come some way."""
    training = SpectralTraining(tones(0.7), TrainingPlan(SMALL, "spectralvae", epochs=100))
    while training.step():
        pass
    return training


@pytest.fixture(scope="module")
def model(there):
    return there.model()


def page(samples):
    """Return the spectral vectors of a sound's first page."""
    space = Spectral()
    length = (space.page - 1) * space.hop + space.window + 2 * space.margin
    padded = np.pad(samples, (space.margin, length))[:length]
    return space.encode_page(padded.astype(np.float32))


def test_pitch_voicing_presence_and_level_pass_by_the_network(model):
    z = page(tones(0.7)[1])
    ours = model.encoded(z)
    np.testing.assert_allclose(ours[:, : len(NAMED)], z[:, BY], atol=1e-6)
    np.testing.assert_allclose(model.decoded(ours)[:, BY], z[:, BY], atol=1e-6)


def test_a_glide_between_two_pitches_is_straight_in_octaves(model):
    first, second = (model.encoded(page(x))[60] for x in tones(0.7)[:2])
    assert min(first[VOICED], second[VOICED]) > 0.9
    middle = model.decoded(np.float32(0.5) * (first + second)[None])[0]
    octaves = middle[BY[PITCH]] / middle[BY[VOICED]]
    wanted = (first[PITCH] / first[VOICED] + second[PITCH] / second[VOICED]) / 2
    assert octaves == pytest.approx(wanted, abs=1e-4)


def test_silence_is_silent_and_fades_without_a_change_of_timbre(model):
    assert not render(silence, 0.3, model=model).any()
    full = model.encoded(page(tones(0.7)[0]))[60:61]
    half = model.decoded(full * np.float32(0.5))
    whole = model.decoded(full)
    level, presence = BY[LEVEL], BY[PRESENCE]
    timbre = np.setdiff1d(np.arange(whole.shape[1]), [level])
    np.testing.assert_allclose(half[:, timbre] * 2, whole[:, timbre], rtol=1e-4, atol=1e-4)
    assert half[0, presence] == pytest.approx(0.5)


def test_it_learns_what_it_is_shown(there):
    learnt, named = map(torch.from_numpy, described(vectors(tones(0.7))))

    @torch.no_grad()
    def error(net):
        rebuilt = net.decode(named, net.encode(learnt)[0])
        return float(compared(learnt, rebuilt, named[:, VOICED]).mean())

    before = SpectralTraining(tones(0.7), there.plan)
    assert error(there.net) < 0.5 * error(before.net)


def test_its_prior_sounds_at_the_level_of_its_sounds(model):
    from latentlive import prior

    level = 20 * np.log10(np.std(np.concatenate(tones(0.7))))
    heard = [
        20 * np.log10(np.std(render(prior(seed), 0.5, model=model)) + 1e-9) for seed in range(6)
    ]
    assert level - 25 < np.median(heard) < level + 12


def test_a_file_holds_all_of_it(model, tmp_path):
    file = tmp_path / "m.safetensors"
    save_model(file, model, {})
    again = load_model(file)
    assert isinstance(again, SpectralVAE)
    assert (again.code, again.units, again.dims) == (8, 64, 13)
    z = model.encoded(page(tones(0.7)[0]))
    np.testing.assert_allclose(again.decoded(z), model.decoded(z), atol=0.05)


def test_a_damaged_one_is_refused(model):
    for name, change in (
        ("scale", lambda t: t * 0),
        ("encoder2.weight", lambda t: t[:, :-1]),
        ("prior.std", lambda t: t * np.nan),
    ):
        with pytest.raises(ModelError, match=name):
            SpectralVAE({**model.weights, name: change(model.weights[name])})
    lacking = {n: t for n, t in model.weights.items() if n != "decoder3.bias"}
    with pytest.raises(ModelError, match=r"it lacks decoder3\.bias"):
        SpectralVAE(lacking)


def test_a_resumed_training_ends_with_the_same_weights(tmp_path):
    plan, sounds = TrainingPlan(SMALL, "spectralvae", epochs=2), tones(0.4)
    whole, first = (SpectralTraining(sounds, plan) for _ in range(2))
    while whole.step():
        pass
    for _ in range(whole.steps // 2):
        first.step()
    path = tmp_path / "x.training.safetensors"
    save_state(path, first, -7.0)
    second, best = load_state(path, sounds)
    assert (best, second.steps) == (-7.0, first.steps)
    while second.step():
        pass
    for name, tensor in whole.net.state_dict().items():
        assert torch.equal(tensor, second.net.state_dict()[name]), name


def test_silence_is_not_learnt_from():
    x = np.concatenate([np.zeros(RATE, np.float32), tones(0.3)[0]])
    assert (vectors([x])[:, BY[LEVEL]] > 0).all()
    with pytest.raises(ModelError, match="nothing to hear"):
        SpectralTraining([np.zeros(9000, np.float32)], TrainingPlan(SMALL, "spectralvae", epochs=1))


def test_the_command_trains_one(tmp_path):
    folder, out = tmp_path / "sounds", tmp_path / "m.safetensors"
    folder.mkdir()
    soundfile.write(folder / "one.wav", tones(1.5, 1)[0], RATE)
    told = run(folder, "-o", out, "--architecture", "spectralvae", "--epochs", 1)
    assert told.returncode == 0, told.stderr
    assert isinstance(load_model(out), SpectralVAE)
    assert (tmp_path / "m.preview.flac").stat().st_size > 1000
    refused = run(
        folder, "-o", tmp_path / "n.safetensors", "--architecture", "spectralvae",
        "--recipe", "paper",
    )  # fmt: skip
    assert "--recipe is for windows" in refused.stderr


def test_two_processes_train_one(tmp_path):
    folder, out = tmp_path / "sounds", tmp_path / "m.safetensors"
    folder.mkdir()
    for number, samples in enumerate(tones(1.0, 2)):
        soundfile.write(folder / f"{number}.wav", samples, RATE)
    command = ["-m", "latentlive.cli", "train", folder, "-o", out]
    printed = together(*command, "--architecture", "spectralvae", "--epochs", 1, "--batch", 32)
    assert printed == f"{out}\n"
    assert isinstance(load_model(out), SpectralVAE)
