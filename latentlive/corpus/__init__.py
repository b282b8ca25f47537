"""Sounds on disk: names, reading, and the built-in starter corpus."""

from latentlive.corpus.audio import Audio, audio_digest, audio_of
from latentlive.corpus.library import Corpus
from latentlive.corpus.reading import read_audio
from latentlive.corpus.store import recording

__all__ = ["Audio", "Corpus", "audio_digest", "audio_of", "read_audio", "recording"]
