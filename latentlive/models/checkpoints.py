"""The original RawAudioVAE checkpoints, read without executing anything in them.

Two forms are in the wild: a dict ``{epoch, state_dict, optimizer}`` (``ckpt_00500``) and a
pickled module of class ``rawvae.model.VAE`` (``best_model.pt``). Both have a ``config.ini`` in
the run's folder. Trained on several cards or compiled, either is wrapped: its tensors' names begin
with ``module.`` or ``_orig_mod.`` then.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latentlive.errors import ModelError
from latentlive.models.rawaudiovae import LAYERS, RawAudioVAE

WRAPPED = ("module.", "_orig_mod.")
"""What torch puts before the names of a network that it wraps, perhaps several times."""

DEEPEST = 3
"""How far down a module holds layers, wrappers included; one may hold itself."""

SPECTRAL = ("bins_per_octave", "num_octaves")
"""Settings of Latent Timbre Synthesis, whose checkpoints have the same tensors by name."""


class _Shell:
    """Stands in for the pickled module's class: it holds attributes and does nothing."""


def load_checkpoint(file: Path) -> RawAudioVAE:
    """Load an original checkpoint.

    Raises
    ------
    ModelError
        If it holds anything but tensors and the few classes of the original, or the wrong ones.
    """
    import torch
    from torch.nn import Linear

    shells = ("rawvae.model.VAE", "torch.nn.parallel.data_parallel.DataParallel")
    allowed: list[Any] = [*((_Shell, name) for name in shells), Linear, set]
    try:
        with torch.serialization.safe_globals(allowed):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - a damaged pickle makes its reader raise anything
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "damaged"
        raise ModelError(f"model: cannot trust {file}: {reason[:200]}") from None
    config = _config(file)
    tensors = {_bare(name): tensor for name, tensor in _tensors(content).items()}
    weights = {}
    for layer in LAYERS:
        for part in ("weight", "bias"):
            tensor = tensors.get(f"{layer}.{part}")
            if isinstance(tensor, torch.Tensor):
                weights[f"{layer}.{part}"] = _numbers(f"{layer}.{part}", tensor)
    return RawAudioVAE(weights, sample_rate(config), file.stem)


def _numbers(name: str, tensor: Any) -> Any:
    """Return a tensor as an array."""
    try:
        return tensor.detach().float().numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        reason = str(error).splitlines()[0][:200]
        raise ModelError(f"model: {name} cannot be read: {reason}") from None


def _bare(name: object) -> str:
    """Return a tensor's name without what wrappers put before it."""
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
        If it cannot be read, or if it is that of another kind of model.
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
        settings = {name for section in parser.values() for name in section}
        if settings.intersection(SPECTRAL):
            raise ModelError(
                "model: it is a Latent Timbre Synthesis model, as its config.ini tells by "
                f"{' and '.join(SPECTRAL)}; it makes spectra, and only RawAudioVAEs are read"
            )
        break
    return parser


def sample_rate(config: configparser.ConfigParser) -> int:
    """Return the rate that a run's config.ini gives; 44100 if it gives none."""
    given = config.get("audio", "sampling_rate", fallback="44100")
    try:
        return int(given)
    except ValueError:
        raise ModelError(f"model: its config.ini has sampling_rate = {given[:40]}") from None
