# choir of engines: a hall of machines learns to sing, and forgets it again; 3:30
#
#     latentlive play choir_of_engines


# %% somebody switches on the lights
def run(name, times=2):
    return sound(name).extend(times).loop()


master.gain(0)
d1 >> interp(run("mains", 4), run("fan", 3), perlin(7))
d1.gain(-4).pan(0.5).fade(5).xfade(10)

# %% 00:00:10.000 the bench: four machines take turns in one rhythm
bench = [sound(name).loop() for name in ("typewriter", "sewing", "ratchet", "clock")]
d2 >> path(bench, seq([0, 1, 1 / 3, 0, 2 / 3, 1 / 3, 1, 2 / 3], 1 / 2))
d2.gain(-4).pan(seq([0.3, 0.7, 0.5], 1)).fade(6).xfade(4)

# %% 00:00:26.000 the great engine
d3 >> sound("engine").scrub(saw(2) * 0.5).transpose(seq([0, 3, -2, 7], 2))
d3.gain(-3).pan(0.35).fade(8).xfade(14)

# %% 00:00:44.000 it hums a note
d1 >> interp(run("mains", 4), run("hum", 8), sine(18))

# %% 00:01:00.000 it turns into a bass
d3 >> interp(run("tractor", 3), run("basso", 8), env([(60, 0), (75, 0.9), (90, 0.5), (110, 1)]))

# %% 00:01:14.000 signals
calls = path([sound(name) for name in ("sonar", "modem", "computer", "alarm")], rand(2))
d4 >> calls.scrub(saw(2) * rand(2).range(0.3, 1))
d4.gain(rand(2).range(-16, -6)).pan(rand(2)).fade(3).xfade(3)

# %% 00:01:30.000 the second voice
d5 >> interp(run("turbine", 4), run("alto", 8), sine(24).ease("inout"))
d5.gain(-4).pan(0.7).fade(10).xfade(12)
d2 >> path(bench, seq([0, 1 / 3, 0, 1, 0, 2 / 3], 1 / 3))

# %% 00:01:52.000 the choir
d1 >> path([run(name, 8) for name in ("choir-low", "choir-oo", "choir-ah", "choir-ee")], sine(28))
d3 >> interp(run("basso", 8), run("organ-pipe", 8), perlin(9))
d5 >> interp(run("alto", 8), run("soprano", 8), perlin(6)).offset(run("vacuum") - silence, 0.3)
d2.stop(10)

# %% 00:02:16.000 the drill joins in
d4 >> interp(sound("drill"), sound("trumpet-mute"), perlin(2)).scrub(perlin(1) * perlin(4))
d4.gain(perlin(5).range(-18, -7))

# %% 00:02:34.000 one of them breaks
d3.xfade(2)
d3 >> sound("motorbike").scrub(saw(3 / 4) * 0.5).transpose(seq([-5, 7, -12, 2, 5], 3 / 4))
d2 >> path(bench, rand(1 / 4))
d2.gain(-6).fade(2)

# %% 00:02:52.000 and the others follow
d1.xfade(8)
d1 >> interp(run("choir-ah", 8), run("circular-saw", 3), line(0, 0.9, 190).ease("in"))
d5.stop(8)
d4.stop(4)

# %% 00:03:10.000 idle
d1 >> interp(run("fan", 4), run("mains", 4), perlin(5))
d3.stop(6)

# %% 00:03:20.000 lights out
d2.stop(4)

# %% 00:03:25.000 dark
hush(5)
