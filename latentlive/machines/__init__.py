"""Work on other machines: a Dask cluster renders stretches and measures sounds.

What is rendered is a function of position, so it can be cut anywhere; `Station` does a stretch on a
worker, `Hub` hands stretches out and puts what comes back in order. All that crosses is bytes:
JSON, and arrays in NumPy's format, read without pickle.
"""

from latentlive.machines.hub import Hub

__all__ = ["Hub"]
