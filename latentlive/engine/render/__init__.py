"""The render workers: which voice is rendered next, by whom, and what a worker does."""
