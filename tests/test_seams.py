"""Joins on real recordings: no click at the windows, no loss of level."""

from __future__ import annotations

import pytest

from benchmarks.loops import heard, looped, tone
from benchmarks.seams import level, rendered, seam
from latentlive.corpus import Corpus
from latentlive.curves import Tri
from latentlive.latent import Interp, Sound
from latentlive.models import load_model
from latentlive.renderer import Spaces, corpus_sounds


@pytest.mark.parametrize(("factor", "limit"), [(1, 1.2), (4, 1.4), (8, 1.4)])
def test_default_joins_are_clean_on_real_recordings(recordings, factor, limit):
    spaces, sounds = Spaces(load_model("rawaudiovae")), corpus_sounds(Corpus(recordings), 44100)
    mix = Interp(Sound("ambi_choir"), Sound("loop_amen"), Tri(2)).spread(0).extend(factor)
    ended, default = rendered(mix.overlap(1), spaces, sounds), rendered(mix, spaces, sounds)
    assert seam(ended, 1024) > 1.5  # what there is to be mended
    assert seam(default, 256) < limit
    assert abs(level(default) - level(ended)) < 1.5


@pytest.mark.parametrize("space", ["spectral", "rawaudiovae"])
def test_a_steady_tone_is_as_loud_where_its_loop_comes_round_as_elsewhere(space):
    levels = heard(looped(Sound(tone()), Spaces(load_model(space))))
    for at_seams, elsewhere in levels.values():
        assert abs(at_seams - elsewhere) < 0.1
