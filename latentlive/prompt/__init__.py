"""The prompt, its panel, sessions and editors."""
