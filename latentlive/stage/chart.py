"""The map of a corpus as the page draws it: places, groups, and descriptors as ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus import Corpus
from latentlive.corpus.index import Mapped
from latentlive.corpus.thumbnails import NAMES
from latentlive.errors import LatentliveError, printable

MOST = 50_000
"""Sounds that a page draws; of more, evenly chosen ones."""

COLOURS = {
    "length": "duration",
    "valence": "valence",
    "arousal": "arousal",
    "loudness": "loudness_mean",
    "pitch": "f0_mean",
    "falling spectrum": "decrease_mean",
}
"""What sounds can be coloured by, besides their group: the names that a page shows."""


def chart(corpus: Corpus) -> tuple[dict[str, Any], Mapped | None]:
    """Return the map as data for the page, and the map; without one, the line that says why.

    Finding places for a map of before there were any takes some seconds.
    """
    try:
        mapped = corpus.placed()
    except LatentliveError as error:
        return {"corpus": printable(corpus.name), "why": printable(str(error))}, None
    return drawn(mapped, corpus.name), mapped


def drawn(mapped: Mapped, name: str) -> dict[str, Any]:
    """Return a map with places as data for the page.

    Returns
    -------
    dict
        ``rows``, the row of each drawn sound, rising; ``names``, ``x``, ``y``, ``group`` and each
        list of ``by`` have as many values, of ``by`` from 0 to 255 by rank.
    """
    assert mapped.places is not None
    count = len(mapped.names)
    rows = np.unique(np.linspace(0, count - 1, min(count, MOST)).astype(np.int64))
    places = np.round(mapped.places[rows], 4)
    thumbnails = mapped.thumbnails[rows]
    return {
        "corpus": printable(name),
        "count": count,
        "side": mapped.map.side,
        "rows": rows.tolist(),
        "names": [printable(mapped.names[row])[:200] for row in rows.tolist()],
        "x": places[:, 0].tolist(),
        "y": places[:, 1].tolist(),
        "group": mapped.labels[rows].tolist(),
        "seconds": np.round(mapped.map.seconds[rows], 2).tolist(),
        "by": {
            shown: ranks(thumbnails[:, NAMES.index(feature)]).tolist()
            for shown, feature in COLOURS.items()
        },
    }


def ranks(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return values as ranks from 0 to 255: outliers take no colour from the others.

    >>> ranks(np.array([3.0, 900.0, 5.0])).tolist()
    [0, 255, 128]
    """
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    found: NDArray[np.int64] = np.rint(order * (255.0 / max(len(values) - 1, 1))).astype(np.int64)
    return found
