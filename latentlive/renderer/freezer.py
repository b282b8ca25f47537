"""The process that freezes one sound, and lets all other processes go before it.

Started as ``python -m latentlive.renderer.freezer``; see `latentlive.renderer.aside`.
"""

from __future__ import annotations

from latentlive.renderer.aside import serve
from latentlive.renderer.freezing import freeze
from latentlive.renderer.frozen import Frozen

if __name__ == "__main__":
    serve(lambda data, said, tell: freeze(Frozen.load(data), said))
