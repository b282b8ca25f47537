"""Windows that overlap four times and are joined as they are when played."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from latentlive.models.networks import LinearCode, Net

OVERLAP = 4


def fade(window: int, like: Tensor) -> Tensor:
    """Return the Hann window whose overlapped copies sum to 1 [shape=(window,)]."""
    return torch.hann_window(window, device=like.device) * (2.0 / OVERLAP)


def cut(stretches: Tensor, window: int) -> Tensor:
    """Return the overlapping windows of stretches [shape=(n, length) -> (n, windows, window)]."""
    return stretches.unfold(1, window, window // OVERLAP)


def shared(windows: Tensor) -> Tensor:
    """Return the samples that four consecutive windows share, joined.

    Parameters
    ----------
    windows : Tensor [shape=(n, 4, window)]

    Returns
    -------
    Tensor [shape=(n, window / 4)]
    """
    n, _, window = windows.shape
    faded = (windows * fade(window, windows)).reshape(n, OVERLAP, OVERLAP, window // OVERLAP)
    # The last quarter of the first window meets the first quarter of the last one.
    return torch.stack([faded[:, k, OVERLAP - 1 - k] for k in range(OVERLAP)]).sum(dim=0)


def joined(windows: Tensor) -> Tensor:
    """Return consecutive windows [shape=(n, window)] overlap-added [shape=((n + 3) * window / 4)].

    The first and last three quarters of a window fade in and out.
    """
    n, window = windows.shape
    hop = window // OVERLAP
    faded = windows * fade(window, windows)
    length = (n + OVERLAP - 1) * hop
    return functional.fold(faded.T[None], (1, length), (1, window), stride=(1, hop)).flatten()


def rebuilt(net: LinearCode | Net, samples: Tensor) -> Tensor:
    """Return a recording encoded to its means and decoded again [shape=(n,) -> (n,)]."""
    window = net.window
    hop = window // OVERLAP
    around = window - hop
    n = -(-len(samples) // hop) + OVERLAP - 1
    padded = functional.pad(samples, (around, n * hop - len(samples)))
    windows = cut(padded[None], window)[0]
    parts = torch.split(windows, 1024)
    blocks = [net.decode(net.encode(part)[0]) for part in parts]
    return joined(torch.cat(blocks))[around : around + len(samples)]
