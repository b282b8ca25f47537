"""``corpus`` at the prompt: list, find, draw at random and audition sounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentlive.client import Engine
from latentlive.corpus import Corpus
from latentlive.corpus.choosing import cluster_rows, near_rows, nearest_row
from latentlive.corpus.frozen import frozen_names
from latentlive.corpus.grabbed import grabbed_names
from latentlive.corpus.thumbnails import AROUSAL, VALENCE
from latentlive.errors import SoundError, did_you_mean
from latentlive.expr import Text, Whole
from latentlive.ground.names import normal
from latentlive.latent import Cluster, Near, Place, Sound
from latentlive.protocol.preview import PREVIEW
from latentlive.worded import Worded

SHOWN = 40
AUDITION_DB = -18.0


class Listing:
    """Some sounds of a corpus; printed, it is a table of name, seconds, cluster and mood.

    Parameters
    ----------
    corpus : Corpus
    names : sequence of str
    """

    def __init__(self, corpus: Corpus, names: Sequence[str]) -> None:
        self._corpus, self.names = corpus, list(names)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, place: int) -> str:
        return self.names[place]

    def __repr__(self) -> str:
        mapped = self._corpus.mapped
        wide = max([len(name) for name in self.names[:SHOWN]] + [4])
        lines = [f"{'name':<{wide}}  seconds  cluster  valence  arousal"]
        for name in self.names[:SHOWN]:
            row = None if mapped is None else mapped.rows.get(name)
            if mapped is None or row is None:
                lines.append(f"{name:<{wide}}  {self._origin(name)}")
                continue
            mood = mapped.thumbnails[row, [VALENCE, AROUSAL]]
            lines.append(
                f"{name:<{wide}}  {mapped.map.seconds[row]:7.2f}  {mapped.labels[row]:7}"
                f"  {mood[0]:7.2f}  {mood[1]:7.2f}"
            )
        if len(self.names) > SHOWN:
            lines.append(f'... {len(self.names) - SHOWN} more: corpus.find("word")')
        if mapped is None:
            lines.append(f"no map yet; make it: latentlive corpus {self._corpus.given}".rstrip())
        return "\n".join(lines)

    def _origin(self, name: str) -> str:
        """Return where a sound that is not on the map comes from."""
        if self._corpus.frozen(name) is not None:
            return "frozen"
        return "grabbed" if self._corpus.outside(name) is not None else "not on the map"


class Browser(Worded, Listing):
    """The sounds of the corpus: a table of name, seconds, cluster and mood.

    Valence is how pleasant a sound is, arousal how lively, both about -1 to 1.
    ``corpus.find("rain")`` lists sounds by a word in the name, ``corpus.random(3)`` draws one at
    random, ``corpus.audition("gong")`` plays one once and quietly, ``corpus.names`` holds all
    names. ``corpus.node(18)`` lists the sounds of ``cluster(18)``: those with 18 in the column
    cluster, nearest to the node first. ``corpus.place("gong")`` tells where on the map one lies.
    ``corpus.songs`` holds the sequences of nodes that an imported map came with.

    Example
    -------
    ``corpus``, ``corpus.find("rain")``, ``corpus.random(3)``, ``corpus.audition("gong")``
    """

    _called = "corpus"

    def __init__(self, engine: Engine) -> None:
        self._engine, self._corpus = engine, engine.corpus

    @property
    def names(self) -> list[str]:  # type: ignore[override]
        """Every name, sorted; with an imported map, its parts of files too."""
        mapped = self._corpus.mapped
        return sorted({*self._corpus.names, *map(normal, mapped.names if mapped else ())})

    @property
    def songs(self) -> list[list[int]]:
        """The sequences of nodes that an imported map came with: ``improvise(corpus.songs[0])``."""
        mapped = self._corpus.mapped
        return [] if mapped is None else mapped.songs

    def find(self, text: str) -> Listing:
        """Return the sounds, frozen and grabbed ones too, with a text in the name in any case."""
        wanted = Text().coerce(text, "corpus.find: text").casefold()
        names = sorted({*self.names, *frozen_names(), *grabbed_names()})
        return Listing(self._corpus, [n for n in names if wanted in n.casefold()])

    def node(self, n: int) -> Listing:
        """Return the sounds of a map node, nearest first: those of ``cluster(n)``."""
        return held(self._engine, Cluster(n))

    def place(self, name: str) -> tuple[float, float]:
        """Return where a sound lies on the map, 0 to 1: ``place``, ``roam`` and ``swarm`` go there.

        Raises
        ------
        SoundError
            ``corpus: 'gnog' is not on the map; did you mean 'gong'?``
        """
        mapped, wanted = self._corpus.placed(), Text().coerce(name, "corpus.place: name")
        row = mapped.row(wanted)
        if row is None or mapped.places is None:
            hint = did_you_mean(wanted, mapped.names)
            raise SoundError(f"corpus: {wanted!r} is not on the map{hint}")
        x, y = mapped.places[row].tolist()
        return round(x, 4), round(y, 4)

    def random(self, seed: int) -> Sound:
        """Return a random sound, the same for the same seed and corpus."""
        names, key = self.names, Whole().coerce(seed, "corpus.random: seed")
        if not names:
            raise SoundError(f"corpus: no sounds in {self._corpus.name!r}")
        return Sound(names[int(np.random.Generator(np.random.Philox(key)).integers(len(names)))])

    def audition(self, name: str, db: float = AUDITION_DB) -> None:
        """Play a sound once, quietly, on a separate layer called ``preview``.

        Raises
        ------
        SoundError
            If there is no such sound; the playing layers go on.
        """
        layer = self._engine.layer(PREVIEW)
        once = Sound(name).loop(1)
        self._engine.source(once)  # refuses a missing sound here
        with self._engine.cell():  # a separate cell: the new sound then starts at its beginning
            layer.stop(0.02)
        with self._engine.cell():
            layer.quant(0).fade(0).gain(db)
            _ = layer >> once


def held(engine: Engine, chosen: Cluster | Near | Place) -> Listing:
    """Return the sounds of ``cluster(18)``, ``near(sound("gong"), 6)`` or a place, in order.

    Raises
    ------
    SoundError
        If the corpus has no map, or the map no such node.
    """
    corpus = engine.corpus
    mapped = corpus.need_map()
    if isinstance(chosen, Place):
        mapped = corpus.placed()
        rows = [nearest_row(mapped, chosen.x, chosen.y)]
    elif isinstance(chosen, Cluster):
        rows = cluster_rows(mapped, print, chosen.n, chosen.seconds, chosen.valence, chosen.arousal)
    else:
        assert isinstance(chosen.sound, Sound)
        rate = engine.welcome.sample_rate
        rows = near_rows(corpus, rate, chosen.sound.source, chosen.n)
    return Listing(corpus, [mapped.names[row] for row in rows])
