"""Dense layers of a Keras model file (.h5), read as arrays: no graph is built, no code is run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ModelError
from latentlive.ground.extras import lacking

MAX_BYTES = 2**30
HEAD = b"\x89HDF\r\n\x1a\n"
"""The first bytes of such a file."""

DEEPEST = 4
"""Models inside models, at most."""


class Dense(NamedTuple):
    """A dense layer: name, activation, kernel [shape=(in, out)] and bias."""

    name: str
    activation: str
    kernel: NDArray[Any]
    bias: NDArray[Any]


class Layers(NamedTuple):
    """The layers of a model file that hold numbers, in their order, and the kinds of all."""

    dense: list[Dense]
    kinds: list[str]


def is_keras(file: Path) -> bool:
    """Return whether a file is of the kind that Keras writes."""
    try:
        with file.open("rb") as opened:
            return opened.read(len(HEAD)) == HEAD
    except OSError:
        return False


def read(file: Path) -> Layers:
    """Return the dense layers of a model file.

    Raises
    ------
    ModelError
        If h5py is missing, or if the file is damaged, does not describe its layers, or reads
        others.
    """
    if line := lacking("import", "import", "h5py"):
        raise ModelError(line)
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            tensors = _tensors(opened, h5py, file)
            config = opened.attrs.get("model_config")
            described = json.loads(config) if config is not None else None
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, RecursionError) as error:
        raise ModelError(f"import: {file} is damaged: {str(error)[:200]}") from None
    if not isinstance(described, dict):
        raise ModelError(
            f"import: {file} holds weights without their layers; save the whole model (model.save)"
        )
    dense: list[Dense] = []
    kinds: list[str] = []
    for kind, name, settings in _described(described):
        kinds.append(kind)
        if kind == "Dense":
            if name not in tensors or len(tensors[name]) != 2:
                raise ModelError(f"import: {file} lacks the weights of its layer {name!r}")
            kernel, bias = tensors[name]["kernel"], tensors[name]["bias"]
            dense.append(Dense(name, str(settings.get("activation", "linear")), kernel, bias))
        elif kind in ("LeakyReLU", "ReLU") and dense and dense[-1].activation == "linear":
            slope = settings.get("negative_slope", settings.get("alpha", 0.3))
            said = "relu" if kind == "ReLU" else f"leaky {float(slope)}"
            dense[-1] = dense[-1]._replace(activation=said)
    return Layers(dense, kinds)


def _described(model: Any, depth: int = 0) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield kind, name and settings of the layers of a model, and of those of models in it."""
    layers = model.get("config", {})
    layers = layers.get("layers", []) if isinstance(layers, dict) else layers
    if depth > DEEPEST or not isinstance(layers, list):
        return
    for layer in layers:
        settings = layer.get("config", {}) if isinstance(layer, dict) else {}
        if isinstance(settings, dict) and "layers" in settings:
            yield from _described(layer, depth + 1)
        elif isinstance(settings, dict):
            kind = str(layer.get("class_name"))
            activation = settings.get("activation")
            if kind == "Activation":
                kind = {"relu": "ReLU"}.get(str(activation), kind)
            yield kind, str(settings.get("name", layer.get("name"))), settings


def _tensors(opened: Any, h5py: Any, file: Path) -> dict[str, dict[str, NDArray[Any]]]:
    """Return kernels and biases by their layer; refuse data kept in other files."""
    found: dict[str, dict[str, NDArray[Any]]] = {}
    size = 0

    def visit(path: str, item: Any) -> None:  # links to other files are not followed
        nonlocal size
        if not isinstance(item, h5py.Dataset):
            return
        *_, layer, kind = path.split("/")
        kind = kind.split(":")[0]
        if kind not in ("kernel", "bias") or "optimizer" in path:
            return
        if item.external or item.is_virtual:
            raise ValueError(f"{path} lies in another file")
        size += item.size * 4
        if size > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES >> 30} GB")
        found.setdefault(layer, {})[kind] = np.asarray(item[()], np.float32)

    opened.visititems(visit)
    return found
