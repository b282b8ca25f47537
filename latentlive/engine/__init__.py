"""The live engine: its own process, so that nothing that is typed can stop the sound.

::

    client (your code) --JSON--> server: scheduler --JSON--> worker
                                     |                         |
                                   gains                    samples
                                     +---> shared block <------+ ---> audio ---> device
"""

from latentlive.engine.client import Engine
from latentlive.engine.layer import Layer

__all__ = ["Engine", "Layer"]
