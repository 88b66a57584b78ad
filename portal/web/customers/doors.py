"""All doors of customers, put together."""

from portal.web.customers import bulk, enrolling
from portal.web.customers.routes import bp

__all__ = ["bp", "bulk", "enrolling"]
