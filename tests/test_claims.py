"""Files of their own: numbers instead of overwriting, and nothing left where nothing came of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from latentlive.errors import EngineError
from latentlive.ground.claims import Claims, check_apart, moved


def test_a_file_that_is_there_is_left_alone_and_the_next_gets_a_number(tmp_path):
    (tmp_path / "take.wav").write_bytes(b"a take")
    (tmp_path / "take-2.wav").symlink_to(tmp_path / "nowhere")
    (tmp_path / "take-3.wav").mkdir()
    claims = Claims("record")
    given = claims.file(tmp_path / "take.wav")
    assert given == tmp_path / "take-4.wav"
    assert moved("record", tmp_path / "take.wav", given) == (
        "record: take.wav is there already; this is take-4.wav"
    )
    assert (tmp_path / "take.wav").read_bytes() == b"a take"
    claims.withdraw()
    assert not given.exists()


def test_a_folder_that_holds_sounds_is_left_alone(tmp_path):
    mix = tmp_path / "take" / "mix.wav"
    claims = Claims("record")
    assert claims.folder(tmp_path / "take", mix) == tmp_path / "take"
    mix.touch()
    assert claims.folder(tmp_path / "take", mix) == tmp_path / "take"  # holds the mix alone
    (tmp_path / "take" / "d1.wav").touch()
    assert claims.folder(tmp_path / "take", mix) == tmp_path / "take-2"
    claims.withdraw()
    assert not (tmp_path / "take-2").exists()
    assert (tmp_path / "take" / "d1.wav").exists()


@pytest.mark.parametrize(
    ("mix", "stems", "layer"),
    [
        ("st/d1.wav", "st", "d1"),
        ("st/D1.WAV", "st/", "d1"),
        ("st/../st/sea.wav", "./st", "sea"),
    ],
)
def test_a_mix_in_the_place_of_a_stem_is_refused(tmp_path, monkeypatch, mix, stems, layer):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EngineError, match=f"is where the stem of {layer} goes; give the mix"):
        check_apart("bounce", Path(mix), Path(stems), ["sea"])
    check_apart("bounce", Path("st/mix.wav"), Path(stems), ["sea"])
    check_apart("bounce", Path("d1.wav"), Path(stems), ["sea"])
    check_apart("bounce", Path("st/d1.flac"), Path(stems), ["sea"])
