"""Existing maps, in every form in which they come, and every way in which they can be wrong."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.corpus.importing import read_map, store_map
from latentlive.corpus.thumbnails import WEIGHTS
from latentlive.errors import SoundError

SIDE, COUNT = 3, 20


class Existing:
    """A map of 20 sounds on 3 x 3 nodes, as other programs write it."""

    def __init__(self):
        rng = np.random.default_rng(4)
        self.raw = np.round(rng.standard_normal((COUNT, 35)) * 5 + 20, 4)
        self.raw[:, 0] = np.where(np.arange(COUNT) < 10, 250.0, 400.0)
        self.mean, self.std = self.raw.mean(axis=0), self.raw.std(axis=0)
        normal = (self.raw - self.mean) / self.std * WEIGHTS
        self.nodes = np.round(normal[: SIDE * SIDE] + 0.1, 6)
        away = np.linalg.norm(normal[:, None] - self.nodes, axis=2)
        self.labels = away.argmin(axis=1)
        self.files = [f"sound {n} (Über).wav" for n in range(COUNT)]
        self.flags, self.starts = [1] * COUNT, [0] * COUNT
        self.clusters = {
            str(node): np.flatnonzero(self.labels == node).tolist()
            for node in range(SIDE * SIDE)
            if (self.labels == node).any()
        }

    def write(self, folder, data=".txt", clusters=".txt"):
        """Write it, in text or JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        row = " ".join
        text = {
            "SOM-nodes.txt": [
                f"{n}, {row(map(repr, v))}" for n, v in enumerate(self.nodes.tolist())
            ],
            "stats.txt": [
                f"{key}, {row(map(repr, values.tolist()))}"
                for key, values in (("weights", WEIGHTS), ("std", self.std), ("mean", self.mean))
            ],
        }
        sounds = [
            [self.flags[n], self.files[n], self.starts[n], *self.raw[n].tolist()]
            for n in range(COUNT)
        ]
        if data == ".txt":
            text["data-concatenated.txt"] = [
                f"{n}, {row(map(str, items))}" for n, items in enumerate(sounds)
            ]
        else:
            table = {str(n): items for n, items in enumerate(sounds)}
            (folder / "data-concatenated.json").write_text(json.dumps(table))
        if clusters == ".txt":
            text["clusters.txt"] = [f"{k}, {row(map(str, v))}" for k, v in self.clusters.items()]
        else:
            (folder / "clusters.json").write_text(json.dumps(self.clusters))
        for name, lines in text.items():
            (folder / name).write_text("".join(f"{line};\n" for line in lines), encoding="utf-8")


@pytest.fixture
def existing():
    return Existing()


def tones(folder, files):
    """Write a different tone for each file."""
    folder.mkdir(exist_ok=True)
    for n, file in enumerate(files):
        tone = 0.3 * np.sin(np.arange(22050) * 0.02 * (n + 2))
        soundfile.write(folder / file, tone, 44100, subtype="FLOAT")


@pytest.mark.parametrize("below", [".", "originals", "data"])
@pytest.mark.parametrize(("data", "clusters"), [(".txt", ".txt"), (".json", ".json")])
def test_every_form_is_read(existing, tmp_path, below, data, clusters):
    existing.write(tmp_path / below, data, clusters)
    found = read_map(tmp_path)
    assert np.array_equal(found.labels, existing.labels)
    assert found.equal == COUNT
    assert found.files == existing.files
    assert np.array_equal(found.nodes, existing.nodes)
    assert found.thumbnails == pytest.approx(existing.raw)


def test_labels_that_differ_are_counted(existing, tmp_path):
    moved = existing.clusters["0"].pop()
    existing.clusters["5"].append(moved)
    existing.clusters["1"].clear()
    existing.write(tmp_path)
    lost = int((existing.labels == 1).sum())
    assert read_map(tmp_path).equal == COUNT - 1 - lost


