"""Sounds on disk: names, reading, and the built-in starter corpus."""

from latentlive.corpus.library import Corpus
from latentlive.corpus.reading import Audio, audio_digest, audio_of, read_audio, recording

__all__ = ["Audio", "Corpus", "audio_digest", "audio_of", "read_audio", "recording"]
