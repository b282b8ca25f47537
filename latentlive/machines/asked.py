"""What a worker is asked to render: a texture, or a performance, as data."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from latentlive.errors import EngineError
from latentlive.expr import Node, dump, load
from latentlive.latent import Texture, join_of
from latentlive.models.files import BUILT_IN
from latentlive.renderer.sounds import Sounds, reads_map, recordings
from latentlive.space import Space


@dataclass(frozen=True)
class Model:
    """A space that workers load.

    Parameters
    ----------
    name : str
        Of a built-in one; empty for the default, and for a file.
    digest : str
        Of the space.
    file : str
        Where its file is here; empty for a built-in one.
    """

    name: str
    digest: str
    file: str = ""

    @classmethod
    def of(cls, model: str, space: Space) -> Model:
        """Return the model that a program plays.

        Raises
        ------
        EngineError
            ``cluster: workers read .safetensors models; import 'ckpt_00500' first``
        """
        if not model or model in BUILT_IN:
            return cls(model, space.digest)
        if not model.endswith(".safetensors"):
            name = os.path.basename(model)
            raise EngineError(f"cluster: workers read .safetensors models; import {name!r} first")
        return cls("", space.digest, os.path.abspath(model))

    @property
    def told(self) -> dict[str, str]:
        """What a worker is told of it."""
        return {"name": self.name, "digest": self.digest, "file": self.mark if self.file else ""}

    @property
    def mark(self) -> str:
        """The digest of its file."""
        found = hashlib.blake2b(digest_size=16)
        found.update(Path(self.file).read_bytes())
        return found.hexdigest()


@dataclass(frozen=True)
class Rendered:
    """A texture that workers render stretches of.

    Parameters
    ----------
    texture : Latent or joined Latent
    sounds : mapping
        The recordings of the nodes that name them.
    seed : int
    tempo : float [beats per minute]
    looped : bool
    start : sequence of (name, value)
        Where live curves stand.
    """

    texture: Texture
    sounds: Mapping[str, str]
    seed: int
    tempo: float
    looped: bool = False
    start: tuple[tuple[str | int, float], ...] = ()

    @classmethod
    def of(cls, texture: Texture, sounds: Sounds, **told: Any) -> Rendered:
        """Return what is asked for.

        Raises
        ------
        EngineError
            If it needs more of this machine than recordings.
        """
        check_portable(texture)
        return cls(texture, recordings(texture, sounds), **told)

    @property
    def digests(self) -> list[str]:
        """The decoded sounds that it reads."""
        return sorted({one for told in self.sounds.values() for one in told.split()})

    def dump(self) -> dict[str, Any]:
        """Return it as JSON data."""
        bare = asdict(replace(self, texture=cast("Texture", None)))
        return {**bare, "texture": dump(self.texture)}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Rendered:
        """Return what `dump` wrote; raises LatentliveError for what is none."""
        start = tuple((name, float(value)) for name, value in data["start"])
        return cls(**{**data, "texture": load(data["texture"]), "start": start})


def check_portable(texture: Node) -> None:
    """Refuse what reads the files of this machine's map, or a space in a file.

    Raises
    ------
    EngineError
        ``cluster: roam reads a map, whose sounds lie here; leave out --cluster``
    """
    for node in texture.walk():
        if reads_map(node):
            word = type(node).__name__.lower()
            raise EngineError(
                f"cluster: {word} reads a map, whose sounds lie here; leave out --cluster"
            )
    other = join_of(cast("Texture", texture)).model
    if other is not None and other not in BUILT_IN:
        raise EngineError(
            f"cluster: .on({other!r}) names a file of this machine; give it by --model instead"
        )
