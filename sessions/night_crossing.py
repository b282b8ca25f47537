# night crossing: twenty minutes in seven scenes, from one harbour to another
#
#     latentlive play night_crossing
#
# I    00:00  harbour          bells on the water, ropes, a horn
# II   02:50  engines          the ship's machines, and what hums with them
# III  05:40  open sea         nothing but swell; stars
# IV   08:30  the passengers   voices that speak no language
# V    11:20  fog              a horn asks, another answers
# VI   14:10  the storm        everything at once
# VII  17:00  the other shore  the harbour again, by daylight


# %% I harbour
def long(name, times=4):
    """A sound made long, for ever."""
    return sound(name).extend(times).loop()


def ring(name, first=0.6, last=2, times=8):
    """A sound without its stroke, there and back."""
    end = sound(name).slice(first, last).extend(times)
    return cat(end, end.rev()).loop()


def struck(name, beats, length=0.8):
    """A sound struck every so many beats, now harder, now softer."""
    stroke = sound(name).scrub(saw(beats).ease("out") * length)
    return interp(silence, stroke, rand(beats).range(0.7, 1))


master.gain(1.5)
d1 >> interp(long("sea", 6), long("surf", 4), perlin(9) * 0.8)
d1.gain(-4).pan(perlin(15).range(0.25, 0.75)).fade(12).xfade(16)

# %% 00:00:12.000 bells on the water
d2 >> struck("ship-bell", 13)
d2.gain(-3).pan(rand(13)).fade(2).xfade(6)
d3 >> struck("hand-bell", 17, 0.6)
d3.gain(-5).pan(rand(17)).fade(2).xfade(6)

# %% 00:00:40.000 ropes
d4 >> interp(sound("creak"), sound("glissando"), perlin(7)).scrub(perlin(3))
d4.gain(perlin(6).range(-20, -4)).pan(perlin(5)).fade(8).xfade(8)

# %% 00:01:15.000 a pump on the quay
bench = [sound(name).loop() for name in ("drip", "clock", "bubbles")]
d5 >> path(bench, seq([0, 1, 0, 1 / 2], 3 / 4))
d5.gain(-8).pan(0.8).fade(10).xfade(10)

# %% 00:01:50.000 the horn, twice
breath = env([(0, 0), (7, 0.95), (12, 0), (20, 0.98)])
d6 >> interp(sound("foghorn"), sound("tuba"), 0.4).scrub(breath)
d6.gain(env([(0, -2), (7, -6), (8, -60), (11.5, -60), (12, -2), (19, -6), (20.5, -120)]))
d6.pan(0.3).fade(1)

# %% 00:02:20.000 cast off
d3.stop(12)
d5.stop(16)
d6.stop(2)
d1 >> interp(long("surf", 4), long("stream", 3), perlin(5).range(0, 0.8))

# %% 00:02:50.000 II engines
d7 >> sound("engine").scrub(saw(2) * 0.5).transpose(seq([0, 3, 1, 5], 2))
d7.gain(-6).pan(0.4).fade(16).xfade(20)
d2.stop(10)
d4.stop(14)

# %% 00:03:20.000 the boiler
d8 >> interp(long("furnace", 3), long("steam-train", 2), perlin(6))
d8.gain(-7).pan(perlin(11).range(0.4, 0.9)).fade(12).xfade(14)
d1.gain(-12)

# %% 00:03:50.000 what hums with it
d9 >> path([long("mains", 6), long("hum", 8), long("basso", 8), long("didgeridoo", 8)], sine(56))
d9.gain(-4).pan(0.6).fade(14).xfade(16)

# %% 00:04:25.000 rivets
blows = sound("anvil").scrub(saw(1 / 2) * 0.2).transpose(seq([0, -5, 3, -5, 2, 7, -5], 1 / 2))
d10 >> interp(silence, blows, rand(1 / 2).range(0.5, 1))
d10.gain(-10).pan(rand(1 / 2).range(0.1, 0.9)).fade(8).xfade(6)

# %% 00:05:00.000 full ahead
d7 >> sound("engine").scrub(saw(1) * 0.3).transpose(seq([5, 10, 7, 12], 1))
d8 >> interp(long("turbine", 3), long("organ-pipe", 6), perlin(7))

