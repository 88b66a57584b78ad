"""All doors of products, put together."""

from portal.web.products import bulk
from portal.web.products.routes import bp

__all__ = ["bp", "bulk"]
