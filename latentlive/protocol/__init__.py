"""Messages between processes: framing, allowed content, and the addresses of engines."""
