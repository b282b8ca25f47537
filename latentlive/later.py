"""Words that do not exist yet, or have another name here, and the alternative.

A word that exists leaves the table; a test checks this.
"""

from __future__ import annotations

TIME = ".fast(2) and .slow(2) change its time, .extend(2) leaves the curves as they are"
LEVEL = "set the layer's level: d1.gain(-6)"

LATER = {
    # control from outside
    "midi": "follow a controller: cc(1); watch() shows what comes and the word to type",
    "mic": "grab(8) makes the last beats of the input a sound; level(1) follows how loud it is",
    # rendering
    "seconds": "at tempo(60) a beat is a second",
    # as other programs call it
    "rate": TIME,
    "speed": TIME,
    "volume": f"{LEVEL}; master.gain(-9) is that of the whole",
    "filter": "d1.lpf(800) takes away what is higher, d1.hpf(200) what is lower",
    "delay": "d1.echo(0.5)",
    "room": "d1.reverb(0.25)",
    "distort": "d1.drive(12)",
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
