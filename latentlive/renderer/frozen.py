"""What a frozen sound is: a texture with all that its samples depend on, found by its name."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, cast

from latentlive.corpus import Corpus
from latentlive.corpus.frozen import is_frozen
from latentlive.corpus.grabbed import grabbed_file
from latentlive.corpus.shelf import kept_name
from latentlive.errors import ExpressionError, LatentliveError
from latentlive.expr import Node, dump, load
from latentlive.ground.names import normal
from latentlive.latent import Latent, Loop, On, Sound, Texture, join_of
from latentlive.latent.time import Early, Slice
from latentlive.models import load_model
from latentlive.renderer.rendering import check
from latentlive.renderer.scoring import Scoring, scored
from latentlive.renderer.sounds import Sounds, is_frozen_sound, recordings
from latentlive.space import Facts, Verbatim

KIND = 1
"""Which way of rendering a frozen sound was made with: others are rendered anew."""


class Machines(NamedTuple):
    """Other machines that render instead of this one.

    Parameters
    ----------
    address : str
        Of a Dask scheduler.
    tls : sequence of str
        Files of authority, certificate and key; empty without encryption.
    """

    address: str
    tls: tuple[str, ...] = ()

    @classmethod
    def of(cls, address: str, tls: Iterable[str | os.PathLike[str]] | None) -> Machines | None:
        """Return where to render, None for this machine.

        Raises
        ------
        LatentliveError
            ``--tls belongs to --cluster``
        """
        files = tuple(os.path.abspath(file) for file in tls or ())
        if address:
            return cls(address, files)
        if files:
            raise LatentliveError("--tls belongs to --cluster")
        return None


@dataclass(frozen=True)
class Setting:
    """What a performance renders with.

    Parameters
    ----------
    corpus : Corpus
    sounds : function of a recorded source to its Audio
    model, digest : str
        The space that plays where a texture names none: its name or file (empty for the default),
        and its digest.
    facts : Facts
        Of that space.
    seed : int
    tempo : float [beats per minute]
    """

    corpus: Corpus
    sounds: Sounds
    model: str
    digest: str
    facts: Facts
    seed: int = 0
    tempo: float = 60.0
    patience: float | None = None
    """Seconds to wait for the piece of an improviser to be heard; None waits for any time."""
    cluster: Machines | None = None
    """Where to freeze; None is here."""

    @property
    def scoring(self) -> Scoring:
        """Where the parts of pieces come from."""
        return Scoring(self.corpus, self.sounds, self.facts.sample_rate, self.patience)


@dataclass(frozen=True)
class Frozen:
    """A frozen sound: its name, and all that its samples depend on.

    Parameters
    ----------
    name : str
    texture : Latent or joined Latent
    sounds : mapping
        The digests of its recordings, by those of the nodes that name them.
    model, digest : str
        The space that plays where it names none, and the digest of the one that it is played in.
    seed : int
    tempo : float [beats per minute]
    seconds : float or None [seconds]
        How much; None is one pass.
    cluster : Machines, optional
        Where it is rendered, of which no sample depends.
    """

    name: str
    texture: Texture
    sounds: Mapping[str, str]
    model: str
    digest: str
    seed: int
    tempo: float
    seconds: float | None
    cluster: Machines | None = None

    noun = property(lambda self: self.name)
    be, made, doing, played = "is", "frozen", "freezing", "it"

    @property
    def module(self) -> str:
        """The process that has it rendered."""
        return f"latentlive.{'machines' if self.cluster else 'renderer'}.freezer"

    @property
    def awaited(self) -> str:
        """What a layer that waits plays, and when."""
        return f"{self.name} when it is frozen"

    @property
    def lacking(self) -> str:
        """How a refusal begins."""
        return f"sound: {self.name!r} is"

    def concerns(self, texture: Any) -> bool:
        """Return whether a texture plays the sound."""
        return self.name in sound_names(texture)

    @cached_property
    def key(self) -> str:
        """The digest of what its samples depend on, 32 hexadecimal digits."""
        told = [KIND, self.texture.digest, sorted(self.sounds.items()), self.digest]
        told += [self.seed, self.tempo, self.seconds]
        return hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()

    @property
    def done(self) -> bool:
        """Whether its name has this sound already."""
        return is_frozen(self.key, self.name)

    def dump(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            **asdict(replace(self, texture=cast("Texture", None))),
            "texture": dump(self.texture),
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Frozen:
        """Return what `dump` wrote."""
        cluster = data["cluster"] and Machines(*data["cluster"])
        return cls(**{**data, "texture": load(data["texture"]), "cluster": cluster})


def sound_names(texture: Node) -> set[str]:
    """Return the names of the sounds in a texture."""
    named = (node.source for node in texture.walk() if isinstance(node, Sound))
    return {normal(name) for name in named if isinstance(name, str)}


def to_freeze(texture: Texture, name: str, seconds: float | None, setting: Setting) -> Frozen:
    """Return the sound that a texture is to be frozen to, after checking both.

    Raises
    ------
    LatentliveError
        If the texture has no meaning or no end, or its name is none or a sound's of the corpus.
    """
    name, corpus = kept_name(name, "frozen"), setting.corpus
    if corpus.holds(name):
        raise ExpressionError(
            f"frozen: the corpus {corpus.name!r} has a sound {name!r}, which comes first; "
            "take another name"
        )
    if grabbed_file(name) is not None:
        raise ExpressionError(
            f"frozen: a sound of the input was grabbed as {name!r}; take another name"
        )
    texture = as_played(scored(texture, setting.scoring), corpus)
    length = check(texture, setting.facts, setting.sounds, 60.0 / setting.tempo)
    if seconds is None and math.isinf(length):
        raise ExpressionError(
            f"frozen: the texture never ends; say how much: .frozen({name!r}, seconds=60)"
        )
    other = join_of(texture).model
    return Frozen(
        name,
        texture,
        recordings(texture, setting.sounds),
        setting.model,
        setting.digest if other is None else load_model(other).digest,
        setting.seed,
        setting.tempo,
        seconds,
        setting.cluster,
    )


def as_played(texture: Texture, corpus: Corpus) -> Texture:
    """Return a texture as it is rendered: a frozen sound alone plays its samples.

    So it costs nothing, and no space changes it a second time. It may be repeated, cut and shifted;
    all other words mean what they mean of any recording, in the space.
    """
    join = join_of(texture)
    if join.model is not None or join.exact or join.overlap is not None:
        return texture
    node: Latent = join.latent
    while isinstance(node, Loop | Slice | Early):
        node = node.of
    alone = isinstance(node, Sound) and is_frozen_sound(node, corpus)
    return On(texture, Verbatim.name) if alone else texture
