"""Other people's architectures, each against a reference that is written out here."""

from __future__ import annotations

import pickle

import librosa
import numpy as np
import pytest
import torch
from click.testing import CliRunner

import latentlive as ll
from latentlive.cli import main
from latentlive.corpus import Corpus
from latentlive.errors import ModelError
from latentlive.models import load_model
from latentlive.models.importing import Given, import_model
from latentlive.renderer import Rendering, Spaces
from latentlive.renderer.sounds import corpus_sounds
from tests.imports import families, scripts

RATE = 44100
TONE, BELL, NOISE = families.sounds()


def rendering(texture, model, seed=0):
    spaces = Spaces(load_model(model))
    return Rendering(texture, spaces, corpus_sounds(Corpus(), spaces.rate), seed=seed)


def brought(file, given=None):
    model = file.with_suffix(".safetensors")
    return model, import_model(file, model, given or Given())


def distance(a, b):
    """Return the mean distance of two sounds' log mel spectra [dB], up to 8 kHz."""

    def mel(x):
        found = librosa.feature.melspectrogram(y=x, sr=RATE, n_mels=60, fmax=8000)
        return 10 * np.log10(found + 1e-6)

    return float(np.abs(mel(a) - mel(b)).mean())


def test_timbre_synthesis_is_refused_as_a_rawaudiovae_with_the_remedy(timbre, tmp_path):
    with pytest.raises(ModelError, match=r"Latent Timbre Synthesis .* latentlive import .*ckpt"):
        load_model(timbre[0])
    alone = tmp_path / "ckpt_00200"
    alone.write_bytes(timbre[0].read_bytes())  # without its config.ini
    with pytest.raises(ModelError, match="latentlive import"):
        load_model(alone)


def test_timbre_synthesis_encodes_and_decodes_as_its_network_does(timbre):
    file, net, frames = timbre
    model, told = brought(file)
    assert "16 latents, 384 constant-Q bins, 44100 Hz" in told[0]
    space = load_model(model)
    spaces = Spaces(space)
    audio = corpus_sounds(Corpus(), RATE)(ll.sound(BELL))
    at = np.arange(40, 120)
    never = np.zeros(len(at), bool)
    found = spaces.encoder().read(audio, at * 512.0, never, never)
    with torch.no_grad():
        mean, log_variance = net.encode(torch.from_numpy(frames[1][at * 4 + 8].astype(np.float32)))
    scale = mean.abs().max().item()
    assert np.abs(found.mean[:, :16] - mean.numpy()).max() < 0.02 * scale
    spread = np.exp(0.5 * log_variance.numpy())
    assert np.abs(found.std[:, :16] - spread).max() < 0.02 * spread.max()
    assert not found.std[:, 16:].any()
    z = np.random.default_rng(0).standard_normal((5, 16)).astype(np.float32)
    with torch.no_grad():
        expected = net.decode(torch.from_numpy(z)).numpy()
    assert np.abs(space._decoder(z) - expected).max() < 1e-5


def test_timbre_synthesis_gives_a_sound_back_and_mixes_two(timbre):
    model, _ = brought(timbre[0])
    for x in (TONE, BELL):
        heard = rendering(ll.sound(x), model).samples(0, len(x))
        assert distance(heard, x) < 2.0
        assert abs(heard.std() / x.std() - 1) < 0.1
    # Of noise the network knows little: what is heard has the level that it decodes.
    _, net, frames = timbre
    with torch.no_grad():
        known = net.decode(net.encode(torch.from_numpy(frames[2]))[0]).numpy()
    part = np.sqrt((known**2).mean() / (frames[2] ** 2).mean())
    heard = rendering(ll.sound(NOISE), model).samples(0, len(NOISE))
    audible = np.fft.irfft(np.fft.rfft(NOISE)[: int(8252 * len(NOISE) / RATE)], len(NOISE))
    assert 0.8 < heard.std() / (part * audible.std()) < 1.25
    mix = ll.interp(ll.sound(TONE), ll.sound(BELL), 0.5, law="logvar")
    between = rendering(mix, model).samples(0, len(TONE))
    level = np.sqrt(np.mean(between**2))
    assert 0.02 < level < 0.3
    assert distance(between, TONE) > 1.0
    assert distance(between, BELL) > 1.0


