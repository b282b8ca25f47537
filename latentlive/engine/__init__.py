"""The live engine: its own process, so that no slip of what is typed ends the sound.

::

    client (your code) --JSON--> server: scheduler --JSON--> worker
                                     |                         |
                                   gains                    samples
                                     +---> shared block <------+ ---> audio ---> device
"""

from latentlive.engine.client import Engine
from latentlive.engine.layer import Layer

__all__ = ["Engine", "Layer"]
