# clockwork: one score written ahead in beats, wound up and let down; about two minutes
#
#     latentlive play clockwork


# %% the whole score, ahead of time
def ticks(name, steps, beats, length=0.25):
    """Strokes of one sound, each so many semitones above its note."""
    tuned = [step - aside.get(name, 0) for step in steps]
    return sound(name).scrub(saw(beats) * length).transpose(seq(tuned, beats))


aside = {"music-box": 0.17, "mbira-g3": -0.29}  # how far two of them lie from their notes


master.gain(-4)
d1 >> ticks("clock", [0, -2], 1, 0.2)
d1.gain(8).pan(seq([0.35, 0.65], 1)).quant(4).fade(0)

with at(8):
    d2 >> ticks("music-box", [0, 3, 7, 5, 10, 7], 1 / 2)
    d2.gain(-5).pan(0.3).wide(0.6).fade(2)

with at(24):
    thumbs = ticks("mbira-g3", [-3, 4, 2], 3 / 4, 0.3)
    strings = ticks(
        "koto-d4", [-10, -3, -5], 3 / 4
    )  # the same notes, so that only the colour moves
    d3 >> interp(thumbs, strings, sine(9))
    d3.gain(-4).pan(0.7).fade(4)

with at(40):
    tempo(132, over=40)
    bench = [sound(name).loop() for name in ("typewriter", "ratchet", "sewing")]
    d4 >> path(bench, seq([0, 1, 0.5], 1 / 3))
    d4.gain(-8).pan(rand(1)).fade(8)

with at(88):
    d2.morph(8) >> ticks("glock-g6", [-3, 0, 4, 7, 4], 1 / 3, 0.12)
    d5 >> interp(sound("engine").extend(2).loop(), sound("basso").extend(6).loop(), sine(16))
    d5.gain(-3).fade(12)

with at(128):
    tempo(40, over=24)
    d4.stop(6)
    d3.stop(12)

with at(156):
    d2.morph(6) >> ticks("music-box", [0, 3, 7, -2], 1, 0.45)
    d5.stop(8)

with at(172):
    d1.stop(0)

with at(176):
    d2.stop(2)
