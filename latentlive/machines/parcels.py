"""What crosses between this program and a cluster's workers: a head of JSON, and arrays.

Nothing is unpickled: arrays are in NumPy's format, read with ``allow_pickle=False``.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import platform
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import latentlive
from latentlive.errors import EngineError

MOST_BYTES = 1 << 31
"""Of one parcel."""

DECIDE_BITS = ("numpy", "onnxruntime")
"""Packages whose versions decide which bits come out."""


def packed(head: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]] | None = None) -> bytes:
    """Return a head and arrays as bytes.

    >>> head, arrays = unpacked(packed({"at": 3}, {"mix": np.zeros(2, np.float32)}))
    >>> head, arrays["mix"].shape
    ({'at': 3}, (2,))
    """
    room = io.BytesIO()
    if arrays:
        if any(one.dtype.hasobject for one in arrays.values()):
            raise EngineError("cluster: only numbers are sent")
        np.savez(room, **arrays)  # type: ignore[arg-type]
    told = json.dumps(head).encode()
    return len(told).to_bytes(4, "big") + told + room.getvalue()


def unpacked(data: Any) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what `packed` was given; nothing in it is executed.

    Raises
    ------
    EngineError
        If it is anything else.
    """
    try:
        if not isinstance(data, bytes) or not 4 <= len(data) <= MOST_BYTES:
            raise ValueError("no parcel")
        size = int.from_bytes(data[:4], "big")
        if size > len(data) - 4:
            raise ValueError("it is cut off")
        head = json.loads(data[4 : 4 + size])
        rest = data[4 + size :]
        if not isinstance(head, dict):
            raise ValueError("no head")
        arrays: dict[str, NDArray[Any]] = {}
        if rest:
            with np.load(io.BytesIO(rest), allow_pickle=False) as held:
                arrays = {name: held[name] for name in held.files}
    except Exception as error:  # noqa: BLE001 - what is no parcel may raise anything
        raise EngineError(f"cluster: what came is no answer: {str(error)[:100]}") from None
    return head, arrays


@lru_cache(maxsize=1)
def code() -> str:
    """Return the digest of this program's code, and of what decides its bits."""
    found = hashlib.blake2b(digest_size=16)
    root = Path(latentlive.__file__).parent
    for path in sorted(root.rglob("*.py")):
        found.update(path.relative_to(root).as_posix().encode() + b"\0")
        found.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    for name in DECIDE_BITS:
        found.update(f"{name} {importlib.metadata.version(name)}\0".encode())
    return found.hexdigest()


def version() -> str:
    """Return the version of this program and of Python, for people."""
    return f"latentlive {importlib.metadata.version('latentlive')}, {platform.python_version()}"
