"""The process that measures the directions of a space, and lets all other processes go before it.

Started as ``python -m latentlive.renderer.measurer``; see `latentlive.renderer.aside`.
"""

from __future__ import annotations

from latentlive.renderer.aside import serve
from latentlive.renderer.measuring import Measuring

if __name__ == "__main__":
    serve(lambda data, said, tell: Measuring.load(data).measure(said))
