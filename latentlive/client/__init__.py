"""The performer's side of the engine: the handle, layers, transactions, views."""

from latentlive.client.engine import Engine
from latentlive.client.layer import Layer

__all__ = ["Engine", "Layer"]
