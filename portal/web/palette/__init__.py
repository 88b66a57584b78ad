"""The palette: go anywhere, begin anything, find things of the merchant by name."""
