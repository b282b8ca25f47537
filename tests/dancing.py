"""Recorded movements, and sounds that followed them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import soundfile

import latentlive as ll

HERE = Path(__file__).with_name("movement")
RATE = 44100


def walk(seconds, seed, rate=50):
    """Return a hand's height, 0 to 1, at some rows a second: slow sines."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    height = sum(np.sin(2 * np.pi * (rng.uniform(0.05, 0.7) * t + rng.random())) for _ in range(5))
    return (height - height.min()) / np.ptp(height)


def gliding(height):
    """Return a tone whose pitch follows a curve [at every sample, 0 to 1] over three octaves."""
    turns = np.cumsum(150.0 * 2.0 ** (3.0 * height)) / RATE
    tone = sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, 6))
    return (0.1 * tone).astype(np.float32)


def along(curve, seconds):
    """Return a curve at every sample."""
    return curve.at(np.arange(round(seconds * RATE)) / RATE)


def dancing(folder):
    """Copy the movements into a folder, and write ``dance.wav``, which followed one of them."""
    for file in HERE.iterdir():
        shutil.copy(file, folder)
    hand = ll.track(HERE / "dance.csv", "hand_y")
    height = along(hand.range(0.7, 1.0), hand.span)
    soundfile.write(folder / "dance.wav", gliding(np.clip(height, 0.0, 1.0)), RATE)
