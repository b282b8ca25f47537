"""The audio process and who watches it: player, clocks, device, recorder."""
