"""Neural spaces: loading, checking and running them."""

from latentlive.models.files import (
    Config,
    Model,
    digest_of,
    facts_of,
    findable,
    load_model,
    save_model,
    spaces_having,
    starter_path,
)
from latentlive.models.levelvae import LevelVAE
from latentlive.models.rawaudiovae import RawAudioVAE
from latentlive.models.spectralvae import SpectralVAE

__all__ = [
    "Config",
    "LevelVAE",
    "Model",
    "RawAudioVAE",
    "SpectralVAE",
    "digest_of",
    "facts_of",
    "findable",
    "load_model",
    "save_model",
    "spaces_having",
    "starter_path",
]
