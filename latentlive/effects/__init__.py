"""Effects: what is heard of a layer, a bus or the master, block by block, in pure numpy.

`declared` says which effects there are; `strip.Strip` runs them with a finite memory; `rooms.Room`
makes a recording a room for the reverb. Whoever knows only what is declared loads nothing else.
"""
