# first light: three layers, each a sound that turns into another; about forty seconds
#
#     latentlive play first_light

# %% bells
master.gain(-2)
d2 >> interp(sound("gong"), sound("glass-harp"), curve=sine(12).ease("inout")).extend(4)
d2.gain(-2).pan(sine(12))

# %% 00:00:06.000 sea
d1 >> interp(sound("surf"), sound("choir-ah"), curve=sine(16)).extend(6)
d1.pan(perlin(8).range(0.3, 0.7)).fade(4)

# %% 00:00:13.000 a cello that becomes a flute
d3 >> interp(sound("cello-d4"), sound("flute-a4"), curve=sine(10).ease("inout")).extend(8)
d3.pan(0.6).fade(3)

# %% 00:00:23.000 the sea turns into wind
d1.xfade(5)
d1 >> interp(sound("wind"), sound("choir-ah"), curve=sine(8)).extend(8)

# %% 00:00:33.000 dark
hush(6)
