"""Words that do not exist yet, or have another name here, and the alternative.

A word that exists leaves the table; a test checks this.
"""

from __future__ import annotations

OUTSIDE = "treat it outside: d1.out(3) with --channels 4 gives it outputs of its own"
TIME = ".fast(2) and .slow(2) change its time, .extend(2) leaves the curves as they are"
LEVEL = "set the layer's level: d1.gain(-6)"

LATER = {
    # control from outside
    "midi": "follow a controller: cc(1); watch() shows what comes and the word to type",
    "mic": "grab(8) makes the last beats of the input a sound; level(1) follows how loud it is",
    # effects
    "bus": OUTSIDE,
    "hpf": OUTSIDE,
    "lpf": OUTSIDE,
    "comb": OUTSIDE,
    "drive": OUTSIDE,
    "comp": OUTSIDE,
    "echo": OUTSIDE,
    "reverb": OUTSIDE,
    "dry": OUTSIDE,
    # rendering
    "seconds": "at tempo(60) a beat is a second",
    # as other programs call it
    "rate": TIME,
    "speed": TIME,
    "volume": f"{LEVEL}; master.gain(-9) is that of the whole",
    "filter": OUTSIDE,
    "delay": OUTSIDE,
    "bpm": "tempo(90)",
    "sleep": "Python does not wait here: with at(now.beat + 4): plans what follows",
    "wait": "Python does not wait here: with at(now.beat + 4): plans what follows",
    "play": 'd1 >> sound("gong")',
    "stop": "hush(8) fades all layers out, d1.stop(8) one",
}
"""The alternative, by word."""


def instead(word: str) -> str:
    """Return the alternative to a missing word, empty for a word outside the table.

    >>> instead("bpm")
    '; instead: tempo(90)'
    """
    return f"; instead: {LATER[word]}" if word in LATER else ""