def test_movement_encodes_and_decodes_as_its_networks_do(movement):
    file, (encoder, decoder) = movement
    model, told = brought(file)
    assert "windows of 256, 32 latents" in told[0]
    assert "mean 0 and std 0.1" in told[1]
    space = load_model(model)
    assert (space.sample_rate, space.window, space.dims) == (32000, 256, 32)
    windows = np.lib.stride_tricks.sliding_window_view(BELL, 256)[:4000:400]
    with torch.no_grad():
        z = encoder(torch.from_numpy(windows / np.float32(0.1)))
        expected = decoder(z).numpy() * 0.1
    found, _ = space.encode(windows)
    assert np.abs(found - z.numpy()).max() < 1e-4
    assert np.abs(space.decode(found) - expected).max() < 1e-4
    whole = space.decode(found)
    assert np.array_equal(space.decode(found[3:5]), whole[3:5])


def test_movement_in_its_untrained_forms_is_refused_with_the_reason(movement, tmp_path):
    script = tmp_path / "ae_encoder.pt"
    torch.jit.save(torch.jit.script(movement[1][0]), script)
    graph = tmp_path / "ae_encoder.onnx"
    graph.write_bytes(b"not read")
    for file in (script, graph):
        with pytest.raises(ModelError, match="written before training and holds random weights"):
            brought(file)
    alone = tmp_path / "ae_encoder_weights_epoch_200"
    alone.write_bytes(movement[0].read_bytes())
    with pytest.raises(ModelError, match="the decoder's weights are missing: ae_decoder"):
        brought(alone)


def test_a_vocoder_decodes_blocks_as_it_does_one_long_spectrum(vocoder):
    file, net = vocoder
    model, told = brought(file)
    assert "80 mel bands every 256 samples, 22050 Hz" in told[0]
    space = load_model(model)
    z = np.random.default_rng(1).uniform(-5, 1, (200, 80)).astype(np.float32)
    with torch.no_grad():
        whole = net(torch.from_numpy(z.T[None].copy()))[0, 0].numpy().reshape(-1, 256)
    block = space.prepare(z[64 - 10 : 128 + 10], 64, 0)
    assert np.abs(block - whole[64:128]).max() < 1e-5


def test_a_vocoder_describes_a_recording_as_its_own_spectrum_does(vocoder):
    space = load_model(brought(vocoder[0])[0])
    x = librosa.resample(BELL, orig_sr=RATE, target_sr=22050)
    padded = np.pad(x, (384, 384), mode="reflect")
    spectrum = np.abs(librosa.stft(padded, n_fft=1024, hop_length=256, center=False))
    mel = librosa.filters.mel(sr=22050, n_fft=1024, n_mels=80) @ spectrum
    expected = np.log10(np.maximum(mel, 1e-5)).T
    page = space.encode_page(np.pad(x, 384)[: (space.page - 1) * 256 + 256 + 2 * 384])
    inner = slice(4, min(len(page), len(expected)) - 4)
    assert np.abs(page[inner] - expected[inner]).max() < 1e-3


def dense(rng, a, b):
    return (rng.standard_normal((a, b)) / np.sqrt(a)).astype(np.float32), np.zeros(b, np.float32)


def test_colonel_and_keene_encode_decode_and_give_a_sound_back(colonel):
    file, net, through = colonel
    model, told = brought(file)
    assert "8 latents, 12 pitch classes, a gain" in told[0]
    space = load_model(model)
    windows = np.lib.stride_tricks.sliding_window_view(BELL, 4096)[:8192:1024]
    spectrum = np.abs(np.fft.rfft(windows * np.hanning(4097)[:-1], axis=1))
    gain = spectrum.max(axis=1, keepdims=True)
    code, _ = space.described(BELL, windows, np.ones((len(windows), 1), np.float32))
    assert np.abs(code[:, -1:] / gain - 1).max() < 1e-5
    assert (code[:, 8:20].sum(axis=1) == 1).all()
    assert space.names[8 + int(code[0, 8:20].argmax())] == "A"  # 437 Hz
    x = np.concatenate([spectrum / gain, code[:, 8:20]], axis=1).astype(np.float32)
    with torch.no_grad():
        expected = through(net, torch.from_numpy(x)).numpy() * gain
    found = space.wanted(code, spectrum, np.zeros(len(code), bool))
    assert np.abs(found - expected).max() < 1e-3 * expected.max()
    heard = rendering(ll.sound(TONE), model).samples(0, len(TONE))
    assert distance(heard, TONE) < 0.5 * min(distance(TONE, BELL), distance(TONE, NOISE))


