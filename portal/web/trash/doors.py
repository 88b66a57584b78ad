"""All doors of the trash, put together."""

from portal.web.trash import keeping, many
from portal.web.trash.routes import bp

__all__ = ["bp", "keeping", "many"]
