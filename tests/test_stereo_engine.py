"""Stereo recordings through the engine: two rings, morphs, logs, replay and bounce."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.engine.log.bounce import Bounce
from latentlive.engine.log.performance import Performance
from latentlive.engine.shared import RINGS
from latentlive.errors import EngineError
from latentlive.protocol.changes import Play, Set
from latentlive.protocol.clip import Source
from latentlive.protocol.when import Cue
from latentlive.renderer import channels_of, corpus_sounds
from latentlive.renderer.sounds import recordings
from latentlive.space import ToySpace
from tests.performing import Choosy, Engine, bounced, replayed, same
from tests.scheduling import RATE, House, put
from tests.test_bounce import Logged

RNG = np.random.default_rng(31)
LEFT, RIGHT = ((RNG.standard_normal(RATE) * 0.2).astype("f4") for _ in range(2))
FILES = {
    "both": np.stack([LEFT, RIGHT], axis=1),
    "left": np.stack([LEFT, 0 * LEFT], axis=1),
    "right": np.stack([0 * RIGHT, RIGHT], axis=1),
    "one": RIGHT,
}


@pytest.fixture(autouse=True, scope="module")
def place(tmp_path_factory):
    """A folder with a cache, and files with two channels and with one."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "sounds").mkdir()
    for name, samples in FILES.items():
        soundfile.write(folder / "sounds" / f"{name}.wav", samples, RATE, "FLOAT")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTLIVE_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def sounds(place):
    return corpus_sounds(Corpus(place / "sounds"), RATE)


@pytest.fixture(scope="module")
def source(sounds):
    """Return what a client sends of a texture."""

    def told(texture):
        return Source(
            texture, repr(texture), recordings(texture, sounds), channels_of(texture, sounds)
        )

    return told


@pytest.fixture(scope="module")
def play(source):
    return lambda layer, texture: Play(layer, source(texture))


def levels(samples):
    """Return the level of each channel [dB]."""
    return 20 * np.log10(np.sqrt(np.mean(samples.astype(np.float64) ** 2, axis=0)) + 1e-12)


def rings(house):
    return sum(len(voice.rings) for voice in house.scheduler.timeline.voices.values())


def quiet(name):
    return ll.sound(name).spread(0)


