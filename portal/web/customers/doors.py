"""All doors of customers, put together."""

from portal.web.customers import bulk, enrolling, erasing, merging, taking_away
from portal.web.customers.routes import bp

__all__ = ["bp", "bulk", "enrolling", "erasing", "merging", "taking_away"]
