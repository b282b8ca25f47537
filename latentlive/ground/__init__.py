"""What systems do in their own way, child processes, and how long to wait for them."""
