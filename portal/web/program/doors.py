"""All doors of the program, put together."""

from portal.web.program import history, pictures, rewards, tabs
from portal.web.program.routes import bp

__all__ = ["bp", "history", "pictures", "rewards", "tabs"]
