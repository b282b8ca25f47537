# storm coming: still air, the first drops, the worst of it, and what drips afterwards; four minutes
#
#     latentlive play storm_coming


# %% still air
def air(name, times=4):
    return sound(name).extend(times).loop()


master.gain(-3)
d1 >> path([air("breeze"), air("cricket", 1)], perlin(5).range(-0.2, 0.9))
d1.gain(-2).pan(perlin(9).range(0.2, 0.8)).fade(6).xfade(12)

# %% 00:00:16.000 far away
d2 >> sound("thunder-far").scrub(saw(19).ease("out") * rand(19).range(0.6, 1))
d2.gain(-5).pan(rand(19)).fade(1).xfade(6)

# %% 00:00:30.000 leaves turn over
d1 >> path([air("leaves"), air("breeze"), air("wind")], brown(2).range(-0.5, 1.5))

# %% 00:00:44.000 the first drops
d3 >> interp(sound("drip").loop(), air("rain", 2), env([(0, 0), (14, 0.2), (40, 0.9)]))
d3.gain(1).pan(perlin(4).range(0.1, 0.9)).fade(4).xfade(10)

# %% 00:01:06.000 a low note that nobody plays
d4 >> interp(air("wind", 8), air("bass-bow", 12), sine(22)) * line(1, 1.3, 60)
d4.gain(-4).pan(0.35).fade(18).xfade(8)

# %% 00:01:24.000 wind
d1 >> path([air("gale"), air("blizzard", 2)], perlin(3).range(-0.2, 1.1)) * 1.1
d2 >> sound("thunder").scrub(saw(11).ease("out") * rand(11).range(0.6, 1)) * 1.2
d2.gain(0).pan(rand(11))

# %% 00:01:44.000 the worst of it
rain = path([air("downpour", 2), air("hail", 1)], perlin(2).range(-0.4, 0.9))
d3 >> rain.offset(noise(1), 0.1)
d4 >> interp(air("choir-low", 8), air("foghorn", 6), perlin(6)) * 1.3
d5 >> sound("lightning").scrub(saw(7) * rand(7).range(0.3, 0.9))
d5.gain(rand(7).range(-12, 0)).pan(rand(7).seed(3)).fade(1)

# %% 00:02:16.000 the eye: the voices that were in the wind
d1.xfade(5)
d1 >> path([air("choir-oo", 8), air("choir-ah", 8), air("wind", 6)], sine(16))
d3.stop(5)
d5.stop(3)

# %% 00:02:38.000 and again
d3 >> interp(air("avalanche", 3), air("downpour", 2), perlin(2)).offset(noise(2), perlin(1) * 0.14)
d3.gain(1).fade(3)
d5 >> sound("lightning").scrub(saw(5) * rand(5).range(0.4, 1))
d5.gain(-3)
d1.xfade(4)
d1 >> path([air("gale", 3), air("jet", 3)], brown(1).range(-0.5, 1.2))

# %% 00:03:00.000 it moves on
d5.stop(6)
d2.xfade(8)
d2 >> sound("thunder-far").scrub(saw(17).ease("out"))
d2.gain(-4)
d3 >> interp(air("rain", 2), sound("drip").loop(), line(0, 1, 200))
d1.xfade(14)
d1 >> interp(air("breeze", 6), air("stream", 3), perlin(6))

# %% 00:03:20.000 what drips afterwards
d4.stop(14)
drop = sound("drip").scrub(saw(3 / 2)).transpose(rand(3 / 2).range(-7, 7))
d6 >> interp(drop, sound("crotale").scrub(saw(6) * 0.5), perlin(3))
d6.gain(-6).pan(rand(3 / 2).range(0.1, 0.9)).fade(6)

# %% 00:03:40.000 a bird
d2.stop(10)
d3.stop(12)
bird = interp(sound("whistle"), sound("ocarina"), perlin(3)).scrub(perlin(1 / 2) * perlin(3))
d7 >> bird.transpose(perlin(1 / 2).range(-5, 7))
d7.gain(sine(9).range(-32, -12)).pan(perlin(5)).fade(3)

# %% 00:03:58.000 dark
hush(9)
