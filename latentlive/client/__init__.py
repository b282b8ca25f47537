"""The performer's side of the engine: its handle, layers, cells in the making, views."""

from latentlive.client.engine import Engine
from latentlive.client.layer import Layer

__all__ = ["Engine", "Layer"]
