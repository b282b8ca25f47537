# hearsay: a workshop, told again by bells and by voices, each less sure of it; three minutes
#
#     latentlive play hearsay


# %% the workshop, as it goes
master.gain(-1.5)
shop = improvise(near(sound("clock"), 12), congruence=line(1, 0.4, 60))
d1 >> shop
d1.gain(-3).pan(perlin(5).range(0.25, 0.75)).fade(2).xfade(8)

# %% 00:00:18.000 bells tell it again
metal = [sound(name) for name in ("music-box", "glock-g6", "crotale", "ship-bell", "fm-bell")]
d2 >> improvise(
    near(sound("clock"), 12), 0.7, every=seq([1 / 2, 1 / 4, 1 / 4], 1 / 4), memory=metal
)
d2.gain(-7).pan(perlin(3).range(0.2, 0.8)).fade(6).xfade(8)

# %% 00:00:44.000 somebody hums along
air = improvise("choir-oo", 0.6, over="codes").extend(3)
d3 >> interp(air, improvise("glass-harp", 0.5, over="codes").extend(2), sine(24))
d3.gain(-4).pan(0.4).fade(10).xfade(10)

# %% 00:01:10.000 two who disagree
d1 >> interp(shop, improvise("music-box", 0.3, order=2, every=1 / 2), tri(16)).seed(4)
d4 >> improvise(["taiko", "log-drum", "timpani", "taiko", "tom", "log-drum"], 0.5, 1, every=1)
d4.gain(-8).pan(0.65).fade(4).xfade(6)

# %% 00:01:40.000 eight words are enough
d3 >> improvise("choir-ah", 0.5, over="codes").extend(3).quantise(8, by=sound("choir-ah"))
d2 >> improvise(near(sound("clock"), 12), 0.2, every=1 / 4, memory=metal, typicality=sine(16))

# %% 00:02:10.000 whoever listens, hears the sea
d1 >> interp(shop, improvise("surf", 0.7, over="codes").extend(2), line(0, 1, 40))
d4.stop(8)
d2.stop(16)

# %% 00:02:36.000 and nobody said it
d3.stop(14)
with at(166):
    d1.stop(12)
