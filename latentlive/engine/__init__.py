"""The live engine: its own process, so that no slip of what is typed ends the sound.

::

    client (your code) --JSON--> server: schedule --JSON--> render
                                     |                         |
                                   gains                    samples
                                     +---> shared memory <------+ ---> output ---> device

Each process imports the rooms that it needs; this file holds none of them.
"""
