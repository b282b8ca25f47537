"""Every time of the engine, in seconds, and the one way from seconds to samples.

What is a length in samples by nature stays where it is: the grid, the ring, the limiter's
look-ahead, a window, what is rendered at a time.
"""

from __future__ import annotations

from latentlive.limiter import AHEAD
from latentlive.mixer import GRID

# What is heard.
GLIDE = 0.023  # a new gain or pan takes over
CLOSE = 0.046  # a voice is muted and unmuted at an underrun
FADE = 1.0  # the engine fades out, if nobody says how long

# How near the position something may still change.
BURSTS = 1.15  # devices ask at once for so much of their latency
LATENCY = 0.1  # of the device, if nobody says another
REACTION = 0.023  # from the moment of a change set to its landing, at most
LANDING = 0.372  # a change set is final so long before its moment; until then it can be replaced
STEMS_SHORT = 0.012  # stems are read nearly as far ahead as nothing changes
STEMS_AHEAD = 0.093  # stems are read again when less is left of them

# Effects.
EFFECTS = 0.08  # what goes through effects can change so much later
EFFECTS_SLACK = 0.03  # of that, for the engine to write what it has decided
EFFECTS_DUE = 0.06  # a block this near no longer waits for voices, beside what a device asks for
EFFECTS_LEAD = 0.06  # what is live is heard so much later in effects than in levels
EFFECTS_EVERY = 0.004  # their process looks whether a block can be rendered
EFFECTS_FROZEN = 1.0  # without a sign of it their process is replaced
FORESEEN, FORESIGHT_EVERY = 1.0, 0.05  # rooms are made so early, looked for so often
FREED_AFTER = 1.0  # a strip in which nothing rings is given back

# What arrives live.
ARRIVED = 0.025  # a value is known to the engine so long after it arrived, at most
LATEST = 2.0  # a value may be meant for so much later
LEVEL_SLACK = 0.02  # of a live level, beyond what arrives late and a part of the device's latency
LEVEL_BURSTS = 0.4  # of its latency, devices rarely ask for more at once; then a level is held
LIVE_SLACK = 0.125  # rendered of a live layer beyond the margin, if nobody says a lead
LEAST_SLACK = 0.06  # the least that a lead may leave
LIVE_LEAD = 0.355  # of a layer with a live curve, unless its space needs more
LEAST_PIECE = 0.02  # less of a live layer is not rendered at a time

# The sound input.
INPUT_LATENCY = 0.03  # of the device: values come in bursts no longer than `ARRIVED`
INPUT_STUCK = 2.0  # without a block, an input is given up and opened again
INPUT_AGAIN = 1.0  # between two tries to open one
INPUT_TOLD_EVERY = 0.25  # its levels are told, for views
INPUT_SILENT = 5.0  # a new input that is silent for so long is told of

# Rendering.
SHORTEST_AHEAD, LONGEST_AHEAD = 0.5, 2.5  # less: underruns; more: too much for a ring
READY = 0.25  # rendered of a texture before it lands
DRY = 0.093  # a voice with less left beyond the margin is muted
LONGEST_BATCH = 0.1  # the longest batch of several voices: a worker cannot react while it decodes
PRESSED = 0.5  # with less left, the first layers come first
ENCODED_AHEAD = 20.0  # of what is not rendered far ahead, encoded when there is nothing to render
ENCODED_FIRST = 1.0  # encoded of a live texture before it lands
HORIZON = 20.0  # a plan gets voices so long before its moment
REPLAY_HORIZON = 4.0  # voices of a replay are given rings so long before they begin
SOON = 3.0  # a transport that is told to start waits until so much of its start is ready
EXCUSED = 3.0  # a worker that died is still to blame for underruns
LATE_TOLD_EVERY = 10.0  # a layer's lateness is told

