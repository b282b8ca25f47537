"""Textures on their way to the engine: checked, measured, frozen, with the recordings they need."""

from __future__ import annotations

from collections.abc import Callable

from latentlive.client.connection import Connection
from latentlive.client.directions import Measurements
from latentlive.client.freezing import Freezing
from latentlive.client.transaction import Transaction
from latentlive.client.waiting import Line
from latentlive.corpus import Audio, Corpus
from latentlive.corpus.segmenting import By, segmented
from latentlive.errors import ExpressionError
from latentlive.expr.fields import shown
from latentlive.latent import Joined, Latent, Recorded, Sound, Texture, join_of
from latentlive.latent.directions import unmeasured
from latentlive.models import digest_of
from latentlive.protocol.clip import Source
from latentlive.renderer import Sounds, channels_of, check
from latentlive.renderer.frozen import Machines, Setting, as_played
from latentlive.renderer.scoring import Scoring, scored
from latentlive.renderer.sounds import recordings
from latentlive.space import Facts
from latentlive.units import Floats


class Textures(Connection):
    """An engine, as textures meet it."""

    corpus: Corpus
    freezing: Freezing
    patient: Callable[[str], object] | None
    """Waits for what a line needs, by its name; otherwise the line waits."""
    patience: float | None = None
    """Seconds that a line waits for the piece of an improviser to be heard; None: any time."""
    cluster: Machines | None
    """Other machines that freeze; None freezes here."""
    _sounds: Sounds
    _measurements: Measurements
    _cells: Transaction
    _first_tempo: float | None
    _models: dict[str, str]

    def source(self, texture: Texture) -> Source:
        """Check a texture here and return the data that the engine needs to play it.

        Raises
        ------
        ExpressionError, SoundError
            For an invalid texture, before the engine gets it.
        """
        if not isinstance(texture, Latent | Joined):
            hint = f"; write sound({texture!r})" if isinstance(texture, str) else ""
            raise ExpressionError(
                f"a layer plays a latent such as sound('gong'), got {texture!r}{hint}"
            )
        texture = self._measurements.applied(typed := texture)
        self.freezing.check(texture, "play it then")
        rate = self.welcome.sample_rate
        scoring = Scoring(self.corpus, self._sounds, rate, self.patience)
        played = as_played(scored(texture, scoring), self.corpus)
        check(played, self._facts, self._sounds, 60.0 / self.welcome.bpm)
        self._check_model(played)
        sounds, channels = self._sounds, channels_of(played, self._sounds)
        return Source(played, repr(typed), recordings(played, sounds), channels)

    def _check_model(self, texture: Texture) -> None:
        """Refuse a model file that was written anew: the engine plays what it has loaded."""
        model = join_of(texture).model
        if model is None:
            return
        found = digest_of(model, self.welcome.sample_rate)
        if self._models.setdefault(model, found) != found:
            raise ExpressionError(
                f"on: {model!r} was written anew, and this engine has loaded what it was; "
                "give the new model another name"
            )

    @property
    def _facts(self) -> Facts:
        return Facts.load(self.welcome.space)

    def freeze(self, texture: Texture, name: str, seconds: float | None = None) -> Sound:
        """Render a texture into a sound, beside the performance: see ``.frozen()``."""
        return self.freezing.freeze(self._measured(texture), name, seconds)

    def recording(self, sound: Sound) -> tuple[Audio, int]:
        """Return a recording, and its samples a second."""
        return self._sounds(sound), self.welcome.sample_rate

    def room(self, sound: Sound) -> Source:
        """Return a recording that is to be a room, as the engine needs it.

        Raises
        ------
        ExpressionError
            ``reverb: space is a sound such as sound("gong"), got 3``
        """
        if not isinstance(sound, Recorded):
            raise ExpressionError(
                f'reverb: space is a sound such as sound("gong"), got {shown(sound)}'
            )
        if not self._sounds(sound).loudest:
            raise ExpressionError("reverb: space is silent; a room is a sound that rings")
        played = as_played(sound, self.corpus)
        return Source(played, repr(sound), recordings(played, self._sounds))

    def boundaries(self, sound: Recorded, by: By, shortest: float) -> Floats:
        """Return where the parts of a recording begin [seconds]: see ``.segments()``."""
        return segmented(self._sounds(sound), self.welcome.sample_rate, by, shortest)

    def awaits(self, layer: str, texture: Texture) -> bool:
        """Return whether a layer now waits for what a texture needs to be frozen or measured.

        Raises
        ------
        ExpressionError
            Inside ``at``, ``cue`` and ``after``, which have a moment of their own.
        """
        if isinstance(texture, Latent | Joined):
            texture = self._measured(texture)
        if not self.freezing.unfinished(texture):
            return False
        if self._cells.planning:
            self.freezing.check(texture, "plan it then")
            return False  # completed in between
        self._cells.wait(Line(layer, texture, self._panics))
        return True

    def _measured(self, texture: Texture) -> Texture:
        """Return a texture with its directions; wait for them where somebody is patient."""
        texture = self._measurements.applied(texture)
        if self.patient is not None and unmeasured(texture):
            for one in self.freezing.unfinished(texture):
                self.patient(one.name)
            texture = self._measurements.applied(texture)
        return texture

    @property
    def _panics(self) -> int:
        return int(self.fresh()["panics"])

    def _setting(self) -> Setting:
        """Return the present rendering settings, even before the transport has taken a tempo."""
        state, welcome = self.fresh(), self.welcome
        tempo = self._cells.tempo or (None if state["running"] else self._first_tempo)
        space = welcome.file, welcome.digest, self._facts
        told = state["seed"], tempo or state["bpm"], self.patience
        return Setting(self.corpus, self._sounds, *space, *told, cluster=self.cluster)
