"""All doors of the team, put together."""

from portal.web.team import invitations, many, owners
from portal.web.team.routes import bp

__all__ = ["bp", "invitations", "many", "owners"]
