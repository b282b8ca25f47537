"""Other people's models, read and written as model files of ours.

Each family is recognised by what is in the file, never by its name alone. Nothing in a file is
executed here: tensors are read as data, and a TorchScript model is loaded in a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ModelError, printable
from latentlive.ground.names import on_disk
from latentlive.models import colonel, keras, lts, melgan, ramfem, rawaudiovae, script
from latentlive.models.checkpoints import read_checkpoint, sample_rate
from latentlive.models.files import UNFIT, Config, save_imported, told_of
from latentlive.models.script_process import ScriptProcess
from latentlive.models.script_vetting import check_whole, is_script, vet
from latentlive.models.tensors import checked_rate

LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "LICENCE.txt", "LICENCE.md")
LONGEST_NOTE = 200


@dataclass(frozen=True)
class Given:
    """Facts that the file lacks and the performer gives.

    Parameters
    ----------
    rate : int or None [samples a second]
    mean, std : float or None
        Of the samples that a model learnt from, where it was given them standardised.
    licence : str or None
    """

    rate: int | None = None
    mean: float | None = None
    std: float | None = None
    licence: str | None = None


@dataclass(frozen=True)
class Found:
    """A model as it will be written.

    Parameters
    ----------
    architecture : str
    tensors : mapping of name to array
    sample_rate, window, dims : int
    told : list of str
        Its kind, abilities and limits: a line each.
    facts : mapping
        Settings that it needs besides its tensors.
    units : int
        Of its hidden layers, where its architecture is one of ours.
    """

    architecture: str
    tensors: Mapping[str, NDArray[Any]]
    sample_rate: int
    window: int
    dims: int
    told: list[str]
    facts: dict[str, Any] = field(default_factory=dict)
    units: int = 0


def import_model(file: Path, output: Path, given: Given) -> list[str]:
    """Read another program's model and write it as a model file; return what it is, line by line.

    Parameters
    ----------
    file, output : path
    given : Given

    Raises
    ------
    ModelError
        If it is of no known family, damaged or dangerous, or if a fact is missing.
    """
    file = on_disk(file)
    if os.path.isdir(file):
        raise ModelError(f"import: {os.fspath(file)!r} is a folder; name the model's file in it")
    if not os.path.isfile(file):
        raise ModelError(f"import: no file {os.fspath(file)!r}")
    _check_place(file, output)
    try:
        with told_of(file):
            found = recognised(file, given)
    except UNFIT:
        raise ModelError(f"import: {file}: its tensors are none of its family's") from None
    licence = _note(file) if given.licence is None else given.licence
    licence = printable(" ".join(licence.split()))[:LONGEST_NOTE]
    save_imported(
        output,
        found.tensors,
        lambda digest: Config(
            found.sample_rate,
            found.window,
            found.dims,
            found.units,
            digest,
            {"imported": file.name},
            found.architecture,
            found.facts,
            licence,
        ),
    )
    if found.architecture != ramfem.ARCHITECTURE and (given.mean, given.std) != (None, None):
        found.told.append("--mean and --std are left out: this family needs neither")
    return [*found.told, f"licence: {licence or 'the file says nothing of one'}"]


def _check_place(file: Path, output: Path) -> None:
    """Refuse a place where no model file can be written: probing a model takes long."""
    if output.suffix != ".safetensors":
        raise ModelError(f"import: a model file ends in .safetensors, got {output.name!r}")
    if output.exists() and output.samefile(file):
        raise ModelError(f"import: {os.fspath(output)!r} is the file that is read; name another")
    if output.is_dir():
        raise ModelError(f"import: {os.fspath(output)!r} is a folder; name a file")
    folder = os.fspath(output.parent)
    if not os.path.isdir(folder):
        raise ModelError(f"import: no folder {folder!r}; make it first")
    if not os.access(folder, os.W_OK):
        raise ModelError(f"import: cannot write to {folder!r}")


def recognised(file: Path, given: Given) -> Found:
    """Return the model in a file, or raise ModelError with the reason why there is none."""
    if is_script(file):
        return scripted(file, given)
    if keras.is_keras(file):
        return of_keras(file, given)
    if file.suffix == ".onnx":
        if "coder" in file.stem:
            raise ModelError(f"import: {file}: {UNTRAINED}")
        raise ModelError(f"import: {file}: ONNX graphs are not imported; bring the weights")
    if file.suffix == ".safetensors":
        raise ModelError(f"import: {file} is a model file already; play it with .on({file.name!r})")
    return of_torch(file, given)


def of_torch(file: Path, given: Given) -> Found:
    """Read a checkpoint of torch: tensors by name, and nothing else."""
    found = read_checkpoint(file)
    tensors = found.tensors
    if found.of_timbre:
        return timbre(lts.imported(tensors), given.rate or sample_rate(found.settings))
    if "fc1.weight" in tensors:
        vae = rawaudiovae.RawAudioVAE(tensors, given.rate or sample_rate(found.settings))
        told = f"RawAudioVAE: windows of {vae.window}, {vae.dims} dims, {vae.sample_rate} Hz"
        return Found(
            rawaudiovae.ARCHITECTURE,
            vae.weights,
            vae.sample_rate,
            vae.window,
            vae.dims,
            [told],
            units=vae.units,
        )
    if any(name.startswith("conv_model.") for name in tensors):
        return movement(file, given)
    if any(name.endswith(".weight_g") for name in tensors):
        return vocoder(melgan.imported(tensors), given)
    raise ModelError(
        f"import: {file} is of no known family: RawAudioVAE, Latent Timbre Synthesis, RAMFEM and "
        "MelGAN checkpoints, Colonel and Keene's .h5, and TorchScript in nn~'s form are"
    )


def timbre(tensors: dict[str, NDArray[Any]], rate: int) -> Found:
    """Return a Latent Timbre Synthesis model."""
    space = lts.LTS(tensors, rate, "")
    told = [
        f"Latent Timbre Synthesis: {space.latents} latents, 384 constant-Q bins, {rate} Hz",
        "it sounds up to 8.3 kHz; phases are those of the recordings, 46 ms at a time",
        "law='logvar' in interp is its own law, and a curve beyond 0..1 extrapolates as it does",
    ]
    return Found(lts.ARCHITECTURE, tensors, rate, space.window, space.dims, told)


def movement(file: Path, given: Given) -> Found:
    """Read the two state dicts of RAMFEM's autoencoder."""
    if "encoder" not in file.name and "decoder" not in file.name:
        raise ModelError(f"import: {file}: RAMFEM's two files have 'encoder' and 'decoder' in them")
    parts = {}
    for part in ("encoder", "decoder"):
        one = file.with_name(re.sub("encoder|decoder", part, file.name))
        if not one.is_file():
            raise ModelError(f"import: {file}: the {part}'s weights are missing: {one.name}")
        parts[part] = read_checkpoint(one).tensors
    tensors = ramfem.imported(parts)
    facts = {name: getattr(given, name) for name in ramfem.USUAL}
    facts = {name: ramfem.USUAL[name] if held is None else held for name, held in facts.items()}
    space = ramfem.Ramfem(tensors, facts, given.rate or ramfem.RATE, "")
    told = [f"RAMFEM's autoencoder: windows of {space.window}, {space.dims} latents"]
    if given.mean is None or given.std is None:
        usual = f"mean {facts['mean']:g} and std {facts['std']:g}"
        told.append(f"it does not hold the level that it learnt at: {usual}; --mean --std say it")
    return Found(
        ramfem.ARCHITECTURE, tensors, space.sample_rate, space.window, space.dims, told, facts
    )


