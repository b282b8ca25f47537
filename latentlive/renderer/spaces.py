"""The spaces that a rendering may use: the loaded one, and others by file."""

from __future__ import annotations

import hashlib
from fractions import Fraction

from latentlive.corpus import Audio
from latentlive.models import load_model
from latentlive.renderer.encoding import Encoder, Unencoded
from latentlive.renderer.lessons import Lessons
from latentlive.renderer.pruning import Disk
from latentlive.renderer.tracks import Tracks
from latentlive.renderer.wsola import Alignment
from latentlive.space import Space, Verbatim

MAX_ALIGNMENTS = 128
"""Stretched recordings whose alignment stays in memory; others load from disk again."""


def encoder_of(space: Space) -> Encoder | Tracks:
    """Return the encoder of recordings in a space: by window, by page, or none at all."""
    if isinstance(space, Verbatim):
        return Unencoded(space)
    return Tracks(space) if space.page else Encoder(space)


class Spaces:
    """Spaces with their encoders, each loaded once.

    Parameters
    ----------
    default : Space
        The space of expressions that name no other; its rate is the output rate.
    """

    def __init__(self, default: Space) -> None:
        self.default, self.rate = default, default.sample_rate
        self._encoders: dict[str | None, Encoder | Tracks] = {None: encoder_of(default)}
        self._alignments: dict[tuple[str, Fraction, int, int], Alignment] = {}
        self.lessons = Lessons()

    def encoder(self, model: str | None = None) -> Encoder | Tracks:
        """Return the encoder of a model file's space, or of the default.

        Raises
        ------
        ModelError
            If it names neither a space nor a model.
        """
        found = self._encoders.get(model)
        if found is None:
            space = load_model(model).at_rate(self.rate)
            found = self._encoders[model] = encoder_of(space)
        return found

    @property
    def loaded(self) -> list[Space]:
        """All that were loaded."""
        return [encoder.space for encoder in self._encoders.values()]

    @property
    def named(self) -> dict[str, str]:
        """The digests of the spaces loaded by name."""
        loaded = self._encoders.items()
        return {name: found.space.digest for name, found in loaded if name is not None}

    def space(self, model: str | None = None) -> Space:
        """Return a model file's space, or the default; see `encoder`."""
        return self.encoder(model).space

    def alignment(self, audio: Audio, read_hop: Fraction, hop: int, window: int) -> Alignment:
        """Return the alignment of a stretched recording, searched once."""
        key = (audio.digest, read_hop, hop, window)
        found = self._alignments.pop(key, None)
        if found is None:
            named = hashlib.blake2b(repr(key).encode(), digest_size=16).hexdigest()
            # Beside the encodings, within the same size limit.
            root = Disk().root
            folder = root / f"aligned-{named}" if root else None
            found = Alignment(audio.samples, read_hop, hop, window, folder)
        self._alignments[key] = found  # most recently used last
        if len(self._alignments) > MAX_ALIGNMENTS:
            del self._alignments[next(iter(self._alignments))]
        return found
