"""``cluster`` and ``near`` as words: what they hold, from real recordings, and what is said."""

from __future__ import annotations

import time

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.client import Engine
from latentlive.corpus import Corpus
from latentlive.corpus.index import Index
from latentlive.errors import SoundError
from latentlive.mapping import make_map
from latentlive.prompt.browser import Browser
from latentlive.renderer import corpus_sounds
from tests.prompting import Recorded, console

RATE = 44100


@pytest.fixture
def heard(made):
    """Look sounds up in the real recordings; what is said goes to `heard.lines`."""
    lines = []
    find = corpus_sounds(made, RATE, lines.append)

    def sound(source):
        return find(source).samples

    sound.lines = lines
    return sound


def samples(made, names):
    """Return the samples of some recordings, one after another."""
    return np.concatenate([made.audio(name, RATE).samples for name in names])


def test_a_cluster_is_its_sounds_joined(made, heard):
    mapped = made.need_map()
    node = int(mapped.map.sizes.argmax())
    names = [mapped.names[row] for row in mapped.map.cluster(node)]
    assert len(names) > 3
    assert np.array_equal(heard(ll.cluster(node)), samples(made, names))
    assert not heard.lines


def test_near_is_the_most_like_joined(made, heard):
    mapped = made.need_map()
    names = [mapped.names[row] for row in mapped.map.near(mapped.rows["bd_haus"], 3)]
    assert "bd_haus" not in names
    assert np.array_equal(heard(ll.near(ll.sound("bd_haus"), 3)), samples(made, names))
    path = str(made.path("bd_haus"))
    assert np.array_equal(heard(ll.near(ll.sound(path), 3)), samples(made, names))


def test_near_an_array_is_near_what_the_array_holds(made, heard):
    mapped = made.need_map()
    kick = np.array(made.audio("bd_haus", RATE).samples)
    names = [mapped.names[row] for row in mapped.map.near(mapped.rows["bd_haus"], 1)]
    both = heard(ll.near(ll.sound(kick), 2))
    assert np.array_equal(both, samples(made, ["bd_haus", *names]))


@pytest.mark.parametrize("seconds", [0.5, 30])
def test_seconds_are_reached_and_not_by_much(made, heard, seconds):
    mapped = made.need_map()
    longest = mapped.map.seconds.max()
    length = len(heard(ll.cluster(3, seconds=seconds))) / RATE
    assert seconds <= length < seconds + longest


def test_valence_and_arousal_choose_a_node_and_say_which(made, heard):
    node = made.need_map().map.node_at(0.3, -0.5)
    assert np.array_equal(heard(ll.cluster(valence=0.3, arousal=-0.5)), heard(ll.cluster(node)))
    assert heard.lines == [f"cluster: node {node} is nearest to valence 0.3, arousal -0.5"]


@pytest.fixture
def sparse(tmp_path):
    """A corpus of six tones, on a map that was made larger so that nodes are empty."""
    for n in range(6):
        tone = 0.3 * np.sin(np.arange(11025) * 0.02 * (n + 1))
        soundfile.write(tmp_path / f"tone{n}.wav", tone, RATE, subtype="FLOAT")
    corpus = Corpus(tmp_path)
    make_map(corpus, workers=0)
    mapped = corpus.need_map()
    from dataclasses import replace

    vectors = mapped.map.vectors
    nodes = np.concatenate([vectors[:2], vectors[2:3] * 0.6, vectors[3:4]])
    with Index(corpus.index_path) as index:
        index.put_map(replace(mapped, nodes=nodes, labels=np.array([0, 1, 1, 3, 3, 0])))
    return corpus


def test_an_empty_node_answers_with_the_nearest_and_says_so(sparse):
    lines = []
    find = corpus_sounds(sparse, RATE, lines.append)
    stand_in = sparse.need_map().map.filled(2)
    assert stand_in != 2
    assert find(ll.cluster(2)).digest == find(ll.cluster(stand_in)).digest
    assert lines == [f"cluster: node 2 is empty; the nearest one with sounds is {stand_in}"]


def test_a_node_beyond_the_map_is_one_line(sparse):
    with pytest.raises(SoundError, match="cluster: the map has nodes 0 to 3, got 4"):
        corpus_sounds(sparse, RATE)(ll.cluster(4))


def test_a_file_that_is_gone_is_named_and_the_rest_is_heard(sparse):
    lines = []
    (sparse.folder / "tone5.wav").unlink()
    found = corpus_sounds(sparse, RATE, lines.append)(ll.cluster(0))
    assert found.digest == sparse.audio("tone0", RATE).digest
    assert len(lines) == 1
    assert lines[0].startswith("left out: tone5: cannot read")
    (sparse.folder / "tone0.wav").unlink()
    with pytest.raises(SoundError, match="corpus: none of the 2 sounds chosen can be read"):
        corpus_sounds(sparse, RATE, lines.append)(ll.cluster(0))


def test_a_changed_map_is_seen_by_the_next_expression_not_by_the_last(sparse):
    find = corpus_sounds(sparse, RATE, lambda _: None)
    before = find(ll.cluster(0)).digest
    soundfile.write(sparse.folder / "more.wav", np.full(8000, 0.1), RATE)
    make_map(Corpus(sparse.folder), workers=0)
    assert len(sparse.need_map().names) == 7
    assert find(ll.cluster(0)).digest == before
    again = corpus_sounds(sparse, RATE, lambda _: None)
    assert again(ll.cluster(0)).digest != before  # one node holds all seven now


