"""Toy spaces of every kind that the protocol knows, small enough to compute by hand.

All have windows and vectors of 64 numbers, so that every expression of `tests.strategies` fits.
"""

from __future__ import annotations

import numpy as np

from latentlive.renderer.spaces import Spaces, encoder_of
from latentlive.space import Prior, Space, ToySpace

WINDOW = 64


class Smeared(ToySpace):
    """Each window is a known sum of vectors around it: context, and no state."""

    name, digest, behind, ahead = "smeared", "smeared", 2, 3
    TAPS = np.float32([0.1, 0.2, 0.9, -0.3, 0.05, 0.02])

    def __init__(self):
        super().__init__(WINDOW)
        self.digest = "smeared"

    def prepare(self, z, first, key, turn=0.0):
        n = len(z) - self.behind - self.ahead
        return sum(tap * z[i : i + n] for i, tap in enumerate(self.TAPS))


class Anchored(ToySpace):
    """A decoder with state, restarted at anchors; it looks one vector ahead and draws noise."""

    name, block, ahead, hop = "anchored", 8, 1, 16

    def __init__(self):
        super().__init__(WINDOW)
        self.digest = "anchored"
        self.prepared = 0

    def prepare(self, z, first, key, turn=0.0):
        assert len(z) == self.block + self.ahead
        self.prepared += 1
        state, windows = np.float32(0.01 * (first % 7)) + z[-1] * np.float32(0.1), []
        for i, vector in enumerate(z[: self.block]):
            chance = np.random.Generator(np.random.Philox(key=key, counter=(first + i) % 2**64))
            noise = chance.standard_normal(WINDOW, dtype=np.float32)
            state = np.float32(0.5) * state + vector + np.float32(0.01) * noise
            windows.append(state)
        return np.array(windows)

    def synthesize(self, parts):
        return self.faded(np.concatenate([p.prepared[p.start : p.stop] for p in parts]))

    def faded(self, windows):
        fade = np.hanning(WINDOW + 1)[:-1].astype(np.float32) * np.float32(0.5)
        return (windows * fade)[:, None]


class Hopped(ToySpace):
    """Independent windows at a hop of their own, in two channels."""

    name, hop, channels = "hopped", 32, 2

    def __init__(self):
        super().__init__(WINDOW)
        self.digest = "hopped"

    def synthesize(self, parts):
        windows = super().synthesize(parts) * np.hanning(WINDOW + 1)[:-1].astype(np.float32)
        return np.concatenate([windows, windows * np.float32(0.5)], axis=1)


class Paged(ToySpace):
    """Recordings are encoded in pages, from the samples around them; windows are faded."""

    name, hop, page, margin = "paged", 16, 6, 24
    prior = Prior(np.linspace(-0.1, 0.1, WINDOW, dtype=np.float32), 0.25)
    silence = np.zeros(WINDOW, np.float32)

    def __init__(self):
        super().__init__(WINDOW)
        self.digest = "paged"
        self.encoded = 0

    def encode_page(self, samples):
        self.encoded += 1
        assert len(samples) in {self.page_samples(size) for size in (self.page, self.short) if size}
        far, mid = 2 * self.margin, self.margin
        inner = samples[mid:-mid]
        smooth = (inner + (samples[:-far] + samples[far:]) / np.float32(2)) / np.float32(2)
        return np.lib.stride_tricks.sliding_window_view(smooth, WINDOW)[:: self.hop]

    def synthesize(self, parts):
        fade = np.hanning(WINDOW + 1)[:-1].astype(np.float32) * np.float32(0.5)
        return super().synthesize(parts) * fade


class Shortly(Paged):
    """Pages, and short ones around joints, which only the windows there hear."""

    name, short, hears = "shortly", 2, 8

    def __init__(self):
        super().__init__()
        self.digest = "shortly"


class Half(ToySpace):
    """Windows at half the usual rate."""

    name, sample_rate = "half", 22050

    def __init__(self):
        super().__init__(WINDOW)
        self.digest = "half"


class Fast(Anchored):
    """Blocks with a state at a rate that has little in common with the usual one."""

    name, sample_rate = "fast", 48000


KINDS: dict[str, type[Space]] = {
    "windows": lambda: ToySpace(WINDOW),
    "context": Smeared,
    "anchors": Anchored,
    "a hop": Hopped,
    "pages": Paged,
    "short pages": Shortly,
    "22.05 kHz": Half,
    "48 kHz": Fast,
}


def home(kind):
    """Return spaces with one of a kind in it, and the name under which it stands there."""
    space = KINDS[kind]()
    if space.sample_rate == ToySpace.sample_rate:
        return Spaces(space), None
    spaces = Spaces(ToySpace(WINDOW))  # whose rate is that of what is rendered
    spaces._encoders[kind] = encoder_of(space)
    return spaces, kind