def test_timbre_synthesis_in_kerass_form_is_the_same_space(timbre, tmp_path):
    net = timbre[1]
    names = {"dense": "fc1", "z_mean": "fc21", "z_log_var": "fc22", "dense_1": "fc3",
             "dense_2": "fc4"}  # fmt: skip
    layers = []
    for ours, theirs in names.items():
        layer = getattr(net, theirs)
        activation = "linear" if ours.startswith("z_") else "relu"
        kernel, bias = layer.weight.detach().numpy().T, layer.bias.detach().numpy()
        layers.append(("Dense", ours, {"activation": activation}, kernel, bias))
    keras_model, _ = brought(families.keras_file(tmp_path / "mymodel_last.h5", layers))
    torch_model, _ = brought(timbre[0])
    pair = [
        rendering(ll.sound(BELL), model).samples(8000, 20000)
        for model in (keras_model, torch_model)
    ]
    assert np.array_equal(*pair)


def test_a_keras_file_that_points_at_other_files_or_lacks_layers_is_refused(tmp_path):
    import h5py

    secret = tmp_path / "secret"
    secret.write_bytes(b"x" * 4096)
    rng = np.random.default_rng(0)
    good = [("Dense", "d", {"activation": "relu"}, *dense(rng, 2049, 8)),
            ("Dense", "e", {"activation": "relu"}, *dense(rng, 8, 2049))]  # fmt: skip
    file = families.keras_file(tmp_path / "model.h5", good)
    with h5py.File(file, "a") as opened:
        group = opened.create_group("model_weights/f/f")
        group.create_dataset("kernel:0", (16,), "u1", external=[(str(secret), 0, 16)])
    with pytest.raises(ModelError, match="lies in another file"):
        brought(file)
    with h5py.File(tmp_path / "weights.h5", "w") as opened:
        opened["d/kernel:0"] = np.ones((3, 3), np.float32)
    with pytest.raises(ModelError, match=r"weights without their layers"):
        brought(tmp_path / "weights.h5")
    half = families.keras_file(tmp_path / "encoder.h5", good[:1])
    with pytest.raises(ModelError, match="half of a model"):
        brought(half)
    (tmp_path / "no.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 100)
    with pytest.raises(ModelError, match="damaged"):
        brought(tmp_path / "no.h5")


@pytest.mark.parametrize("family", ["timbre", "colonel", "movement"])
def test_samples_are_the_same_in_any_chunk_and_order(family, request):
    model, _ = brought(request.getfixturevalue(family)[0])
    texture = ll.cat(
        ll.interp(ll.sound(TONE).slice(0, 0.4), ll.sound(NOISE), ll.sine(1)), ll.prior(2)
    ).seed(4)
    whole = rendering(texture, model).samples(0, 30000)
    assert np.isfinite(whole).all()
    assert whole.std() > 1e-3
    again = rendering(texture, model)
    for start in (20000, 500, 11111):
        assert np.array_equal(again.samples(start, start + 999), whole[start : start + 999])


def test_silence_is_silent_where_a_model_has_a_level(timbre, colonel):
    for file in (timbre[0], colonel[0]):
        heard = rendering(ll.sound(np.zeros(30000, np.float32)), brought(file)[0]).samples(0, 20000)
        assert np.abs(heard).max() < 1e-4


def test_unknown_and_hostile_files_are_refused_in_one_line(tmp_path):
    tensors = tmp_path / "other.pt"
    torch.save({"layer.weight": torch.ones(3)}, tensors)
    evil = tmp_path / "evil.pt"
    evil.write_bytes(b"cos\nsystem\n(S'touch /tmp/never'\ntR.")
    for file, why in (
        (tensors, "no known family"),
        (evil, "cannot trust"),
        (tmp_path / "none.pt", "no file"),
        (tmp_path, "is a folder"),
    ):
        told = CliRunner().invoke(
            main, ["import", str(file), "-o", str(tmp_path / "x.safetensors")]
        )
        assert told.exit_code != 0
        assert why in told.output
        assert len(told.output.strip().splitlines()) == 1


def test_a_model_of_another_width_is_refused(timbre, tmp_path):
    state = torch.load(timbre[0])["state_dict"]
    state["fc4.weight"] = torch.ones(300, 256)
    state["fc4.bias"] = torch.ones(300)
    torch.save(state, tmp_path / "ckpt")
    with pytest.raises(ModelError, match="384 bins"):
        brought(tmp_path / "ckpt")
    state["fc3.weight"] = torch.ones(256, 99)
    torch.save(state, tmp_path / "ckpt2")
    with pytest.raises(ModelError, match="do not fit"):
        brought(tmp_path / "ckpt2")


def test_the_original_rawaudiovae_is_imported_as_it_is(tmp_path, vae):
    file = tmp_path / "ckpt_00500"
    state = {name: torch.from_numpy(tensor) for name, tensor in vae.weights.items()}
    torch.save({"state_dict": state}, file)
    model, told = brought(file)
    assert "windows of 1024, 256 dims" in told[0]
    windows = np.random.default_rng(0).standard_normal((3, 1024)).astype(np.float32)
    assert np.array_equal(load_model(model).encode(windows)[0], vae.encode(windows)[0])


def test_an_imported_model_is_not_imported_again(tmp_path, imported):
    with pytest.raises(ModelError, match="a model file already"):
        import_model(imported(scripts.Plain), tmp_path / "x.safetensors", Given())


def mutated(state, rng):
    """Return a state dict that is wrong in one of many ways."""
    state = dict(state)
    name = sorted(state)[rng.integers(len(state))]
    tensor = state.pop(name)
    match rng.integers(6):
        case 0:
            pass
        case 1:
            state[name] = tensor.reshape(-1)
        case 2:
            state[name] = tensor[..., : max(tensor.shape[-1] // 2, 1)] if tensor.ndim else tensor
        case 3:
            state[name] = torch.full_like(tensor, torch.nan) if tensor.is_floating_point() else -1
        case 4:
            state[f"conv_model.x.{name}"] = tensor
        case 5:
            state[name] = torch.zeros((0, *tensor.shape[1:]))
    return state


@pytest.mark.parametrize("family", ["timbre", "movement", "vocoder"])
def test_a_checkpoint_that_is_wrong_somewhere_is_read_or_refused_in_one_line(
    family, request, tmp_path
):
    file = request.getfixturevalue(family)[0]
    found = torch.load(file, weights_only=True)
    state = found.get("state_dict", found)
    for part in ("ae_encoder", "ae_decoder"):
        if (beside := file.with_name(f"{part}_weights_epoch_200")).exists():
            (tmp_path / beside.name).write_bytes(beside.read_bytes())
    rng, refused = np.random.default_rng(8), []
    for _ in range(25):
        wrong = tmp_path / file.name
        torch.save(mutated(state, rng), wrong)
        try:
            brought(wrong)
        except ModelError as error:
            refused.append(str(error))
    assert len(refused) > 10
    assert not [line for line in refused if "\n" in line]


def test_a_place_that_takes_no_model_is_refused_before_it_is_read(vocoder, tmp_path):
    (tmp_path / "folder.safetensors").mkdir()
    for place, why in (
        ("folder.safetensors", "is a folder"),
        ("none/x.safetensors", "no folder"),
        (300 * "x" + ".safetensors", "File name too long"),
    ):
        asked = ["import", str(vocoder[0]), "-o", str(tmp_path / place)]
        told = CliRunner().invoke(main, asked)
        assert told.exit_code == 1
        assert told.output.startswith("Error: ")
        assert why in told.output
        assert len(told.output.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["folder.safetensors"]


def test_models_of_others_that_are_to_play_as_they_are_are_refused_with_the_remedy(
    vocoder, colonel, movement
):
    for file in (vocoder[0], colonel[0], movement[0]):
        with pytest.raises(ModelError, match=f"latentlive import {file} -o {file.stem}.safet"):
            load_model(file)


def test_what_torch_says_of_a_damaged_checkpoint_is_not_passed_on(vocoder, tmp_path, recwarn):
    evil = pickle.dumps(print, protocol=4)
    for content in (vocoder[0].read_bytes()[:100_000], b"hello", b"", bytes(range(256)), evil):
        (tmp_path / "x.pt").write_bytes(content)
        with pytest.raises(ModelError, match=r"cannot trust .*x.pt: it .*; bring a state dict$"):
            brought(tmp_path / "x.pt")
    assert not recwarn.list


def test_halves_that_do_not_fit_are_refused_with_the_files_name(movement, vocoder, tmp_path):
    (tmp_path / "ae_encoder_weights").write_bytes(movement[0].read_bytes())
    (tmp_path / "ae_decoder_weights").write_bytes(vocoder[0].read_bytes())
    with pytest.raises(ModelError, match="ae_encoder_weights: not RAMFEM's"):
        brought(tmp_path / "ae_encoder_weights")
    with pytest.raises(ModelError, match="std must lie in 1e-06 to 1e"):
        import_model(movement[0], tmp_path / "x.safetensors", Given(std=1e300))
