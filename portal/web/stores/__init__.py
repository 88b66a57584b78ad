"""The stores screens."""
