"""The admin API: stores."""
