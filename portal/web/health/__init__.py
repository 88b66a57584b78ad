"""The health screens."""
