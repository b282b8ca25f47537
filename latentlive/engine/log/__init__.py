"""The log of a performance: written, read, played back, replayed, resumed and bounced."""
