# hand on the map: curves are the hand that plays the sounds where they lie; 2:30
#
#     latentlive play hand_on_the_map


# %% it rests among the voices
master.gain(0.5)
d1 >> roam(perlin(23).range(0.12, 0.45), perlin(17).range(0.84, 1), blend=4).extend(4)
d1.gain(-2).pan(perlin(9).range(0.3, 0.7)).fade(6)

# %% 00:00:16.000 its fingers among the strings, two strokes a beat
d2 >> roam(sine(13).range(0.45, 0.85), sine(8).range(0.02, 0.24), every=0.5)
d2.gain(-5).pan(sine(13).range(0.2, 0.8)).fade(4)

# %% 00:00:38.000 a swarm over the rain
d3 >> swarm(5, sine(19).range(0.85, 0.95), 0.68, spread=0.09, every=1.5)
d3.gain(-7).pan(perlin(4)).wide(0.6).fade(8)

# %% 00:00:58.000 it crosses the map, from the voices to the bells
way = env([(0, 0), (26, 1)]).ease("inout")
d1.morph(8) >> roam(way.range(0.3, 0.12), way.range(0.92, 0.18), blend=4).extend(4)
d2.stop(12)

# %% 00:01:24.000 a tour of what rings, each leg as long as its way
d4 >> tour(["great-bell", "bowl-low", "temple-bell", "church-bell"], beats=20).extend(3)
d4.gain(-2).pan(0.4).fade(8)
d3.stop(10)

# %% 00:01:44.000 two hands, and what is between them
strings = roam(perlin(5).range(0.55, 0.95), perlin(6).range(0.02, 0.25), every=0.75)
wood = roam(perlin(4).range(0.65, 0.95), perlin(7).range(0.12, 0.4), every=0.5)
d2 >> interp(strings, wood, sine(11))
d2.gain(-4).pan(perlin(3)).fade(3)
d1.morph(10) >> roam(perlin(11).range(0.2, 0.4), perlin(13).range(0.3, 0.45), blend=4).extend(3)

# %% 00:02:10.000 it comes to rest
d1.morph(10) >> place(0.44, 0.98).extend(6).loop()
d2.stop(6)
d4.stop(12)

# %% 00:02:24.000 the last voice
d1.stop(7)
