# one gong: a gamelan of one sample; every instrument is another way of reading it; three minutes
#
#     latentlive play one_gong


# %% the great gong, every sixteen beats
def keys(lengths, beats, first=0):
    """Strokes of one sound, each reading another length of it in the same time."""
    return sound("gong").scrub(first + saw(beats) * seq(lengths, beats))


def figure(played, beats, places):
    """Short strokes with rests."""
    place = seq(places, beats) + saw(beats) * 0.1
    return interp(silence, sound("gong").scrub(place), seq(played, beats).smooth(0.03))


slendro = [0.10, 0.13, 0.16, 0.22, 0.27]
master.gain(1)
d1 >> sound("gong").scrub(saw(16).ease("out")) * rand(16).range(1, 1.3)
d1.gain(-2).fade(0)

# %% 00:00:08.000 the melody's bones, one note in two beats
d2 >> keys([slendro[i] for i in (0, 2, 1, 3, 0, 2, 4, 3)], 2)
d2.gain(-3).pan(0.4).fade(4).xfade(4)

# %% 00:00:24.000 the same melody twice as fast, with its neighbours
d3 >> keys([slendro[i] for i in (0, 1, 2, 3, 1, 2, 3, 4, 0, 1, 2, 1, 4, 3, 3, 2)], 1, 0.02)
d3.gain(perlin(8).range(-14, -6)).pan(0.65).fade(6).xfade(4)

# %% 00:00:40.000 two players share one figure
d4 >> figure([1, 0, 1, 0.7, 0, 1, 0, 0.8], 1 / 4, [0, 0.05, 0.02, 0.12, 0.08])
d5 >> figure([0, 1, 0, 0.5, 1, 0, 0.9, 0.4], 1 / 4, [0.12, 0.08, 0.16, 0.05, 0.1])
d4.gain(-9).pan(0.15).fade(4).xfade(2)
d5.gain(-7).pan(0.85).fade(4).xfade(2)

# %% 00:01:04.000 a tone lower: the bones are read more slowly
d2 >> keys([slendro[i] * 0.75 for i in (4, 3, 1, 2, 0, 2, 1, 3)], 2)
d3 >> keys([slendro[i] * 1.5 for i in (4, 4, 3, 1, 2, 2, 0, 1)], 1, 0.01)

# %% 00:01:20.000 the figure loosens
d4 >> figure([1, 0, 0.6, 0, 1, 0, 0], 1 / 4, [0.2, 0.16, 0.12, 0.06])
d5 >> figure([0, 1, 0, 0.4, 0.8], 1 / 4, [0, 0.03, 0.06])

# %% 00:01:36.000 the gong remembers that it can sing
d6 >> sound("gong").slice(0.5, 2.8).extend(10).loop() * 1.4
d6.gain(sine(32).range(-18, -5)).pan(sine(11).range(0.3, 0.7)).fade(12)
d2.stop(12)

# %% 00:01:52.000 twice as dense
d4 >> figure([1, 0.4, 0.7, 0, 1, 0.5, 0, 0.8, 0.3, 1, 0], 1 / 6, [0, 0.06, 0.16, 0.03, 0.1])
d5 >> figure([0, 0.7, 0, 1, 0, 0.4, 1, 0, 0.6, 0, 1], 1 / 6, [0.1, 0.14, 0.06, 0.18, 0.02])
d3 >> keys([slendro[i] for i in (4, 3, 2, 4, 3, 1, 0, 2)], 1 / 2, 0.01)

# %% 00:02:16.000 it slows down
d3 >> keys([slendro[i] for i in (0, 1, 3, 2)], 4)
d4 >> figure([1, 0, 0, 0.6, 0], 1 / 2, [0, 0.06, 0.02])
d4.gain(-6)
d5.stop(4)

# %% 00:02:32.000 only the gong
d3.stop(8)
d4.stop(6)

# %% 00:02:49.000 dark
d6.stop(10)
d1.stop(8)
