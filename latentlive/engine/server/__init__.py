"""The engine's main process: clients, their requests, and the loop that moves everything else."""
