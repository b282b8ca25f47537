"""How a model is trained: the paper's recipe, and ours."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Recipe:
    """The fixed settings of a training.

    Parameters
    ----------
    name : str
    batch : int [windows]
    rate : float
        Adam's learning rate; with `cosine` it rises over 100 steps and falls to 0.
    divergence : float [>= 0]
        The weight of the Kullback-Leibler term, which draws latents towards N(0, I).
    minutes : float or None
    epochs : int or None
        How long, where nobody says.
    hop : int [samples]
        From one training window of a recording to the next. 0: windows begin anywhere, at random
        levels and polarities.
    cosine : bool
    half : bool
        Compute in bfloat16 where the machine does so quickly.
    joined : float [0..1]
        The weight of the error after four overlapping windows are joined, as they are when played,
        against the error of each window alone.
    fairness : float [0..1]
        Errors count less in loud windows, by their power to this exponent.
    linear : float [0..1]
        The part of the training given to a linear code, as which the network then begins.
    treble : float [>= 0]
        How much more the treble counts after windows are joined: the weight of the squared error
        of the steps from sample to sample, beside that of the samples.
    clip : float [>= 0]
        The longest that a gradient may be, 0 for any.
    code, units : int
        Of a SpectralVAE: numbers of its code, and of its hidden layers.
    """

    name: str
    batch: int
    rate: float
    divergence: float
    minutes: float | None = None
    epochs: int | None = None
    hop: int = 0
    cosine: bool = False
    half: bool = False
    joined: float = 0.0
    fairness: float = 0.0
    linear: float = 0.0
    treble: float = 0.0
    clip: float = 0.0
    code: int = 0
    units: int = 0


PAPER = Recipe("paper", batch=4096, rate=1e-4, divergence=1e-4, epochs=500, hop=128)
"""The settings of the paper and its public code."""

CLEAN = Recipe(
    "clean",
    batch=256,
    rate=1e-4,
    divergence=1e-6,
    minutes=5.0,
    cosine=True,
    half=True,
    joined=0.8,
    fairness=0.5,
    linear=0.5,
)
"""Better sound in minutes; ``docs/training.md`` lists the trials."""

BRIGHT = replace(CLEAN, name="bright", treble=1.0)
"""More treble and less error where windows overlap, as they do unless told otherwise; more error
where they stand end to end."""

SPECTRAL = Recipe(
    "spectral",
    batch=256,
    rate=1e-3,
    divergence=1e-3,
    minutes=6.0,
    cosine=True,
    clip=1.0,
    code=64,
    units=512,
)
"""Of a SpectralVAE; ``docs/training.md`` lists the trials."""

RECIPES = {recipe.name: recipe for recipe in (CLEAN, BRIGHT, PAPER, SPECTRAL)}


@dataclass(frozen=True)
class TrainingPlan:
    """The settings of one training.

    Parameters
    ----------
    recipe : Recipe
    architecture : str
    sample_rate : int [samples per second]
        Of the recordings, and of the model.
    minutes : float [> 0] or None
    epochs : int [> 0] or None
        How long; where both are None the recipe says. An epoch draws as many windows as the
        recordings have on the recipe's grid, or at a quarter of a window.
    seed : int
    """

    recipe: Recipe
    architecture: str = "rawaudiovae"
    sample_rate: int = 44100
    minutes: float | None = None
    epochs: int | None = None
    seed: int = 0
