"""All doors of cards, put together."""

from portal.web.cards import correcting, rewards, tokens
from portal.web.cards.routes import bp

__all__ = ["bp", "correcting", "rewards", "tokens"]
