"""What a performer types at: the prompt, its panel, sessions, editors."""
