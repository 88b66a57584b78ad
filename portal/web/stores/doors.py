"""All doors of stores, put together."""

from portal.web.stores import poster
from portal.web.stores.routes import bp

__all__ = ["bp", "poster"]
