# first light: three layers, one of them redefined, about forty seconds
#
#     latentlive play first_light

# %% bells
d2 >> interp(sound("gong"), sound("glass"), curve=perlin(4)).extend(4)
d2.gain(-2).pan(sine(12))

# %% 00:00:03.000 sea
d1 >> interp(sound("surf"), sound("choir-ah"), curve=sine(16)).extend(6)
d1.pan(perlin(8).range(0.3, 0.7)).fade(4)

# %% 00:00:15.000 voice
d3 >> interp(sound("cello-g2"), sound("flute-a4"), curve=sine(10)).extend(8)
d3.gain(2).pan(0.6).fade(3)

# %% 00:00:23.000 the sea turns into wind
d1.xfade(5)
d1 >> interp(sound("wind"), sound("choir-ah"), curve=sine(8)).extend(8)

# %% 00:00:33.000 dark
hush(6)
