"""What tests of effects share: rows by name, chains and strips that run over a stretch."""

from __future__ import annotations

import numpy as np

from latentlive.effects.block import BLOCK, POINTS
from latentlive.effects.chain import Chain
from latentlive.effects.declared import INDEX, NEUTRAL
from latentlive.effects.reverb import NO_ROOMS
from latentlive.effects.strip import Strip

RATE = 44100


def rows(blocks=1, **values):
    """Return the rows of some blocks [shape=(len(ROWS), blocks * 16 + 1)].

    Values are named `lpf_hz`; each is a number or one for every point.
    """
    points = blocks * (POINTS - 1) + 1
    found = np.repeat(NEUTRAL[:, None], points, axis=1)
    for name, value in values.items():
        found[INDEX[name.replace("_", ".")]] = value
    return found


def of_block(all_rows, block):
    """Return the rows of one block of several."""
    at = block * (POINTS - 1)
    return all_rows[:, at : at + POINTS]


def through(x, all_rows=None, rate=RATE, key=None, rooms=NO_ROOMS, **values):
    """Return a stretch [shape=(2, blocks * 1024)] through one chain."""
    blocks, chain, found = x.shape[1] // BLOCK, Chain(rate), []
    if all_rows is None:
        all_rows = rows(blocks, **values)
    for block in range(blocks):
        part = slice(block * BLOCK, (block + 1) * BLOCK)
        heard = None if key is None else key[:, part]
        found.append(chain.process(x[:, part], of_block(all_rows, block), heard, rooms))
    return np.concatenate(found, axis=1)


def stripped(x, all_rows, begin=0, since=0, rate=RATE, key=None, strip=None):
    """Return what a strip gives from the sample `begin` of a stretch on, fed from there."""
    strip = strip or Strip(rate, since)
    found = []
    for at in range(begin, x.shape[1], BLOCK):
        heard = None if key is None else key[:, at : at + BLOCK]
        some = of_block(all_rows, at // BLOCK)
        found.append(strip.process(at, x[:, at : at + BLOCK], some, heard))
    return np.concatenate(found, axis=1)


def noise(blocks, seed=0, level=0.1):
    """Return stereo noise [shape=(2, blocks * 1024)]."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, blocks * BLOCK)).astype(np.float32) * np.float32(level)


def click(blocks, at=0):
    """Return silence with one sample of 1 on both sides."""
    x = np.zeros((2, blocks * BLOCK), np.float32)
    x[:, at] = 1.0
    return x


def sine(blocks, hz, level=1.0, rate=RATE):
    """Return a sine on both sides."""
    one = level * np.sin(2 * np.pi * hz / rate * np.arange(blocks * BLOCK))
    return np.stack([one, one])


def db(amplitude):
    """Return amplitudes in decibels."""
    return 20 * np.log10(np.maximum(np.abs(amplitude), 1e-30))


def swings(hz, blocks=64):
    """Return values from 0 to 1 and back at all points, so many times a second."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * hz * np.arange(blocks * 16 + 1) * 64 / RATE)
