"""Tensors of a model: checked before anything runs on them, and named by their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ModelError

F32 = NDArray[np.float32]
Weights = Mapping[str, NDArray[Any]]


def checked(kind: str, weights: Weights, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, F32]:
    """Return the named tensors as float32, or raise ModelError with the first thing wrong.

    Parameters
    ----------
    kind : str
        What the tensors should make, for the message.
    shapes : mapping of name to shape
    """
    present(kind, weights, shapes)
    result = {}
    for name, shape in shapes.items():
        if weights[name].shape != shape:
            raise ModelError(f"model: {name} must have shape {shape}, got {weights[name].shape}")
        tensor = np.ascontiguousarray(weights[name], np.float32)
        if not np.isfinite(tensor).all():
            raise ModelError(f"model: {name} holds NaN or infinity")
        result[name] = tensor
    return result


def present(kind: str, weights: Weights, names: Mapping[str, object]) -> None:
    """Raise ModelError where a tensor is missing."""
    missing = [name for name in names if name not in weights]
    if missing:
        raise ModelError(f"model: not a {kind}, it lacks {', '.join(missing)}")


def sides(weights: Weights, name: str) -> tuple[int, int]:
    """Return the two sides of a matrix."""
    tensor = weights[name]
    if tensor.ndim != 2 or 0 in tensor.shape:
        raise ModelError(f"model: {name} must have two axes, got shape {tensor.shape}")
    return tensor.shape[0], tensor.shape[1]


def weights_digest(weights: Weights) -> str:
    """Return the digest of some tensors: names, types, shapes and bytes."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(weights):
        tensor = np.ascontiguousarray(weights[name])
        digest.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()
