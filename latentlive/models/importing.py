"""Other people's models, read and written as model files of ours.

Each family is recognised by what is in the file, never by its name alone. Nothing in a file is
executed here: tensors are read as data, and a TorchScript model is loaded in a process of its own.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ModelError
from latentlive.ground.names import on_disk
from latentlive.models import script
from latentlive.models.files import Config, save_imported
from latentlive.models.script_process import ScriptProcess
from latentlive.models.script_vetting import is_script, vet
from latentlive.models.tensors import checked_rate

LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "LICENCE.txt", "LICENCE.md")
LONGEST_NOTE = 200


@dataclass(frozen=True)
class Given:
    """What a file does not say and the performer does.

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
        What it is, and what it can and cannot do: a line each.
    facts : mapping
        What it has to be played by, beside its tensors.
    """

    architecture: str
    tensors: Mapping[str, NDArray[Any]]
    sample_rate: int
    window: int
    dims: int
    told: list[str]
    facts: dict[str, Any] = field(default_factory=dict)


def import_model(file: Path, output: Path, given: Given) -> list[str]:
    """Read another program's model and write it as a model file; return what it is, line by line.

    Parameters
    ----------
    file, output : path
    given : Given

    Raises
    ------
    ModelError
        If it is of no known family, damaged, dangerous, or lacks what is not given.
    """
    file = on_disk(file)
    if not os.path.isfile(file):
        raise ModelError(f"import: no file {os.fspath(file)!r}")
    if output.suffix != ".safetensors":
        raise ModelError(f"import: a model file ends in .safetensors, got {output.name!r}")
    found = recognised(file, given)
    licence = _note(file) if given.licence is None else given.licence
    save_imported(
        output,
        found.tensors,
        lambda digest: Config(
            found.sample_rate,
            found.window,
            found.dims,
            0,
            digest,
            {"imported": file.name},
            found.architecture,
            found.facts,
            licence[:LONGEST_NOTE],
        ),
    )
    return [*found.told, f"licence: {licence or 'the file says nothing of one'}"]


def recognised(file: Path, given: Given) -> Found:
    """Return what a file holds, or raise ModelError for why it holds nothing that can be played."""
    if is_script(file):
        return scripted(file, given)
    raise ModelError(f"import: {file}: no model of a known family")


def scripted(file: Path, given: Given) -> Found:
    """Read a TorchScript model in nn~'s form, and probe it in a process of its own."""
    text = vet(file)
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
    """Yield what a script is, in the words of who plays it."""
    rate, ratio = space.sample_rate, space.window // 2
    yield (
        f"TorchScript model (nn~): {space.dims} latents at {rate / ratio:.1f} a second, "
        f"{rate} Hz, {space.channels} channel{'s' * (space.channels > 1)}"
    )
    decode = facts["decode"]
    around = space.behind + space.ahead
    yield (
        f"decode: reach {space.behind * ratio / rate:.2f} s back and "
        f"{space.ahead * ratio / rate:.2f} s ahead, delay {decode['delay'] / rate * 1000:.0f} ms "
        f"(taken off), {1 + around / space.block:.1f} times the work of one long decode"
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