# %% 00:05:30.000 it falls behind
d10.stop(12)
d7.stop(30)
d1.gain(-4)
d1 >> interp(long("sea", 8), long("choir-oo", 8), sine(34) * 0.5)

# %% 00:05:50.000 III open sea
d8.stop(24)
d9.xfade(30)
d9 >> interp(ring("bass-bow"), ring("bowl-low"), perlin(12))

# %% 00:06:20.000 stars
bright = ring("glass-harp").offset(drift(3, 5), 0.12)
d11 >> path([ring("bowl-high"), bright, ring("musical-saw"), ring("bowl-sung")], sine(70))
d11.gain(sine(23).range(-18, -5)).pan(sine(19)).fade(16).xfade(14)

# %% 00:06:50.000 single ones
d12 >> struck("crotale", 7, 0.7)
d12.gain(rand(7).range(-10, 0)).pan(rand(7).seed(2)).fade(4).xfade(6)
d13 >> struck("bell-tree", 19, 0.9)
d13.gain(-3).pan(rand(19)).fade(4).xfade(6)

# %% 00:07:25.000 the swell
d1 >> interp(long("billow", 6), long("conch", 8), sine(26).ease("inout"))
d1.gain(sine(26).range(-8, 0))

# %% 00:08:00.000 a light that is no star
d11 >> interp(ring("harmonica"), ring("bowl-sung"), perlin(5)).offset(drift(8, 3), 0.15)

# %% 00:08:30.000 IV the passengers
talk = rand(1 / 2) * 0.6 + perlin(2) * 0.3
d14 >> interp(sound("tenor"), sound("whisper"), perlin(3)).scrub(talk)
d14.gain(perlin(8).range(-14, -3)).pan(0.2).fade(14).xfade(8)
d9.gain(-9)
d12.stop(10)
d13.stop(10)

# %% 00:08:55.000 another cabin
d15 >> interp(sound("alto"), sound("laugh"), perlin(4)).scrub(rand(2 / 3) * 0.5 + perlin(3) * 0.4)
d15.gain(perlin(6).range(-14, -3)).pan(0.8).fade(10).xfade(8)
d1.gain(-9)

# %% 00:09:25.000 somebody plays
tune = seq([12, 15, 7, 19, 14, 24], 2)
struck_strings = sound("piano-c2").scrub(saw(2) * 0.35).transpose(tune)
d10 >> interp(silence, struck_strings, rand(2).range(0.7, 1))
d10.gain(-8).pan(0.55).fade(6).xfade(6)

# %% 00:10:00.000 and is answered
d12 >> sound("harmonica").scrub(sine(6) * perlin(6))
d12.gain(perlin(7).range(-18, -6)).pan(0.4).fade(8).xfade(10)

# %% 00:10:30.000 they sing in their sleep
d14 >> path([long(name, 8) for name in ("choir-low", "choir-oo", "choir-boys")], sine(40))
d15 >> interp(long("hush", 6), long("sigh", 6), perlin(4))
d15.gain(-4)
d11.stop(16)

# %% 00:11:00.000 doors
d10.stop(12)
d12.stop(14)

# %% 00:11:20.000 V fog
d1.gain(-8).xfade(24)
d1 >> interp(long("draught", 6), long("breath", 8), perlin(7))
d14.stop(24)
d9 >> path([ring("bowed-gong"), ring("foghorn", 0.5, 1.6)], perlin(15).range(-0.2, 0.5))

# %% 00:11:50.000 a horn asks
d5 >> interp(sound("foghorn"), sound("horn-f3"), rand(23)).scrub(saw(23).ease("out"))
d5.gain(saw(23).range(-2, -24)).pan(0.15).fade(2).xfade(10)

# %% 00:12:02.000 another answers
d6 >> interp(sound("conch"), sound("trombone"), rand(23)).scrub(saw(23).ease("out"))
d6.gain(saw(23).range(-4, -26)).pan(0.9).fade(2).xfade(10)
d15.stop(20)

# %% 00:12:40.000 something close by
d13 >> sound("waterphone").scrub(perlin(5) * perlin(1))
d13.gain(perlin(9).range(-20, -3)).pan(perlin(4)).fade(10).xfade(8)