def test_the_command_imports_names_what_is_missing_and_counts(existing, tmp_path):
    existing.write(tmp_path / "map")
    tones(tmp_path / "audio", existing.files[:-2])
    command = [sys.executable, "-m", "latentlive.cli", "corpus", "--import-map", tmp_path / "map"]
    told = subprocess.run(
        [*command, "--audio", tmp_path / "audio"], capture_output=True, text=True, timeout=60
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[-1] == f"{COUNT} of {COUNT} labels equal"
    missing = [line for line in told.stderr.splitlines() if line.startswith("missing: ")]
    assert missing == [f"missing: {file}" for file in existing.files[-2:]]


def test_the_imported_map_serves_clusters(existing, tmp_path):
    existing.write(tmp_path / "map")
    tones(tmp_path / "audio", existing.files)
    assert store_map(read_map(tmp_path / "map"), tmp_path / "audio", tmp_path / "map") == []
    node = int(existing.labels[0])
    rows = Corpus(tmp_path / "audio").need_map().map.cluster(node)
    assert set(rows) == set(np.flatnonzero(existing.labels == node))
    heard = ll.render(ll.cluster(node), corpus=tmp_path / "audio", model="toy")
    assert len(heard) == 22050 * len(rows)


def test_parts_of_files_are_cut_out(existing, tmp_path):
    """Two sounds of a quarter of a second from one file: flag 0 and a start in milliseconds."""
    existing.files = ["song.wav"] * 2 + existing.files[2:]
    existing.flags[:2], existing.starts[:2] = [0, 0], [0, 250]
    existing.write(tmp_path / "map")
    tones(tmp_path / "audio", existing.files)
    store_map(read_map(tmp_path / "map"), tmp_path / "audio", tmp_path / "map")
    corpus = Corpus(tmp_path / "audio")
    names = corpus.need_map().names
    assert names[:2] == ["song@0", "song@0.25"]
    whole = corpus.audio("song", 44100).samples
    assert np.array_equal(corpus.audio("song@0.25", 44100).samples, whole[11025:22050])


def test_indexing_the_folder_anew_replaces_the_imported_map_and_says_so(existing, tmp_path):
    from latentlive.mapping import make_map

    existing.write(tmp_path / "map")
    tones(tmp_path / "audio", existing.files)
    store_map(read_map(tmp_path / "map"), tmp_path / "audio", tmp_path / "map")
    made = make_map(Corpus(tmp_path / "audio"), workers=0)
    assert made.replaced == str(tmp_path / "map")
    assert made.side == 1
    assert Corpus(tmp_path / "audio").need_map().origin == ""


def spoil(name, number, change):
    """Return a fault: line `number` of a file, changed."""

    def do(folder):
        path = folder / name
        lines = path.read_text().splitlines()
        lines[number - 1] = change(lines[number - 1])
        path.write_text("\n".join(lines) + "\n")

    return do


def written(name, text):
    return lambda folder: (folder / name).write_text(text)


FAULTS = [
    (lambda f: (f / "stats.txt").unlink(), "no stats.txt in"),
    (lambda f: (f / "clusters.txt").unlink(), "no clusters.txt or clusters.json in"),
    (
        spoil("SOM-nodes.txt", 7, lambda s: s.rsplit(" ", 1)[0] + ";"),
        "SOM-nodes.txt, line 7: expected 35 numbers, got 34",
    ),
    (
        spoil("SOM-nodes.txt", 3, lambda s: s.replace(",", " ")),
        "SOM-nodes.txt, line 3: expected 'KEY, values;'",
    ),
    (spoil("SOM-nodes.txt", 2, lambda s: s.rstrip(";")), "line 2: expected 'KEY, values;'"),
    (spoil("SOM-nodes.txt", 9, lambda s: "0" + s[1:]), "line 9: 0 comes a second time"),
    (spoil("SOM-nodes.txt", 9, lambda s: "9" + s[1:]), "nodes are 0 to 8, got 9"),
    (spoil("SOM-nodes.txt", 9, lambda s: ""), "a map is square, got 8 nodes"),
    (spoil("SOM-nodes.txt", 1, lambda s: "x" + s[1:]), "line 1: expected a finite number, got 'x'"),
    (
        spoil("data-concatenated.txt", 4, lambda s: s.replace(" 250.0 ", " nan ")),
        "data-concatenated.txt, line 4: expected a finite number, got 'nan'",
    ),
    (
        spoil("data-concatenated.txt", 5, lambda s: "4, 1 a.wav 0 1 2;"),
        "line 5: expected a flag, a file, a start and 35 numbers, got 5 values",
    ),
    (
        spoil("data-concatenated.txt", 6, lambda s: ", ;"),
        "line 6: expected a finite number, got ''",
    ),
    (spoil("stats.txt", 2, lambda s: s.replace("std", "sdt")), "stats.txt: no row 'std'"),
    (spoil("stats.txt", 2, lambda s: s.replace("std, ", "std, -")), "a std is below 0"),
    (spoil("clusters.txt", 1, lambda s: "77, 1;"), "clusters.txt, line 1: the map has 9 nodes"),
    (spoil("clusters.txt", 1, lambda s: "0, 1 99;"), "line 1: no sound 99 in the data"),
    (spoil("clusters.txt", 1, lambda s: "0, 1 1;"), "line 1: sound 1 is in two clusters"),
    (spoil("clusters.txt", 1, lambda s: "0, 1.5;"), "line 1: expected a whole number, got '1.5'"),
    (lambda f: (f / "stats.txt").write_bytes(b"\xff\xfe\x00"), "cannot read"),
    (written("data-concatenated.txt", ""), "no sounds"),
]


@pytest.mark.parametrize(("fault", "line"), FAULTS, ids=[line for _, line in FAULTS])
def test_what_is_wrong_is_told_with_file_and_line(existing, tmp_path, fault, line):
    existing.write(tmp_path)
    fault(tmp_path)
    with pytest.raises(SoundError) as caught:
        read_map(tmp_path)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "data-concatenated.json: not JSON"),
        ("[]", "expected an object of lists"),
        ('{"0": 3}', "entry '0': expected a list, got '3'"),
        ('{"0": [1, "a.wav", 0]}', "entry '0': expected a flag, a file, a start and 35 numbers"),
        (json.dumps({"0": [1, 2, 0] + [0] * 35}), "entry '0': expected a file name, got '2'"),
        (json.dumps({"0": [1, "a", 0] + [True] * 35}), "entry '0': expected a number, got 'True'"),
        (json.dumps({"0": [1, "a", 0] + [None] * 35}), "entry '0': expected a number, got 'None'"),
        (json.dumps({"0": [1, "a", 0] + [10**400] * 35}), "expected a finite number"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_hostile_json_is_told_with_its_entry(existing, tmp_path, text, line):
    existing.write(tmp_path, data=".json")
    (tmp_path / "data-concatenated.json").write_text(text)
    with pytest.raises(SoundError) as caught:
        read_map(tmp_path)
    assert line in str(caught.value)


def test_a_refused_map_leaves_the_one_before(existing, tmp_path):
    existing.write(tmp_path / "map")
    tones(tmp_path / "audio", existing.files)
    store_map(read_map(tmp_path / "map"), tmp_path / "audio", tmp_path / "map")
    (tmp_path / "map" / "stats.txt").write_text("nonsense\n")
    command = [sys.executable, "-m", "latentlive.cli", "corpus", "--import-map", tmp_path / "map"]
    told = subprocess.run(
        [*command, "--audio", tmp_path / "audio"], capture_output=True, text=True, timeout=60
    )
    assert told.returncode == 1
    assert told.stderr.startswith("Error: corpus: stats.txt, line 1: expected 'KEY, values;'")
    assert Corpus(tmp_path / "audio").need_map().names


def test_the_sequences_of_a_map_are_kept_and_those_of_no_node_refused(existing, tmp_path):
    existing.write(tmp_path / "map")
    tones(tmp_path / "audio", existing.files)
    songs = tmp_path / "map" / "VMM-training-SOM-seq.txt"
    songs.write_text("0, 3 3 1 8 0;\n1, 2;\n")
    store_map(read_map(tmp_path / "map"), tmp_path / "audio", tmp_path / "map")
    assert Corpus(tmp_path / "audio").need_map().songs == [[3, 3, 1, 8, 0], [2]]
    songs.write_text("0, 3 9;\n")
    with pytest.raises(SoundError, match=r"seq.txt, line 1: the map has 9 nodes, got 9"):
        read_map(tmp_path / "map")
    songs.unlink()
    store_map(read_map(tmp_path / "map"), tmp_path / "audio", tmp_path / "map")
    assert Corpus(tmp_path / "audio").need_map().songs == []
