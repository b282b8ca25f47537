"""What arrives from outside, OSC and MIDI: a process each, and the throttle that they share."""
