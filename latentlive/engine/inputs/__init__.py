"""What arrives live: messages, controllers, sound; each source in a process of its own."""
