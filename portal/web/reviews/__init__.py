"""The review screens: what a manager should look at."""
