# one gong: a gamelan of one sample; every key is the same gong at another pitch; three minutes
#
#     latentlive play one_gong


# %% the great gong, every sixteen beats
def tune(keys, octaves=0):
    """The semitones of keys: five share an octave alike."""
    return [2.4 * key + 12 * octaves for key in keys]


def keys(steps, beats, length):
    """Strokes of one sound, now harder, now softer: each reads so much of it, at another pitch."""
    struck = sound("gong").scrub(saw(beats) * length).transpose(seq(steps, beats))
    return interp(silence, struck, rand(beats).range(0.7, 1))


def figure(played, beats, steps):
    """Short strokes with rests."""
    return interp(silence, keys(steps, beats, 0.1), seq(played, beats).smooth(0.03))


master.gain(-0.5)
d1 >> sound("gong").scrub(saw(16).ease("out")) * rand(16).range(1, 1.1)
d1.gain(-2).fade(0)

# %% 00:00:08.000 the melody's bones, one note in two beats
d2 >> keys(tune([0, 2, 1, 3, 0, 2, 4, 3], 1), 2, 0.35)
d2.gain(-2).pan(0.4).fade(4).xfade(4)

# %% 00:00:24.000 the same melody twice as fast, with its neighbours
d3 >> keys(tune([0, 1, 2, 3, 1, 2, 3, 4, 0, 1, 2, 1, 4, 3, 3, 2], 2), 1, 0.2)
d3.gain(perlin(8).range(-12, -5)).pan(0.65).fade(6).xfade(4)

# %% 00:00:40.000 two players share one figure, neighbours on the keys
d4 >> figure([1, 0, 1, 0.8, 0, 1, 0, 0.9], 1 / 4, tune([0, 0, 1, 2, 0, 1, 0, 2], 3))
d5 >> figure([0, 1, 0, 0.75, 1, 0, 0.9, 0.7], 1 / 4, tune([0, 3, 0, 4, 3, 0, 4, 3], 3))
d4.gain(-7).pan(0.15).fade(4).xfade(2)
d5.gain(-7).pan(0.85).fade(4).xfade(2)

# %% 00:01:04.000 a key lower
d2 >> keys(tune([3, 2, 0, 1, -1, 1, 0, 2], 1), 2, 0.35)
d3 >> keys(tune([3, 3, 2, 0, 1, 1, -1, 0], 2), 1, 0.2)

# %% 00:01:20.000 the figure loosens
d4 >> figure([1, 0, 0.8, 0, 1, 0, 0], 1 / 4, tune([1, 0, -1, 0, 2], 3))
d5 >> figure([0, 1, 0, 0.7, 0.9], 1 / 4, tune([3, 4, 2], 3))

# %% 00:01:36.000 the gong remembers that it can sing
d6 >> sound("gong").slice(0.5, 2.8).extend(10).loop()
d6.gain(sine(32).range(-18, -5)).pan(sine(11).range(0.3, 0.7)).fade(12)
d2.stop(12)

# %% 00:01:52.000 twice as dense
d4 >> figure(
    [1, 0.7, 0.8, 0, 1, 0.75, 0, 0.9, 0.65, 1, 0], 1 / 6, tune([0, 1, 2, 0, 1, 2, 0, 2, 1], 3)
)
d5 >> figure([0, 0.8, 0, 1, 0, 0.7, 1, 0, 0.8, 0, 1], 1 / 6, tune([3, 4, 3, 5, 3, 4, 3, 2, 4], 3))
d3 >> keys(tune([4, 3, 2, 4, 3, 1, 0, 2], 2), 1 / 2, 0.12)

# %% 00:02:16.000 it slows down
d3 >> keys(tune([0, 1, 3, 2], 1), 4, 0.5)
d4 >> figure([1, 0, 0, 0.8, 0], 1 / 2, tune([2, 1, 0], 3))
d4.gain(-6)
d5.stop(4)

# %% 00:02:32.000 only the gong
d3.stop(8)
d4.stop(6)

# %% 00:02:49.000 dark
d6.stop(10)
d1.stop(8)
