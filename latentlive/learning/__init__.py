"""From a folder of recordings to a model file: material, measures, previews, the run."""

from latentlive.learning.material import Material, read_material
from latentlive.learning.measures import cepstral_distance, log_distance, si_sdr
from latentlive.learning.run import Files, train_folder

__all__ = [
    "Files",
    "Material",
    "cepstral_distance",
    "log_distance",
    "read_material",
    "si_sdr",
    "train_folder",
]
