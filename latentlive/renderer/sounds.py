"""The recordings that an expression reads: found by name, chosen on a map, or decoded already."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeGuard

import numpy as np

from latentlive.corpus import Audio, Corpus, audio_of, recording
from latentlive.corpus.atlas import Atlas, kept_atlas
from latentlive.corpus.choosing import cluster, excerpts, near, nearest_to
from latentlive.errors import SoundError
from latentlive.expr import Node
from latentlive.ground.lines import print_aside
from latentlive.latent import (
    Cluster,
    Excerpts,
    Latent,
    Near,
    OnMap,
    Place,
    Recorded,
    Sound,
    Texture,
    join_of,
)
from latentlive.latent.codes import Quantise

HOT = 10.0 ** (1.0 / 20.0)
"""The peak above which a line reports a recording as too loud; decoders overshoot by less."""


class Sounds(Protocol):
    """Finds what an expression reads."""

    def __call__(self, sound: Recorded, /) -> Audio:
        """Return a sound's samples."""

    def atlas(self, node: OnMap, /) -> Atlas:
        """Return the map that a source moves on."""


def is_given(sound: Recorded) -> TypeGuard[Sound]:
    """Return whether a sound is given as samples, and named by nothing."""
    return isinstance(sound, Sound) and not isinstance(sound.source, str)


def is_frozen_sound(sound: Sound, corpus: Corpus) -> bool:
    """Return whether a sound is a frozen one, beside a corpus whose names come first."""
    return isinstance(sound.source, str) and corpus.frozen(sound.source) is not None


class CorpusSounds:
    """Sounds of a corpus, paths and arrays at a rate, chosen on its map; see `corpus_sounds`."""

    def __init__(self, corpus: Corpus, sample_rate: int, say: Callable[[str], object]) -> None:
        self._corpus, self._rate, self._say = corpus, sample_rate, say
        self._known: dict[str, Audio] = {}

    def __call__(self, sound: Recorded, /) -> Audio:
        """Return a sound's samples."""
        if sound.digest in self._known:
            return self._known[sound.digest]
        if isinstance(sound, Sound) and is_frozen_sound(sound, self._corpus):
            return self._found(sound)  # by the next line it may be another, as loud as it was
        audio = self._known[sound.digest] = self._found(sound)
        if audio.loudest > HOT:
            over = 20.0 * math.log10(audio.loudest)
            said = f"{sound!r} is {over:.1f} dB above full scale and plays that loud"
            self._say(f"{said}; .gain({-over:.0f}) on its layer tames it")
        return audio

    def _found(self, sound: Recorded) -> Audio:
        chosen = self._corpus, self._rate, self._say
        if isinstance(sound, Cluster):
            return cluster(*chosen, sound.n, sound.seconds, sound.valence, sound.arousal)
        if isinstance(sound, Near):
            assert isinstance(sound.sound, Sound)
            return near(*chosen, sound.sound.source, sound.n)
        if isinstance(sound, Excerpts):
            return excerpts(*chosen, sound.n)
        if isinstance(sound, Place):
            return nearest_to(self._corpus, self._rate, sound.x, sound.y)
        assert isinstance(sound, Sound)
        if isinstance(sound.source, str):
            return self._corpus.audio(sound.source, self._rate)
        return audio_of(np.asarray(sound.source, np.float32))

    def atlas(self, node: OnMap, /) -> Atlas:
        """Return the corpus's map as it is now."""
        return self._corpus.atlas(self._rate)


def corpus_sounds(
    corpus: Corpus, sample_rate: int, say: Callable[[str], object] = print_aside
) -> Sounds:
    """Return a lookup of sounds at a rate: of a corpus, paths, arrays, or chosen on the map.

    A cluster chooses its sounds at its first lookup and keeps them.

    Parameters
    ----------
    say : function of a line
        Told which node stands in for an empty one, which files are missing, and which sounds are
        louder than full scale.
    """
    return CorpusSounds(corpus, sample_rate, say)


class StoredSounds:
    """Sounds that were decoded already; see `stored_sounds`."""

    def __init__(self, digests: Mapping[str, str]) -> None:
        self._digests, self._known = digests, dict[str, Audio]()

    def __call__(self, sound: Recorded, /) -> Audio:
        """Return a sound's samples."""
        known = self._known
        if sound.digest not in known:
            if is_given(sound):
                known[sound.digest] = audio_of(np.asarray(sound.source, np.float32))
            else:
                known[sound.digest] = recording(self._named(sound, "recording"))
        return known[sound.digest]

    def atlas(self, node: OnMap, /) -> Atlas:
        """Return the map that was sent with a source."""
        return kept_atlas(self._named(node, "map"))

    def _named(self, node: Latent, what: str) -> str:
        digest = self._digests.get(node.digest)
        if digest is None:
            raise SoundError(f"{node!r}: its {what} was not sent with it")
        return digest


def stored_sounds(digests: Mapping[str, str]) -> Sounds:
    """Return the sounds that were decoded already, by the digests of the nodes that name them."""
    return StoredSounds(digests)


def recordings(texture: Texture, sounds: Sounds) -> dict[str, str]:
    """Return what finds a texture's recordings and maps, by the digests of the nodes naming them.

    A digest, or those of mix, left and right of a stereo recording.
    """
    nodes = list(texture.walk())
    named = (one for one in nodes if isinstance(one, Recorded) and not is_given(one))
    found = {one.digest: sounds(one).recording for one in named}
    found.update((one.digest, sounds.atlas(one).digest) for one in nodes if reads_map(one))
    return found


def reads_map(node: Node) -> TypeGuard[OnMap]:
    """Return whether a node needs the places of a map."""
    return isinstance(node, OnMap) and node.charted


def channels_of(texture: Texture, sounds: Sounds) -> int:
    """Return how many channels a texture has: 2 if it plays a stereo recording, else 1."""
    join = join_of(texture)
    if join.exact or join.mono:
        return 1
    return max((sounds(one).channels for one in _played(join.latent)), default=1)


def _played(latent: Latent) -> Iterator[Recorded]:
    """Yield the recordings that a latent plays, once each."""
    seen, waiting = set[str](), [latent]
    while waiting:
        node = waiting.pop()
        if node.digest in seen:
            continue
        seen.add(node.digest)
        if isinstance(node, Recorded):
            yield node
        else:
            below = [node.of] if isinstance(node, Quantise) else node.children
            waiting += [one for one in below if isinstance(one, Latent)]
