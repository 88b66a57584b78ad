"""All doors of signing in, put together."""

from portal.web.auth import invitations
from portal.web.auth.routes import bp

__all__ = ["bp", "invitations"]
