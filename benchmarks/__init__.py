"""Figures: each a ratio of two things measured side by side in one run, for machines are noisy."""
