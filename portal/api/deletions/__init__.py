"""The admin API: deletions."""
