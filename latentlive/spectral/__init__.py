"""The space in which sounds morph: numbers for the places and energies of partials."""

from latentlive.spectral.space import Spectral

__all__ = ["Spectral"]
