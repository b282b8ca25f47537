"""Model files: safetensors with configuration and digest inside, or the original checkpoints."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ModelError
from latentlive.ground.files import write_whole
from latentlive.ground.names import on_disk
from latentlive.models import (
    colonel,
    levelvae,
    lts,
    melgan,
    ramfem,
    rawaudiovae,
    script,
    spectralvae,
)
from latentlive.models.checkpoints import how_to_import, load_checkpoint
from latentlive.models.keras import is_keras
from latentlive.models.levelvae import LevelVAE
from latentlive.models.rawaudiovae import RawAudioVAE
from latentlive.models.script_vetting import is_script
from latentlive.models.spectralvae import SpectralVAE
from latentlive.models.tensors import weights_digest
from latentlive.space import Facts, Space, ToySpace, Verbatim
from latentlive.spectral import Spectral

Model = RawAudioVAE | LevelVAE | SpectralVAE
ARCHITECTURES: dict[str, type[Model]] = {
    rawaudiovae.ARCHITECTURE: RawAudioVAE,
    levelvae.ARCHITECTURE: LevelVAE,
    spectralvae.ARCHITECTURE: SpectralVAE,
}
MAX_BYTES = 2**31


@dataclass(frozen=True)
class Config:
    """The description stored in a model file.

    Parameters
    ----------
    sample_rate : int [samples per second]
    window, dims, units : int
    digest : str
        The digest of the stored tensors.
    training : mapping
        How it was trained, for people.
    facts : mapping
        Settings that an imported model needs besides its tensors.
    licence : str
        The licence note.
    """

    sample_rate: int
    window: int
    dims: int
    units: int
    digest: str
    training: dict[str, Any] = field(default_factory=dict)
    architecture: str = rawaudiovae.ARCHITECTURE
    facts: dict[str, Any] = field(default_factory=dict)
    licence: str = ""


def starter_path(name: str = "rawaudiovae") -> Path:
    """Return the file of a model that is shipped: ``"rawaudiovae"`` or ``"spectralvae"``."""
    return Path(__file__).with_name(f"{name}.safetensors")


def save_model(path: Path, model: Model, training: dict[str, Any]) -> None:
    """Write a model as float16 safetensors, whole or not at all.

    Its configuration and digest stand in the header.
    """
    tensors = {name: tensor.astype(np.float16) for name, tensor in model.weights.items()}
    config = Config(
        model.sample_rate,
        model.window,
        model.dims,
        model.units,
        weights_digest(tensors),
        training,
        model.architecture,
    )
    _save(path, tensors, config)


def _starter(name: str) -> Space:
    space = _load_safetensors(starter_path(name))
    space.name = name
    return space


def _spectral() -> Space:
    """Return the spectral space, with the prior of the SpectralVAE shipped beside it."""
    space, beside = Spectral(), _starter("spectralvae")
    assert isinstance(beside, SpectralVAE)
    space.prior = beside.spectral_prior
    return space


BUILT_IN: dict[str, Callable[[], Space]] = {
    "spectral": _spectral,
    "spectralvae": lambda: _starter("spectralvae"),
    "rawaudiovae": lambda: _starter("rawaudiovae"),
    "samples": Verbatim,
    "toy": lambda: ToySpace(1024),
}
IMPORTED: dict[str, Callable[[Path, Mapping[str, NDArray[Any]], Config], Space]] = {
    script.ARCHITECTURE: lambda file, _, config: script.Script(
        file, config.facts, config.sample_rate, config.digest
    ),
    lts.ARCHITECTURE: lambda _, tensors, config: lts.LTS(
        tensors, config.sample_rate, config.digest
    ),
    colonel.ARCHITECTURE: lambda _, tensors, config: colonel.Colonel(
        tensors, config.facts, config.sample_rate, config.digest
    ),
    ramfem.ARCHITECTURE: lambda _, tensors, config: ramfem.Ramfem(
        tensors, config.facts, config.sample_rate, config.digest
    ),
    melgan.ARCHITECTURE: lambda _, tensors, config: melgan.MelGAN(
        tensors, config.sample_rate, config.digest
    ),
}
"""Architectures of other people's models, as `importing` writes them."""

UNFIT = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)
"""Errors of tensors and facts that are none of an architecture's."""

NAMES = ("spectral", "spectralvae", "rawaudiovae")
"""The spaces that need no file, as a performer may choose them."""

DEFAULT = "spectral"
"""The space that plays if none is named."""


def findable(path: str) -> str:
    """Return what `load_model` finds from any folder: a space's name, or a file's whole path."""
    return path if path in BUILT_IN or not path else os.path.abspath(path)


def spaces_having(axis: str) -> list[str]:
    """Return the names of the spaces that have an axis."""
    return [name for name in NAMES if axis in load_model(name).axes]


def facts_of(path: str, rate: int) -> Facts:
    """Return the facts of a space as a performance at a rate plays it.

    A line is checked as it is typed: a model file is read again only after it has changed.

    Parameters
    ----------
    path : str
        As `load_model` takes it.
    rate : int [samples a second]

    Raises
    ------
    ModelError
        As `load_model` does.
    """
    return _looked_up(path, _version(path), rate)[0]


