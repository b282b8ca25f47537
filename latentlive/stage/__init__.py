"""The stage view: one page that shows a running engine, served by a process of its own.

It reads the engine as an attached prompt does, and the log as it grows; the sound never waits for
it.
"""
