"""Writes what is heard to a file, from the tap that the audio process leaves behind."""

from __future__ import annotations

from pathlib import Path

from latentlive.engine.block import POSITION, RING, Block
from latentlive.errors import EngineError

FORMATS = {".wav": "FLOAT", ".flac": "PCM_24"}


class Recorder:
    """Records stereo from the position on.

    Parameters
    ----------
    path : Path
        Ends in ``.wav`` (32-bit float) or ``.flac`` (24-bit).
    block : Block
    sample_rate : int
    """

    def __init__(self, path: Path, block: Block, sample_rate: int) -> None:
        import soundfile

        subtype = FORMATS.get(path.suffix.lower())
        if subtype is None:
            raise EngineError(f"record: the file must end in .wav or .flac, got {path.name!r}")
        try:
            self._file = soundfile.SoundFile(path, "w", sample_rate, 2, subtype)
        except (OSError, soundfile.SoundFileError) as error:
            raise EngineError(f"record: cannot write {path}: {error}") from None
        # From sample 0 if the transport is to start, else from now on.
        self._block, self._written = block, int(block.header[POSITION])

    def drain(self) -> None:
        """Write what was heard since the last call."""
        position = int(self._block.header[POSITION])
        # Older samples than one ring are overwritten already; silence keeps the time.
        start = max(self._written, position - RING // 2)
        if position > start:
            self._file.write(self._block.read_tap(start, position))
        self._written = position

    def close(self) -> None:
        """End the file."""
        self._file.close()
