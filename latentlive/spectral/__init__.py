"""The space in which sounds morph: numbers that say where partials lie and what they weigh."""

from latentlive.spectral.space import Spectral

__all__ = ["Spectral"]
