"""All doors of the program, put together."""

from portal.web.program import conversion, history, pictures, rewards, tabs
from portal.web.program.routes import bp

__all__ = ["bp", "conversion", "history", "pictures", "rewards", "tabs"]
