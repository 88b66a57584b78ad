"""The admin API: merchants."""
