"""Methods that must be refused: numbers are numbers, curves are curves, names exist."""

from latentlive import env, fit, seq, sine, sound

a = sound("gong")

sine("8")  # error: [arg-type]  a period is a number of beats
sine()  # error: [call-arg]  and has no default
sine(8).range(a, 1)  # error: [arg-type]  a curve's range is made of curves
sine(8).slow("2")  # error: [arg-type]  a factor is a number
sine(8).spread(2)  # error: [attr-defined]  a curve has no spread
env([1, 2, 3])  # error: [list-item]  points are (beat, value)
seq("abc", 2)  # error: [arg-type]  steps are numbers
fit(3)  # error: [arg-type]  one number has no shape
sound(3)  # error: [arg-type]  a name, a path or samples
a.extend("x")  # error: [arg-type]  a factor is a number
a.loop("x")  # error: [arg-type]  a count is a whole number
a.loop(2.5)  # error: [arg-type]  half a time is none
a.spread(a)  # error: [arg-type]  the spread is scaled by a curve
a.smoth(2)  # error: [attr-defined]  a slip of the finger
sine(8).ease("inn")  # error: [arg-type]  one of three kinds
