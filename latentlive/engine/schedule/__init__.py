"""When changes land and what becomes of the layers: bookkeeping over integer positions."""
