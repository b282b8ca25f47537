"""Mixes that must be refused: latents and curves are not each other, and both are not names."""

from latentlive import blend, cat, interp, near, path, saw, silence, sine, slerp, sound, steps, z

a, b = sound("gong"), sound("rain")

interp(sine(8), a, 0.5)  # error: [arg-type]  the curve comes last
interp(a, b, sound("sea"))  # error: [arg-type]  a sound is no amount
interp("gong", b)  # error: [arg-type]  a name alone is no sound
interp(a, b, "sine")  # error: [arg-type]  nor a curve
interp(a, b, sine)  # error: [arg-type]  a wave needs its period
interp(a, b, match="loop")  # error: [arg-type]  lengths match by 'crop' or 'repeat'
interp(a, b, law="linear")  # error: [arg-type]  spreads mix by 'std' or 'logvar'
interp(a, b, amount=0.5)  # error: [call-arg]  it is called curve
slerp(a, sine(8))  # error: [arg-type]  a curve is no place
steps(a, b, "0")  # error: [arg-type]  amounts are numbers
path([a, sine(8)], saw(4))  # error: [list-item]  a curve is no place
blend((a, b))  # error: [arg-type]  a weight is a curve
cat(a, sine(8))  # error: [arg-type]  a curve cannot be played
near("gong", 6)  # error: [arg-type]  near a sound, not near a name
z(3)  # error: [arg-type]  a point is a vector
a + sine(8)  # error: [operator]  a latent plus a curve has no meaning
sine(8) + a  # error: [operator]  either way round
a * b  # error: [operator]  means are scaled by a curve
a / 2  # error: [operator]  there is no division
silence()  # error: [operator]  silence is a latent, not a function
