"""The mixing desk: voices, their fades and levels, written as gains."""
