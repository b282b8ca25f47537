"""The process in which a TorchScript model runs: limited, and of no harm to any other.

Started as ``python -m latentlive.models.script_host FILE [DIGEST]``, where the file is a
TorchScript archive, or a model file that holds one and whose tensors have that digest. Requests and
answers are a line of JSON each, followed by float32 samples. Before each call the model's buffers
are as they were when it was loaded, and torch's chance is seeded: so what it returns depends on the
request alone.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor
from torch.jit._fuser import optimized_execution

from latentlive.ground.processes import unmoved_by_signals
from latentlive.models.script_vetting import is_script, vet
from latentlive.models.tensors import weights_digest

MEMORY = 6 * 2**30
"""Bytes that the process may have in all."""

LOADING = 60.0
"""Seconds of computing in which the model must be loaded."""

METHODS = ("encode", "decode")
RATES = ("sr", "sampling_rate", "sample_rate")
RATE_METHODS = ("get_sample_rate", "get_sampling_rate", "get_sr")

LENGTHS = (32, 128, 512)
"""Frames on which reach is sought, until it fits."""

INAUDIBLE = 1e-4
"""An answer to a change ends where it has fallen to this part of its peak: 80 dB."""


def limited(memory: int = MEMORY) -> None:
    """Let this process write no file, and have no more memory than that, where systems can."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        for what, limit in (
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_DATA, memory),
        ):
            resource.setrlimit(what, (limit, limit))


class UnfitError(Exception):
    """The model cannot be a space, for a reason."""


class Host:
    """A loaded model.

    Parameters
    ----------
    file : path
    digest : str
        Of the model file's tensors; empty for an archive by itself.
    """

    def __init__(self, file: Path, digest: str = "") -> None:
        torch.set_num_threads(1)
        archive = _archive(file, digest)
        self.module: Any = torch.jit.load(archive, map_location="cpu")  # type: ignore[no-untyped-call]
        self.module.eval()
        self.buffers = {name: buffer.clone() for name, buffer in self.module.named_buffers()}

    def run(self, method: str, x: np.ndarray, seed: int) -> np.ndarray:
        """Return a method's output for a signal [shape=(channels, n)], from a fresh state."""
        with torch.no_grad(), optimized_execution(False):
            for name, buffer in self.module.named_buffers():
                kept = self.buffers.get(name)
                if kept is None:
                    buffer.zero_()
                elif buffer.shape == kept.shape:
                    buffer.copy_(kept)
                else:
                    buffer.resize_(kept.shape).copy_(kept)
            torch.manual_seed(seed)
            y = getattr(self.module, method)(torch.from_numpy(x)[None])
        if not isinstance(y, Tensor) or y.ndim != 3 or y.shape[0] != 1:
            raise UnfitError(f"its {method} returns no signal of one batch, channels and time")
        return np.ascontiguousarray(y[0].float().numpy())

    def described(self) -> dict[str, Any]:
        """Return the model's own description, and the facts that probing finds."""
        methods = {name: self._ratios(name) for name in METHODS if hasattr(self.module, name)}
        if "decode" not in methods:
            others = ", ".join(_methods(self.module)) or "none"
            raise UnfitError(
                f"it has no method 'decode' (methods: {others}), so it is no latent space"
            )
        dims, ratio, channels, out_ratio = methods["decode"]
        if out_ratio != 1 or not 16 <= ratio <= 2**16:
            raise UnfitError(
                f"its decode makes {ratio} samples of {out_ratio} frames; 16 to 65536 of 1"
            )
        if not 1 <= dims <= 4096 or not 1 <= channels <= 16:
            raise UnfitError(f"its decode has {dims} latents and {channels} channels")
        found: dict[str, Any] = {
            "ratio": ratio,
            "dims": dims,
            "channels": channels,
            "rate": self._rate(),
            "names": self._names(dims),
            "decode": self._probed("decode", dims, 1, ratio),
        }
        if "encode" in methods:
            incoming, in_ratio, outgoing, encoded_ratio = methods["encode"]
            if (in_ratio, outgoing, encoded_ratio) != (1, dims, ratio):
                raise UnfitError("its encode makes other latents than its decode reads")
            found["inputs"] = incoming
            found["encode"] = self._probed("encode", incoming, ratio, 1)
        return found

    def _ratios(self, method: str) -> tuple[int, int, int, int]:
        """Return channels in, ratio in, channels out, ratio out, as nn~ keeps them."""
        stored = getattr(self.module, f"{method}_params", None)
        if not isinstance(stored, Tensor) or stored.numel() != 4:
            raise UnfitError(
                f"it lacks {method}_params, which tell its channels and ratios (nn~'s form)"
            )
        a, b, c, d = (int(number) for number in stored.tolist())
        return a, b, c, d

    def _rate(self) -> int | None:
        for name in RATES:
            value = getattr(self.module, name, None)
            if isinstance(value, Tensor) and value.numel() == 1:
                value = value.item()
            if isinstance(value, int | float) and value > 0:
                return int(value)
        for name in RATE_METHODS:
            if name in _methods(self.module):
                return int(getattr(self.module, name)())
        return None

    def _names(self, dims: int) -> list[str]:
        names = getattr(self.module, "decode_input_labels", None)
        if isinstance(names, list) and len(names) == dims:
            return [str(name)[:40] for name in names]
        return []

    def _probed(self, method: str, channels: int, grain: int, ratio: int) -> dict[str, Any]:
        """Return reach, delay, chance and memory of a method, from how it answers one change.

        Parameters
        ----------
        channels : int
            Of its input.
        grain : int
            Samples of a frame of its input.
        ratio : int
            Samples of its output for a frame of its input.

        Returns
        -------
        mapping
            ``low`` and ``high``: the first sample of the output that a frame changes, and one past
            the last, counted from its own place; ``delay``: the middle of that, counted from the
            middle of its place; ``chance``: whether it draws any; ``memory``: whether a second
            call goes on from the first.
        """
        rng = np.random.default_rng(0)
        level = 1.0 if grain == 1 else 0.1
        for length in LENGTHS:
            x = (level * rng.standard_normal((channels, length * grain))).astype(np.float32)
            changed, k = x.copy(), length // 2
            here = slice(k * grain, (k + 1) * grain)
            changed[:, here] += level * rng.standard_normal((channels, grain)).astype(np.float32)
            y = self.run(method, x, 1)
            if y.shape[1] != length * ratio:
                raise UnfitError(f"its {method} makes {y.shape[1]} samples of {length} frames")
            if not np.isfinite(y).all():
                raise UnfitError(f"its {method} makes no sound of chance (NaN or infinity)")
            away = np.abs(self.run(method, changed, 1) - y).max(axis=0).astype(np.float64)
            if not away.any():
                raise UnfitError(f"its {method} does not hear its input")
            where = np.flatnonzero(away > INAUDIBLE * away.max())
            first, last = int(where[0]), int(where[-1])
            if first > 0 and last < len(away) - 1:
                break
        else:
            raise UnfitError(f"its {method} remembers more than {LENGTHS[-1] // 2} frames")
        power = away**2
        middle = float((np.arange(len(away)) * power).sum() / power.sum())
        chance = not np.array_equal(self.run(method, x, 2), y)
        return {
            "low": first - k * ratio,
            "high": last + 1 - k * ratio,
            "delay": middle - (k + 0.5) * ratio + 0.5,
            "chance": chance,
            "memory": self._remembers(method, x, y),
        }

    def _remembers(self, method: str, x: np.ndarray, y: np.ndarray) -> bool:
        self.run(method, x, 1)
        with torch.no_grad(), optimized_execution(False):
            torch.manual_seed(1)
            again = getattr(self.module, method)(torch.from_numpy(x)[None])
        return not np.array_equal(again[0].float().numpy(), y)


