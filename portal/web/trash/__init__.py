"""The trash screens."""
