"""The processes of a training: one, or as many as ``torchrun`` started, on one machine or more."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Team:
    """This process's place among those that train together.

    Parameters
    ----------
    rank : int
        0 leads: it alone measures, writes and talks.
    size : int
    device : torch.device
    """

    rank: int
    size: int
    device: torch.device

    @classmethod
    def here(cls) -> Team:
        """Join the processes that ``torchrun`` started, through NCCL or gloo; or stay alone."""
        device = torch.device("cpu")
        if torch.cuda.is_available():
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
            torch.cuda.set_device(device)
        if not distributed.is_available() or "WORLD_SIZE" not in os.environ:
            return cls(0, 1, device)
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return cls(distributed.get_rank(), distributed.get_world_size(), device)

    def leave(self) -> None:
        """Part from the others."""
        if self.size > 1 and distributed.is_initialized():
            distributed.destroy_process_group()

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def share(self, net: nn.Module) -> nn.Module:
        """Return the network as it trains: its gradients are averaged over all processes."""
        if self.size == 1:
            return net
        if self.device.type == "cuda":
            return DistributedDataParallel(net, device_ids=[self.device.index])
        return DistributedDataParallel(net)

    def agreed(self, value: float) -> float:
        """Return the leader's value."""
        if self.size == 1:
            return value
        tensor = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.broadcast(tensor, 0)
        return float(tensor.item())

    def mean(self, value: Tensor) -> float:
        """Return the mean of a number over all processes."""
        if self.size > 1:
            value = value.detach().clone()
            distributed.all_reduce(value)
            value /= self.size
        return float(value.item())
