"""The doors of other programs: JSON."""