# %% 00:13:15.000 the sonar
d12 >> struck("sonar", 5, 1)
d12.gain(-2).pan(0.5).fade(4).xfade(4)

# %% 00:13:45.000 the answer comes from nearer
d6 >> interp(sound("conch"), sound("didgeridoo"), 0.6).scrub(saw(11).ease("out"))
d6.gain(saw(11).range(0, -20)).pan(0.6)

# %% 00:14:10.000 VI the storm
d1 >> path([long("wind", 3), long("gale", 3)], perlin(4).range(0, 1.2))
d1.gain(line(-8, -2, 900)).pan(perlin(6))
d5.stop(8)
d12.stop(6)

# %% 00:14:30.000 water over the bow
d8 >> interp(long("billow", 2), long("avalanche", 2), sine(9).ease("in"))
d8.gain(-3).pan(perlin(5)).fade(8).xfade(6)
d4 >> sound("thunder").scrub(saw(13).ease("out") * rand(13).range(0.5, 1))
d4.gain(-1).pan(rand(13)).fade(1)

# %% 00:15:00.000 the engines, again
d7 >> sound("engine").scrub(saw(1) * 0.4).transpose(seq([0, 9, -5, 5, 7], 1))
d7.gain(-4).fade(10).xfade(8)
d6.stop(6)
d13.stop(8)

# %% 00:15:25.000 rain from the side
rain = path([long("downpour", 2), long("hail", 1)], perlin(2).range(-0.3, 0.9))
d10 >> rain.offset(noise(1), perlin(3) * 0.12)
d10.gain(-4).pan(perlin(3)).fade(8).xfade(4)

# %% 00:15:55.000 they all sing
d14 >> path([long(name, 6) for name in ("choir-ah", "choir-ee", "brass-swell")], perlin(4))
d14.gain(1).pan(0.5).fade(10).xfade(6)
d9 >> interp(ring("great-bell"), ring("tam-tam", 0.1, 1.5), perlin(4))

# %% 00:16:25.000 it gives way
d15 >> struck("creak", 3, 1)
d15.gain(-4).pan(rand(3)).fade(2)
d7 >> sound("motorbike").scrub(saw(3 / 4) * 0.5).transpose(seq([-5, 7, -12, 2, 5], 3 / 4))

# %% 00:16:48.000 silence, almost
d1.stop(3)
d7.stop(1)
d8.stop(2)
d10.stop(3)
d14.stop(5)
d15.stop(2)

# %% 00:17:00.000 VII the other shore
d4.stop(6)
d1 >> interp(long("sea", 8), long("breeze", 6), perlin(8))
d1.gain(-5).pan(perlin(12).range(0.3, 0.7)).fade(12)
d9.gain(-7)
d9 >> interp(ring("strings-low"), ring("bowl-low"), sine(40))

# %% 00:17:25.000 birds, perhaps
bird = interp(sound("whistle"), sound("ocarina"), perlin(3)).scrub(perlin(1 / 2) * perlin(3))
d12 >> bird.transpose(perlin(1 / 2).range(-5, 7))
d12.gain(perlin(7).range(-24, -8)).pan(perlin(5)).fade(8)

# %% 00:17:55.000 the bells of another town
d2 >> struck("church-bell", 11)
d2.gain(-3).pan(0.25).fade(3)
d3 >> struck("tubular", 7, 0.6)
d3.gain(-4).pan(0.75).fade(6)

# %% 00:18:30.000 those who wait
d11 >> path([long(name, 8) for name in ("choir-oo", "choir-ah", "strings", "choir-boys")], sine(50))
d11.gain(-3).pan(0.5).fade(16).xfade(12)

# %% 00:19:00.000 ropes
d4 >> interp(sound("creak"), sound("cello-d4"), perlin(5)).scrub(perlin(3))
d4.gain(perlin(6).range(-20, -6)).pan(perlin(5)).fade(8)
d12.stop(12)

# %% 00:19:25.000 somebody switches the engine off
d9.stop(24)
d4.stop(10)
d3.stop(10)

# %% 00:19:42.000 the last bell
d11.stop(14)
d1.stop(16)

# %% 00:19:54.000 dark
d2.stop(6)