def digest_of(path: str, rate: int) -> str:
    """Return the digest of a space; see `facts_of`."""
    return _looked_up(path, _version(path), rate)[1]


def _version(path: str) -> tuple[int, ...]:
    """Return numbers that differ once a file was written anew."""
    with contextlib.suppress(OSError, ValueError):  # a space's name, or no file: loading says so
        state = os.stat(on_disk(path))
        return state.st_ino, state.st_mtime_ns, state.st_size
    return ()


@lru_cache(maxsize=64)
def _looked_up(path: str, version: tuple[int, ...], rate: int) -> tuple[Facts, str]:
    space = load_model(path).at_rate(rate)
    return space.facts, space.digest


def load_model(path: str | os.PathLike[str] | None = None) -> Space:
    """Load a space by its name, or a model: a ``.safetensors`` file or an original checkpoint.

    None is ``"spectral"``, the space that nobody trained; ``"spectralvae"`` and ``"rawaudiovae"``
    were trained on the starter sounds; ``"samples"`` plays recordings as they are; ``"toy"`` is the
    exact space that tests and rehearsals without a model use.

    Nothing in the file is ever executed.

    Raises
    ------
    ModelError
        If the file is missing, damaged, of another kind, or holds NaN.
    """
    built = BUILT_IN.get(os.fspath(path or DEFAULT))
    if built is not None:
        return built()
    file = on_disk(path or DEFAULT)
    if not os.path.isfile(file):
        raise ModelError(f"model: {_missing(file)}")
    if (kind := foreign(file)) is not None:
        raise ModelError(f"model: {file} is {kind}; {how_to_import(file)}")
    with told_of(file):
        if file.suffix == ".safetensors":
            return _load_safetensors(file)
        return load_checkpoint(file)


def _missing(file: Path) -> str:
    """Return what is wrong with a path that is no file, and what may be meant."""
    name = os.fspath(file)
    if os.path.isdir(file):
        return f"{name!r} is a folder; name the model file in it"
    names = ", ".join(map(repr, NAMES))
    meant = f"{name}.safetensors"
    hint = f"; did you mean {meant!r}?" if os.path.isfile(on_disk(meant)) else ""
    return f"no file {name!r}, and no space of this name ({names}){hint}"


def foreign(file: Path) -> str | None:
    """Return the kind of a file that plays once it is imported, None for any other file."""
    if is_script(file):
        return "a TorchScript model"
    return "a Keras model" if is_keras(file) else None


@contextlib.contextmanager
def told_of(file: Path) -> Iterator[None]:
    """Name the file in errors about it."""
    try:
        yield
    except ModelError as error:
        reason = str(error)
        if str(file) not in reason:
            reason = f"model: {file}: {reason.removeprefix('model: ')}"
        raise ModelError(reason) from None


def save_imported(
    path: Path, tensors: Mapping[str, NDArray[Any]], config: Callable[[str], Config]
) -> None:
    """Write an imported model, whole or not at all.

    Parameters
    ----------
    path : path
    tensors : mapping of name to array
    config : function of the tensors' digest to the file's description
    """
    _save(path, tensors, config(weights_digest(tensors)))


def _save(path: Path, tensors: Mapping[str, NDArray[Any]], config: Config) -> None:
    from safetensors.numpy import save

    content = save(dict(tensors), {"latentlive": json.dumps(asdict(config))})
    write_whole(path, lambda beside: beside.write_bytes(content))


def _load_safetensors(file: Path) -> Space:
    tensors, said = read_tensors(file)
    try:
        config = Config(**json.loads(said))
    except (ValueError, TypeError, RecursionError):
        raise ModelError(f"model: {file} does not say what it is; import its checkpoint") from None
    architecture = ARCHITECTURES.get(str(config.architecture))
    imported = IMPORTED.get(str(config.architecture))
    if architecture is None and imported is None:
        known = ", ".join(map(repr, [*ARCHITECTURES, *IMPORTED]))
        raise ModelError(f"model: {file} is a {config.architecture!r}, known: {known}")
    if weights_digest(tensors) != config.digest:
        raise ModelError(f"model: {file} is damaged: its tensors do not match its digest")
    space: Space
    if architecture is not None:
        space = architecture(tensors, config.sample_rate, file.stem)
    else:
        assert imported is not None
        try:
            space = imported(file, tensors, config)
        except UNFIT:
            raise ModelError(f"model: {file} does not say how it is played") from None
    space.name, space.licence = file.stem, str(config.licence)
    space.training = config.training if isinstance(config.training, dict) else {}
    return space


def read_tensors(file: Path) -> tuple[dict[str, NDArray[Any]], str]:
    """Return the tensors of a safetensors file, and its description as JSON.

    Raises
    ------
    ModelError
        If the file is too large or damaged.
    """
    from safetensors import SafetensorError, safe_open

    if file.stat().st_size > MAX_BYTES:
        raise ModelError(f"model: {file} is larger than {MAX_BYTES >> 30} GB")
    try:
        with safe_open(file, "np") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise ModelError(f"model: {file} is damaged: {error}") from None
    return tensors, metadata.get("latentlive", "")
