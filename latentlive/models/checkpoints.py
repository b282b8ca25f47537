"""The original RawAudioVAE checkpoints, read without executing anything in them.

Two forms are in the wild: a dict ``{epoch, state_dict, optimizer}`` (``ckpt_00500``) and a
pickled module of class ``rawvae.model.VAE`` (``best_model.pt``). Both have a ``config.ini`` in
the run's folder.
"""

from __future__ import annotations

import configparser
import pickle
from pathlib import Path
from typing import Any

from latentlive.errors import ModelError
from latentlive.models.rawaudiovae import LAYERS, RawAudioVAE, checked


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

    allowed: list[Any] = [(_Shell, "rawvae.model.VAE"), Linear, set]
    try:
        with torch.serialization.safe_globals(allowed):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "damaged"
        raise ModelError(f"model: cannot trust {file}: {reason[:200]}") from None
    tensors = _tensors(content)
    weights = {}
    for layer in LAYERS:
        for part in ("weight", "bias"):
            tensor = tensors.get(f"{layer}.{part}")
            if isinstance(tensor, torch.Tensor):
                weights[f"{layer}.{part}"] = tensor.detach().to(torch.float32).numpy()
    return RawAudioVAE(checked(weights), _sample_rate(file), file.stem)


def _tensors(content: Any) -> dict[str, Any]:
    if isinstance(content, _Shell):
        modules = vars(content).get("_modules") or {}
        return {
            f"{name}.{part}": value
            for name, module in modules.items()
            for part, value in vars(module).get("_parameters", {}).items()
        }
    if isinstance(content, dict):
        state = content.get("state_dict", content)
        if isinstance(state, dict):
            return state
    raise ModelError("model: the checkpoint holds neither a state dict nor a module")


def _sample_rate(file: Path) -> int:
    """Return the rate that the run's config.ini gives, next to the file or above; else 44100."""
    for folder in list(file.resolve().parents)[:3]:
        config = folder / "config.ini"
        if not config.is_file():
            continue
        parser = configparser.ConfigParser(inline_comment_prefixes=("#", ";"))
        try:
            parser.read(config)
            return parser.getint("audio", "sampling_rate", fallback=44100)
        except (configparser.Error, ValueError, UnicodeDecodeError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"model: {config}: {reason}") from None
    return 44100
