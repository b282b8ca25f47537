"""Imported models that tests share, made once."""

from __future__ import annotations

import configparser

import librosa
import numpy as np
import pytest
import torch

from latentlive.models.importing import Given, import_model
from tests.imports import families, scripts

RATE = families.RATE
TONE, BELL, NOISE = families.sounds()


@pytest.fixture(scope="session")
def imported(tmp_path_factory):
    """Return a function that imports a kind of script, once, and returns its model file."""
    folder, known = tmp_path_factory.mktemp("scripts"), {}

    def model(kind):
        if kind not in known:
            file = scripts.stored(kind, folder / f"{kind.__name__.lower()}.ts")
            known[kind] = file.with_suffix(".safetensors")
            import_model(file, known[kind], Given())
        return known[kind]

    return model


@pytest.fixture(scope="session")
def timbre(tmp_path_factory):
    """A Latent Timbre Synthesis model that knows the three sounds: file, network, transforms."""
    frames = [
        np.abs(librosa.cqt(x, sr=RATE, hop_length=128, n_bins=384, bins_per_octave=48)).T
        for x in (TONE, BELL, NOISE)
    ]
    rows = torch.from_numpy(np.concatenate(frames).astype(np.float32))
    torch.manual_seed(0)
    net = families.trained(families.TimbreNet(), rows, families.timbre_loss, 1500)
    folder = tmp_path_factory.mktemp("timbre")
    settings = configparser.ConfigParser()
    settings["audio"] = {"sampling_rate": "44100", "bins_per_octave": "48", "num_octaves": "8"}
    with (folder / "config.ini").open("w") as file:
        settings.write(file)
    checkpoint = folder / "ckpt_00200"
    torch.save({"epoch": 200, "state_dict": net.state_dict(), "optimizer": {}}, checkpoint)
    return checkpoint, net, frames


@pytest.fixture(scope="session")
def movement(tmp_path_factory):
    """RAMFEM's two state dicts, and their networks."""
    folder = tmp_path_factory.mktemp("movement")
    rows = np.lib.stride_tricks.sliding_window_view(np.concatenate([TONE, BELL]), 256)[::97]
    rows = torch.from_numpy((rows / 0.1).astype(np.float32))
    torch.manual_seed(0)
    both = torch.nn.Sequential(families.MovementEncoder(), families.MovementDecoder())
    families.trained(both, rows, lambda net, x: ((net(x) - x) ** 2).mean(), 300)
    for part, net in zip(("encoder", "decoder"), both, strict=True):
        torch.save(net.state_dict(), folder / f"ae_{part}_weights_epoch_200")
    return folder / "ae_encoder_weights_epoch_200", both


@pytest.fixture(scope="session")
def vocoder(tmp_path_factory):
    """A vocoder that nobody trained: file and network."""
    torch.manual_seed(2)
    net = families.Vocoder().eval()
    file = tmp_path_factory.mktemp("vocoder") / "best_netG.pt"
    torch.save(net.state_dict(), file)
    return file, net


@pytest.fixture(scope="session")
def colonel(tmp_path_factory):
    """Colonel and Keene's network with pitch classes: file and layers; trained on the sounds."""
    spectra = np.concatenate(
        [np.abs(librosa.stft(x, n_fft=4096, hop_length=1024)).T for x in (TONE, BELL, NOISE)]
    )
    shapes = spectra / spectra.max(axis=1, keepdims=True)
    pitches = np.zeros((len(shapes), 12), np.float32)
    pitches[:, 9] = 1.0
    rows = torch.from_numpy(np.concatenate([shapes, pitches], axis=1).astype(np.float32))
    linear, leaky = torch.nn.Linear, torch.nn.LeakyReLU(0.1)
    torch.manual_seed(4)
    encoder = torch.nn.Sequential(linear(2061, 64), leaky, linear(64, 8), torch.nn.Sigmoid())
    decoder = torch.nn.Sequential(linear(20, 64), leaky, linear(64, 2049), torch.nn.ReLU())
    net = torch.nn.ModuleList([encoder, decoder])

    def through(net, x):
        return net[1](torch.cat([net[0](x), x[:, 2049:]], dim=1))

    families.trained(net, rows, lambda net, x: ((through(net, x) - x[:, :2049]) ** 2).sum(1).mean())
    layers = [("InputLayer", "input", {}, None, None)]
    for i, layer in enumerate([encoder[0], encoder[2], decoder[0], decoder[2]]):
        activation = ("linear", "sigmoid", "linear", "relu")[i]
        kernel = layer.weight.detach().numpy().T
        settings = {"activation": activation}
        layers.append(("Dense", f"dense_{i}", settings, kernel, layer.bias.detach().numpy()))
        if activation == "linear":
            layers.append(("LeakyReLU", f"leaky_{i}", {"alpha": 0.1}, None, None))
    file = tmp_path_factory.mktemp("colonel") / "bells_trained_network.h5"
    return families.keras_file(file, layers), net, through
