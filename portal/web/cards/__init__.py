"""The cards screens."""
