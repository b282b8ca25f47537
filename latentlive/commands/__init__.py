"""The commands, a file for each group of them; what a command needs is imported when it runs."""
