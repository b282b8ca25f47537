"""The original RawAudioVAE checkpoints, read without executing anything in them.

Two forms are in the wild: a dict ``{epoch, state_dict, optimizer}`` (``ckpt_00500``) and a
pickled module of class ``rawvae.model.VAE`` (``best_model.pt``). Both have a ``config.ini`` in
the run's folder. Trained on several cards or compiled, either is wrapped: its tensors' names begin
with ``module.`` or ``_orig_mod.`` then.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from latentlive.errors import ModelError
from latentlive.ground.extras import lacking
from latentlive.models.rawaudiovae import LAYERS, RawAudioVAE

WRAPPED = ("module.", "_orig_mod.")
"""Prefixes of tensors in a network that torch has wrapped, perhaps several times."""

DEEPEST = 3
"""How far down a module holds layers, wrappers included; one may hold itself."""

TIMBRE_BINS = 384
"""Inputs of a Latent Timbre Synthesis model."""

SPECTRAL = ("bins_per_octave", "num_octaves")
"""Settings of Latent Timbre Synthesis, whose checkpoints have the same tensors by name."""


HELD = re.compile(r"GLOBAL ([\w.]+)")
"""How torch names what it does not trust."""


class _Shell:
    """Stands in for the pickled module's class: it holds attributes and does nothing."""


class Checkpoint(NamedTuple):
    """The tensors of a checkpoint by their bare names, and the settings of its run."""

    tensors: dict[str, NDArray[Any]]
    settings: configparser.ConfigParser

    @property
    def of_timbre(self) -> bool:
        """Whether it is of Latent Timbre Synthesis, whose tensors have RawAudioVAE's names."""
        named = {name for section in self.settings.values() for name in section}
        first = self.tensors.get("fc1.weight")
        spectra = first is not None and first.ndim == 2 and first.shape[1] == TIMBRE_BINS
        return bool(named.intersection(SPECTRAL)) or (spectra and not named)


def how_to_import(file: Path) -> str:
    """Return the remedy for another program's model that is to play as it is."""
    beside = "-imported" * (file.suffix == ".safetensors")
    model = f"{file.stem}{beside}.safetensors"
    return f"import it: {shlex.join(['latentlive', 'import', os.fspath(file), '-o', model])}"


def load_checkpoint(file: Path) -> RawAudioVAE:
    """Load an original RawAudioVAE checkpoint.

    Raises
    ------
    ModelError
        If it holds anything but tensors and the few classes of the original, or the wrong ones.
    """
    found = read_checkpoint(file)
    if found.of_timbre:
        raise ModelError(
            f"model: {file}: it is a Latent Timbre Synthesis model and makes spectra; "
            f"{how_to_import(file)}"
        )
    if not any(name.startswith(LAYERS) for name in found.tensors):
        raise ModelError(
            f"model: {file} is no RawAudioVAE; if it is of another family, {how_to_import(file)}"
        )
    wanted = {f"{layer}.{part}" for layer in LAYERS for part in ("weight", "bias")}
    weights = {name: tensor for name, tensor in found.tensors.items() if name in wanted}
    return RawAudioVAE(weights, sample_rate(found.settings), file.stem)


def read_checkpoint(file: Path) -> Checkpoint:
    """Read a torch checkpoint's tensors, and the config.ini of its run.

    Raises
    ------
    ModelError
        If it holds anything but tensors and the few classes of the originals, or torch is missing.
    """
    if line := lacking("model", "import", "torch"):
        raise ModelError(line)
    import torch
    from torch.nn import Linear

    shells = ("rawvae.model.VAE", "ltsp.model.VAE", "torch.nn.parallel.data_parallel.DataParallel")
    allowed: list[Any] = [*((_Shell, name) for name in shells), Linear, set]
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(allowed):
            warnings.simplefilter("ignore")  # of forms that are read all the same, or refused
            content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - a damaged pickle makes its reader raise anything
        # torch's own words advise to load it anyway, and to write to its makers.
        found = HELD.search(str(error))
        why = f"it holds {found[1]}" if found else "it is damaged, or not written by torch.save"
        raise ModelError(f"model: cannot trust {file}: {why}; bring a state dict") from None
    tensors = {
        _bare(name): _numbers(_bare(name), tensor)
        for name, tensor in _tensors(content).items()
        if isinstance(tensor, torch.Tensor)
    }
    return Checkpoint(tensors, _config(file))


def _numbers(name: str, tensor: Any) -> Any:
    """Return a tensor as an array."""
    try:
        return tensor.detach().float().numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        reason = str(error).splitlines()[0][:200]
        raise ModelError(f"model: {name} cannot be read: {reason}") from None


def _bare(name: object) -> str:
    """Return a tensor's name without the prefixes of wrappers."""
    bare = str(name)
    while bare.startswith(WRAPPED):
        bare = bare.split(".", 1)[1]
    return bare


def _tensors(content: Any) -> dict[Any, Any]:
    if isinstance(content, _Shell):
        return dict(_parameters(content))
    if isinstance(content, dict):
        state = content.get("state_dict", content)
        if isinstance(state, dict):
            return state
    raise ModelError("model: the checkpoint holds neither a state dict nor a module")


def _parameters(module: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the tensors of a module and of those inside it, with their names."""
    held = getattr(module, "__dict__", {})
    own, inside = held.get("_parameters"), held.get("_modules")
    if isinstance(own, dict):
        yield from ((f"{path}{name}", value) for name, value in own.items())
    if isinstance(inside, dict) and path.count(".") < DEEPEST:
        for name, inner in inside.items():
            yield from _parameters(inner, f"{path}{name}.")


def _config(file: Path) -> configparser.ConfigParser:
    """Return the run's config.ini, next to the file or above; an empty one if there is none.

    Raises
    ------
    ModelError
        If it cannot be read.
    """
    parser = configparser.ConfigParser(inline_comment_prefixes=("#", ";"), interpolation=None)
    for folder in list(file.resolve().parents)[:3]:
        config = folder / "config.ini"
        if not config.is_file():
            continue
        try:
            parser.read(config)
        except (configparser.Error, OSError, UnicodeDecodeError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"model: {config}: {reason}") from None
        break
    return parser


def sample_rate(config: configparser.ConfigParser) -> int:
    """Return the rate that a run's config.ini gives; 44100 if it gives none."""
    given = config.get("audio", "sampling_rate", fallback="44100")
    try:
        return int(given)
    except ValueError:
        raise ModelError(f"model: its config.ini has sampling_rate = {given[:40]}") from None
