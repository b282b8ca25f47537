# slow bronze: bells without their strokes, then one stroke; three and a half minutes of drone
#
#     latentlive play slow_bronze


# %% the bells, there and back, so that no loop is heard to begin
def ring(name, first=0.6, last=2, times=8):
    end = sound(name).slice(first, last).extend(times)
    return cat(end, end.rev()).loop()


master.gain(5.5)
master.comp(-16, ratio=2, attack=0.05, release=0.8)
bus("nave").hpf(150).reverb(1, seconds=9, damp=0.7).gain(-3)
d1.send("nave", -9)
d1 >> path([ring("gong-low"), ring("bowl-low"), ring("great-bell")], brown(3).range(-0.4, 1.4))
d1.gain(-1).pan(perlin(13).range(0.25, 0.75)).fade(12)

# %% 00:00:14.000 a lower floor
d2 >> interp(ring("bass-bow"), ring("didgeridoo"), perlin(9))
d2.gain(sine(34).range(-10, 0)).pan(0.4).fade(16).xfade(14)

# %% 00:00:36.000 light from above
stars = [ring("bowl-high"), ring("glass-harp"), ring("bowl-sung"), ring("crotale", 0.1, 1.4)]
d3 >> path(stars, sine(45))
d3.lpf(perlin(21).rangex(1500, 9000)).send("nave", -6)
d3.gain(sine(20).range(-16, -4)).pan(sine(17).range(0.1, 0.9)).fade(10)

# %% 00:01:02.000 the same bells, pushed until they are voices
d1.xfade(18)
d1 >> path([ring("bowed-gong"), ring("choir-low"), ring("gong-low")], perlin(11)) * 1.2

# %% 00:01:28.000 strokes, far apart
d4 >> sound("temple-bell").scrub(saw(13).ease("out") * 0.9)
d4.send("nave", -2).gain(-4).pan(rand(13).range(0.15, 0.85)).fade(1)

# %% 00:01:40.000 the floor opens
d2 >> interp(ring("bass-bow"), ring("conch"), sine(26) * 0.8)

# %% 00:02:04.000 everything at once
bow = ring("strings-low") - silence
d5 >> sound("great-bell").scrub(saw(17) * 0.8).offset(bow, perlin(8) * 0.6)
d5.send("nave", -4).gain(-5).pan(0.6).fade(8)
d3 >> path([ring("musical-saw"), ring("bowl-high"), ring("erhu")], perlin(7))

# %% 00:02:36.000 they leave one by one
d1.stop(16)
d5.stop(10)

# %% 00:02:52.000 the last stroke
d2.stop(18)
d3.stop(9)

# %% 00:03:08.000 dark
d4.stop(12)
