"""Directions that were measured are kept on disk, by the digest of their space and corpus."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from latentlive.corpus import Corpus
from latentlive.errors import ModelError
from latentlive.ground.files import cache_folder, write_whole
from latentlive.ground.lines import print_aside
from latentlive.latent import Texture, join_of
from latentlive.latent.directions import unmeasured, with_directions
from latentlive.latent.moving import direction_of
from latentlive.models import load_model
from latentlive.renderer.directions import LEAST, SOUNDS, Directions, Held, measured
from latentlive.renderer.sounds import corpus_sounds
from latentlive.space import Space

KIND = 1
"""Which way of measuring directions were made with: others are measured anew."""


@dataclass(frozen=True)
class Measuring:
    """The directions of a space and a corpus, measured or not.

    Parameters
    ----------
    model : str
        The space: its name or file; empty is the default.
    space, digest : str
        Its name and its digest.
    corpus : str
        The folder; empty is the starter corpus.
    """

    model: str
    space: str
    digest: str
    corpus: str

    module = "latentlive.renderer.measurer"
    """The process that measures."""

    @property
    def name(self) -> str:
        """What the performer calls it."""
        return f"directions of {self.space}"

    noun = property(lambda self: f"the {self.name}")
    be, made, doing, played = "are", "measured", "measuring", "now"

    @property
    def awaited(self) -> str:
        """What a layer that waits does, and when."""
        return f"when {self.noun} are measured"

    @property
    def lacking(self) -> str:
        """How a refusal begins."""
        return f"brighter, rougher, noisier, bright: {self.noun} are"

    def concerns(self, texture: Any) -> bool:
        """Return whether a texture waits for these directions."""
        return bool(unmeasured(texture)) and (join_of(texture).model or self.model) == self.model

    @cached_property
    def names(self) -> list[str]:
        """The sounds to listen to, in the order of chance."""
        corpus = self._library
        names = np.array(sorted(corpus.files))
        chosen: list[str] = names[np.random.default_rng(0).permutation(len(names))].tolist()
        return chosen[: 2 * SOUNDS]

    @cached_property
    def _library(self) -> Corpus:
        """The corpus, or the starter corpus where it has too few sounds."""
        own = Corpus(self.corpus or None)
        return own if len(own.files) >= 2 * LEAST else Corpus()

    @cached_property
    def key(self) -> str:
        """The digest of what they depend on, 32 hexadecimal digits."""
        library = self._library
        files = [library.files[name] for name in self.names]
        # A starter sound is what its name says, and need not be made yet.
        made = bool(library.given)
        states = [(file.name, file.stat().st_size if made else 0) for file in files]
        told = json.dumps([KIND, self.digest, self.names, states])
        return hashlib.blake2b(told.encode(errors="replace"), digest_size=16).hexdigest()

    @property
    def _path(self) -> Path:
        return cache_folder("directions") / f"{self.key}.npz"

    @property
    def done(self) -> bool:
        """Whether they are measured."""
        return self.kept() is not None

    def kept(self) -> Directions | None:
        """Return what was measured; None if it was not, or its file is damaged."""
        directions, held = {}, {}
        try:
            with np.load(self._path, allow_pickle=False) as file:
                for name in file["names"].tolist():
                    found = direction_of(file[f"{name}.rows"], file[f"{name}.numbers"])
                    if found is None:
                        return None
                    directions[name] = found
                    held[name] = Held(*file[f"{name}.held"].tolist())
        except Exception:  # noqa: BLE001 - a damaged file raises anything, and is measured anew
            return None
        return Directions(directions, held)

    def measure(self, progress: Callable[[int, int], object] = lambda done, total: None) -> None:
        """Measure them and keep them.

        Raises
        ------
        LatentliveError
            If there is too little to learn from.
        """
        space = load_model(self.model or None)
        if space.digest != self.digest:
            raise ModelError(f"{self.name} were asked of a model that has changed; ask again")
        self.keep(self.found(space, progress))

    def found(
        self, space: Space, progress: Callable[[int, int], object] = lambda done, total: None
    ) -> Directions:
        """Return the directions, measured now."""
        sounds = corpus_sounds(self._library, space.sample_rate, lambda line: None)
        return measured(space, sounds, self.names, progress)

    def keep(self, found: Directions) -> None:
        """Write what was measured; without room on the disk it is measured again next time."""
        arrays: dict[str, Any] = {"names": np.array(list(found.directions))}
        for name, direction in found.directions.items():
            arrays[f"{name}.rows"] = direction.rows.astype(np.float16)
            arrays[f"{name}.numbers"] = direction.numbers
            arrays[f"{name}.held"] = np.array(found.held[name])

        def write(beside: Path) -> None:
            with beside.open("xb") as file:
                np.savez(file, **arrays)

        with contextlib.suppress(OSError):
            write_whole(self._path, write)

    def dump(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self)

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Measuring:
        """Return what `dump` wrote."""
        return cls(**data)


def with_measured(texture: Texture, found: Directions) -> Texture:
    """Return a texture with the directions that it lacks."""
    return cast("Texture", with_directions(texture, found.directions))


def measured_here(texture: Texture, space: Space, model: str, corpus: Corpus) -> Texture:
    """Return a texture with its directions, measured in this process where that is to be done.

    Parameters
    ----------
    texture : Latent or joined Latent
    space : Space
        That plays where the texture names none.
    model : str
        Its name or file.
    corpus : Corpus
    """
    if not unmeasured(texture):
        return texture
    other = join_of(texture).model
    if other is not None:
        space, model = load_model(other).at_rate(space.sample_rate), other
    job = Measuring(model, space.name, space.digest, corpus.given)
    found = job.kept()
    if found is None:
        print_aside(f"measuring {job.noun}, once")
        found = job.found(space)
        job.keep(found)
        found = job.kept() or found
    return with_measured(texture, found)
