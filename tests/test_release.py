"""A release is one version everywhere, and the contributor's page names what exists."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from latentlive.cli import main

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_version_is_the_same_in_every_place():
    told = CliRunner().invoke(main, ["--version"])
    assert told.output == f"latentlive {version('latentlive')}\n"
    assert version("latentlive") == PROJECT["version"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.search(r"^## (\S+?)(, .+)?$", changes, re.MULTILINE)
    assert first is not None
    assert first[1] == PROJECT["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {PROJECT['version']}\n" in citation


def test_who_made_it_is_who_the_licence_names():
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert [author["name"] for author in PROJECT["authors"]] == ["The latentlive developers"]
    assert "Copyright (c) 2026 The latentlive developers" in licence
    assert "authors:\n  - name: The latentlive developers\n" in citation


@pytest.mark.parametrize("place", sorted(set(re.findall(r"`([\w./]+/[\w./]*)`", GUIDE))))
def test_a_place_that_the_guide_names_is_there(place):
    assert (ROOT / place).exists()


def test_the_guide_is_one_page():
    assert len(GUIDE.splitlines()) <= 70


def test_every_extra_is_in_all_but_what_is_under_the_gpl():
    extras = PROJECT["optional-dependencies"]
    own = set(extras) - {"all", "test", "docs", "link"}
    for whole in ("all", "test"):
        named = re.findall(r"latentlive\[(.*)\]", " ".join(extras[whole]))
        assert set(named[0].split(",")) == own
