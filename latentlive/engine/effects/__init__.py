"""The process of effects: it renders strips ahead of the position, between rings and mix."""
