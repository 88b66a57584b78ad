"""The admin API: users."""
