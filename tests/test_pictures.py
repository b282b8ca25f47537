"""Pictures: of the right kind, showing what the map holds; of the way between two sounds."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import matplotlib.image
import numpy as np
import pytest

from latentlive import interp, pictures, sound
from latentlive.corpus import Corpus
from latentlive.errors import LatentliveError
from latentlive.pictures import latents, named, plane, plot_map, plot_path, room, strengths
from latentlive.renderer import Spaces, corpus_sounds


def colours(path):
    """Return how many different colours a picture has."""
    pixels = (matplotlib.image.imread(path)[..., :3] * 255).astype(np.uint8)
    assert pixels.shape[0] > 400
    return len(np.unique(pixels.reshape(-1, 3), axis=0))


def test_the_command_draws_the_map_of_the_starter_sounds(tmp_path):
    command = [sys.executable, "-m", "latentlive.cli", "corpus", "--plot", tmp_path / "map.png"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[-1] == str(tmp_path / "map.png")
    assert colours(tmp_path / "map.png") > 50


def test_planes_of_any_feature_as_svg(tmp_path):
    path = tmp_path / "map.svg"
    plot_map(Corpus(), path, ["f0_mean", "mfcc3_std"])
    assert ET.parse(path).getroot().tag.endswith("svg")
    assert "f0 mean (Hz)" in path.read_text()


def test_a_path_is_drawn_from_the_latents_of_both_sounds_and_the_mix(recordings, tmp_path):
    plot_path(Corpus(recordings), tmp_path / "path.png", "drum_tom_lo_hard", "drum_snare_hard")
    assert colours(tmp_path / "path.png") > 50


def test_the_mix_of_a_picture_begins_at_the_one_and_ends_at_the_other(recordings):
    from latentlive.curves import Fit
    from latentlive.models import load_model

    spaces, sounds = Spaces(load_model("toy")), corpus_sounds(Corpus(recordings), 44100)
    a, b = sound("drum_tom_lo_hard"), sound("drum_snare_hard")
    one, other, way = (
        latents(interp(a, b, Fit(ends)), spaces, sounds)
        for ends in ([0.0, 0.0], [1.0, 1.0], [0.0, 1.0])
    )
    assert one.shape == other.shape == way.shape
    assert np.array_equal(way[0], one[0])
    assert np.array_equal(way[-1], other[-1])
    points = [strengths(part) for part in (one, other, way)]
    middles = np.stack([part.mean(axis=0) for part in points[:2]])
    flat = plane([*points[:2], middles])
    assert [part.shape for part in flat] == [(len(part), 2) for part in (*points[:2], middles)]
    begins, ends = flat[2]
    assert np.allclose(begins, 0)  # the way leads from one middle to the other, to the right
    assert ends[0] == pytest.approx(np.linalg.norm(middles[1] - middles[0]))
    assert ends[1] == pytest.approx(0, abs=1e-6)
    assert np.isfinite(plane([points[0], points[0]])[1]).all()  # a sound and itself


def test_the_picture_of_a_path_names_both_ends_and_draws_the_way(recordings, tmp_path):
    path = tmp_path / "path.svg"
    plot_path(Corpus(recordings), path, "drum_tom_lo_hard", "drum_snare_hard")
    text = path.read_text()
    for said in ("from drum_tom_lo_hard to drum_snare_hard", "the way, on the whole"):
        assert said in text
    assert "LineCollection" in text
    assert ">drum_snare_hard<" in text


def test_a_map_names_its_sounds_where_there_is_room(tmp_path):
    path = tmp_path / "map.svg"
    plot_map(Corpus(), path)
    text = path.read_text()
    mapped = Corpus().need_map()
    for node in range(len(mapped.map.nodes)):
        nearest = mapped.names[mapped.map.cluster(node)[0]]
        assert re.search(rf">{nearest}<", text), nearest
    assert " more<" in text
    lines, letters = room(5)
    assert lines >= 5
    assert letters >= 15
    assert room(94) == (0, 0)
    node = int(mapped.map.sizes.argmax())
    assert len(named(mapped, node, 3, 4)) == 3
    assert named(mapped, node, 3, 9)[-1] == f"{mapped.map.sizes[node] - 2} more"
    assert max(map(len, named(mapped, node, 99, 4))) == 4
    assert named(mapped, node, 0, 0) == []


@pytest.mark.parametrize(
    ("values", "low", "high", "two_sided"),
    [([0.1, 0.5], 0.1, 0.5, False), ([-3.0, -1.0], -3.0, -1.0, False), ([-1, 2], -2, 2, True)],
)
def test_only_a_plane_of_both_signs_has_a_scale_of_both_sides(values, low, high, two_sided):
    chosen = pictures.colours(np.array(values, float), signed=True)
    assert (chosen["vmin"], chosen["vmax"]) == (low, high)
    assert (chosen["cmap"] == "RdBu_r") == two_sided


@pytest.mark.parametrize(
    ("name", "planes", "line"),
    [
        ("map.gif", [], "plot: the file must end in .png or .svg, got 'map.gif'"),
        ("none/map.png", [], "plot: no folder"),
        ("map.png", ["loudnes_mean"], "no feature 'loudnes_mean'; did you mean 'loudness_mean'?"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(tmp_path, name, planes, line):
    with pytest.raises(LatentliveError) as caught:
        plot_map(Corpus(), tmp_path / name, planes)
    assert line in str(caught.value)
    assert not list(tmp_path.iterdir())