# The engine's loop.
TICK = 0.01  # a round of it
AWAY = 0.25  # without a round the audio process closes voices where their rings end
HELD_UP = 2 * AWAY  # a round that long, not load, is to blame for underruns
HOPELESS = 10.0  # without a round the engine is ended
GUARD_EVERY = 0.1  # the rounds are looked at
STATUS_EVERY = 0.1
IDLE = 300.0  # it ends when it has been silent and alone for so long
SWEEP_AFTER = 1.0  # a program that left has ended by then: its address is looked for
PANIC_PATIENCE = 0.3  # the audio process has to fall silent

# Render workers.
WORKER_START = 5.0  # a worker has to be ready
WORKER_QUIET = 0.6  # without an answer, half of it without any work, a worker hangs
WORKER_IDLE = 0.009  # computed: who has done less than that meanwhile does not work
WORKER_LOOK_AFTER = 0.1  # without an answer the system is asked about a worker
WORKER_LOOK_EVERY = 0.25  # and asked again, at most
WORKER_ASK_EVERY = 0.5  # a worker that has nothing to do is asked whether it is there
WORKER_PAUSE = 10.0  # between starts of workers that keep dying

# The audio process.
FIRST_PATIENCE = 5.0  # time waits for the first device, so that the beginning is heard
START_PATIENCE = 15.0  # a new audio process has to begin
GO_PATIENCE = 1.0  # one that stood by has to begin
FROZEN_AFTER = 1.0  # without a callback, besides the latency, a device is given up
BEAT_LOOK_AFTER = 0.1  # without a beat or an answer the system is asked whether it is stopped
STANDBY_AFTER = 3.0  # another one is started, which stands by
STANDBY_ASK_EVERY = 0.2  # it is asked whether it is there
STANDBY_DOUBTED_AFTER = 0.6  # without an answer it is not relied on
STANDBY_FROZEN_AFTER = 1.0  # without an answer it is replaced
DEVICE_LATE = 0.05  # behind its latency, a device's silence is time lost
RESAMPLED_AHEAD = 0.1  # a resampler runs ahead, beside the device's latency
LONGEST_LATE = 2.0  # the clock makes up for so much
PROBE_PATIENCE = 10.0  # a question about devices may take

# Files.
SETTLE_EVERY = 0.5  # a recording can be read up to such a moment
MARK_EVERY = 0.25  # the log tells how far the performance has come
STALL = 600.0  # between two decisions of a log, at most: no engine is held up for longer
DISORDER = 4.0  # a decision may lie before one that was noted earlier


def to_samples(seconds: float, rate: int) -> int:
    """Return the whole steps of the grid nearest to a time, at least one [samples].

    Example
    -------
    >>> to_samples(GLIDE, 44100)
    1024
    """
    return max(round(seconds * rate / GRID), 1) * GRID


def margin(rate: int, latency: float = LATENCY) -> int:
    """Return the samples from the position to the first that may still change: what a device of
    a latency [seconds] asks for at once, and what the limiter looks ahead."""
    return (AHEAD + 1) * GRID + to_samples(BURSTS * latency, rate)


def effects_reach(rate: int, latency: float = LATENCY) -> int:
    """Return the samples from the position up to which effects are rendered: nothing changes there
    any more, and the engine has had time to write it."""
    return margin(rate, latency) + to_samples(EFFECTS, rate) - to_samples(EFFECTS_SLACK, rate)


def effects_due(rate: int, latency: float = LATENCY) -> int:
    """Return how near the position a block of effects is rendered though voices are missing."""
    return margin(rate, latency) + to_samples(EFFECTS_DUE - EFFECTS_SLACK, rate)


def effects_lead(rate: int, lead: int) -> int:
    """Return how long after they arrive live curves are heard in effects [samples], from how long
    after that they are heard in levels."""
    return lead + to_samples(EFFECTS_LEAD, rate)


def level_lead(rate: int, latency: float = LATENCY) -> int:
    """Return how long after they arrive live levels are heard [samples]: when a device asks, the
    limiter has looked ahead, and what arrived must have been noted."""
    slack = ARRIVED + LEVEL_SLACK + LEVEL_BURSTS * latency
    return (AHEAD + 2) * GRID + to_samples(slack, rate)