def vocoder(tensors: dict[str, NDArray[Any]], given: Given) -> Found:
    """Return a vocoder of the MelGAN kind."""
    space = melgan.MelGAN(tensors, given.rate or melgan.RATE, "")
    told = [
        f"MelGAN: {space.dims} mel bands every {space.hop} samples, {space.sample_rate} Hz",
        "nothing is learnt of the way in: a recording is its mel spectrum; there is no prior",
    ]
    return Found(melgan.ARCHITECTURE, tensors, space.sample_rate, space.window, space.dims, told)


def of_keras(file: Path, given: Given) -> Found:
    """Read the dense layers of a Keras model."""
    found = keras.read(file)
    dense = {layer.name: layer for layer in found.dense}
    rate = given.rate or 44100
    if {"z_mean", "z_log_var"} <= dense.keys():
        return timbre(_of_timbre(found.dense), rate)
    if foreign := sorted(kind for kind in found.kinds if kind.startswith(("Conv", "LSTM", "GRU"))):
        raise ModelError(f"import: {file}: layers of kind {foreign[0]} are not read")
    widths = [layer.kernel.shape for layer in found.dense]
    if not widths or widths[0][0] - colonel.BINS not in (0, colonel.CLASSES):
        raise ModelError(
            f"import: {file} is neither Latent Timbre Synthesis (z_mean, z_log_var) nor Colonel "
            f"and Keene's (a first layer of {colonel.BINS} inputs)"
        )
    if widths[-1][1] != colonel.BINS:
        raise ModelError(f"import: {file} is half of a model: import its *_network.h5")
    tensors, activations = colonel.imported([layer[1:] for layer in found.dense])
    space = colonel.Colonel(tensors, activations, rate, "")
    classes = ", 12 pitch classes" if space.classes else ""
    told = [f"Colonel and Keene's autoencoder: {space.latents} latents{classes}, a gain, {rate} Hz"]
    return Found(
        colonel.ARCHITECTURE, tensors, rate, space.window, space.dims, told, dict(activations)
    )


