"""Draw the factor oracle of a starter sound, and a walk through it.

python docs/oracle_picture.py      # writes docs/oracle.png
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Arc

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.latent import Improvised
from latentlive.latent.oracle import Order
from latentlive.latent.walking import Piece, Walk
from latentlive.renderer import corpus_sounds
from latentlive.renderer.scoring import Scoring, scored

PIECE = ll.near(ll.sound("clock"), 24)
STEPS = 64
PICTURE = Path(__file__).with_name("oracle.png")


class Hand:
    """Goes on four times out of five."""

    def congruence(self, start: float) -> float:
        """Return 0.8."""
        return 0.8

    def typicality(self, start: float) -> float:
        """Return 0.5: any."""
        return 0.5

    def lasting(self, unit: int, start: float) -> float:
        """Return 1."""
        return 1.0


def main() -> None:
    """Draw it."""
    corpus = Corpus()
    found = scored(ll.improvise(PIECE), Scoring(corpus, corpus_sounds(corpus, 44100), 44100))
    assert isinstance(found, Improvised)
    nodes = np.asarray(found.parts)[:, 3].astype(int).tolist()
    order = Order(nodes, 4)
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(11, 6.4), height_ratios=[1.0, 1.15], sharex=True, layout="constrained"
    )
    colours = plt.get_cmap("tab20")
    for state, link in enumerate(order.oracle.links[1:], 1):
        shared = order.oracle.shared[state]
        if link < 1 or not shared:
            continue
        width = state - link
        above.add_patch(
            Arc(
                ((state + link) / 2, 0),
                width,
                width,
                theta1=180,
                theta2=360,
                lw=0.5 + 0.5 * min(shared, 4),
                color="k",
                alpha=min(0.15 + 0.2 * shared, 1.0),
            )
        )
    places = np.arange(1, len(nodes) + 1)
    above.plot(places, np.zeros(len(nodes)), "-", color="0.6", lw=1, zorder=2)
    above.scatter(places, np.zeros(len(nodes)), c=colours(np.array(nodes) % 20), s=60, zorder=3)
    longest = max(s - at for s, at in enumerate(order.oracle.links[1:], 1) if at > 0)
    above.set_ylim(-longest / 2 - 1, 2)
    above.axis("off")
    above.set_title("a piece of nodes, and the suffix links of its factor oracle", loc="left")
    walk = Walk(Piece(order, [[i] for i in range(len(nodes))], [0.5] * len(nodes), True), 3, Hand())
    played = [walk.step(number).unit for number in range(STEPS)]
    for number, (one, other) in enumerate(pairwise(played)):
        goes_on = other == one + 1
        style = {"color": "0.4", "lw": 1.5} if goes_on else {"color": "C3", "lw": 0.8, "ls": ":"}
        below.plot([one + 1, other + 1], [number, number + 1], **style)
    marks = colours(np.array([nodes[unit] for unit in played]) % 20)
    below.scatter(np.array(played) + 1, np.arange(STEPS), c=marks, s=22, zorder=3)
    below.invert_yaxis()
    below.set_ylabel("step")
    below.set_xlabel("place in the piece")
    below.set_title("a walk at congruence 0.8: red where it jumps", loc="left")
    figure.savefig(PICTURE, dpi=110)
    print(f"{PICTURE}: {len(nodes)} parts on {len(set(nodes))} nodes")


if __name__ == "__main__":
    main()
