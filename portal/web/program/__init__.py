"""The screens of the loyalty program."""
