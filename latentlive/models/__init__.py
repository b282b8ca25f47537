"""Neural spaces: loading, checking and running them."""

from latentlive.models.files import Config, load_model, save_model, starter_path
from latentlive.models.rawaudiovae import RawAudioVAE

__all__ = ["Config", "RawAudioVAE", "load_model", "save_model", "starter_path"]
