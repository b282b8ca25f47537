# two doors: two scenes are prepared while a third sounds, and opened by name; 2:30
#
#     latentlive play two_doors


# %% the hall
def long(name, times=6):
    """A sound made long, for ever."""
    return sound(name).extend(times).loop()


master.gain(3)
d1 >> interp(long("draught"), long("bowl-low"), sine(20))
d1.gain(-2).pan(perlin(9).range(0.3, 0.7)).fade(8)
d2 >> sound("creak").scrub(perlin(2) * perlin(5))
d2.gain(perlin(6).range(-20, -6)).pan(perlin(4)).fade(6)

# %% behind the first door: water
with cue("water"):
    d1.morph(16) >> interp(long("stream", 4), long("choir-oo", 8), sine(24))
    d3 >> path([long("drip", 1), long("kalimba-c4", 2), long("bubbles", 2)], perlin(3))
    d3.gain(-3).pan(perlin(3)).fade(6).wide(0.8)
    d2.stop(8)

# %% behind the second: brass and fire
with cue("fire"):
    d1.morph(10) >> interp(long("furnace", 3), long("brass-swell", 5), sine(14))
    d3.stop(6)
    d4 >> interp(silence, sound("great-bell").scrub(saw(9).ease("out")), rand(9).range(0.75, 1))
    d4.gain(-2).pan(rand(9).range(0.2, 0.8)).fade(0)
    d5 >> path([long("fire", 2), long("throat", 6), long("steam-train", 2)], perlin(5))
    d5.gain(-4).pan(0.6).wide(0.5).fade(10)

# %% 00:00:26.000 the first door
go("water")

# %% 00:00:58.000 the water thinks of a piano
d3.morph(12) >> sound("piano-c2").scrub(saw(3) * 0.4).transpose(seq([12, 7, 15], 3))

# %% 00:01:22.000 the second door
go("fire")

# %% 00:01:56.000 back through both
d1.morph(14) >> interp(long("bowl-low"), long("choir-low", 8), sine(20))
d5.stop(16)
d4.gain(-8)

# %% 00:02:18.000 it closes
d4.stop(8)
d1.stop(10)
