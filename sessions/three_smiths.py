# three smiths: strokes on iron, wood and skin; one rhythm is passed on, broken up and let go; 1:40
#
#     latentlive play three_smiths


# %% iron
def smith(name, pattern, step=1 / 4, **ways):
    """One smith at work."""
    return sound(name).hits(pattern, step=step, **ways)


master.gain(-4)
bus("smithy").hpf(100).reverb(1, seconds=1.2, damp=0.3).gain(-2)
d1.send("smithy", -10)
d1 >> smith("anvil", "X..x..x.")
d1.gain(-4).pan(0.35).fade(2)

# %% 00:00:08.000 wood answers, in the gaps
d2 >> smith("wood-block", euclid(5, 8, 1), swing=0.2)
d2.gain(-4).pan(0.7).fade(4).echo(3 / 8, feedback=0.35, mix=0.25).send("smithy", -14)

# %% 00:00:18.000 skin, three against four
d3 >> smith("bongo", "X.x" + euclid(3, 5), step=1 / 3)
d3.gain(-3).pan(0.5).fade(4).drive(4).send("smithy", -12)

# %% 00:00:28.000 the anvil becomes a bell, stroke by stroke
melody = seq(["c4", "e4", "g4", "b3", "d4"], 1 / 2)
bell = sound("tubular").pitch(melody)
d1.morph(8) >> interp(sound("anvil"), bell, sine(16)).hits("X..x..x.", step=1 / 4)

# %% 00:00:44.000 the woodblock becomes one key of a typewriter
often = perlin(3).range(0.4, 1)
d2.xfade(4)
d2 >> sound("typewriter").segment(3).hits(euclid(7, 12), step=1 / 4, probability=often)

# %% 00:00:58.000 faster
tempo(96, over=16)
d3 >> smith("bongo", rand(1 / 6).range(-0.3, 1.3), step=1 / 6)
d3.gain(-5)

# %% 00:01:12.000 what is left is the ring of it
d4 >> interp(bell.hits("x.......", step=1 / 2), sound("gong").hits("x", step=8), sine(12))
d4.gain(-1).pan(sine(9)).fade(6).comp(-34, ratio=6, attack=0.003, release=0.3, by=d1)
d4.send("smithy", -6)
d2.stop(8)

# %% 00:01:24.000 the last strokes, fewer and fewer
d1 >> smith("anvil", "X..x..x.", probability=line(0.8, 0, 170))
d3.stop(6)
bus("smithy").reverb(1, seconds=line(1.2, 7, 10), damp=0.5)

# %% 00:01:34.000 the fire is banked
tempo(60, over=4)
hush(6)
