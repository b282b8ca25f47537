"""What a worker of a cluster does for a program elsewhere: an actor of Dask, with bytes in and out.

A worker needs latentlive of the same code, nothing else: sounds, models and logs are sent to its
cache under their digests, once. It imports no part of Dask.
"""

from __future__ import annotations

import functools
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.audio import Audio, audio_digest
from latentlive.corpus.store import keep, stored
from latentlive.curves import Sine, standing
from latentlive.errors import EngineError, LatentliveError, SoundError, printable, reason
from latentlive.ground.extras import lacking
from latentlive.ground.files import working_file, working_folder, write_whole
from latentlive.latent import Interp, Sound
from latentlive.machines.asked import Rendered
from latentlive.machines.parcels import code, packed, unpacked, version
from latentlive.models import load_model
from latentlive.renderer import Spaces, stored_sounds
from latentlive.renderer.channels import Channels
from latentlive.space import Space
from latentlive.units import Tempo

Answer = tuple[dict[str, Any], dict[str, NDArray[Any]]]

FOLDER = "cluster"
LOGS = 4
"""Logs, and renderings, that are kept open."""

SUFFIX = 16
"""Letters of a sound file's suffix, at most."""


def answered(method: Callable[..., Answer]) -> Callable[..., bytes]:
    """Return a method of parcels: an error of ours is an answer, in one line."""

    @functools.wraps(method)
    def done(self: Station, data: bytes) -> bytes:
        try:
            return packed(*method(self, *unpacked(data)))
        except LatentliveError as error:
            return packed({"error": printable(str(error))})
        except OSError as error:
            return packed({"error": printable(reason(error))})
        except (KeyError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            return packed({"error": printable(f"{type(error).__name__}: {error}")[:300]})

    return done


class Station:
    """The actor; one worker holds one for each program that uses it."""

    def __init__(self) -> None:
        self._spaces: dict[str, Space] = {}
        self._open: dict[str, Any] = {}

    @answered
    def hello(self, head: dict[str, Any], _: Any) -> Answer:
        """Tell which code this is, and which bits it makes."""
        told = {"code": code(), "version": version(), "bits": "", "lacks": ""}
        if told["code"] == head["code"]:
            if head.get("measures"):
                told["lacks"] = lacking("corpus", "corpus", "librosa")
                told["bits"] = told["lacks"] or bits_of_measuring()
            elif head["model"]["file"] in ("", *self._models()):
                told["bits"] = bits_of(self._space(head["model"]))
            else:
                told["wants"] = head["model"]["file"]
        return told, {}

    def _models(self) -> set[str]:
        return {path.stem for path in working_folder(FOLDER).glob("*.safetensors")}

    @answered
    def keep_model(self, head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Answer:
        """Keep a model's file under its digest."""
        data = np.asarray(arrays["bytes"], np.uint8).tobytes()
        self._keep(data, head["mark"], ".safetensors")
        return {}, {}

    @answered
    def keep_log(self, head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Answer:
        """Keep a log under its digest."""
        data = np.asarray(arrays["bytes"], np.uint8).tobytes()
        self._keep(data, head["mark"], ".jsonl")
        return {}, {}

    def _keep(self, data: bytes, mark: str, suffix: str) -> None:
        if hashlib.blake2b(data, digest_size=16).hexdigest() != mark:
            raise EngineError("cluster: a file arrived damaged")
        write_whole(
            working_file(f"{mark}{suffix}", FOLDER), lambda beside: beside.write_bytes(data)
        )

    @answered
    def lacks(self, head: dict[str, Any], _: Any) -> Answer:
        """Tell which decoded sounds, by digest, are not here."""
        return {"digests": [one for one in head["digests"] if not _held(one)]}, {}

    @answered
    def keep_sound(self, head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Answer:
        """Keep a decoded sound, if it is the one that its digest says."""
        samples = np.asarray(arrays["samples"])
        sound = samples.dtype == np.float32 and samples.ndim == 1 and samples.size > 0
        if not sound or audio_digest(samples) != head["digest"]:
            raise EngineError("cluster: a sound arrived damaged")
        keep(Audio(samples, head["digest"]))
        return {}, {}

    @answered
    def render(self, head: dict[str, Any], _: Any) -> Answer:
        """Render a stretch of a texture."""
        mark = head["mark"]
        if mark not in self._open:
            asked = Rendered.load(head["asked"])
            spaces = Spaces(self._space(head["model"]))
            rendering = Channels(
                asked.texture,
                spaces,
                stored_sounds(asked.sounds),
                seed=asked.seed,
                tempo=Tempo(asked.tempo, spaces.rate),
                looped=asked.looped,
            )
            if asked.start:
                rendering.listen(standing(dict(asked.start), spaces.rate), 0, 0)
            self._remember(mark, rendering)
        return {}, {"samples": self._open[mark].samples(head["start"], head["stop"])}

    @answered
    def bounce(self, head: dict[str, Any], _: Any) -> Answer:
        """Render a stretch of a performance."""
        from latentlive.engine.log.bounce import Bounce, whole
        from latentlive.engine.log.performance import Performance

        mark = _digest(head["log"])
        if mark not in self._open:
            self._remember(mark, Performance(working_file(f"{mark}.jsonl", FOLDER)))
        space = self._space(head["model"])
        bounce = Bounce(self._open[mark], space, head["start"], head["stop"], head["stems"])
        heard = whole(bounce)
        arrays = {f"layer {i}": one for i, one in enumerate(heard.layers.values())}
        return {"layers": list(heard.layers)}, {"mix": heard.mix, **arrays}

    @answered
    def measure(self, head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Answer:
        """Return the thumbnail of a sound file, or why there is none."""
        from threadpoolctl import threadpool_limits

        from latentlive.corpus.features import of_file

        suffix = str(head["suffix"])[:SUFFIX]
        if not suffix.startswith(".") or not suffix[1:].isalnum():
            raise EngineError(f"cluster: {suffix!r} is no suffix of a sound")
        with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
            path = Path(folder, f"sound{suffix}")
            path.write_bytes(np.asarray(arrays["bytes"], np.uint8).tobytes())
            found, why = of_file(str(path))
            why = why.replace(str(path), str(head["path"]))
        return {"why": why}, {} if found is None else {"thumbnail": found}

    def _space(self, told: dict[str, str]) -> Space:
        """Return a space, if it is the one that is meant."""
        key = told["file"] or told["name"]
        if key not in self._spaces:
            mark = told["file"] and _digest(told["file"])
            where = working_file(f"{mark}.safetensors", FOLDER) if mark else told["name"] or None
            self._spaces[key] = load_model(where)
        if self._spaces[key].digest != told["digest"]:
            raise EngineError("cluster: the model here is another one")
        return self._spaces[key]

    def _remember(self, mark: str, what: Any) -> None:
        while len(self._open) >= LOGS:
            del self._open[next(iter(self._open))]
        self._open[mark] = what


def _digest(text: Any) -> str:
    """Return what names a file of the cache, if it is a digest."""
    if not (isinstance(text, str) and len(text) == 32 and set(text) <= set("0123456789abcdef")):
        raise EngineError("cluster: no digest")
    return text


def _held(digest: str) -> bool:
    try:
        stored(digest)
    except SoundError:
        return False
    return True


def _noise(seed: int) -> NDArray[np.float32]:
    chance = np.random.Generator(np.random.Philox(seed))
    return (0.1 * chance.standard_normal(44100)).astype(np.float32)


def bits_of(space: Space) -> str:
    """Return the digest of a second that a space makes of known sounds: equal on like machines."""
    texture = Interp(Sound(_noise(1)), Sound(_noise(2)), Sine(1.0))
    heard = Channels(texture, space, stored_sounds({})).samples(0, space.sample_rate)
    return hashlib.blake2b(np.ascontiguousarray(heard).tobytes(), digest_size=16).hexdigest()


def bits_of_measuring() -> str:
    """Return the digest of the thumbnail of a known sound."""
    from threadpoolctl import threadpool_limits

    from latentlive.corpus.features import thumbnail

    with threadpool_limits(1):
        found = thumbnail([_noise(3)]).astype("<f4")
    return hashlib.blake2b(found.tobytes(), digest_size=16).hexdigest()
