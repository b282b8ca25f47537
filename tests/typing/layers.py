"""Layers that must refuse: a layer plays a texture, and its words take curves and beats."""

from latentlive import Engine, sine, sound

live = Engine()

live.d1 >> sine(8)  # error: [operator]  a curve has no sound
live.d1 >> "gong"  # error: [operator]  a name alone is no sound
live.d1 >> sound  # error: [operator]  which one?
live.d1 = sound("gong")  # error: [assignment]  a layer is fed by >>
sound("gong") >> live.d1  # error: [operator]  and not this way
live.d17 >> sound("gong")  # error: [attr-defined]  there are sixteen
live.d1.gain(sound("gong"))  # error: [arg-type]  a gain is a curve
live.d1.pan("left")  # error: [arg-type]  a place is a curve, 0 to 1
live.d1.fade(sine(8))  # error: [arg-type]  a fade is a number of beats
live.layer(3)  # error: [arg-type]  a layer has a name
live.d1.typo(3)  # error: [attr-defined]  no such word
