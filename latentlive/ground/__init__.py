"""The differences between operating systems, child processes, and how long to wait for them."""
