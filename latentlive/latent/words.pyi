"""Written by docs/make_words.py."""

from typing import Literal

from latentlive.curves import Curve, CurveLike, Factor
from latentlive.latent.base import Latent, LatentLike
from latentlive.latent.join import Exact, Mono, Norm, On, Overlap
from latentlive.latent.sources import Sound
from latentlive.latent.patterns import PatternLike

class Words:
    def spread(self, k: CurveLike) -> Latent:
        """Scale the noise of each frame's draw: 0 gives the mean, 1 the model's spread."""
    def seed(self, n: int) -> Latent:
        """Draw all chance inside from seed `n` (0 to 2**63 - 1)."""
    def offset(self, direction: LatentLike, amount: CurveLike = 1.0) -> Latent:
        """Move the means along a latent, or a vector [shape=(dims,)], by an amount."""
    def dim(self, i: int, curve: CurveLike) -> Latent:
        """Set dimension `i` (>= 0) of the means to a curve."""
    def jitter(self, amount: CurveLike) -> Latent:
        """Shake the means by `amount` times a new draw of N(0, 1) each frame."""
    def smooth(self, beats: float) -> Latent:
        """Average over a span of `beats` (> 0) around each moment."""
    def pitch(self, hz: CurveLike | str) -> Latent:
        """Set the pitch of pitched sounds: a note's name, or a curve in Hz (20 to 6000)."""
    def transpose(self, semitones: CurveLike) -> Latent:
        """Move everything up or down, pitched or not, by a curve in semitones."""
    def loudness(self, db: CurveLike) -> Latent:
        """Set the level of every moment in dB, RMS against full scale; silence stays silent."""
    def voiced(self, amount: CurveLike) -> Latent:
        """Hear a sound as harmonics of a pitch, by an amount from 0 (not at all) to 1."""
    def extend(self, factor: Factor) -> Latent:
        """Last `factor` (> 0) times longer; the curves keep their speed."""
    def slow(self, factor: Factor) -> Latent:
        """Last `factor` (> 0) times longer; slow the curves too."""
    def fast(self, factor: Factor) -> Latent:
        """Last `factor` (> 0) times shorter; speed up the curves too. Undoes ``slow``."""
    def loop(self, n: int | None = None) -> Latent:
        """Play `n` (>= 1) times, or for ever without a number; the curves' clock runs on."""
    def rev(self) -> Latent:
        """Play backwards, frame by frame, curves included; needs an end."""
    def slice(self, start: float, stop: float) -> Latent:
        """Play from second `start` to second `stop` only (0 <= start < stop)."""
    def early(self, beats: float) -> Latent:
        """Begin `beats` into the latent, curves included."""
    def late(self, beats: float) -> Latent:
        """Begin `beats` later, curves included, after silence."""
    def freeze(self, at: float) -> Latent:
        """Hold the moment at second `at` (>= 0) for ever."""
    def scrub(self, curve: CurveLike) -> Latent:
        """Follow a curve for ever: 0 is the first frame, 1 the last; needs an end."""
    def quantise(self, k: int, by: Latent = ...) -> Latent:
        """Snap each vector to the nearest of `k` (1 to 256) codes: a palette of so many timbres."""
    def exact(self) -> Exact:
        """Join windows end to end and round nothing: the paper's sound, samples and length."""
    def overlap(self, k: int) -> Overlap:
        """Overlap-add `k` windows (1, 2, 4, 8 or 16) at each moment; 1 joins them end to end."""
    def on(self, model: str) -> On:
        """Render in another space than the engine's: ``"spectral"``, ``"rawaudiovae"``, a file."""
    def norm(self) -> Norm:
        """Normalise to a common loudness of -20 dB, measured over the whole."""
    def mono(self) -> Mono:
        """Play the mix of both channels of stereo recordings: one channel, at half the cost."""
    def frozen(self, name: str, seconds: float | None = None) -> Sound:
        """Render it ahead, at low priority, into ``sound(name)``, which costs nothing to play."""
    def brighter(self, c: CurveLike) -> Latent:
        """Make it brighter by a curve: 1 is a standard deviation of the corpus."""
    def rougher(self, c: CurveLike) -> Latent:
        """Make it rougher by a curve: 1 is a standard deviation of the corpus."""
    def noisier(self, c: CurveLike) -> Latent:
        """Make it noisier by a curve: 1 is a standard deviation of the corpus."""
    def bright(self, hz: CurveLike) -> Latent:
        """Give it a brightness: a spectral centroid in Hz (20 to 20000), as far as it goes."""
    def hits(
        self,
        pattern: PatternLike | Curve,
        step: float = 0.25,
        swing: float = 0.0,
        probability: CurveLike = 1.0,
        at: float = 0.0,
        tail: float = 0.02,
    ) -> Latent:
        """Strike it: begin it anew on the steps of a pattern, for ever."""
    def __add__(self, other: LatentLike) -> Latent:
        """Add the means; keep the first latent's spread."""
    def __radd__(self, other: LatentLike) -> Latent:
        """Add the means; keep the first latent's spread."""
    def __sub__(self, other: LatentLike) -> Latent:
        """Subtract the means; keep the first latent's spread."""
    def __rsub__(self, other: LatentLike) -> Latent:
        """Subtract the means; keep the first latent's spread."""
    def __mul__(self, other: CurveLike) -> Latent:
        """Multiply the means by a curve; keep the spread."""
    def __rmul__(self, other: CurveLike) -> Latent:
        """Multiply the means by a curve; keep the spread."""
    def segments(
        self, by: Literal["onsets", "novelty"] = "onsets", shortest: float = 0.1
    ) -> list[Latent]:
        """Return the parts of a recording, as slices in their order."""
    def segment(
        self, i: int, by: Literal["onsets", "novelty"] = "onsets", shortest: float = 0.1
    ) -> Latent:
        """Return part `i` of a recording; beyond the last it begins again with the first."""

class RootWords:
    def exact(self) -> Exact:
        """Join windows end to end and round nothing: the paper's sound, samples and length."""
    def overlap(self, k: int) -> Overlap:
        """Overlap-add `k` windows (1, 2, 4, 8 or 16) at each moment; 1 joins them end to end."""
    def on(self, model: str) -> On:
        """Render in another space than the engine's: ``"spectral"``, ``"rawaudiovae"``, a file."""
    def norm(self) -> Norm:
        """Normalise to a common loudness of -20 dB, measured over the whole."""
    def mono(self) -> Mono:
        """Play the mix of both channels of stereo recordings: one channel, at half the cost."""
    def frozen(self, name: str, seconds: float | None = None) -> Sound:
        """Render it ahead, at low priority, into ``sound(name)``, which costs nothing to play."""
