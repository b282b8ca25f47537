# light on water: the same surf in other light, as bells and a voice tell it; two minutes
#
#     latentlive play light_on_water


# %% dusk: it is dark, and grows lighter
master.gain(2)
surf = sound("surf").extend(6)
d1 >> surf.brighter(line(-1.5, 0.5, 24))
d1.gain(-1).pan(perlin(11).range(0.35, 0.65)).wide(0.5).fade(6).xfade(6)

# %% 00:00:20.000 voices, as bright as somebody who sings elsewhere
d2 >> sound("choir-ah").extend(4).bright(contour("tenor", "centroid").slow(2))
d2.gain(-5).pan(0.4).fade(6)

# %% 00:00:40.000 the surf rings as a bell does
d1.morph(6) >> surf.bright(contour("great-bell", "centroid").slow(3))

# %% 00:01:00.000 a bow that roughens, and turns to wind
d3 >> sound("cello-g2").extend(4).rougher(sine2(9) * 1.5).noisier(line(0, 2, 30))
d3.gain(-7).pan(0.65).fade(8)
d2.stop(10)

# %% 00:01:24.000 what is bright in one and dark in the other
d1.morph(8) >> interp(surf.brighter(1.5), sound("glass-harp").extend(4).brighter(-1), sine(14))

# %% 00:01:48.000 night
d3.stop(8)
d1.morph(6) >> surf.brighter(-1)

# %% 00:02:00.000 the last wave
d1.stop(8)
