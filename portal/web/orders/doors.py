"""All doors of orders, put together."""

from portal.web.orders import refunding
from portal.web.orders.routes import bp

__all__ = ["bp", "refunding"]