def test_the_starter_corpus_has_a_map_with_nothing_configured():
    mapped = Corpus().need_map()
    assert len(mapped.names) == 214
    assert mapped.map.sizes.sum() == 214
    assert len(mapped.map.cluster(18)) > 0


def test_a_path_leads_through_nodes(made):
    first, last = ll.cluster(3, seconds=1), ll.cluster(20, seconds=1)
    way = ll.path([first, ll.cluster(8, seconds=1), last], ll.fit([0, 1])).spread(0)
    options = {"corpus": made, "model": "toy"}
    sounded = ll.render(way, **options)
    begun = ll.render(first.spread(0), **options)
    assert len(sounded) > RATE / 2
    assert np.abs(sounded[:64] - begun[:64]).max() < 0.05


def test_the_engine_is_told_digests_and_plays(made):
    with Engine(corpus=made, silent=True, say=lambda _: None) as live:
        told = live.source(ll.interp(ll.cluster(8), ll.near(ll.sound("bd_haus"), 2), 0.5))
        find = corpus_sounds(made, live.welcome.sample_rate)
        expected = {
            node.digest: find(node).recording
            for node in (ll.cluster(8), ll.near(ll.sound("bd_haus"), 2), ll.sound("bd_haus"))
        }
        assert told.sounds == expected
        assert told.code == "interp(cluster(8), near(sound('bd_haus'), 2))"
        _ = live.d1 >> ll.cluster(8).extend(2)
        until(lambda: states(live).get("d1") == "playing")
        with pytest.raises(ll.SoundError, match="the map has nodes 0 to 24, got 99"):
            _ = live.d1 >> ll.cluster(99)
        browse(live)


def states(live):
    return {layer["name"]: layer["state"] for layer in live.state.get("layers", [])}


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def browse(live):
    """Look around in the corpus of an engine that plays."""
    corpus = Browser(live)
    mapped = live.corpus.need_map()
    assert corpus.names == mapped.names
    table = repr(corpus).splitlines()
    assert table[0].split() == ["name", "seconds", "cluster", "valence", "arousal"]
    assert len(table) == 42
    assert table[-1] == '... 125 more: corpus.find("word")'
    row = mapped.rows["ambi_choir"]
    assert repr(corpus.find("CHOIR")).splitlines()[1].split() == [
        "ambi_choir",
        f"{mapped.map.seconds[row]:.2f}",
        str(mapped.labels[row]),
        *(f"{value:.2f}" for value in mapped.thumbnails[row, [1, 2]]),
    ]
    assert len(corpus.find("no such sound")) == 0
    assert corpus.random(5) == corpus.random(5)
    assert len({corpus.random(n) for n in range(20)}) > 10
    corpus.audition("ambi_choir")
    until(lambda: states(live).get("preview") == "playing")
    shown = next(layer for layer in live.state["layers"] if layer["name"] == "preview")
    assert (shown["gain"], shown["code"]) == ("-18", "sound('ambi_choir').loop(1)")
    corpus.audition("bd_haus")  # from its beginning, though the other has run for a while
    until(lambda: "bd_haus" in live.shown("preview"))
    with pytest.raises(ll.SoundError, match="no 'gnog' in corpus"):
        corpus.audition("gnog")
    until(lambda: "preview" not in states(live))  # heard once
    assert states(live)["d1"] == "playing"


def test_a_node_and_what_stands_for_sounds_tell_which_they_are(made, capsys):
    engine = Recorded()
    engine._make_words(made)
    typed, _ = console(engine)
    sounds = made.need_map()
    node = int(sounds.map.sizes.argmax())
    names = [sounds.names[row] for row in sounds.map.cluster(node)]
    listed = typed.run(f"corpus.node({node})").shown
    assert [row.split()[0] for row in listed.splitlines()[1:]] == names
    assert typed.run(f"list(corpus.node({node}))").shown == repr(names)
    assert typed.run(f"cluster({node})").shown == f"cluster({node})\n{listed}"
    capsys.readouterr()
    typed.run(f"print(cluster({node}), 7, sep=';')")
    assert capsys.readouterr().out == f"cluster({node})\n{listed};7\n"
    like = sounds.map.near(sounds.rows["ambi_choir"], 3)
    told = typed.run("near(sound('ambi_choir'), 3)").shown.splitlines()
    assert told[0] == "near(sound('ambi_choir'), 3)"
    assert [row.split()[0] for row in told[2:]] == [sounds.names[row] for row in like]
    assert repr(ll.cluster(node)) == str(ll.cluster(node)) == f"cluster({node})"  # still code
    wrong = f"cluster: the map has nodes 0 to {len(sounds.map.nodes) - 1}, got 99"
    for line in ("corpus.node(99)", "print(cluster(99))", "cluster(99)"):
        assert typed.run(line).error == wrong
    assert "n must be" in typed.run("corpus.node('x')").error


def test_sounds_that_are_not_on_the_map_are_listed_all_the_same(tmp_path):
    soundfile.write(tmp_path / "gong.wav", np.zeros(100), RATE)
    with Engine(corpus=tmp_path, silent=True) as live:
        lines = repr(Browser(live)).splitlines()
    assert lines[1].split() == ["gong", "not", "on", "the", "map"]
    assert lines[2] == f"no map yet; make it: latentlive corpus {tmp_path}"