def _methods(module: Any) -> list[str]:
    return [name for name in dict.fromkeys(module._c._method_names()) if not name.startswith("_")]


def _archive(file: Path, digest: str) -> Any:
    """Return the archive for torch to load, whose code was read: the file, or the one inside it."""
    if is_script(file):
        vet(file)
        return str(file)
    from latentlive.models.files import read_tensors

    tensors = read_tensors(file)[0]
    if digest and weights_digest(tensors) != digest:  # it was written anew since
        raise UnfitError("it is another model than the one that was loaded; put that one back")
    archive = io.BytesIO(tensors["script"].tobytes())
    vet(file, archive)
    archive.seek(0)
    return archive


def serve(host: Host, requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until there are no more."""
    while line := requests.readline():
        request = json.loads(line)
        _ending_after(request["seconds"])
        try:
            if request["op"] == "describe":
                answer, samples = host.described(), b""
            else:
                shape = tuple(request["shape"])
                count = int(np.prod(shape)) * 4
                x = np.frombuffer(requests.read(count), np.float32).reshape(shape).copy()
                y = host.run(request["op"], x, request["seed"])
                answer, samples = {"shape": y.shape}, y.tobytes()
        except Exception as error:  # noqa: BLE001 - whatever a model raises is its answer
            answer, samples = {"error": _line(error)}, b""
        answers.write(json.dumps(answer).encode() + b"\n" + samples)
        answers.flush()
        _ending_after(0.0)


def _ending_after(seconds: float) -> None:
    """End this process once it has computed for so long, whoever is left to see it; 0: never.

    Windows has no such timer; who asks waits for a limited time there too.
    """
    if sys.platform != "win32":
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _line(error: Exception) -> str:
    """Return the last line of what torch says, which is the cause."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]


def main() -> None:
    """Serve the requests on standard input; whatever a model prints goes to standard error."""
    unmoved_by_signals()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limited()
    _ending_after(LOADING)
    try:
        host = Host(Path(sys.argv[1]), *sys.argv[2:])
    except Exception as error:  # noqa: BLE001 - whatever loading raises
        answers.write(json.dumps({"error": _line(error)}).encode() + b"\n")
        return
    _ending_after(0.0)
    answers.write(b"{}\n")
    answers.flush()
    serve(host, sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
