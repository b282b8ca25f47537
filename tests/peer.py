"""A member of an Ableton Link session, in a process of its own, that answers where it is."""

from __future__ import annotations

import json
import subprocess
import sys

CODE = """
import json, sys, time
from link import Link
one = Link(float(sys.argv[1]))
one.enabled = True

def moments():
    before = time.monotonic_ns()
    micros = one.clock().micros()
    return micros, (before + time.monotonic_ns()) // 2

for row in sys.stdin:
    asked = json.loads(row)
    micros, now = moments()
    state = one.captureAppSessionState()
    if "bpm" in asked:
        state.setTempo(asked["bpm"], micros)
        one.commitAppSessionState(state)
    at = [now, *asked.get("at", ())]
    beats = [state.beatAtTime(micros + (t - now) // 1000, 4) for t in at]
    told = {"peers": one.numPeers(), "bpm": state.tempo(), "beat": beats[0], "beats": beats[1:]}
    print(json.dumps(told), flush=True)
"""


class Peer:
    """Another program in the session.

    Parameters
    ----------
    bpm : float
        Its tempo, as long as it is alone.
    """

    def __init__(self, bpm):
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(bpm)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **asked):
        """Return what it knows: peers, bpm, its beat now, and the beats at some moments [ns]."""
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