def test_what_is_left_and_what_is_right_stays_there_and_pan_balances(play):
    centre = -9 + 20 * np.log10(np.cos(np.pi / 4) * 0.2)
    for name, side in (("left", 0), ("right", 1)):
        for pan, gain in ((0.5, 0.0), (0.25, 0.0), (0.0, None), (1.0, None)):
            house = House()
            house.apply(play("d1", quiet(name)), put("d1", fade=0, pan=pan))
            house.run(1.5)
            found = levels(house.samples[RATE // 4 : RATE])
            assert found[1 - side] < -90
            if gain is not None and pan == 0.5:
                assert found[side] == pytest.approx(centre, abs=0.1)
            elif pan == side:  # the gains of a mono layer
                assert found[side] == pytest.approx(centre + 3.01, abs=0.1)
            elif gain is None:
                assert found[side] < -90


def test_a_layer_is_the_offline_render_in_both_channels(play, place):
    texture = ll.interp(ll.sound("both"), ll.sound("one"), ll.sine(1)).extend(2)
    house = House(seed=4)
    house.apply(play("d1", texture), put("d1", fade=0))
    house.run(2)
    corpus = Corpus(place / "sounds")
    offline = ll.render(texture, 1.5, model=ToySpace(1024), corpus=corpus, seed=4)
    gain = np.float32(10 ** (-9 / 20) * np.cos(np.pi / 4))
    heard = house.samples[: len(offline)]
    assert np.abs(heard[2048:] - offline[2048:] * gain).max() < 2e-3
    assert rings(house) == 2


def test_a_mono_layer_holds_one_ring_and_stereo_ones_two_until_there_are_none(play):
    house = House()
    house.apply(play("d1", ll.sound("one")), play("d2", ll.sound("both").mono()))
    house.run(0.2)
    assert rings(house) == 2
    some = [play(f"d{i}", ll.sound("both")) for i in range(3, 3 + (RINGS - 2) // 2)]
    house.apply(*some)
    house.run(0.02)
    assert rings(house) == RINGS
    with pytest.raises(EngineError, match="all voices are busy"):
        house.apply(play("d99", ll.sound("one")))


def test_wide_leaves_a_stereo_layer_as_it_is_and_widens_a_mono_one(play):
    def heard(amount):
        house = House()
        house.apply(play("d1", ll.sound("both")), put("d1", wide=amount))
        house.run(1.2)
        voice = house.scheduler.timeline.layers["d1"].voice
        house.apply(put("d1", wide=0.3))
        house.run(1.2)
        assert house.scheduler.timeline.layers["d1"].voice is voice
        return house.samples

    assert np.array_equal(heard(0.0), heard(1.0))
    house = House()
    house.apply(play("d1", ll.sound("one")), put("d1", wide=1.0))
    house.run(1.2)
    assert rings(house) == 2
    assert not np.array_equal(*house.samples.T)


def test_a_mono_texture_morphs_into_a_stereo_one_and_back(play):
    house = House()
    house.apply(play("d1", quiet("one")), put("d1", fade=0, morph=True, xfade=1.0))
    house.run(1.2)
    house.apply(play("d1", quiet("both")))
    house.run(3)
    house.apply(play("d1", quiet("one")))
    house.run(3.5)
    samples = house.samples.astype(np.float64)
    moments = np.linspace(RATE // 4, len(samples) - RATE // 2, 60).astype(int)
    alike = [np.array_equal(*samples[at : at + 512].T) for at in moments]
    changes = np.flatnonzero(np.diff(alike))
    assert alike[0]
    assert alike[-1]
    assert len(changes) == 2  # one, two and one channel
    assert not any("crossfades" in line for line in house.said)
    edges = np.abs(np.diff(samples, axis=0)).max()
    assert edges < 2.5 * 0.2 * 4 * 10 ** (-9 / 20)  # no click beyond the noise itself


def test_a_morph_from_mono_begins_with_what_sounds(play):
    plain, house = House(), House()
    for one in (plain, house):
        one.apply(play("d1", ll.sound("one")), put("d1", fade=0, morph=True, xfade=1.0))
        one.run(1.2)
    house.apply(play("d1", quiet("both").slow(2)))
    house.run(1.5)
    plain.run(1.5)
    assert house.scheduler.timeline.layers["d1"].voice.clip.channels == 2
    apart = np.abs(house.samples - plain.samples).max(axis=1)
    swap = int(np.argmax(apart > 0))
    assert swap > RATE
    late = apart[swap : swap + 4096].reshape(-1, 512).max(axis=1)
    assert late[1] < 0.02 * late[-1] + 0.01  # its noise too, as it goes on in one channel
    assert np.abs(np.diff(house.samples[swap - 64 : swap + 512], axis=1)).max() < 0.01


@pytest.fixture(scope="module")
def performance(play, tmp_path_factory):
    """A stereo layer, a mono one and a wide one; swaps, a morph, a cue, a tempo, levels."""
    path = tmp_path_factory.mktemp("log") / "evening.py"
    house = Logged(path, seed=5)
    house.apply(
        play("d1", ll.sound("both").extend(2)),
        play("d2", ll.sound("one")),
        play("d3", ll.sound("one").slow(2)),
        put("d3", wide=0.7),
        put("d1", gain_db=-6.0, pan=0.3),
    )
    house.run(1.3)
    house.scheduler.apply([play("d2", ll.sound("left").hits("x.x."))], Cue("drop"))
    house.apply(put("d1", morph=True, xfade=1.0), play("d1", ll.sound("one")))
    house.apply(Set("d2", gain_db=ll.sine(1).range(-20, 0)))
    house.run(2, block=300)
    house.scheduler.go("drop")
    house.run(1.4)
    house.apply(play("d1", ll.interp(ll.sound("right"), ll.sound("one"), 0.3)))
    house.run(1)
    house.scheduler.failed(house.scheduler.timeline.layers["d3"].voice.serial, "sound: gone")
    house.run(1)
    house.scheduler.undo()
    house.run(1.2)
    house.journal.close()
    return path, house.samples


def test_the_bounce_is_what_was_heard_bit_for_bit_from_anywhere(performance):
    path, heard = performance
    assert np.abs(heard).max() > 0.1
    for begin in (0, RATE // 3, 3 * RATE + 17):
        blocks = Bounce(Performance(path), ToySpace(1024), begin, len(heard)).blocks()
        same(np.concatenate([block.mix for block in blocks]), heard[begin:], "bounce", begin)


def test_stems_are_stereo_and_sum_to_the_mix(performance):
    path, heard = performance
    blocks = list(Bounce(Performance(path), ToySpace(1024), 0, RATE, stems=True).blocks())
    assert {name for block in blocks for name in block.layers} == {"d1", "d2", "d3"}
    summed = np.concatenate([sum(block.layers.values()) for block in blocks])
    assert np.abs(summed - heard[:RATE]).max() < 1e-6
    stem = np.concatenate([block.layers["d1"] for block in blocks])[RATE // 2 :]
    assert abs(np.corrcoef(*stem.T)[0, 1]) < 0.1
    stem = np.concatenate([block.layers["d2"] for block in blocks])
    assert np.array_equal(*stem.T)


def test_a_log_tells_of_channels_where_there_are_two_only(performance):
    path, _ = performance
    lines = [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
    textures = [line for line in lines if "expr" in line]
    assert {line.get("channels") for line in textures} == {None, 2}
    assert all(len(digest) in (32, 98) for line in textures for digest in line["sounds"].values())
    starts = [line for line in lines if "clip" in line]
    assert {line.get("channels") for line in starts} == {None, 2}


def test_a_replay_through_requests_holds_the_same_samples(source, tmp_path):
    engine = Engine(tmp_path / "played.py", seed=2)

    def cell(*changes):
        assert engine.do(op="cell", changes=[change.dump() for change in changes]) is None

    cell(
        Play("d1", source(ll.sound("both").extend(2))),
        Play("d2", source(ll.sound("one"))),
        Play("d3", source(ll.sound("one") + ll.sound("left"))),
        Set("d2", wide=0.4),
    )
    engine.run(1.7)
    cell(Set("d1", morph=True, xfade=0.5), Play("d1", source(ll.sound("one").rev())))
    engine.run(2.6, size=441)
    engine.close()
    heard = engine.samples
    assert np.abs(heard).max() > 0.1
    again = replayed(tmp_path / "played.py", tmp_path / "again.py", len(heard))
    same(again, heard, "replay")
    same(bounced(tmp_path / "played.py", len(heard)), heard, "bounce")


def test_a_log_that_names_the_mix_alone_plays_the_mix(source, tmp_path, sounds):
    """As logs of mono versions do."""
    texture = ll.sound("both").extend(2)
    now = source(texture)
    old = Source(texture, repr(texture), {texture.of.digest: sounds(texture.of).digest})
    assert "channels" not in old.data
    mixed = Source(texture.mono(), repr(texture), now.sounds)
    heard = []
    for number, one in enumerate((old, mixed)):
        house = Logged(tmp_path / f"{number}.py")
        house.apply(Play("d1", one))
        house.run(1.2)
        assert rings(house) == 1
        house.journal.close()
        heard.append(house.samples)
    assert np.array_equal(*heard)
    Performance(tmp_path / "0.py").check_sounds(sounds)


def test_recordings_that_are_gone_from_the_cache_are_found_again(performance, place):
    path, heard = performance
    for file in (place / "cache" / "audio").iterdir():
        file.unlink()
    past = Performance(path)
    past.check_sounds(corpus_sounds(Corpus(place / "sounds"), RATE))
    blocks = Bounce(past, ToySpace(1024), 0, RATE).blocks()
    same(np.concatenate([block.mix for block in blocks]), heard[:RATE], "bounce")


def test_a_log_with_channels_that_cannot_be_is_refused(performance, tmp_path):
    head, rest = performance[0].with_suffix(".jsonl").read_text().split("\n", 1)
    path = tmp_path / "other.jsonl"
    path.write_text(f"{head}\n" + rest.replace('"channels":2', '"channels":3'))
    assert '"channels":3' in path.read_text()
    with pytest.raises(EngineError, match="damaged"):
        Performance(path)


def test_words_of_every_kind_play_stereo_sounds_in_an_engine(play):
    both = ll.sound("both")
    for texture in (
        both.hits("x..x", step=1 / 4),
        both.slice(0.1, 0.6).rev().loop(2),
        ll.cat(both.slice(0, 0.3), ll.sound("one")),
        ll.path([both, ll.sound("left"), ll.noise(3)], ll.sine(2)),
        both.scrub(ll.sine(3)).smooth(0.1),
        both.freeze(0.3).jitter(0.2),
        both.quantise(3, by=ll.sound("one")),
        ll.steps(both, ll.sound("one"), 0, 1, 0.5),
        both.norm(),
        both.overlap(1),
        both * ll.knob("a", 0.5),
    ):
        house = House()
        house.apply(play("d1", texture))
        house.run(0.7)
        assert rings(house) == 2, texture
        assert np.abs(house.samples).max() > 0.005, texture
        assert not np.array_equal(*house.samples.T), texture
        assert not house.said, texture


def test_a_space_of_the_performance_can_be_another(play):
    assert Choosy(1024).digest == "choosy"
    house = House()
    house.apply(play("d1", ll.sound("left").spread(0).on("rawaudiovae")))
    house.run(1.5)
    left, right = levels(house.samples[RATE // 2 :])
    assert left > right + 30
