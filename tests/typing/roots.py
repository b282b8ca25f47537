"""Roots that must be refused elsewhere: what decides the join stands at the end of the line."""

from latentlive import cat, interp, render, sine, sound

a, b = sound("gong"), sound("rain")

interp(a.exact(), b)  # error: [arg-type]  the whole is exact, or nothing
cat(a, b.overlap(2))  # error: [arg-type]  one join for all
a.exact() + b  # error: [operator]  after the root nothing is mixed
a.exact().extend(4)  # error: [attr-defined]  extend first
a.norm().spread(0)  # error: [attr-defined]  spread first
a.overlap("4")  # error: [arg-type]  a number of windows
a.on(4)  # error: [arg-type]  a model file
render(sine(8))  # error: [arg-type]  a curve has no sound
render("gong")  # error: [arg-type]  a name alone is no sound
