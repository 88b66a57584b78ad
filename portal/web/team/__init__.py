"""The team screens."""
