"""Tensors of a model: checked before anything runs on them, and named by their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ModelError
from latentlive.expr.fields import shown

F32 = NDArray[np.float32]
Weights = Mapping[str, NDArray[Any]]

RATES = (8000, 192_000)
LEAST_WINDOW = 16
"""Samples of the shortest window that a model may have: shorter ones hold no wave."""


def checked_rate(sample_rate: object) -> int:
    """Return a model's sample rate, or raise ModelError for one that no model has."""
    low, high = RATES
    if type(sample_rate) is not int or not low <= sample_rate <= high:
        said = shown(sample_rate)
        raise ModelError(f"model: sample_rate must lie in {low} to {high}, got {said}")
    return sample_rate


def checked(kind: str, weights: Weights, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, F32]:
    """Return the named tensors as float32, or raise ModelError with the first thing wrong.

    Parameters
    ----------
    kind : str
        The kind of model, for the message.
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


def finite(weights: Weights) -> dict[str, F32]:
    """Return all tensors as float32, or raise ModelError for one that holds NaN or infinity."""
    result = {}
    for name, tensor in weights.items():
        result[name] = np.ascontiguousarray(tensor, np.float32)
        if not np.isfinite(result[name]).all():
            raise ModelError(f"model: {name} holds NaN or infinity")
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


def checked_window(window: int) -> int:
    """Return the samples of a window, or raise ModelError if they are too few."""
    if window < LEAST_WINDOW:
        raise ModelError(f"model: a window must have {LEAST_WINDOW} samples or more, got {window}")
    return window


def weights_digest(weights: Weights) -> str:
    """Return the digest of some tensors: names, types, shapes and bytes."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(weights):
        tensor = np.ascontiguousarray(weights[name])
        digest.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()
