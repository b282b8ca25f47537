# clockwork: one score written ahead in beats, wound up and let down; about two minutes
#
#     latentlive play clockwork


# %% the whole score, ahead of time
def ticks(name, lengths, beats):
    """Strokes of one sound, each reading another length of it."""
    return sound(name).scrub(saw(beats) * seq(lengths, beats))


master.gain(0)
d1 >> ticks("clock", [0.2, 0.1], 1)
d1.gain(8).pan(seq([0.35, 0.65], 1)).quant(4).fade(0)

with at(8):
    d2 >> ticks("music-box", [0.12, 0.3, 0.2, 0.16, 0.4, 0.2], 1 / 2)
    d2.gain(-5).pan(0.3).wide(0.6).fade(2)

with at(24):
    thumbs = ticks("mbira-g3", [0.2, 0.35, 0.25], 3 / 4)
    d3 >> interp(thumbs, sound("koto-d4").scrub(saw(3 / 4)), sine(9))
    d3.gain(-4).pan(0.7).fade(4)

with at(40):
    tempo(132, over=40)
    bench = [sound(name).loop() for name in ("typewriter", "ratchet", "sewing")]
    d4 >> path(bench, seq([0, 1, 0.5], 1 / 3))
    d4.gain(-8).pan(rand(1)).fade(8)

with at(88):
    d2.morph(8) >> ticks("glock-g6", [0.3, 0.1, 0.5, 0.2, 0.2], 1 / 3)
    d5 >> interp(sound("engine").extend(2).loop(), sound("basso").extend(6).loop(), sine(16))
    d5.gain(-3).fade(12)

with at(128):
    tempo(40, over=24)
    d4.stop(6)
    d3.stop(12)

with at(156):
    d2.morph(6) >> ticks("music-box", [0.3, 0.2, 0.5, 0.1], 1)
    d5.stop(8)

with at(172):
    d1.stop(0)

with at(176):
    d2.stop(2)