def _of_timbre(dense: Sequence[keras.Dense]) -> dict[str, NDArray[Any]]:
    """Return the tensors of a Keras model of Latent Timbre Synthesis by our names."""
    names = [layer.name for layer in dense]
    middle = names.index("z_mean"), names.index("z_log_var")
    tensors: dict[str, NDArray[Any]] = {}
    for i, layer in enumerate(dense):
        ours = {middle[0]: "mean", middle[1]: "log_variance"}.get(i)
        if ours is None:
            ours = f"encoder.{i}" if i < min(middle) else f"decoder.{i - max(middle) - 1}"
        tensors[f"{ours}.weight"] = np.ascontiguousarray(layer.kernel.T)
        tensors[f"{ours}.bias"] = layer.bias
    return tensors


def scripted(file: Path, given: Given) -> Found:
    """Read a TorchScript model in nn~'s form, and probe it in a process of its own."""
    text = vet(file)
    check_whole(file)
    if "conv_model" in text and "dense_model" in text and "decode_params" not in text:
        raise ModelError(f"import: {file}: {UNTRAINED}")
    process = ScriptProcess(file)
    try:
        facts = process.described()
    finally:
        process.close()
    rate = given.rate or facts["rate"]
    if rate is None:
        raise ModelError(f"import: {file} does not say its sample rate; add --rate 44100 or 48000")
    content = np.frombuffer(file.read_bytes(), np.uint8)
    space = script.Script(file, facts, checked_rate(int(rate)), "")
    return Found(
        script.ARCHITECTURE,
        {"script": content},
        space.sample_rate,
        space.window,
        space.dims,
        list(_of_script(space, facts)),
        facts,
    )


UNTRAINED = (
    "this form of RAMFEM's autoencoder is written before training and holds random weights; import "
    "the state dict beside it, such as ae_encoder_weights_epoch_200"
)


def _of_script(space: script.Script, facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines that describe a script to the performer."""
    rate, ratio = space.sample_rate, space.window // 2
    yield (
        f"TorchScript model (nn~): {space.dims} latents at {rate / ratio:.1f} a second, "
        f"{rate} Hz, {space.channels} channel{'s' * (space.channels > 1)}"
    )
    decode = facts["decode"]
    late = round(decode["delay"] / rate * 1000)
    delay = f"delay {late} ms (taken off)" if late else "no delay"
    around = space.behind + space.ahead
    yield (
        f"decode: reach {space.behind * ratio / rate:.2f} s back and "
        f"{space.ahead * ratio / rate:.2f} s ahead, {delay}, "
        f"{1 + around / space.block:.1f} times the work of one long decode"
    )
    kinds = {"memory": "streams (its state is restored for each block)", "chance": "draws noise"}
    yield from (f"it {said}" for name, said in kinds.items() if decode[name])
    if not space.encodes:
        yield "no encode: it plays z(...), prior(...), noise(...) and drift(...), no recordings"
    elif facts["encode"]["chance"]:
        yield f"its encode draws: mean and spread are those of {script.DRAWS} draws"
    if space.channels > 1:
        yield "its channels are mixed down to one"


def _note(file: Path) -> str:
    """Return the first line of a licence beside a file, or nothing."""
    for name in LICENCES:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            text = file.with_name(name).read_text()
            return next((line.strip() for line in text.splitlines() if line.strip()), "")
    return ""
